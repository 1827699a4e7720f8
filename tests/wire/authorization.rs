//! Every setter of the authorization request, seen in the URL that the login opens.

use oauth_proto::redirect::from_form_post;
use oauth_proto::{Action, AuthorizationRequest, Client, Event, Login, ResponseMode};

use crate::{client, decoded, pairs, query_of, server, started, value_of, Pairs, CLIENT_ID, REDIRECT_URI};

/// What the request adds to the URL, after everything else was found in it, in its place.
fn added(request: AuthorizationRequest) -> Pairs {
    let (_, url) = started(client(), request, 0);
    assert!(url.starts_with("https://as.example.com/authorize?"), "{url}");
    let mut query = query_of(&url);
    let head = [
        ("response_type", "code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", REDIRECT_URI),
        ("code_challenge_method", "S256"),
    ];
    assert_eq!(query.drain(..4).collect::<Pairs>(), pairs(&head));
    if query.last().is_some_and(|(name, _)| name == "nonce") {
        query.pop();
    }
    let tail: Vec<_> = query.split_off(query.len() - 2).into_iter().map(|(name, _)| name).collect();
    assert_eq!(tail, ["state", "code_challenge"]);
    query
}

fn new() -> AuthorizationRequest {
    AuthorizationRequest::new()
}

#[test]
fn every_setter_is_in_the_url() {
    const ODD: &str = "a b&c=d+ü%20#\"";
    for (request, expected) in [
        (new(), &[][..]),
        (new().audience(ODD), &[("audience", ODD)]),
        (new().prompt("login consent"), &[("prompt", "login consent")]),
        (new().prompt("none"), &[("prompt", "none")]),
        (new().login_hint(ODD), &[("login_hint", ODD)]),
        (new().max_age(0), &[("max_age", "0")]),
        (new().max_age(u64::MAX), &[("max_age", "18446744073709551615")]),
        (new().ui_locales("de-CH de"), &[("ui_locales", "de-CH de")]),
        (new().acr_values("urn:a urn:b"), &[("acr_values", "urn:a urn:b")]),
        (new().connection(ODD), &[("connection", ODD)]),
        (new().organization(ODD), &[("organization", ODD)]),
        (new().invitation(ODD), &[("invitation", ODD)]),
        (new().screen_hint("signup"), &[("screen_hint", "signup")]),
        (new().response_mode(ResponseMode::Query), &[("response_mode", "query")]),
        (new().response_mode(ResponseMode::FormPost), &[("response_mode", "form_post")]),
        (new().parameter(ODD, ODD), &[(ODD, ODD)]),
        (new().scope("a:b/c"), &[("scope", "a:b/c")]),
        (new().scope("x a").scope("b a"), &[("scope", "x a b")]),
        (
            new().resource("https://a.example/x?y=z&w").resource("urn:b:c"),
            &[("resource", "https://a.example/x?y=z&w"), ("resource", "urn:b:c")],
        ),
    ] {
        assert_eq!(added(request), pairs(expected));
    }
}

/// Some servers and proxies do not read `+` there; the body of a token request is a form, which has it (RFC 6749 Appendix B).
#[test]
fn a_space_is_no_plus_in_the_url() {
    let client = crate::builder().token_parameter("x y", "a b+c").build().unwrap();
    let request = new().scope("a b").scope("c+d e").acr_values("1 2").login_hint("x+y z").parameter("my name", " + ");
    let (mut login, url) = started(client, request, 0);
    assert!(!url.contains('+'), "{url}");
    for pair in ["scope=a%20b%20c%2Bd%20e&", "acr_values=1%202&", "login_hint=x%2By%20z&", "my%20name=%20%2B%20&"] {
        assert!(url.contains(&format!("&{pair}")), "{pair} in {url}");
    }
    let sent = crate::code_request(&mut login, &url, 0);
    assert!(crate::body(&sent).contains("x+y=a+b%2Bc"), "{}", crate::body(&sent));
    // A client identifier may have a space (RFC 6749 Appendix A.1).
    let client = Client::new(server(), "my client", REDIRECT_URI).unwrap();
    let (mut login, url) = started(client, new(), 0);
    assert!(url.contains("&client_id=my%20client&"), "{url}");
    assert!(crate::body(&crate::code_request(&mut login, &url, 0)).contains("client_id=my+client"));
}

#[test]
fn all_setters_at_once_are_all_in_the_url() {
    let request = new()
        .audience("1")
        .resource("urn:a:1")
        .resource("urn:a:2")
        .resource("urn:a:1")
        .prompt("login")
        .login_hint("2")
        .scope("s t")
        .max_age(3)
        .ui_locales("4")
        .acr_values("5")
        .connection("6")
        .organization("7")
        .invitation("8")
        .screen_hint("9")
        .response_mode(ResponseMode::Query)
        .parameter("other", "10");
    assert_eq!((request.requested_scope(), request.resources()), ("s t", &["urn:a:1".into(), "urn:a:2".into()][..]));
    let expected = [
        ("scope", "s t"),
        ("audience", "1"),
        ("resource", "urn:a:1"),
        ("resource", "urn:a:2"),
        ("prompt", "login"),
        ("login_hint", "2"),
        ("max_age", "3"),
        ("ui_locales", "4"),
        ("acr_values", "5"),
        ("connection", "6"),
        ("organization", "7"),
        ("invitation", "8"),
        ("screen_hint", "9"),
        ("response_mode", "query"),
        ("other", "10"),
    ];
    assert_eq!(added(request), pairs(&expected));
}

