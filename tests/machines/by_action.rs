//! A login whose app verifies the signature of the ID token by an action.

use oauth_proto::{Action, Algorithm, Event, Login, Over, Phase, RequestId, SignatureVerifier};

use crate::model::keys::{jwks, signed, Verifier};
use crate::support::openid::{body_with, by_action, check, claims, exchanging, keyed_builder, keys, verifying, USER};
use crate::support::{at, json, pending};

/// Verifies as the app does; whether each key was the right one.
fn verify_all(login: &mut Login) -> (Vec<bool>, Result<Action, oauth_proto::Error>) {
    let mut verdicts = Vec::new();
    loop {
        let check = check(login);
        let is_valid = Verifier.verify(check.algorithm(), &check.key(), check.message(), check.signature());
        verdicts.push(is_valid);
        match login.handle(Event::Verified(check.id(), is_valid), at(1)) {
            Ok(Action::Verify(_)) => {}
            result => return (verdicts, result),
        }
    }
}

#[test]
fn keys_that_fit_are_tried_one_after_the_other() {
    for (numbers, expected) in
        [(&[1][..], &[true][..]), (&[2, 1, 3], &[false, true]), (&[4, 3, 2, 1], &[false, false, false, true])]
    {
        for are_fetched in [false, true] {
            let mut login = verifying(numbers, are_fetched);
            let (verdicts, result) = verify_all(&mut login);
            let Ok(Action::TokensReady(tokens)) = result else { panic!("{numbers:?}: {result:?}") };
            assert_eq!(verdicts, expected);
            assert_eq!(tokens.id_token().unwrap().subject(), USER);
            assert_eq!(tokens.keys(), Some(&keys(numbers, at(0))));
            assert_eq!(login.phase(), Phase::Finished);
        }
    }
}

/// Each key of the server costs the app an answer.
#[test]
fn more_than_four_keys_are_too_many() {
    let mut login = exchanging(by_action());
    let body = body_with(&signed(&claims(), None, 1));
    assert!(login.handle(Event::ResponseReceived(pending(&login).id(), json(200, &body)), at(0)).is_ok());
    let set = jwks(&[1, 2, 3, 4, 5]);
    let error = login.handle(Event::ResponseReceived(pending(&login).id(), json(200, &set)), at(0)).unwrap_err();
    assert_eq!(error.code(), "id_token_key_ambiguous");
}

/// The server may have replaced its keys, even under the same names.
#[test]
fn keys_that_the_client_had_are_fetched_again_once() {
    let mut login = verifying(&[3, 2], false);
    let (verdicts, result) = verify_all(&mut login);
    let Ok(Action::SendRequest(request)) = result else { panic!("{result:?}") };
    assert_eq!((verdicts.len(), login.phase(), request.method()), (2, Phase::FetchingKeys, "GET"));
    let set = jwks(&[3, 2]);
    assert!(login.handle(Event::ResponseReceived(request.id(), json(200, &set)), at(1)).is_ok());
    let (verdicts, result) = verify_all(&mut login);
    assert_eq!((verdicts.len(), result.unwrap_err().code()), (2, "id_token_signature"));
    assert_eq!(login.phase(), Phase::Failed);
}

