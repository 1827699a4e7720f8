// Invariant: a saved form that is taken back gives the same form when saved again, and the login waits for what it waited for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oauth_proto::{Action, AuthorizationServer, Client, Login, Phase, SavedLogin, SavedSession, Session, UnixTime};

/// What the seeds were saved by, too.
fn client() -> Client {
    let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token");
    Client::new(server.unwrap().issuer("https://as.example.com").unwrap(), "s6BhdRkqt3", "com.example.app:/callback")
        .unwrap()
}

fuzz_target!(|data: &[u8]| {
    if let Ok(saved) = serde_json::from_slice::<SavedLogin>(data) {
        let before = serde_json::to_value(&saved).unwrap();
        if let Ok(login) = Login::resume(client(), saved, UnixTime::from_secs(1_000)) {
            assert_eq!(login.phase(), Phase::AwaitingRedirect);
            let Some(Action::OpenUrl(url)) = login.pending_action() else {
                panic!("a resumed login waits for a redirect")
            };
            for name in
                ["response_type=", "client_id=", "redirect_uri=", "state=", "code_challenge=", "code_challenge_method="]
            {
                let query = url.split_once('?').unwrap().1;
                assert_eq!(query.split('&').filter(|pair| pair.starts_with(name)).count(), 1, "{name} once");
            }
            let again = login.save().unwrap();
            let after = serde_json::to_value(&again).unwrap();
            // Parameters may be written in another way (scope tokens together); the second time nothing changes any more.
            for member in ["version", "client", "code_verifier", "state", "nonce"] {
                assert_eq!(before[member], after[member]);
            }
            // It waits as long as it would have, and no longer than a login that starts now.
            assert_eq!(
                after["deadline"].as_u64(),
                before["deadline"].as_u64().map(|deadline| deadline.min(1_000 + 3600))
            );
            let twice = Login::resume(client(), again, UnixTime::from_secs(1_000)).unwrap();
            assert_eq!(serde_json::to_value(twice.save()).unwrap(), after);
        }
    }
    if let Ok(saved) = serde_json::from_slice::<SavedSession>(data) {
        let before = serde_json::to_value(&saved).unwrap();
        if let Ok(mut session) = Session::restore(client(), saved) {
            assert_eq!(serde_json::to_value(session.save()).unwrap(), before);
            let _ = session.access(UnixTime::from_secs(1_000));
            let _ = session.sign_out();
            assert!(session.save().is_none());
        }
    }
});
