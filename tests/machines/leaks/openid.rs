//! What OpenID Connect adds: the ID token and all that it says, the userinfo, and the requests for keys, metadata and userinfo.

use oauth_proto::openid::id_token::Rules;
use oauth_proto::{
    Access, Action, AuthorizationRequest, Delivered, Error, Event, Headers, KeySet, Login, Response, ServerMetadata,
    Session, SessionAction, SignOut, Tokens, UserInfo,
};

use super::watch::Watch;
use super::{echo, id_token, user, watch, ACCESS, EMAIL, NAME, NEXT_ACCESS, NEXT_REFRESH, REFRESH, STREET, SUBJECT};
use crate::model::keys::{jwks, named};
use crate::support::openid::{
    by_action, discovering, exchanging, issuer_only, keyed, keyed_builder, metadata, on_tls_alone, request, ISSUER,
    JWKS_URI,
};
use crate::support::{at, entropy, html, json, nonce, pending, refresh, START};

fn answer(access_token: &str, refresh_token: &str, id_token: &str) -> String {
    serde_json::json!({
        "access_token": access_token, "token_type": "Bearer", "refresh_token": refresh_token, "id_token": id_token,
        "expires_in": 100, "unknown": echo(),
    })
    .to_string()
}

/// What may be seen of a login.
fn look(watch: &Watch, login: &Login) {
    watch.debug("Login", login);
    watch.debug("SavedLogin", &login.save());
    watch.debug("Client", login.client());
    watch.debug("metadata", &login.client().metadata());
    if let Some(Action::SendRequest(request)) = login.pending_action() {
        watch.debug("Request", &request);
        watch.text("the request's URL", request.url());
        if request.method() == "GET" {
            let headers: Vec<_> = request.headers().collect();
            watch.debug("the request's headers", &headers);
            assert!(request.body().is_empty());
        }
    }
}