#[test]
fn the_outcome_counts_for_its_check_alone() {
    let mut login = verifying(&[2, 1], false);
    let first = check(&login).id();
    assert_eq!(check(&login).id(), first, "the same again");
    let others = [RequestId::from_u64(0), RequestId::from_u64(first.as_u64() ^ 1)];
    let refused = |login: &mut Login, id| {
        for event in [Event::Verified(id, true), Event::Verified(id, false), Event::VerifyFailed(id)] {
            assert_eq!(login.handle(event, at(1)).unwrap_err().code(), "unknown_request");
        }
    };
    for id in others {
        refused(&mut login, id);
    }
    // It is no request, whatever its id.
    let body = jwks(&[1]);
    let response = Event::ResponseReceived(first, json(200, &body));
    assert_eq!(login.handle(response, at(1)).unwrap_err().code(), "unknown_request");
    let unsent = Event::SendFailed(first, oauth_proto::Delivered::No);
    assert_eq!(login.handle(unsent, at(1)).unwrap_err().code(), "unknown_request");
    assert_eq!((check(&login).id(), check(&login).jwk()), (first, check(&verifying(&[2, 1], false)).jwk()));

    // That the first key is the right one comes too late, and is said of another.
    assert!(matches!(login.handle(Event::Verified(first, false), at(1)), Ok(Action::Verify(_))));
    refused(&mut login, first);
    let second = check(&login).id();
    assert!(matches!(login.handle(Event::VerifyFailed(second), at(1)), Ok(Action::RetryAt(_))));
    refused(&mut login, second);
    let third = check(&login).id();
    assert!(matches!(login.handle(Event::Verified(third, true), at(1)), Ok(Action::TokensReady(_))));
    assert_eq!(login.handle(Event::Verified(third, true), at(1)).unwrap_err().code(), "finished");
}

#[test]
fn what_cannot_be_verified_now_is_asked_again_with_longer_waits() {
    let mut login = verifying(&[1], true);
    let (jwk, message) = (check(&login).jwk(), check(&login).message().to_vec());
    let (mut now, mut tries) = (at(1), 0);
    while now < at(3600) {
        let id = check(&login).id();
        let Ok(Action::RetryAt(next)) = login.handle(Event::VerifyFailed(id), now) else { panic!("no wait") };
        assert!((1..=64).contains(&next.saturating_since(now)), "{next:?} after {now:?}");
        assert_eq!((check(&login).jwk(), check(&login).message()), (jwk.clone(), message.as_slice()));
        assert!(login.save().is_none() && login.deadline().is_none());
        (now, tries) = (next, tries + 1);
    }
    assert!((60..200).contains(&tries), "{tries} in an hour");
    let Ok(Action::TokensReady(tokens)) = login.handle(Event::Verified(check(&login).id(), true), now) else {
        panic!("something is lost")
    };
    assert!(tokens.id_token().is_some() && tokens.refresh_token().is_some());

    let mut login = verifying(&[1], true);
    let error = login.handle(Event::Cancelled, at(2)).unwrap_err();
    assert_eq!((error, login.phase()), (oauth_proto::Error::Over(Over::Cancelled), Phase::Failed));
}

/// A key whose signatures are of another length has not signed it: the app is not asked.
#[test]
fn a_signature_of_another_length_is_not_asked_about() {
    let mut login = exchanging(by_action().with_keys(keys(&[1], at(0))));
    let token = signed(&claims(), Some(1), 1);
    let body = body_with(&token[..token.len() - 2]);
    let action = login.handle(Event::ResponseReceived(pending(&login).id(), json(200, &body)), at(0));
    assert!(matches!(action, Ok(Action::SendRequest(_))), "{action:?}");
    let set = jwks(&[1]);
    let error = login.handle(Event::ResponseReceived(pending(&login).id(), json(200, &set)), at(0)).unwrap_err();
    assert_eq!(error.code(), "id_token_signature");
}

#[test]
fn the_last_of_these_settings_counts() {
    let asks = |builder: oauth_proto::ClientBuilder| {
        let mut login = exchanging(builder.build().unwrap().with_keys(keys(&[1], at(0))));
        let body = body_with(&signed(&claims(), Some(1), 1));
        let action = login.handle(Event::ResponseReceived(pending(&login).id(), json(200, &body)), at(0)).unwrap();
        matches!(action, Action::Verify(_))
    };
    let algorithms = [Algorithm::EdDsa];
    assert!(asks(keyed_builder().accept_id_tokens_on_tls_alone().verify_id_tokens_by_action(&algorithms)));
    assert!(!asks(keyed_builder().verify_id_tokens_by_action(&algorithms).signature_verifier(Verifier)));
}
