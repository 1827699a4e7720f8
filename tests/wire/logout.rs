//! The URL that the browser is sent to at sign-out, pair by pair, and what must come back.

use oauth_proto::logout::LogoutParameters;
use oauth_proto::redirect::RedirectUri;
use oauth_proto::{
    AuthorizationRequest, AuthorizationServer, Client, ConfigError, Event, LogoutUrl, Session, SessionAction,
    SessionPhase, SignOut,
};

use crate::{at, entropy, log_in, pairs, query_of, value_of, CLIENT_ID, REDIRECT_URI};

/// Octets 32 to 63 of the entropy, in base64url.
const STATE: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";
const RETURN: &str = "com.example.app:/logout";
const TOKENS: &str = r#"{"access_token":"AT1","token_type":"Bearer","refresh_token":"RT1"}"#;

/// No revocation endpoint: the browser is the first thing.
fn plain_server() -> AuthorizationServer {
    AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token").unwrap()
}

fn end_session(url: &str) -> AuthorizationServer {
    plain_server().end_session_endpoint(url).unwrap()
}

fn auth0(url: &str) -> AuthorizationServer {
    plain_server().auth0_logout_endpoint(url).unwrap()
}

fn session(server: AuthorizationServer, return_to: Option<&str>, tokens: &str) -> Session {
    let mut builder = Client::builder(server, CLIENT_ID, REDIRECT_URI);
    if let Some(return_to) = return_to {
        builder = builder.post_logout_redirect_uri(return_to);
    }
    let client = builder.build().unwrap();
    Session::new(client.clone(), log_in(client, AuthorizationRequest::new(), tokens, 0))
}

fn url_of(action: SessionAction) -> LogoutUrl {
    let SessionAction::OpenUrl(url) = action else { panic!("nothing to open: {action:?}") };
    url
}

fn logout_url(server: AuthorizationServer, return_to: Option<&str>, tokens: &str, how: SignOut) -> LogoutUrl {
    url_of(session(server, return_to, tokens).sign_out(how))
}

fn logout() -> SignOut {
    SignOut::new().logout(entropy())
}

/// Of a login that asked who the user is, and the ID token that it got.
#[cfg(feature = "openid")]
fn session_with_id_token(server: AuthorizationServer, return_to: Option<&str>) -> (Session, String) {
    session_with_claims(server, return_to, serde_json::json!({}))
}

/// The same, with more claims in it.
#[cfg(feature = "openid")]
fn session_with_claims(
    server: AuthorizationServer,
    return_to: Option<&str>,
    more: serde_json::Value,
) -> (Session, String) {
    use crate::id_token::{id_token, ISSUER, NONCE};
    let builder = Client::builder(server.issuer(ISSUER).unwrap(), CLIENT_ID, REDIRECT_URI);
    let mut builder = builder.accept_id_tokens_on_tls_alone();
    if let Some(return_to) = return_to {
        builder = builder.post_logout_redirect_uri(return_to);
    }
    let client = builder.build().unwrap();
    let id_token = id_token(Some(NONCE), 0, more);
    let tokens = serde_json::json!({ "access_token": "AT1", "token_type": "Bearer", "id_token": id_token });
    let request = AuthorizationRequest::new().scope("openid");
    (Session::new(client.clone(), log_in(client, request, &tokens.to_string(), 0)), id_token)
}

/// OpenID Connect RP-Initiated Logout 1.0 §2.
#[cfg(feature = "openid")]
#[test]
fn an_rp_initiated_logout_has_these_pairs() {
    let (mut session, id_token) = session_with_id_token(end_session("https://as.example.com/logout"), Some(RETURN));
    let url = url_of(session.sign_out(logout()));
    assert!(url.starts_with("https://as.example.com/logout?"), "{}", url.as_str());
    let expected = [
        ("id_token_hint", id_token.as_str()),
        ("client_id", CLIENT_ID),
        ("post_logout_redirect_uri", RETURN),
        ("state", STATE),
    ];
    assert_eq!(query_of(&url), pairs(&expected));
}

/// `state` is for the return alone.
#[cfg(feature = "openid")]
#[test]
fn a_hint_without_a_return_is_sent_alone() {
    let (mut session, id_token) = session_with_id_token(end_session("https://as.example.com/logout"), None);
    let expected = pairs(&[("id_token_hint", &id_token), ("client_id", CLIENT_ID)]);
    assert_eq!(query_of(&url_of(session.sign_out(logout()))), expected);
}

