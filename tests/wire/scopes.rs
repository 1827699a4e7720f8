//! Scopes that a server writes with commas: by the tokens, and by the session that they are given to.

use oauth_proto::{Access, AuthorizationRequest, LoginRequired, Session, Target, Tokens};

use crate::{at, bearer, builder, client, log_in};

fn tokens(asked: &str, granted: Option<&str>) -> Tokens {
    let response = serde_json::json!({
        "access_token": "AT1", "token_type": "Bearer", "refresh_token": "RT1", "expires_in": 3600, "scope": granted,
    });
    let request = AuthorizationRequest::new();
    let request = if asked.is_empty() { request } else { request.scope(asked) };
    log_in(client(), request, &response.to_string(), 0)
}

#[test]
fn scopes_are_compared_as_sets() {
    for (asked, granted, missing, more) in [
        ("repo gist", Some("repo,gist"), &[][..], &[][..]),
        ("repo gist", Some("gist, repo"), &[], &[]),
        ("repo gist", Some(",gist,,repo, "), &[], &[]),
        ("repo gist user", Some("repo,gist"), &["user"], &[]),
        ("repo", Some("repo,gist"), &[], &["gist"]),
        ("repo", Some("gist,user admin"), &["repo"], &["gist", "user", "admin"]),
        ("repo gist", None, &[], &[]),
        ("repo gist", Some(""), &["repo", "gist"], &[]),
        // As an app writes it that knows its server.
        ("repo,gist", Some("repo,gist"), &[], &[]),
        ("repo,gist", Some("gist,repo"), &[], &[]),
        ("repo,gist", Some("gist repo"), &[], &[]),
        ("repo,gist", Some("gist"), &["repo,gist"], &[]),
        ("repo,gist", Some("repo,user"), &["repo,gist"], &["user"]),
        // A token may have a comma (RFC 6749 §3.3).
        ("a,b c", Some("a,b c"), &[], &[]),
        ("a,b c", Some("c"), &["a,b"], &[]),
        ("a,b a", Some("a,b"), &["a"], &[]),
        (",", Some("x"), &[","], &["x"]),
    ] {
        let tokens = tokens(asked, granted);
        assert_eq!(tokens.scope_not_granted().collect::<Vec<_>>(), missing, "{asked} {granted:?}");
        assert_eq!(tokens.scope_not_asked_for().collect::<Vec<_>>(), more, "{asked} {granted:?}");
        assert_eq!(tokens.response_scope(), granted, "what the server said is kept as it is");
        assert_eq!(tokens.scope(), granted.unwrap_or(asked));
    }
}

/// The API demands this scope, long after the login.
fn demanded(session: &mut Session, scope: &str, now: u64) -> LoginRequired {
    let bearer = bearer(session.access(at(0)));
    let line = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
    match session.refused(&bearer, 403, &[("WWW-Authenticate", line.as_str())], at(now)) {
        Some(Access::LoginRequired(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_granted_with_commas_is_not_demanded_again() {
    let session = || Session::new(client(), tokens("repo", Some("repo,gist")));
    for scope in ["gist", "repo gist", "gist,repo"] {
        assert_eq!(demanded(&mut session(), scope, 10), LoginRequired::DemandNotMet, "{scope}");
    }
    let why = demanded(&mut session(), "user", 10);
    assert_eq!(why.request().unwrap().requested_scope(), "repo gist user", "token by token");
}

#[test]
fn a_login_made_again_asks_for_the_tokens_apart() {
    for (asked, granted, again) in [
        ("repo", Some("repo,gist"), "repo gist user"),
        ("repo gist", Some("gist,repo"), "gist repo user"),
        ("repo", Some(",repo,"), "repo user"),
        ("a,b", Some("a,b c,d"), "a,b c d user"),
        ("a,b", None, "a,b user"),
    ] {
        let mut session = Session::new(client(), tokens(asked, granted));
        assert_eq!(session.scope(), granted.unwrap_or(asked), "what the server said");
        let why = demanded(&mut session, "user", 10_000);
        assert_eq!(why.request().unwrap().requested_scope(), again, "{asked} {granted:?}");
        // And after it was stored.
        let stored = serde_json::to_string(&session.save().unwrap()).unwrap();
        let mut session = Session::restore(client(), serde_json::from_str(&stored).unwrap()).unwrap();
        let why = demanded(&mut session, "user", 10_000);
        assert_eq!(why.request().unwrap().requested_scope(), again, "{asked} {granted:?}");
    }
}

#[test]
fn a_target_may_have_what_was_granted_with_commas() {
    let mut session = Session::new(client(), tokens("repo", Some("repo,gist")));
    for (scope, is_granted) in
        [("gist", true), ("gist repo", true), ("user", false), ("repo,gist", true), ("repo,user", false)]
    {
        let target = Target::own().scope(scope).unwrap();
        let access = session.access_for(&target, at(10));
        let is_refreshed = matches!(access, Access::SendRequest(_) | Access::Wait(_));
        assert_eq!(is_refreshed, is_granted, "{scope}: {access:?}");
    }
}

/// A token for less is not asked to do more, and one that has it all is not narrower for its commas.
#[test]
fn what_the_app_lets_be_demanded_is_found_with_commas() {
    let client = builder().demandable_scope("gist user a,b").build().unwrap();
    let demanded_of = |scope: &str| {
        let mut session = Session::new(client.clone(), tokens("repo", None));
        demanded(&mut session, scope, 10_000).request().map(|request| request.requested_scope().to_owned())
    };
    assert_eq!(demanded_of("gist,user").as_deref(), Some("repo gist user"));
    assert_eq!(demanded_of("gist,admin").as_deref(), Some("repo gist"));
    assert_eq!(demanded_of("a,b").as_deref(), Some("repo a,b"));
    assert_eq!(demanded_of("admin,root"), None);
}
