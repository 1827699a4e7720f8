//! ID tokens, keys and metadata: what is put in comes out, and nothing else is believed.

use oauth_proto::openid::id_token::Rules;
use oauth_proto::{Algorithm, Event, IdTokenError, KeySet, ServerMetadata, UserInfo};
use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::Index;

use super::cases;
use crate::model::keys::{jwks, named, signed, Verifier};
use crate::support::openid::{claims, exchanging, id_token, keyed, keys, metadata, token_body, ISSUER, JWKS_URI};
use crate::support::{at, json, nonce, pending};

fn rules(nonce: &str) -> Rules<'_> {
    Rules::new(ISSUER, "app").algorithms(&[Algorithm::EdDsa]).nonce(Some(nonce))
}

#[derive(serde::Deserialize)]
struct Own {
    #[serde(rename = "https://x/y")]
    own: Vec<i64>,
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn an_id_token_says_what_was_put_into_it(subject in "\\PC{1,40}", name in any::<String>(), own in any::<Vec<i64>>()) {
        let token = id_token(|claims| {
            claims["sub"] = subject.as_str().into();
            claims["name"] = name.as_str().into();
            claims["https://x/y"] = own.clone().into();
        });
        let id_token = rules(&nonce(1)).check(&token, &keys(&[1, 2], at(0)), &Verifier, at(0)).unwrap();
        prop_assert_eq!(id_token.subject(), subject.as_str());
        prop_assert_eq!(id_token.standard_claims().name, Some(name));
        prop_assert_eq!(id_token.reveal(), token.as_str());
        prop_assert_eq!(id_token.claims::<Own>().unwrap().own, own);
        let body = serde_json::json!({ "sub": subject, "own": 1 }).to_string();
        prop_assert!(id_token.userinfo(&json(200, &body), at(0)).is_ok());
        let other = serde_json::json!({ "sub": format!("{subject} "), "own": 1 }).to_string();
        prop_assert!(UserInfo::parse(&subject, &json(200, &other), at(0)).is_err());
    }

    /// One octet of it is changed, put in or left out.
    #[test]
    fn an_id_token_that_was_changed_is_not_another_users(at_octet in any::<Index>(), octet in "[ -~]", kind in 0..3) {
        let mut token = id_token(|_| {});
        let index = at_octet.index(token.len());
        let after = if kind == 0 { index } else { index + 1 };
        token.replace_range(index..after, if kind == 2 { "" } else { &octet });
        if let Ok(id_token) = rules(&nonce(1)).check(&token, &keys(&[1], at(0)), &Verifier, at(0)) {
            prop_assert_eq!(id_token.subject(), crate::support::openid::USER);
        }
    }

    #[test]
    fn whatever_a_server_sends_as_an_id_token_is_refused(text in "[ -~]{1,80}", parts in vec("[A-Za-z0-9_-]{0,30}", 1..6)) {
        for token in [text, parts.join(".")] {
            let mut login = exchanging(keyed());
            let body = token_body(|_| {}).replace(&id_token(|_| {}), &token.replace(['"', '\\'], "_"));
            let error = login.handle(Event::ResponseReceived(pending(&login).id(), json(200, &body)), at(0)).unwrap_err();
            prop_assert!(error.code().contains("id_token"), "{}", error.code());
        }
    }

    #[test]
    fn a_key_set_is_stored_as_it_was(numbers in vec((any::<u8>(), any::<u8>()), 0..6), seconds in 0_u64..9999) {
        let set = KeySet::parse(JWKS_URI, named(&numbers).as_bytes(), at(seconds)).unwrap();
        prop_assert_eq!(set.len(), numbers.len());
        let again: KeySet = serde_json::from_str(&serde_json::to_string(&set).unwrap()).unwrap();
        prop_assert_eq!(&again, &set);
        // It is the keys that decide, and not where they come from.
        let token = signed(&claims(), Some(7), 8);
        let expected = if numbers.iter().filter(|(name, _)| *name == 7).count() > 4 {
            Err(IdTokenError::KeyAmbiguous)
        } else if numbers.contains(&(7, 8)) {
            Ok(())
        } else if numbers.iter().any(|(name, _)| *name == 7) {
            Err(IdTokenError::Signature)
        } else {
            Err(IdTokenError::KeyNotFound)
        };
        prop_assert_eq!(rules(&nonce(1)).check(&token, &again, &Verifier, at(0)).map(|_| ()), expected);
    }

    #[test]
    fn metadata_are_stored_as_they_were(unknown in "[ -~]{0,30}", seconds in 0_u64..9999, iss in any::<bool>()) {
        let document = metadata(ISSUER, |document| {
            document["unknown"] = unknown.into();
            document["authorization_response_iss_parameter_supported"] = iss.into();
        });
        let metadata = ServerMetadata::from_response(ISSUER, &json(200, &document), at(seconds)).unwrap();
        let again: ServerMetadata = serde_json::from_str(&serde_json::to_string(&metadata).unwrap()).unwrap();
        prop_assert_eq!(&again, &metadata);
        prop_assert_eq!((again.requires_iss(), again.age(at(9999))), (iss, 9999 - seconds));
    }

    /// Whatever the document is.
    #[test]
    fn keys_that_cannot_be_read_are_never_believed(text in any::<String>(), octets in vec(any::<u8>(), 0..60)) {
        for document in [text.as_bytes(), &octets] {
            if let Ok(set) = KeySet::parse(JWKS_URI, document, at(0)) {
                let token = id_token(|_| {});
                prop_assert!(rules(&nonce(1)).check(&token, &set, &Verifier, at(0)).is_err());
            }
        }
        prop_assert!(KeySet::parse(JWKS_URI, jwks(&[1]).as_bytes(), at(0)).is_ok());
    }
}
