//! What the messages of fatal errors tell: what to do now. None says what cannot be: nothing is tried again with a login that is over.

use oauth_proto::token::parse_response;
use oauth_proto::{Error, Headers, Over, Response, Violation};

use crate::at;

/// How an advice begins, or the question that leads to it.
const ADVICE: [&str; 18] = [
    "start a new",
    "started anew",
    "tell the server's operator",
    "tell its operator",
    "configure the",
    "register the client",
    "is the endpoint's URL right",
    "is the client registered",
    "is the URL that of",
    "is the jwks_uri",
    "is this device's clock right",
    "is the client id right",
    "set it with",
    "set ClientBuilder",
    "allow",
    "ask ",
    "write the issuer",
    "end the grant",
];

fn check(error: &Error) {
    let message = error.to_string();
    assert!(error.is_fatal(), "{message}");
    assert!(ADVICE.iter().any(|advice| message.contains(advice)), "{message}");
    for never in ["try again", "keep waiting", "send it again"] {
        assert!(!message.contains(never), "{message}");
    }
}

#[test]
fn every_violation_and_every_end_says_what_to_do() {
    let violations = [
        Violation::IssuerMissing,
        Violation::IssuerMismatch,
        Violation::IssuerUnknown,
        Violation::DuplicateParameter,
        Violation::RedirectMalformed,
        Violation::CodeMissing,
        Violation::ResponseTooLarge,
        Violation::RedirectedResponse(302),
        Violation::ContentType,
        Violation::ResponseMalformed,
        Violation::MemberMalformed("scope"),
        Violation::AccessTokenMissing,
        Violation::TokenTypeMissing,
        Violation::AccessTokenAudience,
        Violation::IdTokenMissing,
        #[cfg(feature = "openid")]
        Violation::UserInfoSubject,
        #[cfg(feature = "openid")]
        Violation::UserInfoSigned,
    ];
    violations.into_iter().map(Error::Violation).for_each(|error| check(&error));
    let over = [Over::Cancelled, Over::Expired, Over::OutcomeUnknown, Over::NotRevoked];
    over.into_iter().map(Error::Over).for_each(|error| check(&error));
}

#[cfg(feature = "openid")]
#[test]
fn every_fault_of_an_id_token_says_what_to_do() {
    use oauth_proto::IdTokenError;
    for error in [
        IdTokenError::TooLarge,
        IdTokenError::Malformed,
        IdTokenError::Encrypted,
        IdTokenError::AlgorithmNotAllowed,
        IdTokenError::Type,
        IdTokenError::Critical,
        IdTokenError::KeyNotFound,
        IdTokenError::KeyAmbiguous,
        IdTokenError::Signature,
        IdTokenError::MissingClaim("sub"),
        IdTokenError::Issuer,
        IdTokenError::Audience,
        IdTokenError::AuthorizedParty,
        IdTokenError::Expired,
        IdTokenError::NotYetValid,
        IdTokenError::IssuedAt,
        IdTokenError::NonceMissing,
        IdTokenError::NonceMismatch,
        IdTokenError::AuthTimeMissing,
        IdTokenError::AuthTimeTooOld,
        IdTokenError::AuthTimeInFuture,
        IdTokenError::AuthTimeMismatch,
        IdTokenError::AccessTokenHash,
        IdTokenError::CodeHash,
        IdTokenError::SubjectMismatch,
        IdTokenError::Organization,
        IdTokenError::AuthenticationContext,
    ] {
        check(&Error::Violation(Violation::IdToken(error)));
    }
}

#[test]
fn every_refusal_says_what_to_do() {
    let refused = |status: u16, body: &str| {
        let response = Response::new(status, Headers::NONE, body.as_bytes());
        parse_response(&response, at(0)).err().unwrap()
    };
    for (word, advice) in [
        ("access_denied", "start a new login when the user wants one"),
        ("invalid_grant", "start a new login"),
        ("invalid_client", "compare the client's id, secret and authentication method"),
        ("unauthorized_client", "compare the client's id, secret and authentication method"),
        ("unsupported_grant_type", "compare the client's id, secret and authentication method"),
        ("invalid_scope", "ask for scopes and resources that the server lets this client have"),
        ("invalid_target", "ask for scopes and resources that the server lets this client have"),
        ("use_dpop_nonce", "register the client without"),
        ("login_required", "start a new login, without prompt=none"),
        ("mfa_required", "start a new login, without prompt=none"),
        ("temporarily_unavailable", "a login is started anew later"),
        ("server_error", "a login is started anew later"),
        ("invalid_request", "its description may say what to change"),
        ("A word of its own", "its description may say what to change"),
    ] {
        let error = refused(400, &format!(r#"{{"error":"{word}"}}"#));
        let message = error.to_string();
        assert!(error.is_fatal() && message.contains(advice) && !message.contains("try again"), "{word}: {message}");
    }
    for (status, advice) in [
        (404, "is the endpoint's URL right"),
        (304, "is the endpoint's URL right"),
        (407, "a proxy of the network wants to know the user"),
        (408, "a login is started anew later"),
        (425, "a login is started anew later"),
        (429, "a login is started anew later"),
        (503, "a login is started anew later"),
    ] {
        let message = refused(status, "").to_string();
        assert!(message.contains(advice) && message.contains(&format!("HTTP status {status}")), "{message}");
    }
}
