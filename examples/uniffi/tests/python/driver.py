"""What an app does around the two handles: HTTP, a browser, a store, threads. The standard library is enough."""

import http.client
import threading
import time
from urllib.parse import urlsplit

from oauth_uniffi import Access, Action, Delivered, Event, Header, OauthError, SessionAction


def now():
    return int(time.time())


def headers_of(response):
    return [Header(name=name, value=value) for name, value in response.getheaders()]


def send(request):
    """Sends a request by the contract; returns the event for its outcome."""
    url = urlsplit(request.url)
    kind = {"https": http.client.HTTPSConnection, "http": http.client.HTTPConnection}[url.scheme]
    connection = kind(url.netloc, timeout=30)
    delivered = Delivered.NO
    try:
        connection.connect()
        delivered = Delivered.MAYBE
        path = url._replace(scheme="", netloc="").geturl()
        headers = {header.name: header.value for header in request.headers}
        connection.request(request.method, path, request.body or None, headers)
        response = connection.getresponse()
        body = response.read(request.max_response_bytes + 1)
        return Event.RESPONSE_RECEIVED(request.id, response.status, headers_of(response), body)
    except (OSError, http.client.HTTPException):
        return Event.SEND_FAILED(request.id, delivered)
    finally:
        connection.close()


def visit(url):
    """The browser of these tests: the user agrees to everything. Returns where it is sent then."""
    url = urlsplit(url)
    connection = http.client.HTTPConnection(url.netloc)
    connection.request("GET", f"{url.path}?{url.query}")
    location = connection.getresponse().getheader("Location")
    connection.close()
    return location


def log_in(login, step, redirects=visit):
    """Carries out `step`, and what comes after it, until there is a session."""
    while True:
        match step:
            case Action.OPEN_URL(url=url):
                step = redirected(login, redirects(url))
            case Action.SEND_REQUEST(request=request):
                step = login.handle(send(request), now())
            case Action.RETRY_AT(at=at):
                time.sleep(max(0, at - now()))
                step = login.pending_action()
            case Action.TOKENS_READY(session=session):
                return session


def redirected(login, urls):
    """Hands over one URL after the other, until the login takes one."""
    for url in [urls] if isinstance(urls, str) else urls:
        try:
            return login.handle(Event.REDIRECT_RECEIVED(url), now())
        except OauthError.Failed as error:
            if error.fatal:
                raise
    return login.handle(Event.CANCELLED(), now())


class Account:
    """A session that threads share, and its store. A lock of the app's own is held until a saved session is stored."""

    def __init__(self, session, store, clock=now):
        self.session, self.store, self.now = session, store, clock
        self.changed = threading.Condition()
        self.waiting = threading.Event()
        self.store(session.save())

    def bearer(self):
        while True:
            with self.changed:
                access = self.session.access(self.now())
                if isinstance(access, Access.WAIT):
                    self.waiting.set()
                    self.changed.wait(max(0, access.until - self.now()))
                    continue
            if isinstance(access, Access.READY):
                return access.bearer
            self.carry_out(access)

    def carry_out(self, access):
        match access:
            case Access.SEND_REQUEST(request=request):
                self.send(request)
            case Access.RETRY_AT(at=at):
                time.sleep(max(0, at - self.now()))
            case Access.LOGIN_REQUIRED(why=why):
                raise LoginRequired(why)
            case Access.REFUSED(error=error):
                raise error

    def send(self, request):
        """Sends the request of a session. What it brings is stored before any thread sees it."""
        event = send(request)
        with self.changed:
            action = self.session.handle(event, self.now())
            match action:
                case SessionAction.SAVE(session=session):
                    self.store(session)
                case SessionAction.LOGIN_REQUIRED(why=why) if why.ends:
                    self.store(None)
            self.changed.notify_all()
        return action

    def call(self, url):
        """Calls the API; after a refusal once more, with a newer token."""
        for _ in range(2):
            bearer = self.bearer()
            connection = http.client.HTTPConnection(urlsplit(url).netloc)
            headers = {header.name: header.value for header in bearer.headers("GET", url)}
            connection.request("GET", urlsplit(url).path, headers=headers)
            response = connection.getresponse()
            body = response.read()
            connection.close()
            access = self.session.refused(bearer, response.status, headers_of(response), self.now())
            if access is None:
                return response.status, body
            self.carry_out(access)
        return response.status, body

    def sign_out(self, browser):
        with self.changed:
            action = self.session.sign_out(browser)
            self.store(None)
        while True:
            match action:
                case SessionAction.SEND_REQUEST(request=request):
                    action = self.send(request)
                case SessionAction.OPEN_URL(url=url):
                    action = self.session.handle(Event.REDIRECT_RECEIVED(visit(url)), self.now())
                case _:
                    return action


class LoginRequired(Exception):
    def __init__(self, why):
        super().__init__(why.code)
        self.why = why