/// There is no hint without an ID token.
#[test]
fn what_there_is_not_is_not_sent() {
    let endpoint = "https://as.example.com/logout";
    for (return_to, tokens, expected) in [
        (None, TOKENS, &[("client_id", CLIENT_ID)][..]),
        (Some(RETURN), TOKENS, &[("client_id", CLIENT_ID), ("post_logout_redirect_uri", RETURN), ("state", STATE)]),
    ] {
        let url = logout_url(end_session(endpoint), return_to, tokens, logout());
        assert_eq!(query_of(&url), pairs(expected), "{return_to:?}");
    }
}

/// Auth0 knows neither `id_token_hint` nor `state`: the state goes into `returnTo`, which comes back as it was sent.
#[test]
fn an_auth0_logout_has_these_pairs() {
    let endpoint = "https://tenant.auth0.com/v2/logout";
    let return_to = format!("{RETURN}?state={STATE}");
    let both = [("client_id", CLIENT_ID), ("returnTo", return_to.as_str())];
    assert_eq!(query_of(&logout_url(auth0(endpoint), Some(RETURN), TOKENS, logout())), pairs(&both));
    #[cfg(feature = "openid")]
    {
        let (mut session, _) = session_with_id_token(auth0(endpoint), Some(RETURN));
        assert_eq!(query_of(&url_of(session.sign_out(logout()))), pairs(&both));
    }
    assert_eq!(query_of(&logout_url(auth0(endpoint), None, TOKENS, logout())), pairs(&both[..1]));
    // A word without a value, as Auth0's documentation has it.
    let federated = logout_url(auth0(endpoint), Some(RETURN), TOKENS, logout().federated());
    assert!(federated.ends_with("&federated"), "{}", federated.as_str());
    assert_eq!(query_of(&federated), pairs(&[both[0], both[1], ("federated", "")]));
    // Auth0 takes it at its OpenID Connect endpoint, too.
    let oidc = logout_url(end_session("https://tenant.auth0.com/oidc/logout"), None, TOKENS, logout().federated());
    assert_eq!(oidc.as_str(), format!("https://tenant.auth0.com/oidc/logout?client_id={CLIENT_ID}&federated"));
    let federated = logout_url(auth0(endpoint), None, TOKENS, SignOut::new().federated().logout(entropy()));
    assert_eq!(federated.as_str(), format!("{endpoint}?client_id={CLIENT_ID}&federated"));
}

#[test]
fn an_endpoint_keeps_its_own_query_first() {
    for (endpoint, first) in [
        ("https://as.example.com/logout?tenant=a%20b", "https://as.example.com/logout?tenant=a%20b&client_id="),
        ("https://as.example.com/logout?", "https://as.example.com/logout?client_id="),
    ] {
        for server in [end_session(endpoint), auth0(endpoint)] {
            let url = logout_url(server, None, TOKENS, logout());
            assert_eq!(url.as_str(), format!("{first}{CLIENT_ID}"));
        }
    }
    let own = "com.example.app:/logout?tab=1";
    let url = logout_url(auth0("https://tenant.auth0.com/v2/logout"), Some(own), TOKENS, logout());
    assert_eq!(value_of(&query_of(&url), "returnTo"), Some(format!("{own}&state={STATE}")));
    let url = logout_url(end_session("https://as.example.com/logout"), Some(own), TOKENS, logout());
    assert_eq!(value_of(&query_of(&url), "post_logout_redirect_uri").as_deref(), Some(own));
}

