use oauth_proto::{Access, Action, KeySet, Login, SavedLogin, SavedSession, ServerMetadata, Session};

use crate::{at, client, finish, id_token, json, started, ISSUER, NOW};

/// Through text, and through a value that the app holds.
fn stored<T: serde::Serialize + serde::de::DeserializeOwned>(form: &T) -> [T; 2] {
    let text = serde_json::to_string(form).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    [serde_json::from_str(&text).unwrap(), serde_json::from_value(value).unwrap()]
}

#[test]
fn logins_and_sessions_come_back() {
    let tokens = format!(
        r#"{{"access_token":"AT","token_type":"Bearer","expires_in":3.6e3,"refresh_token":"RT","refresh_expires_in":86400.5,"id_token":"{}"}}"#,
        id_token("1.7e9", "1700003600.5", "")
    );
    for saved in stored::<SavedLogin>(&started().save().unwrap()) {
        let login = Login::resume(client(), saved, at(NOW)).unwrap();
        let deadline = login.deadline();
        assert_eq!(deadline, started().deadline());
        let Ok(Action::TokensReady(tokens)) = finish(login, &tokens) else { panic!() };
        assert_eq!(tokens.expires_at(), Some(at(NOW + 3600)));
        let session = Session::new(client(), tokens);
        let ends = session.grant_expires_at();
        assert_eq!(ends, Some(at(NOW + 86400)));
        for saved in stored::<SavedSession>(&session.save().unwrap()) {
            let mut restored = Session::restore(client(), saved).unwrap();
            assert_eq!(restored.grant_expires_at(), ends);
            assert_eq!(restored.id_token().unwrap().expires_at(), at(NOW + 3600));
            assert!(matches!(restored.access(at(NOW + 3000)), Access::Ready(_)));
            assert!(matches!(restored.access(at(NOW + 3600)), Access::SendRequest(_)));
        }
    }
}

#[test]
fn metadata_and_keys_come_back() {
    let document = format!(
        r#"{{"issuer":"{ISSUER}","authorization_endpoint":"https://as.example.com/a","token_endpoint":"https://as.example.com/t"}}"#
    );
    let metadata = ServerMetadata::from_response(ISSUER, &json(&document), at(NOW)).unwrap();
    assert!(stored(&metadata).iter().all(|again| *again == metadata && again.fetched_at() == at(NOW)));
    let jwks = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let keys = KeySet::parse("https://as.example.com/jwks", jwks, at(NOW)).unwrap();
    assert!(stored(&keys).iter().all(|again| *again == keys && again.len() == 1));
}
