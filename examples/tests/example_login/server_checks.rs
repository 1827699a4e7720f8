//! The embedded server, asked what it must refuse.

use std::thread::sleep;
use std::time::Duration;

use crate::client::{parameter, Client, REDIRECT_URI, VERIFIER};

#[test]
fn the_whole_way() {
    let client = Client::patient();
    let page = client.authorize(&client.asked());
    assert_eq!((page.status, page.cache_control.as_str()), (200, "no-store"));
    let redirect = client.decide(&page, "Zoë", "allow");
    assert!(redirect.header.starts_with(&format!("{REDIRECT_URI}?code=")));
    assert_eq!(parameter(&redirect.header, "state").as_deref(), Some("xyz"));
    assert_eq!(parameter(&redirect.header, "iss"), Some(client.server.issuer.clone()));
    let code = parameter(&redirect.header, "code").unwrap();
    let answer = client.redeem(&code, REDIRECT_URI, VERIFIER);
    assert_eq!(answer.cache_control, "no-store");
    assert_eq!(answer.json()["token_type"], "Bearer");
    assert_eq!(answer.json()["expires_in"], 600);
    let (access, _) = answer.tokens();
    let me = client.me(Some(&format!("bearer {access}")));
    assert_eq!((me.status, me.json()["user"].as_str()), (200, Some("Zoë")));
}

#[test]
fn an_unknown_client_or_redirect_uri_is_never_redirected_to() {
    let client = Client::patient();
    for (name, value) in [
        ("client_id", "somebody"),
        ("redirect_uri", "http://127.0.0.1:49152/other"),
        ("redirect_uri", "http://127.0.0.1:49152/callback?more=1"),
        ("redirect_uri", "http://127.0.0.1:49152/callback#part"),
        ("redirect_uri", "http://user@127.0.0.1:49152/callback"),
        ("redirect_uri", "http://127.0.0.1.example.com/callback"),
        ("redirect_uri", "http://localhost:49152/callback"),
        ("redirect_uri", "https://127.0.0.1:49152/callback"),
    ] {
        let answer = client.authorize(&client.asked_with(name, value));
        assert_eq!((answer.status, answer.header.as_str()), (400, ""), "{name}={value}");
    }
    let mut twice = client.asked();
    twice.push(("state", "again".into()));
    assert_eq!(client.authorize(&twice).status, 400);
}

#[test]
fn any_loopback_port_is_registered() {
    let client = Client::patient();
    for uri in ["http://127.0.0.1:1/callback", "http://[::1]:65535/callback"] {
        assert_eq!(client.authorize(&client.asked_with("redirect_uri", uri)).status, 200, "{uri}");
    }
}