#[test]
fn an_endpoint_brings_none_of_the_logouts_own_parameters() {
    for name in ["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "returnTo", "federated", "%73tate"]
    {
        let url = format!("https://as.example.com/logout?a=1&{name}=x");
        for (endpoint, result) in [
            ("end_session_endpoint", plain_server().end_session_endpoint(&url)),
            ("auth0_logout_endpoint", plain_server().auth0_logout_endpoint(&url)),
        ] {
            let error = result.unwrap_err();
            assert!(matches!(&error, ConfigError::Endpoint { name, .. } if *name == endpoint), "{name}: {error}");
            assert!(error.to_string().contains("remove it"), "{error}");
        }
    }
    assert!(plain_server().end_session_endpoint("http://as.example.com/logout").is_err());
    assert!(plain_server().auth0_logout_endpoint("https://as.example.com/logout?a=%FF").is_err());
    let [authorize, token, logout] = ["authorize", "token", "logout"].map(|path| format!("http://127.0.0.1:9/{path}"));
    let loopback = AuthorizationServer::on_insecure_loopback(&authorize, &token).unwrap();
    assert!(loopback.clone().end_session_endpoint(&logout).is_ok() && loopback.auth0_logout_endpoint(&logout).is_ok());
}

/// One of the two, whichever was set last; and metadata names the one of OpenID Connect.
#[test]
fn the_endpoint_is_the_one_that_was_set_last() {
    let (first, last) = ("https://as.example.com/1", "https://as.example.com/2");
    let server = end_session(first).auth0_logout_endpoint(last).unwrap();
    assert!(logout_url(server, Some(RETURN), TOKENS, logout()).contains("/2?client_id=s6BhdRkqt3&returnTo="));
    let server = auth0(first).end_session_endpoint(last).unwrap();
    assert!(logout_url(server, Some(RETURN), TOKENS, logout())
        .contains("/2?client_id=s6BhdRkqt3&post_logout_redirect_uri="));
    let metadata = serde_json::json!({
        "issuer": "https://as.example.com",
        "authorization_endpoint": "https://as.example.com/authorize",
        "token_endpoint": "https://as.example.com/token",
        "end_session_endpoint": "https://as.example.com/session/end",
        "code_challenge_methods_supported": ["S256"],
    });
    let metadata = metadata.to_string();
    let server = AuthorizationServer::from_metadata("https://as.example.com", metadata.as_bytes()).unwrap();
    assert!(logout_url(server, None, TOKENS, logout()).starts_with("https://as.example.com/session/end?client_id="));
}

#[test]
fn a_post_logout_redirect_uri_is_checked_like_a_redirect_uri() {
    let build =
        |uri: &str| Client::builder(plain_server(), CLIENT_ID, REDIRECT_URI).post_logout_redirect_uri(uri).build();
    for uri in ["javascript:/x", "http://app.example.com/x", "myapp:/x", "com.example.app:/logout?state=1", "", "/x"] {
        let error = build(uri).unwrap_err();
        assert_eq!(error.code(), "client", "{uri}");
        assert!(error.to_string().contains("post_logout_redirect_uri"), "{uri}: {error}");
    }
    assert_eq!(build(RETURN).unwrap().post_logout_redirect_uri().map(RedirectUri::as_str), Some(RETURN));
}

/// Both kinds of servers bring `state` back in the same place.
#[test]
fn the_return_of_both_ends_the_sign_out() {
    for server in [end_session("https://as.example.com/logout"), auth0("https://tenant.auth0.com/v2/logout")] {
        let mut session = session(server, Some(RETURN), TOKENS);
        let url = url_of(session.sign_out(logout()));
        let again = url_of(session.pending_action().unwrap());
        assert_eq!((url.as_str(), session.phase()), (again.as_str(), SessionPhase::LoggingOut));
        let query = query_of(&url);
        let back = match value_of(&query, "returnTo") {
            Some(return_to) => return_to,
            None => format!(
                "{}?state={}",
                value_of(&query, "post_logout_redirect_uri").unwrap(),
                value_of(&query, "state").unwrap()
            ),
        };
        assert!(matches!(session.handle(Event::RedirectReceived(&back), at(1)), Ok(SessionAction::SignedOut)));
        assert!(session.pending_action().is_none() && session.last_error().is_none());
    }
}

fn vendor(url: &str, parameters: LogoutParameters) -> AuthorizationServer {
    plain_server().logout_endpoint(url, parameters).unwrap()
}

/// Amazon Cognito compares `logout_uri` octet by octet and returns nothing with it.
#[test]
fn the_logout_of_cognito_and_its_return() {
    let cognito = || {
        let parameters = LogoutParameters::new("logout_uri").without_state().without_id_token_hint();
        vendor("https://app.auth.eu-west-1.amazoncognito.com/logout", parameters)
    };
    let expected = format!(
        "https://app.auth.eu-west-1.amazoncognito.com/logout?client_id={CLIENT_ID}&logout_uri=com.example.app%3A%2Flogout"
    );
    #[cfg(feature = "openid")]
    {
        let (mut session, _) = session_with_id_token(cognito(), Some(RETURN));
        assert_eq!(url_of(session.sign_out(logout())).as_str(), expected);
    }
    for back in
        [RETURN, "com.example.app:/logout/", "com.example.app:/logout?state=other&x=1", "com.example.app:/logout#top"]
    {
        let mut session = session(cognito(), Some(RETURN), TOKENS);
        assert_eq!(url_of(session.sign_out(logout())).as_str(), expected);
        for stray in [REDIRECT_URI, "com.example.app:/logout/x", "com.example.other:/logout", "https://evil.example/"] {
            let error = session.handle(Event::RedirectReceived(stray), at(1)).unwrap_err();
            assert_eq!((error.code(), session.phase()), ("not_our_redirect", SessionPhase::LoggingOut), "{stray}");
        }
        assert!(matches!(session.handle(Event::RedirectReceived(back), at(1)), Ok(SessionAction::SignedOut)), "{back}");
    }
    let mut session = session(cognito(), None, TOKENS);
    url_of(session.sign_out(logout()));
    assert_eq!(session.handle(Event::RedirectReceived(RETURN), at(1)).unwrap_err().code(), "redirect_not_awaited");
}

/// Some servers and proxies do not read `+` in a URL.
#[test]
fn a_space_is_no_plus_in_the_url() {
    let own = "com.example.app:/logout?tab=a%20b+c";
    let url = logout_url(
        vendor("https://as.example.com/logout", LogoutParameters::new("back to")),
        Some(own),
        TOKENS,
        logout(),
    );
    assert!(
        !url.contains('+') && url.contains("&back%20to=com.example.app%3A%2Flogout%3Ftab%3Da%2520b%2Bc&"),
        "{}",
        url.as_str()
    );
    assert_eq!(value_of(&query_of(&url), "back to").as_deref(), Some(own));
}

/// A final slash more or less is the same URL, if the scheme is the app's own.
#[test]
fn a_return_may_have_a_final_slash_more_or_less() {
    for (registered, back, is_ours) in [
        ("com.example.app:/logout", "com.example.app:/logout/", true),
        ("com.example.app:/logout/", "com.example.app:/logout", true),
        ("com.example.app://bye", "com.example.app://bye/", true),
        ("com.example.app:/logout", "com.example.app:/logout//", false),
        ("https://app.example.com/logout", "https://app.example.com/logout/", false),
    ] {
        let back = format!("{back}?state={STATE}");
        let mut session = session(end_session("https://as.example.com/logout"), Some(registered), TOKENS);
        url_of(session.sign_out(logout()));
        let action = session.handle(Event::RedirectReceived(&back), at(1));
        assert_eq!(matches!(action, Ok(SessionAction::SignedOut)), is_ours, "{back}");
    }
}

/// Only a server that brings no `state` may leave it out.
#[test]
fn a_return_without_state_is_refused_where_state_was_sent() {
    for server in [
        end_session("https://as.example.com/logout"),
        auth0("https://tenant.auth0.com/v2/logout"),
        vendor("https://as.example.com/logout", LogoutParameters::new("back")),
        vendor("https://as.example.com/logout", LogoutParameters::new("back").state_in_return_url()),
    ] {
        let mut session = session(server, Some(RETURN), TOKENS);
        url_of(session.sign_out(logout()));
        let error = session.handle(Event::RedirectReceived(RETURN), at(1)).unwrap_err();
        assert_eq!((error.code(), session.phase()), ("state_missing", SessionPhase::LoggingOut));
        let back = format!("{RETURN}?state={STATE}");
        assert!(matches!(session.handle(Event::RedirectReceived(&back), at(1)), Ok(SessionAction::SignedOut)));
    }
}

#[test]
fn parameters_of_a_servers_own_are_those_pairs() {
    let endpoint = "https://as.example.com/logout?tenant=1";
    let of = |parameters| logout_url(vendor(endpoint, parameters), Some(RETURN), TOKENS, logout());
    // What the two known servers have can be said in their words, too.
    let ours = LogoutParameters::new("post_logout_redirect_uri");
    let theirs = logout_url(end_session(endpoint), Some(RETURN), TOKENS, logout());
    assert_eq!(of(ours).as_str(), theirs.as_str());
    let ours = LogoutParameters::new("returnTo").state_in_return_url().without_id_token_hint();
    assert_eq!(of(ours).as_str(), logout_url(auth0(endpoint), Some(RETURN), TOKENS, logout()).as_str());
    // A name is encoded as a value is.
    let odd = of(LogoutParameters::new("to & fr\u{f6}"));
    assert!(
        odd.ends_with(&format!("&to%20%26%20fr%C3%B6=com.example.app%3A%2Flogout&state={STATE}")),
        "{}",
        odd.as_str()
    );
    let federated = logout_url(vendor(endpoint, LogoutParameters::new("back")), None, TOKENS, logout().federated());
    assert_eq!(federated.as_str(), format!("{endpoint}&client_id={CLIENT_ID}&federated"));
}

#[test]
fn the_name_for_the_return_url_is_checked() {
    let url = "https://as.example.com/logout";
    for name in ["", "a\nb", "\u{85}", "client_id", "state", "id_token_hint", "federated"] {
        let error = plain_server().logout_endpoint(url, LogoutParameters::new(name)).unwrap_err();
        assert_eq!(error.code(), "parameter", "{name:?}");
        assert!(error.to_string().contains("return URL") && !error.to_string().contains(char::is_control), "{error}");
    }
    for own in ["back=1", "%62ack=1", "state=1", "client_id=1", "id_token_hint=1", "federated"] {
        let url = format!("{url}?{own}");
        let error = plain_server().logout_endpoint(&url, LogoutParameters::new("back")).unwrap_err();
        assert!(matches!(&error, ConfigError::Endpoint { name: "logout_endpoint", .. }), "{own}: {error}");
    }
    assert!(plain_server().logout_endpoint("http://as.example.com/logout", LogoutParameters::new("back")).is_err());
}

/// By the server's parameters, or for one sign-out.
#[cfg(feature = "openid")]
#[test]
fn a_hint_is_left_out_by_choice() {
    let endpoint = "https://as.example.com/logout";
    let rest = pairs(&[("client_id", CLIENT_ID), ("back", RETURN), ("state", STATE)]);
    let of = |parameters, how| {
        let (mut session, id_token) = session_with_id_token(vendor(endpoint, parameters), Some(RETURN));
        (query_of(&url_of(session.sign_out(how))), id_token)
    };
    let (query, id_token) = of(LogoutParameters::new("back"), logout());
    assert_eq!(query, [pairs(&[("id_token_hint", &id_token)]), rest.clone()].concat());
    assert_eq!(of(LogoutParameters::new("back").without_id_token_hint(), logout()).0, rest);
    assert_eq!(of(LogoutParameters::new("back"), logout().without_id_token_hint()).0, rest);
    let (mut session, _) = session_with_id_token(end_session(endpoint), None);
    let url = url_of(session.sign_out(SignOut::new().without_id_token_hint().logout(entropy())));
    assert_eq!(url.as_str(), format!("{endpoint}?client_id={CLIENT_ID}"));
}

/// Servers whose request line may have 8 KiB answer 414 to a longer one.
#[cfg(feature = "openid")]
#[test]
fn a_hint_is_left_out_of_a_url_that_would_be_too_long() {
    use oauth_proto::logout::MAX_LOGOUT_URL_BYTES;

    let hint_is_sent = |filler: usize, claim: usize, how: SignOut| {
        let endpoint = format!("https://as.example.com/logout?x={}", "y".repeat(filler));
        let more = serde_json::json!({ "groups": "g".repeat(claim) });
        let (mut session, id_token) = session_with_claims(end_session(&endpoint), Some(RETURN), more);
        let url = url_of(session.sign_out(how));
        let is_sent = url.contains("id_token_hint=");
        assert!(url.contains(&format!("&client_id={CLIENT_ID}&")) && url.contains(STATE));
        let len = if is_sent { url.len() } else { url.len() + "&id_token_hint=".len() + id_token.len() };
        assert_eq!(is_sent, len <= MAX_LOGOUT_URL_BYTES, "{len}");
        (is_sent, len)
    };
    let (is_sent, len) = hint_is_sent(0, 4000, logout().federated());
    assert!(is_sent);
    let filler = MAX_LOGOUT_URL_BYTES - len;
    assert_eq!(hint_is_sent(filler, 4000, logout().federated()), (true, MAX_LOGOUT_URL_BYTES));
    assert_eq!(hint_is_sent(filler + 1, 4000, logout().federated()), (false, MAX_LOGOUT_URL_BYTES + 1));
    assert!(!hint_is_sent(0, 14_000, logout()).0, "18 KB");
}
