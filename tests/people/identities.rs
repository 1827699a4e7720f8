//! ID tokens that come with refreshes.

use oauth_proto::{
    Access, Action, AuthorizationRequest, AuthorizationServer, Client, Entropy, Error, Event, Login, LoginRequired,
    Response, Session, SessionAction,
};
use serde_json::{json, Value};

use crate::id_token::{id_token, token, CLIENT_ID, ISSUER, NONCE, USER};
use crate::{answer, at, ready, request, sent_token, JSON, T0};

fn client() -> Client {
    let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token");
    let server = server.and_then(|server| server.issuer(ISSUER)).unwrap();
    Client::builder(server, CLIENT_ID, "com.example.app:/callback").accept_id_tokens_on_tls_alone().build().unwrap()
}

/// By a login that asked who the user is.
fn session() -> Session {
    let mut login = Login::new(client(), AuthorizationRequest::new().scope("openid offline_access")).unwrap();
    let entropy = Entropy::new(core::array::from_fn(|index| u8::try_from(index).unwrap())).unwrap();
    let Ok(Action::OpenUrl(url)) = login.handle(Event::Start(entropy), at(T0)) else { panic!() };
    let state = url.split("&state=").nth(1).unwrap()[..43].to_owned();
    let redirect = format!("com.example.app:/callback?code=C&state={state}");
    let Ok(Action::SendRequest(sent)) = login.handle(Event::RedirectReceived(&redirect), at(T0)) else { panic!() };
    let body = body(1, &id_token(Some(NONCE), T0, json!({})));
    let step = login.handle(Event::ResponseReceived(sent.id(), Response::new(200, &JSON, body.as_bytes())), at(T0));
    let Ok(Action::TokensReady(tokens)) = step else { panic!("{step:?}") };
    login.into_session(tokens)
}

fn body(number: u32, id_token: &str) -> String {
    json!({
        "access_token": format!("AT{number}"), "token_type": "Bearer", "expires_in": 3600,
        "refresh_token": format!("RT{number}"), "id_token": id_token,
    })
    .to_string()
}

#[test]
fn somebody_elses_tokens_end_the_session_at_once_and_say_why() {
    let elses: [(&str, Value); 6] = [
        ("id_token_sub_mismatch", json!({ "sub": "somebody else" })),
        ("id_token_issuer", json!({ "iss": "https://other.example.com" })),
        ("id_token_audience", json!({ "aud": "another client" })),
        ("id_token_azp", json!({ "azp": "another client" })),
        ("id_token_nonce_mismatch", json!({ "nonce": "another login's" })),
        // Whatever else is wrong with it.
        ("id_token_sub_mismatch", json!({ "sub": "somebody else", "nbf": null, "exp": "soon", "at_hash": 7 })),
    ];
    for (code, more) in elses {
        let (mut session, now) = (session(), T0 + 4000);
        let sent = request(session.access(at(now)));
        let action = answer(&mut session, sent.id(), 200, &body(2, &id_token(None, now, more.clone())), now);
        let Ok(SessionAction::LoginRequired(why)) = action else { panic!("{code}: {action:?}") };
        assert!(matches!(&why, LoginRequired::GrantEnded(error) if error.code() == code), "{code}: {why:?}");
        assert!(why.is_final() && session.save().is_none(), "nothing of the answer is used, or stored");
        for later in [0, 1, 60, 100_000] {
            let access = session.access(at(now + later));
            assert!(
                matches!(&access, Access::LoginRequired(again) if *again == why),
                "no spent token is sent: {access:?}"
            );
        }
    }
}

#[test]
fn any_other_fault_of_an_id_token_costs_that_token_alone() {
    let now = T0 + 4000;
    let faulty = [
        id_token(None, now, json!({ "nonce": null, "at_hash": 1 })),
        id_token(None, now, json!({ "at_hash": "AAAAAAAAAAAAAAAAAAAAAA" })),
        // An empty name is nobody's.
        id_token(None, now, json!({ "nonce": "" })),
        id_token(None, now, json!({ "azp": "" })),
        id_token(None, now, json!({ "sub": "" })),
        id_token(None, now, json!({ "iss": "" })),
        id_token(None, now, json!({ "aud": "" })),
        id_token(None, now, json!({ "aud": [] })),
        id_token(None, now - 9000, json!({})),
        id_token(None, now, json!({ "nbf": now + 100_000, "exp": now + 200_000 })),
        id_token(None, now, json!({ "exp": "tomorrow" })),
        id_token(None, now, json!({ "aud": [CLIENT_ID, "another"] })),
        token(&json!({ "iss": ISSUER, "aud": CLIENT_ID, "iat": now, "exp": now + 60 })),
        "no token at all".to_owned(),
        "a.b.c.d.e".to_owned(),
        id_token(None, now, json!({})).replace("eyJhbGciOiJSUzI1NiJ9", "eyJhbGciOiJub25lIn0"),
    ];
    for id_token in faulty {
        let mut session = session();
        let (mut now, mut refreshes) = (now, 0);
        // For ten hours.
        while now < T0 + 4000 + 10 * 3600 {
            if let Access::SendRequest(sent) = session.access(at(now)) {
                refreshes += 1;
                assert_eq!(sent_token(&sent), format!("RT{refreshes}"));
                let action = answer(&mut session, sent.id(), 200, &body(refreshes + 1, &id_token), now);
                assert!(matches!(action, Ok(SessionAction::Save)), "{id_token}: {action:?}");
                assert!(
                    matches!(session.last_error(), Some(Error::Violation(_))),
                    "{id_token}: {:?}",
                    session.last_error()
                );
            }
            assert_eq!(ready(session.access(at(now))).token().reveal(), format!("AT{}", refreshes + 1));
            assert_eq!(session.id_token().unwrap().subject(), USER);
            assert_eq!(session.id_token().unwrap().issued_at(), at(T0), "the one of before");
            now += 60;
        }
        assert!((10..=11).contains(&refreshes), "{refreshes} refreshes");
    }
}
