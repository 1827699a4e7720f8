//! The receiver with a login behind it.

use oauth_proto::loopback::{Page, Receiver, Step};
use oauth_proto::{
    Action, AuthorizationRequest, AuthorizationServer, Client, Entropy, Event, Login, Phase, ResponseMode, UnixTime,
};

use super::{body, HOST, REDIRECT_URI};

const NOW: UnixTime = UnixTime::from_secs(1_000);

struct Scene {
    login: Login,
    receiver: Receiver,
    state: String,
}

impl Scene {
    fn new() -> Self {
        let server =
            AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token").unwrap();
        let client = Client::new(server, "s6BhdRkqt3", REDIRECT_URI).unwrap();
        let receiver = Receiver::new(client.redirect_uri()).unwrap();
        let request = AuthorizationRequest::new().scope("read").response_mode(ResponseMode::FormPost);
        let mut login = Login::new(client, request).unwrap();
        let entropy = Entropy::new(core::array::from_fn(|index| u8::try_from(index).unwrap())).unwrap();
        let Ok(Action::OpenUrl(url)) = login.handle(Event::Start(entropy), NOW) else { panic!("no URL") };
        let query = url::form_urlencoded::parse(url.split_once('?').unwrap().1.as_bytes());
        let state = query.into_owned().find(|(name, _)| name == "state").unwrap().1;
        Self { login, receiver, state }
    }

    /// The page that a browser shows after this request on a connection of its own.
    fn visit(&mut self, request: &str) -> String {
        let mut connection = self.receiver.connection();
        let answer = match connection.receive(&mut request.as_bytes()) {
            Step::NeedMore => panic!("the request is complete"),
            Step::Answer(answer) => answer,
            Step::Redirect(url) => {
                let handled = self.login.handle(Event::RedirectReceived(&url), NOW);
                connection.answer(&Page::of(&handled))
            }
        };
        let html = body(answer.octets());
        html.split_once("<h1>").and_then(|(_, rest)| rest.split_once("</h1>")).unwrap().0.to_owned()
    }

    fn get(&mut self, query: &str) -> String {
        self.visit(&format!("GET /cb{query} HTTP/1.1\r\n{HOST}\r\n"))
    }
}

const DONE: &str = "Return to the app";
const NOT_OURS: &str = "This is not the answer that the app waits for";

#[test]
fn a_login_is_not_fooled() {
    let mut scene = Scene::new();
    let state = scene.state.clone();
    assert_eq!(scene.visit(&format!("GET /favicon.ico HTTP/1.1\r\n{HOST}\r\n")), "There is no page here");
    for query in ["", "?", "?code=C1", "?code=C1&state=other", "?error=access_denied"] {
        assert_eq!(scene.get(query), NOT_OURS, "{query}");
    }
    let rebound = format!("GET /cb?code=C1&state={state} HTTP/1.1\r\nHost: evil.example:51004\r\n\r\n");
    assert_eq!(scene.visit(&rebound), "This address is not served here");
    assert_eq!(scene.login.phase(), Phase::AwaitingRedirect);
    assert_eq!(scene.get(&format!("?code=C1&state={state}")), DONE);
    assert_eq!(scene.login.phase(), Phase::ExchangingCode);
    // The page is loaded again.
    assert_eq!(scene.get(&format!("?code=C1&state={state}")), "The app does not wait for this");
    assert_eq!(scene.login.phase(), Phase::ExchangingCode);
}

#[test]
fn a_form_post_completes_it() {
    let mut scene = Scene::new();
    let form = format!("code=C1&state={}", scene.state);
    let post = format!("POST /cb HTTP/1.1\r\n{HOST}{}Content-Length: {}\r\n\r\n{form}", super::FORM, form.len());
    assert_eq!(scene.visit(&post), DONE);
    assert_eq!(scene.login.phase(), Phase::ExchangingCode);
}

#[test]
fn a_refusal_is_shown_again() {
    let mut scene = Scene::new();
    let query = format!("?error=access_denied&state={}", scene.state);
    for _ in 0..2 {
        assert_eq!(scene.get(&query), "Not logged in");
        assert_eq!(scene.login.phase(), Phase::Failed);
    }
}
