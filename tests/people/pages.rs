//! An app in a web page, which sends by `fetch`: what it cannot know, it hands over as the documentation of `http` says.

use oauth_proto::{
    Access, Action, AuthorizationRequest, AuthorizationServer, Client, Delivered, Entropy, Error, Event, Login, Over,
    Phase, Request, Response, SessionAction, SessionPhase,
};

use crate::{at, request, session, DAY, T0};

const PAGE: &str = "https://app.example.com/callback";

/// What an opaque redirect is handed over as.
fn redirect() -> Response<'static> {
    Response::new(302, &[("location", "")], b"")
}

fn sent(action: Result<Action, Error>) -> Request {
    let Ok(Action::SendRequest(request)) = action else { panic!("no request: {action:?}") };
    request
}

/// A login that asks for its server's metadata.
fn discovering() -> (Login, Request) {
    let client =
        Client::new(AuthorizationServer::from_issuer("https://as.example.com").unwrap(), "page", PAGE).unwrap();
    started(client, sent)
}

/// A login whose code is to be sent.
fn exchanging() -> (Login, Request) {
    let client = Client::new(crate::server(), "page", PAGE).unwrap();
    let (mut login, state) = started(client, |action| {
        let Ok(Action::OpenUrl(url)) = action else { panic!("{action:?}") };
        url.split('&').find_map(|pair| pair.strip_prefix("state=")).unwrap().to_owned()
    });
    let url = format!("{PAGE}?code=C1&state={state}");
    let request = sent(login.handle(Event::RedirectReceived(&url), at(T0)));
    (login, request)
}

fn started<T>(client: Client, first: impl FnOnce(Result<Action, Error>) -> T) -> (Login, T) {
    let mut login = Login::new(client, AuthorizationRequest::new().scope("read")).unwrap();
    let entropy = Entropy::new(core::array::from_fn(|index| u8::try_from(index).unwrap())).unwrap();
    let first = first(login.handle(Event::Start(entropy), at(T0)));
    (login, first)
}

#[test]
fn a_redirect_with_a_hidden_status_is_called_a_redirect() {
    let (mut login, request) = exchanging();
    let error = login.handle(Event::ResponseReceived(request.id(), redirect()), at(T0)).unwrap_err();
    assert_eq!((error.code(), login.phase()), ("redirect_refused", Phase::Failed));
    // Metadata may be at the other well-known location.
    let (mut login, first) = discovering();
    let second = sent(login.handle(Event::ResponseReceived(first.id(), redirect()), at(T0)));
    assert_ne!(first.url(), second.url());
    // A refresh keeps the grant.
    let mut session = session();
    let refresh = request_of_refresh(&mut session);
    let action = session.handle(Event::ResponseReceived(refresh.id(), redirect()), at(T0 + DAY));
    assert!(matches!(action, Ok(SessionAction::RetryAt(_))), "{action:?}");
    assert_eq!(session.phase(), SessionPhase::Active);
}

fn request_of_refresh(session: &mut oauth_proto::Session) -> Request {
    request(session.access(at(T0 + DAY)))
}

/// The server may have used the code, and the page will not know.
#[test]
fn a_rejected_promise_ends_the_login_that_sent_a_code() {
    let (mut login, request) = exchanging();
    let error = login.handle(Event::SendFailed(request.id(), Delivered::Maybe), at(T0)).unwrap_err();
    assert_eq!(error, Error::Over(Over::OutcomeUnknown));
}

#[test]
fn a_rejected_promise_costs_nothing_elsewhere() {
    let (mut login, mut request) = discovering();
    for _ in 0..100 {
        let url = request.url().to_owned();
        request = sent(login.handle(Event::SendFailed(request.id(), Delivered::Maybe), at(T0)));
        assert_eq!(request.url(), url);
    }
    let mut session = session();
    let refresh = request_of_refresh(&mut session);
    let _ = session.handle(Event::SendFailed(refresh.id(), Delivered::Maybe), at(T0 + DAY)).unwrap();
    assert!(matches!(session.access(at(T0 + 2 * DAY)), Access::SendRequest(_)));
}

/// `navigator.onLine` is false: nothing was sent, so the code is still good.
#[test]
fn without_a_network_the_code_is_sent_later() {
    let (mut login, first) = exchanging();
    let again = sent(login.handle(Event::SendFailed(first.id(), Delivered::No), at(T0 + 60)));
    assert_eq!((again.url(), again.body(), login.phase()), (first.url(), first.body(), Phase::ExchangingCode));
}