#[test]
fn a_wrong_authorization_request_is_told_to_the_client() {
    let client = Client::patient();
    for (name, value, error) in [
        ("response_type", "token", "unsupported_response_type"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM", "invalid_request"),
        ("scope", "profile admin", "invalid_scope"),
        ("audience", "https://api.example.com", "invalid_target"),
    ] {
        let answer = client.authorize(&client.asked_with(name, value));
        assert_eq!(answer.status, 303, "{name}={value}");
        assert_eq!(parameter(&answer.header, "error").as_deref(), Some(error), "{name}={value}");
        assert_eq!(parameter(&answer.header, "state").as_deref(), Some("xyz"));
        assert_eq!(parameter(&answer.header, "iss"), Some(client.server.issuer.clone()));
    }
}

#[test]
fn the_login_page_escapes_and_works_once() {
    let client = Client::patient();
    let mut asked = client.asked();
    asked.push(("login_hint", "\"><script>alert('1')</script>&".into()));
    let page = client.authorize(&asked);
    assert!(page.body.contains("value=\"&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;\""));
    assert!(!page.body.contains("<script"));
    assert_eq!(client.decide(&page, "alice", "allow").status, 303);
    assert_eq!(client.decide(&page, "alice", "allow").status, 400);
}

#[test]
fn the_user_may_say_no() {
    let client = Client::patient();
    for (user, decision) in [("alice", "deny"), ("alice", ""), ("  ", "allow")] {
        let redirect = client.decide(&client.authorize(&client.asked()), user, decision);
        assert_eq!(parameter(&redirect.header, "error").as_deref(), Some("access_denied"));
        assert_eq!(parameter(&redirect.header, "code"), None);
    }
}

#[test]
fn a_code_needs_its_verifier_and_has_one_try() {
    let client = Client::patient();
    for verifier in ["", "too-short", "another-verifier-of-at-least-forty-three-characters"] {
        let code = client.code();
        client.redeem(&code, REDIRECT_URI, verifier).assert_refused(400, "invalid_grant");
        client.redeem(&code, REDIRECT_URI, VERIFIER).assert_refused(400, "invalid_grant");
    }
}

#[test]
fn a_code_is_bound_to_redirect_uri_and_client() {
    let client = Client::patient();
    let other = "http://127.0.0.1:49153/callback";
    client.redeem(&client.code(), other, VERIFIER).assert_refused(400, "invalid_grant");
    let code = client.code();
    for client_id in ["", "somebody"] {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", client_id),
            ("code", &code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ];
        client.post("/token", &form).assert_refused(401, "invalid_client");
    }
}

#[test]
fn a_code_that_comes_again_revokes_what_it_gave() {
    let client = Client::patient();
    let code = client.code();
    let (access, refresh) = client.redeem(&code, REDIRECT_URI, VERIFIER).tokens();
    assert!(client.accepts(&access));
    client.redeem(&code, REDIRECT_URI, VERIFIER).assert_refused(400, "invalid_grant");
    assert!(!client.accepts(&access));
    client.refresh(&refresh).assert_refused(400, "invalid_grant");
}

#[test]
fn codes_expire() {
    let client = Client::new(Duration::ZERO, Duration::from_secs(600));
    client.redeem(&client.code(), REDIRECT_URI, VERIFIER).assert_refused(400, "invalid_grant");
}

#[test]
fn refresh_tokens_rotate_and_reuse_ends_the_family() {
    let client = Client::patient();
    let (_, first) = client.tokens();
    let (_, second) = client.refresh(&first).tokens();
    let (access, third) = client.refresh(&second).tokens();
    assert!(first != second && second != third);
    assert!(client.accepts(&access));
    client.refresh(&first).assert_refused(400, "invalid_grant");
    client.refresh(&third).assert_refused(400, "invalid_grant");
    assert!(!client.accepts(&access));
    let (other, _) = client.tokens();
    assert!(client.accepts(&other), "another grant lives on");
}

#[test]
fn without_offline_access_there_is_no_refresh_token() {
    let client = Client::patient();
    let page = client.authorize(&client.asked_with("scope", "profile"));
    let code = parameter(&client.decide(&page, "alice", "allow").header, "code").unwrap();
    let answer = client.redeem(&code, REDIRECT_URI, VERIFIER);
    assert_eq!((answer.status, answer.json().get("refresh_token")), (200, None));
}

#[test]
fn access_tokens_expire_at_the_api() {
    let client = Client::new(Duration::from_secs(600), Duration::from_secs(2));
    let (access, _) = client.tokens();
    assert!(client.accepts(&access));
    sleep(Duration::from_millis(2_050));
    assert!(!client.accepts(&access));
}

#[test]
fn the_api_wants_a_bearer_token_for_itself() {
    let client = Client::patient();
    for nothing in [None, Some("Basic YTpi"), Some("Bearer")] {
        let answer = client.me(nothing);
        assert_eq!(answer.status, 401);
        assert!(answer.header.starts_with("Bearer") && !answer.header.contains("error"), "{}", answer.header);
    }
    assert!(!client.accepts("made-up"));

    let mut asked = client.asked();
    asked.retain(|(name, _)| *name != "audience");
    let code = parameter(&client.decide(&client.authorize(&asked), "alice", "allow").header, "code").unwrap();
    let (for_nobody, _) = client.redeem(&code, REDIRECT_URI, VERIFIER).tokens();
    assert!(!client.accepts(&for_nobody));

    let page = client.authorize(&client.asked_with("scope", "offline_access"));
    let code = parameter(&client.decide(&page, "alice", "allow").header, "code").unwrap();
    let (no_profile, _) = client.redeem(&code, REDIRECT_URI, VERIFIER).tokens();
    let answer = client.me(Some(&format!("Bearer {no_profile}")));
    assert_eq!(answer.status, 403);
    assert!(answer.header.contains("error=\"insufficient_scope\", scope=\"profile\""), "{}", answer.header);
}

#[test]
fn sign_out_revokes() {
    let client = Client::patient();
    let (access, refresh) = client.tokens();
    assert_eq!(client.revoke(&access).status, 200);
    assert!(!client.accepts(&access));
    let (access, refresh) = client.refresh(&refresh).tokens();
    assert_eq!(client.revoke(&refresh).status, 200);
    assert!(!client.accepts(&access));
    client.refresh(&refresh).assert_refused(400, "invalid_grant");
    assert_eq!(client.revoke("never issued").status, 200);
}

#[test]
fn the_token_endpoint_takes_forms_without_repetition() {
    let client = Client::patient();
    client.post("/token", &[("client_id", "oauth-proto-example")]).assert_refused(400, "invalid_request");
    let twice = [("client_id", "oauth-proto-example"), ("client_id", "oauth-proto-example")];
    client.post("/token", &twice).assert_refused(400, "invalid_request");
    let other = [("client_id", "oauth-proto-example"), ("grant_type", "password")];
    client.post("/token", &other).assert_refused(400, "unsupported_grant_type");
    assert_eq!(client.get(&client.server.url("/token")).status, 405);
}
