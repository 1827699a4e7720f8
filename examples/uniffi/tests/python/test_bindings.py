"""A user's way through an app in Python: login, API calls, refresh, sign-out, and what goes wrong."""

import json
import subprocess
import sys
import threading
import unittest
from pathlib import Path

from driver import Account, LoginRequired, log_in, now, redirected, send, visit
from oauth_uniffi import (
    Access,
    Action,
    Adopted,
    Delivered,
    Event,
    LoginHandle,
    OauthError,
    SessionAction,
    SessionHandle,
    Settings,
)
from server import LIFETIME, Server


class Case(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(Server())
        self.stored = []
        self.offset = 0
        self.values = {
            "issuer": self.server.url,
            "client_id": "s6BhdRkqt3",
            "redirect_uri": "com.example.app:/callback",
            "scope": "openid profile offline_access",
            "api_origins": [self.server.url],
            "post_logout_redirect_uri": "com.example.app:/signed-out",
            "insecure_loopback": True,
        }
        self.settings = Settings(**self.values)

    def clock(self):
        return now() + self.offset

    def started(self):
        """A login that waits for its redirect, and the URL that the browser is to open."""
        login = LoginHandle(self.settings)
        step = login.handle(Event.START(bytes(range(96))), now())
        while isinstance(step, Action.SEND_REQUEST):
            step = login.handle(send(step.request), now())
        return login, step.url

    def account(self):
        login = LoginHandle(self.settings)
        return Account(log_in(login, login.handle(Event.START(), now())), self.stored.append, self.clock)

    def fails(self, code, fatal, call, *args):
        with self.assertRaises(OauthError.Failed) as caught:
            call(*args)
        error = caught.exception
        self.assertEqual((error.code, error.fatal), (code, fatal), error.reason)
        self.assertTrue(error.reason)


class Login(Case):
    def test_login_call_refresh_sign_out(self):
        account = self.account()
        user = account.session.user()
        self.assertEqual((user.issuer, user.subject, user.name), (self.server.url, "248289761001", "Jane Doe"))
        self.assertEqual(json.loads(user.claims)["https://example.com/roles"], ["admin"])
        self.assertEqual(account.session.id_token().count("."), 2)

        self.assertEqual(account.call(self.server.url + "/me"), (200, b'{"hello": "Jane"}'))
        self.assertEqual(self.server.refreshes, 0)
        self.offset = LIFETIME
        self.assertEqual(account.call(self.server.url + "/me")[0], 200)
        self.assertEqual((self.server.refreshes, account.session.phase(), len(self.stored)), (1, "active", 2))

        (refresh_token,) = self.server.refresh_tokens
        self.assertIn(refresh_token, self.stored[-1])
        self.assertIsInstance(account.sign_out(browser=True), SessionAction.SIGNED_OUT)
        self.assertEqual((self.server.revoked, self.stored[-1]), ([refresh_token], None))
        self.assertEqual((account.session.phase(), account.session.save()), ("signed_out", None))
        self.assertIsNone(account.session.last_error())
        with self.assertRaisesRegex(LoginRequired, "signed_out"):
            account.bearer()

    def test_redirects_that_are_not_ours(self):
        login, url = self.started()
        ours = visit(url)
        forged = "com.example.app:/callback?code=x&state=forged"
        self.fails("state_mismatch", False, login.handle, Event.REDIRECT_RECEIVED(forged), now())
        self.fails("not_our_redirect", False, login.handle, Event.REDIRECT_RECEIVED("com.example.other:/"), now())
        self.assertEqual((login.phase(), login.pending_action().url), ("awaiting_redirect", url))
        self.assertGreater(login.deadline(), now())
        session = log_in(login, redirected(login, [forged, ours]))
        self.assertEqual((login.phase(), session.phase()), ("finished", "active"))

    def test_fatal_errors(self):
        login, url = self.started()
        redirect = visit(url)
        self.server.token_error = "invalid_client"
        step = login.handle(Event.REDIRECT_RECEIVED(redirect), now())
        answer = send(step.request)
        self.fails("oauth_error", True, login.handle, answer, now())
        self.fails("oauth_error", True, login.handle, answer, now())
        self.assertEqual((login.phase(), login.pending_action()), ("failed", None))

        denied = "com.example.app:/callback?error=access_denied&state="
        login, url = self.started()
        state = url.split("&state=")[1][:43]
        self.fails("authorization_error", True, login.handle, Event.REDIRECT_RECEIVED(denied + state), now())
        self.fails("cancelled", True, self.started()[0].handle, Event.CANCELLED(), now())

    def test_arguments_that_do_not_fit(self):
        plain = Settings(**self.values | {"issuer": "http://as.example.com"})
        self.fails("issuer", True, LoginHandle, plain)
        login = LoginHandle(self.settings)
        self.fails("entropy_length", False, login.handle, Event.START(bytes(95)), now())
        self.fails("entropy_repeated", False, login.handle, Event.START(bytes(96)), now())
        self.assertEqual(login.phase(), "ready")
        self.fails("unknown_request", False, self.started()[0].handle, Event.SEND_FAILED(1, Delivered.NO), now())

    def test_the_server_cannot_be_reached(self):
        login = LoginHandle(self.settings)
        step = login.handle(Event.START(), now())
        self.server.shutdown()
        self.server.server_close()
        event = send(step.request)
        self.assertEqual(event, Event.SEND_FAILED(step.request.id, Delivered.NO))
        again = login.handle(event, now())
        self.assertEqual((again.request.url, login.phase()), (step.request.url, "discovering"))


class Processes(Case):
    def test_a_login_goes_on_in_another_process(self):
        first = Path(__file__).with_name("first_process.py")
        printed = subprocess.run([sys.executable, first, json.dumps(self.values)], check=True, capture_output=True).stdout
        first = json.loads(printed)
        login = LoginHandle.resume(self.settings, first["saved"], now())
        self.assertEqual(login.pending_action().url, first["url"])
        session = log_in(login, redirected(login, visit(first["url"])))
        self.assertEqual(session.user().name, "Jane Doe")

        self.fails("expired", True, LoginHandle.resume, self.settings, first["saved"], now() + 3601)
        self.fails("malformed", True, LoginHandle.resume, self.settings, first["saved"][1:], now())
        other = Settings(**self.values | {"client_id": "other"})
        self.fails("other_client", True, LoginHandle.resume, other, first["saved"], now())

    def test_a_session_is_restored_and_adopted(self):
        account = self.account()
        restored = SessionHandle.restore(self.settings, self.stored[-1])
        self.assertEqual(restored.user(), account.session.user())
        self.offset = LIFETIME
        account.bearer()
        self.assertEqual(restored.adopt(self.stored[-1]), Adopted.NEWER)
        self.assertEqual(restored.adopt(self.stored[0]), Adopted.NOT_NEWER)
        self.assertEqual(self.account().session.adopt(self.stored[0]), Adopted.OTHER_LOGIN)
        self.assertEqual(Account(restored, self.stored.append, self.clock).call(self.server.url + "/me")[0], 200)
        self.assertEqual(self.server.refreshes, 1)
        self.fails("malformed", True, SessionHandle.restore, self.settings, "")


class Session(Case):
    def test_one_refresh_for_two_threads(self):
        account = self.account()
        self.offset = LIFETIME
        self.server.may_refresh.clear()
        statuses = []
        url = self.server.url + "/me"
        threads = [threading.Thread(target=lambda: statuses.append(account.call(url)[0])) for _ in range(2)]
        for thread in threads:
            thread.start()
        self.assertTrue(account.waiting.wait(10), "one thread sends, the other waits")
        self.assertEqual(account.session.phase(), "refreshing")
        self.server.may_refresh.set()
        for thread in threads:
            thread.join()
        self.assertEqual((statuses, self.server.refreshes), ([200, 200], 1))

    def test_a_refused_token_is_replaced(self):
        account = self.account()
        self.server.access_tokens.clear()
        self.assertEqual(account.call(self.server.url + "/me")[0], 200)
        self.assertEqual(self.server.refreshes, 1)

    def test_a_token_stays_with_its_api(self):
        bearer = self.account().bearer()
        self.fails("origin_not_allowed", False, bearer.headers, "GET", "https://elsewhere.example/me")
        self.fails("bad_url", False, bearer.headers, "GET", "/me")

    def test_the_server_ends_the_session(self):
        account = self.account()
        self.server.refresh_tokens.clear()
        self.offset = LIFETIME
        with self.assertRaises(LoginRequired) as caught:
            account.bearer()
        why = caught.exception.why
        self.assertEqual((why.code, why.ends, self.stored[-1]), ("grant_ended", True, None))
        self.assertEqual(account.session.last_error().code, "oauth_error")
        session = log_in(why.login, why.login.handle(Event.START(), now()))
        self.assertEqual(session.user().subject, "248289761001")

    def test_the_server_refuses_the_client(self):
        account = self.account()
        self.server.token_error = "unauthorized_client"
        self.offset = LIFETIME
        self.fails("oauth_error", True, account.bearer)
        self.assertIsNotNone(account.session.save(), "the session is kept")
        self.server.token_error = None
        account.session.ask_again()
        self.assertIsInstance(account.session.access(account.now()), Access.SEND_REQUEST)


if __name__ == "__main__":
    unittest.main()