/// A name that has a setter goes through it: the request is the same.
#[test]
fn a_parameter_that_has_a_setter_is_the_setter() {
    for (request, same) in [
        (new().parameter("scope", "x a"), new().scope("x a")),
        (new().parameter("prompt", "login"), new().prompt("login")),
        (new().parameter("resource", "urn:a:b").parameter("resource", "urn:c:d"), {
            new().resource("urn:a:b").resource("urn:c:d")
        }),
        (new().parameter("max_age", "7"), new().max_age(7)),
        (new().parameter("response_mode", "query"), new().response_mode(ResponseMode::Query)),
        (new().parameter("response_mode", "form_post"), new().response_mode(ResponseMode::FormPost)),
        (new().parameter("audience", "x"), new().audience("x")),
    ] {
        assert_eq!(request.check(), Ok(()));
        assert_eq!(request, same);
    }
    for (name, value) in [
        ("scope", "a  b"),
        ("prompt", "none login"),
        ("resource", "x"),
        ("max_age", "-1"),
        ("response_mode", "fragment"),
    ] {
        let error = new().parameter(name, value).check().unwrap_err();
        assert!(error.to_string().starts_with(&format!("{name}: ")), "{error}");
    }
}

/// Every setter of one value refuses a second one, and an empty one.
#[test]
fn no_setter_is_used_twice_or_with_nothing() {
    type Setter = fn(AuthorizationRequest, &str) -> AuthorizationRequest;
    let setters: [(&str, Setter); 9] = [
        ("audience", AuthorizationRequest::audience),
        ("prompt", AuthorizationRequest::prompt),
        ("login_hint", AuthorizationRequest::login_hint),
        ("ui_locales", AuthorizationRequest::ui_locales),
        ("acr_values", AuthorizationRequest::acr_values),
        ("connection", AuthorizationRequest::connection),
        ("organization", AuthorizationRequest::organization),
        ("invitation", AuthorizationRequest::invitation),
        ("screen_hint", AuthorizationRequest::screen_hint),
    ];
    for (name, setter) in setters {
        let message = |request: AuthorizationRequest| request.check().unwrap_err().to_string();
        assert!(message(setter(setter(new(), "a"), "b")).starts_with(&format!("{name}: is set twice")));
        assert!(message(setter(new(), "")).starts_with(&format!("{name}: has an empty")));
    }
    assert!(new().max_age(1).max_age(1).check().is_err());
    assert!(new().response_mode(ResponseMode::Query).response_mode(ResponseMode::Query).check().is_err());
}

#[cfg(feature = "std")]
#[test]
fn typed_parameters_are_in_the_url() {
    #[derive(serde::Serialize)]
    struct Vendor<'a> {
        #[serde(rename = "ext-theme")]
        theme: &'a str,
        max_age: u64,
        beta: bool,
        absent: Option<u8>,
    }
    let vendor = Vendor { theme: "dark & ü", max_age: 9, beta: true, absent: None };
    let expected = [("ext-theme", "dark & ü"), ("max_age", "9"), ("beta", "true")];
    assert_eq!(added(new().parameters(&vendor)), pairs(&expected));
    assert!(new().parameters(&[("state", "mine")]).check().unwrap_err().to_string().starts_with("state: "));
    assert!(new().parameters(&7).check().unwrap_err().to_string().starts_with("parameters: "));
}

#[test]
fn a_login_ends_with_a_form_post() {
    let redirect_uri = "https://app.example.com/callback";
    let client = Client::new(server(), CLIENT_ID, redirect_uri).unwrap();
    let (mut login, url) = started(client, new().response_mode(ResponseMode::FormPost), 0);
    let query = query_of(&url);
    assert_eq!(value_of(&query, "response_mode").as_deref(), Some("form_post"));
    let body = format!("user=%7B%7D&code=C#1+2&state={}", value_of(&query, "state").unwrap());
    let redirect = from_form_post(redirect_uri, &body);
    let action = login.handle(Event::RedirectReceived(&redirect), crate::at(1)).unwrap();
    let Action::SendRequest(request) = action else { panic!("{action:?}") };
    assert_eq!(value_of(&decoded(request.body()), "code").as_deref(), Some("C#1 2"));
    let tokens = r#"{"access_token":"AT1","token_type":"Bearer"}"#;
    assert!(matches!(login.handle(crate::answer(request.id(), tokens), crate::at(2)), Ok(Action::TokensReady(_))));
}

/// To a browser as one argument of a command, and to the user as text; not to a log by way of `Debug`.
#[test]
fn the_url_can_be_handed_on() {
    let mut login = Login::new(client(), new()).unwrap();
    let Ok(Action::OpenUrl(url)) = login.handle(Event::Start(crate::entropy()), crate::at(0)) else { panic!("no URL") };
    assert!(url.as_str().starts_with("https://as.example.com/authorize?"));
    assert_eq!((format!("{url}").as_str(), AsRef::<str>::as_ref(&url)), (url.as_str(), url.as_str()));
    assert_eq!(format!("{url:?}"), "AuthorizationUrl(..)");
    #[cfg(feature = "std")]
    {
        let mut browser = std::process::Command::new("open");
        browser.arg(&url);
        assert_eq!(browser.get_args().collect::<Vec<_>>(), [url.as_str()]);
    }
}