fn logged_in(watch: &Watch) -> Tokens {
    let mut login = exchanging(keyed());
    look(watch, &login);
    let body = answer(ACCESS, REFRESH, &id_token());
    let result = login.handle(Event::ResponseReceived(pending(&login).id(), json(200, &body)), at(1));
    watch.debug("Result<Action, Error>", &result);
    look(watch, &login);
    let keys = jwks(&[1]);
    match login.handle(Event::ResponseReceived(pending(&login).id(), json(200, &keys)), at(2)) {
        Ok(Action::TokensReady(tokens)) => tokens,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_id_token_shows_nothing_of_the_user() {
    let watch = watch();
    let tokens = logged_in(&watch);
    let id_token = tokens.id_token().unwrap();
    watch.debug("Tokens", &tokens);
    watch.debug("IdToken", id_token);
    watch.debug("KeySet", &tokens.keys());
    let standard = id_token.standard_claims();
    assert_eq!((standard.name.as_deref(), standard.email.as_deref()), (Some(NAME), Some(EMAIL)));
    watch.debug("StandardClaims", &standard);
    let address = standard.address.unwrap();
    assert_eq!(address.street_address.as_deref(), Some(STREET));
    watch.debug("Address", &address);
    watch.error("Unfit", &id_token.claims::<u64>().unwrap_err());
    assert!(
        watch.find(id_token.reveal()).is_some() && watch.find(id_token.subject()).is_some(),
        "the search sees nothing"
    );
}

#[test]
fn a_login_that_is_fetching_keys_shows_nothing() {
    let watch = watch();
    for (status, keys) in
        [(200, named(&[(1, 2)])), (200, jwks(&[2])), (200, echo()), (404, echo()), (503, echo()), (302, echo())]
    {
        let mut login = exchanging(keyed());
        let body = answer(ACCESS, REFRESH, &id_token());
        assert!(login.handle(Event::ResponseReceived(pending(&login).id(), json(200, &body)), at(1)).is_ok());
        look(&watch, &login);
        let result = login.handle(Event::SendFailed(pending(&login).id(), Delivered::Maybe), at(1));
        watch.debug("Result<Action, Error>", &result);
        for _ in 0..3 {
            let Some(Action::SendRequest(request)) = login.pending_action() else { break };
            let result = login.handle(Event::ResponseReceived(request.id(), json(status, &keys)), at(1));
            watch.debug("Result<Action, Error>", &result);
            look(&watch, &login);
            if let Err(error) = result {
                watch.error("Error", &error);
            }
        }
        assert_eq!(login.pending_action().is_none(), status != 503, "{status}");
    }
}

/// The bytes that the app verifies are the user's.
#[test]
fn a_login_that_the_app_verifies_for_shows_nothing() {
    let watch = watch();
    for is_valid in [None, Some(true), Some(false)] {
        let mut login = exchanging(by_action());
        let body = answer(ACCESS, REFRESH, &id_token());
        assert!(login.handle(Event::ResponseReceived(pending(&login).id(), json(200, &body)), at(1)).is_ok());
        let keys = jwks(&[1]);
        let action = login.handle(Event::ResponseReceived(pending(&login).id(), json(200, &keys)), at(1));
        watch.debug("Result<Action, Error>", &action);
        look(&watch, &login);
        let Ok(Action::Verify(check)) = action else { panic!("nothing to verify: {action:?}") };
        watch.debug("SignatureCheck", &check);
        let message = core::str::from_utf8(check.message()).unwrap();
        assert!(watch.find(message).is_some(), "the search sees nothing");
        let event = match is_valid {
            Some(is_valid) => Event::Verified(check.id(), is_valid),
            None => Event::VerifyFailed(check.id()),
        };
        watch.debug("Event", &event);
        let result = login.handle(event, at(1));
        watch.debug("Result<Action, Error>", &result);
        look(&watch, &login);
        if let Err(error) = result {
            watch.error("Error", &error);
        }
    }
}

/// A server that writes all it knows into its metadata.
#[test]
fn a_login_that_is_discovering_shows_nothing() {
    let watch = watch();
    for (status, document) in [
        (200, metadata(ISSUER, |document| document["echo"] = echo().into())),
        (200, metadata(&echo(), |_| {})),
        (200, metadata(ISSUER, |document| document["token_endpoint"] = echo().into())),
        (200, metadata(ISSUER, |document| document["code_challenge_methods_supported"] = serde_json::json!([echo()]))),
        (200, echo()),
        (503, echo()),
        (404, echo()),
    ] {
        let mut login = discovering(issuer_only());
        look(&watch, &login);
        for _ in 0..5 {
            let Some(Action::SendRequest(request)) = login.pending_action() else { break };
            let result = login.handle(Event::ResponseReceived(request.id(), json(status, &document)), at(1));
            look(&watch, &login);
            match result {
                Ok(action) => watch.debug("Action", &action),
                Err(error) => watch.error("Error", &error),
            }
        }
    }
}

/// By whatever rule it is refused.
#[test]
fn why_an_id_token_is_refused_shows_nothing() {
    let watch = watch();
    let keys = KeySet::parse(JWKS_URI, jwks(&[1]).as_bytes(), at(0)).unwrap();
    let (token, right) = (id_token(), nonce(1));
    let rules = Rules::new(ISSUER, "app").algorithms(&[oauth_proto::Algorithm::EdDsa]).nonce(Some(&right));
    let good = rules.check(&token, &keys, &crate::model::keys::Verifier, at(1)).unwrap();
    for (rules, token, now) in [
        (rules, "a.b.c", 1),
        (rules.algorithms(&[]), token.as_str(), 1),
        (rules.nonce(Some(REFRESH)), &token, 1),
        (rules.organization(Some(ACCESS)), &token, 1),
        (rules.essential_acr(Some(ACCESS)), &token, 1),
        (rules.max_age(Some(1)), &token, 1),
        (Rules::new(ACCESS, "app").algorithms(&[oauth_proto::Algorithm::EdDsa]), &token, 1),
        (Rules::new(ISSUER, ACCESS).algorithms(&[oauth_proto::Algorithm::EdDsa]), &token, 1),
        (rules.after(Some(&good), Some(ACCESS)), &token, 1),
        (rules, &token, 9000),
    ] {
        let error = rules.check_on_tls_alone(token, at(now)).unwrap_err();
        watch.error("IdTokenError", &error);
        watch.error("Error", &Error::Violation(oauth_proto::Violation::IdToken(error)));
    }
}

#[test]
fn a_userinfo_shows_nothing() {
    let watch = watch();
    let client = keyed_builder().build().unwrap();
    let server = crate::support::openid::known().userinfo_endpoint("https://as.example.com/userinfo").unwrap();
    let with_userinfo = oauth_proto::Client::builder(server, "app", crate::support::REDIRECT_URI)
        .signature_verifier(crate::model::keys::Verifier)
        .build()
        .unwrap();
    assert!(client.keys().is_none());
    let tokens = logged_in(&watch);
    let id_token = tokens.id_token().unwrap().clone();
    let mut session = Session::new(with_userinfo, tokens);
    let Access::Ready(bearer) = session.access(at(3)) else { panic!("no token") };
    let request = bearer.userinfo_request().unwrap();
    watch.debug("Request", &request);
    watch.text("the request's URL", request.url());
    let authorization = request.headers().find(|(name, _)| *name == "authorization").unwrap().1;
    assert!(watch.find(authorization).is_some(), "the search sees nothing");

    let body = user().to_string();
    let userinfo = id_token.userinfo(&json(200, &body), at(3)).unwrap();
    watch.debug("UserInfo", &userinfo);
    watch.debug("StandardClaims", &userinfo.standard_claims());
    watch.error("Unfit", &userinfo.claims::<Vec<u8>>().unwrap_err());
    assert_eq!(userinfo.subject(), SUBJECT);
    for (subject, response) in [
        ("another", json(200, &body)),
        (SUBJECT, json(401, &body)),
        (SUBJECT, html(200, &body)),
        (SUBJECT, json(302, &body)),
        (SUBJECT, Response::new(200, Headers::NONE, echo().leak().as_bytes())),
    ] {
        watch.error("Error", &UserInfo::parse(subject, &response, at(3)).unwrap_err());
    }
}

/// A session with an ID token that is refreshed, waits for keys, is stored, and logs out.
#[test]
fn a_session_with_an_id_token_shows_nothing() {
    for (change, keys) in
        [(None, Some(jwks(&[1]))), (Some("sub"), None), (Some("nonce"), None), (None, Some(named(&[(1, 2)])))]
    {
        let watch = watch();
        let mut session = Session::new(keyed(), logged_in(&watch));
        watch.debug("Session", &session);
        watch.debug("SavedSession", &session.save());
        let id = refresh(&mut session, at(200));
        let token = match change {
            None => id_token(),
            Some(name) => crate::support::openid::id_token(|claims| {
                claims.as_object_mut().unwrap().extend(user().as_object().unwrap().clone());
                (claims["exp"], claims[name]) = ((START + 9000).into(), NEXT_ACCESS.into());
            }),
        };
        let body = answer(NEXT_ACCESS, NEXT_REFRESH, &token);
        let result = session.handle(Event::ResponseReceived(id, json(200, &body)), at(200));
        watch.debug("Result<SessionAction, Error>", &result);
        if let Some(error) = session.last_error() {
            watch.error("last_error", error);
        }
        assert_eq!(matches!(result, Ok(SessionAction::Save)), change.is_none());
        if let (Some(keys), Access::SendRequest(request)) = (keys, session.access(at(200))) {
            watch.debug("Request", &request);
            let result = session.handle(Event::ResponseReceived(request.id(), json(200, &keys)), at(200));
            watch.debug("Result<SessionAction, Error>", &result);
        }
        watch.debug("Session", &session);
        watch.debug("SavedSession", &session.save());
        watch.debug("Access", &session.access(at(201)));
    }
}

#[test]
fn a_logout_url_with_the_id_token_shows_nothing() {
    let watch = watch();
    let server = crate::support::openid::known().end_session_endpoint("https://as.example.com/logout").unwrap();
    let client = oauth_proto::Client::builder(server, "app", crate::support::REDIRECT_URI)
        .signature_verifier(crate::model::keys::Verifier)
        .build()
        .unwrap();
    let mut session = Session::new(client, logged_in(&watch));
    let SessionAction::SendRequest(request) = session.sign_out(SignOut::new().logout(entropy(1))) else { panic!() };
    let action = session.handle(Event::ResponseReceived(request.id(), json(200, "")), at(1));
    watch.debug("Result<SessionAction, Error>", &action);
    let Ok(SessionAction::OpenUrl(url)) = action else { panic!("nothing to open") };
    assert!(url.contains(&id_token()), "there is no hint");
    watch.debug("LogoutUrl", &url);
}

/// Nothing in them is secret.
#[test]
fn keys_and_metadata_may_be_shown() {
    let document = metadata(ISSUER, |_| {});
    let metadata = ServerMetadata::from_response(ISSUER, &json(200, &document), at(0)).unwrap();
    assert!(format!("{metadata:?}").contains(JWKS_URI));
    let login = Login::new(on_tls_alone(), request()).unwrap();
    watch().debug("AuthorizationRequest", &AuthorizationRequest::new());
    watch().debug("Login", &login);
}
