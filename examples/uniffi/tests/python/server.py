"""An authorization server and an API on loopback, as small as a login needs."""

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

LIFETIME = 3600


def base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


class Key:
    """An RSA key that signs by RS256 (RFC 8017 §8.2). Only for this test: nothing here is in constant time."""

    DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")

    def __init__(self):
        p, q = self.prime(), self.prime()
        self.n, self.d = p * q, pow(65537, -1, (p - 1) * (q - 1))

    @staticmethod
    def prime():
        while True:
            number = secrets.randbits(1024) | 3 << 1022 | 1
            if all(pow(base, number - 1, number) == 1 for base in (2, 3, 5, 7)) and number % 65537 != 1:
                return number

    def sign(self, message):
        digest = self.DIGEST_INFO + hashlib.sha256(message).digest()
        padded = b"\0\1" + b"\xff" * (253 - len(digest)) + b"\0" + digest
        return pow(int.from_bytes(padded, "big"), self.d, self.n).to_bytes(256, "big")

    def jwks(self):
        n = base64url(self.n.to_bytes(256, "big"))
        return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1", "n": n, "e": "AQAB"}]}

    def jwt(self, claims):
        header = {"alg": "RS256", "kid": "1", "typ": "JWT"}
        message = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        return f"{message}.{base64url(self.sign(message.encode()))}"


KEY = Key()


class Server(ThreadingHTTPServer):
    """Counts what it is asked. `with Server() as server:` runs it in a thread of its own."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.codes, self.access_tokens, self.refresh_tokens = {}, set(), {}
        self.refreshes, self.revoked = 0, []
        self.token_error = None
        self.may_refresh = threading.Event()
        self.may_refresh.set()

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def tokens(self, login):
        access_token, refresh_token = secrets.token_urlsafe(), secrets.token_urlsafe()
        self.access_tokens.add(access_token)
        self.refresh_tokens[refresh_token] = login
        return {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": LIFETIME,
            "refresh_token": refresh_token,
            "scope": login["scope"],
        }


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, body=None, **headers):
        octets = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def do_GET(self):
        server, url = self.server, urlsplit(self.path)
        if url.path == "/.well-known/openid-configuration":
            names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
            names |= {"revocation_endpoint": "revoke", "end_session_endpoint": "logout"}
            self.answer(200, {"issuer": server.url} | {name: f"{server.url}/{path}" for name, path in names.items()})
        elif url.path == "/authorize":
            login, code = dict(parse_qsl(url.query)), secrets.token_urlsafe()
            server.codes[code] = login
            self.answer(302, Location=f"{login['redirect_uri']}?{urlencode({'code': code, 'state': login['state']})}")
        elif url.path == "/jwks":
            self.answer(200, KEY.jwks())
        elif url.path == "/logout":
            logout = dict(parse_qsl(url.query))
            uri, state = logout["post_logout_redirect_uri"], logout["state"]
            self.answer(302, Location=f"{uri}?{urlencode({'state': state})}")
        elif url.path == "/me":
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if token in server.access_tokens:
                self.answer(200, {"hello": "Jane"})
            else:
                self.answer(401, WWW_Authenticate='Bearer error="invalid_token"')
        else:
            self.answer(404)

    def do_POST(self):
        server = self.server
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        form = {name: value for name, (value,) in form.items()}
        if self.path == "/revoke":
            server.revoked.append(form["token"])
            self.answer(200)
        elif server.token_error:
            self.answer(400, {"error": server.token_error})
        elif form["grant_type"] == "refresh_token":
            server.refreshes += 1
            server.may_refresh.wait(10)
            login = server.refresh_tokens.pop(form["refresh_token"], None)
            self.answer(*(200, server.tokens(login)) if login else (400, {"error": "invalid_grant"}))
        else:
            login = server.codes.pop(form["code"])
            challenge = base64url(hashlib.sha256(form["code_verifier"].encode()).digest())
            if challenge != login["code_challenge"]:
                return self.answer(400, {"error": "invalid_grant"})
            now = int(time.time())
            claims = {"iss": server.url, "sub": "248289761001", "aud": login["client_id"], "nonce": login["nonce"]}
            claims |= {"iat": now, "exp": now + LIFETIME, "name": "Jane Doe", "https://example.com/roles": ["admin"]}
            self.answer(200, server.tokens(login) | {"id_token": KEY.jwt(claims)})
