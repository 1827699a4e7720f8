// Invariant: a stored form that is accepted gives the same form when saved again, and restores the same login or session.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oauth_proto::{
    Access, Action, Adopted, AuthorizationServer, Client, IdToken, Login, Phase, SavedLogin, SavedSession, Secret,
    Session, SignOut, Target, Tokens, UnixTime,
};
use serde_json::Value;

/// The clients that the seeds were saved with: one with its endpoints configured, and one that discovered them.
fn clients() -> [Client; 2] {
    let by_hand = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")
        .and_then(|server| server.issuer("https://as.example.com")?.jwks_uri("https://as.example.com/jwks"));
    let by_issuer = AuthorizationServer::from_issuer("https://as.example.com");
    [by_hand, by_issuer].map(|server| Client::new(server.unwrap(), "s6BhdRkqt3", "com.example.app:/callback").unwrap())
}

fuzz_target!(|data: &[u8]| {
    if let Ok(saved) = serde_json::from_slice::<SavedLogin>(data) {
        for client in clients() {
            login(&client, &saved);
        }
    }
    if let Ok(saved) = serde_json::from_slice::<SavedSession>(data) {
        for client in clients() {
            session(&client, &saved);
        }
    }
});

fn login(client: &Client, saved: &SavedLogin) {
    let before = serde_json::to_value(saved).unwrap();
    let Ok(login) = Login::resume(client.clone(), saved.clone(), UnixTime::from_secs(1_000)) else { return };
    assert_eq!(login.phase(), Phase::AwaitingRedirect);
    let Some(Action::OpenUrl(url)) = login.pending_action() else { panic!("a resumed login waits for a redirect") };
    for name in ["response_type=", "client_id=", "redirect_uri=", "state=", "code_challenge=", "code_challenge_method="]
    {
        let query = url.split_once('?').unwrap().1;
        assert_eq!(query.split('&').filter(|pair| pair.starts_with(name)).count(), 1, "{name} once");
    }
    let again = login.save().unwrap();
    let after = serde_json::to_value(&again).unwrap();
    // Parameters may be written in another way (scope tokens together); the second time nothing changes any more.
    for member in ["version", "client", "code_verifier", "state", "nonce", "requires_acr"] {
        assert_eq!(before[member], after[member]);
    }
    is_of_its_server(client, &before, &after);
    // Its deadline is the same, and no later than that of a login that starts now.
    assert_eq!(after["deadline"].as_u64(), before["deadline"].as_u64().map(|deadline| deadline.min(1_000 + 3600)));
    let twice = Login::resume(client.clone(), again, UnixTime::from_secs(1_000)).unwrap();
    assert_eq!(serde_json::to_value(twice.save()).unwrap(), after);
}

/// A client that needs the metadata keeps them.
fn is_of_its_server(client: &Client, before: &Value, after: &Value) {
    let kept = if client.token_endpoint().is_some() { &Value::Null } else { &before["metadata"] };
    assert_eq!(&after["metadata"], kept);
}

/// For every target a token is handed out, requested, or known to need a login, whatever the stored form says.
fn session(client: &Client, saved: &SavedSession) {
    let before = serde_json::to_value(saved).unwrap();
    let mut other = Session::new(client.clone(), Tokens::from_parts(Secret::new("AT"), None, None, "a"));
    let untouched = serde_json::to_value(other.save()).unwrap();
    let Ok(mut session) = Session::restore(client.clone(), saved.clone()) else {
        // A running session may know its server from elsewhere.
        let result = other.adopt(saved.clone());
        assert!(client.token_endpoint().is_none() || result.is_err(), "adopted what cannot be restored");
        assert_eq!(serde_json::to_value(other.save()).unwrap(), untouched);
        return;
    };
    let after = serde_json::to_value(session.save()).unwrap();
    for member in
        ["version", "client", "login", "revision", "since", "access_token", "refresh_token", "id_token", "acr", "ends"]
    {
        assert_eq!(before[member], after[member], "{member}");
        assert!(after.get(member).is_some(), "{member}");
    }
    assert_eq!(session.id_token().map(IdToken::reveal), after["id_token"].as_str());
    // Scopes and parameters may be written in another way, and defaults are left out; the second time nothing changes any more.
    let again = Session::restore(client.clone(), session.save().unwrap()).unwrap();
    assert_eq!(serde_json::to_value(again.save()).unwrap(), after);
    assert_eq!(again.scope(), session.scope());
    // It is of another login, unless the fuzzer has found its digest.
    if other.adopt(saved.clone()).unwrap() == Adopted::OtherLogin {
        assert_eq!(serde_json::to_value(other.save()).unwrap(), untouched);
    }
    assert_eq!(session.adopt(saved.clone()), Ok(Adopted::NotNewer));
    let mut newer = before.clone();
    newer["revision"] = before["revision"].as_u64().unwrap().saturating_add(1).into();
    let expected = if newer == before { Adopted::NotNewer } else { Adopted::Newer };
    assert_eq!(session.adopt(serde_json::from_value(newer).unwrap()), Ok(expected));
    for other in after["others"].as_array().unwrap() {
        let text = |name: &str| other[name].as_str();
        let target = text("resource").map(Target::resource).or(text("audience").map(Target::audience));
        let target = target.unwrap_or(Ok(Target::own())).unwrap();
        let target = text("target_scope").map_or(Ok(target.clone()), |scope| target.scope(scope)).unwrap();
        if let Access::Ready(bearer) = session.access_for(&target, UnixTime::from_secs(1_000)) {
            assert!(!bearer.token().reveal().is_empty());
        }
    }
    let _ = session.access(UnixTime::from_secs(1_000));
    let _ = session.sign_out(SignOut::new());
    assert!(session.save().is_none());
}
