//! The stable names: all of them, none twice, and a test for each variant that the source has.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use oauth_proto::challenge::MalformedChallenge;
use oauth_proto::pkce::InvalidVerifier;
use oauth_proto::{
    BearerError, ConfigError, EntropyError, Error, Ignored, Misuse, Over, RestoreError, Unfit, Violation,
};
#[cfg(feature = "openid")]
use oauth_proto::{IdTokenError, KeySetError};

const ERROR: &str = include_str!("../../../src/error/mod.rs");

/// Every enum of errors, the file it is in, and the tests of its variants.
const ENUMS: [(&str, &str, &str); 11] = [
    ("Misuse", ERROR, include_str!("misuse.rs")),
    ("Ignored", ERROR, include_str!("ignored.rs")),
    ("Violation", include_str!("../../../src/error/violation.rs"), include_str!("violation.rs")),
    ("Over", ERROR, include_str!("over.rs")),
    ("ConfigError", include_str!("../../../src/error/config.rs"), include_str!("config.rs")),
    ("RestoreError", include_str!("../../../src/error/restore.rs"), include_str!("restore.rs")),
    ("EntropyError", include_str!("../../../src/entropy.rs"), include_str!("parts.rs")),
    ("BearerError", include_str!("../../../src/session/bearer.rs"), include_str!("parts.rs")),
    ("IdTokenError", include_str!("../../../src/error/id_token.rs"), include_str!("id_token.rs")),
    ("KeySetError", include_str!("../../../src/openid/keys.rs"), include_str!("id_token.rs")),
    ("LoginRequired", include_str!("../../../src/session/outcome.rs"), include_str!("login_required.rs")),
];

/// The names of an enum's variants, as its source has them.
fn variants(name: &str, source: &str) -> Vec<String> {
    let start = source.find(&format!("pub enum {name} {{")).expect("the enum is in its file");
    let body = source[start..].lines().skip(1).take_while(|line| *line != "}");
    let names = body.filter_map(|line| line.strip_prefix("    ").filter(|line| line.starts_with(char::is_uppercase)));
    names.map(|line| line.chars().take_while(char::is_ascii_alphanumeric).collect()).collect()
}

#[test]
fn every_variant_has_a_test() {
    for (name, source, tests) in ENUMS {
        let variants = variants(name, source);
        assert!(variants.len() > 1, "{name}: {variants:?}");
        for variant in variants {
            let path = format!("{name}::{variant}");
            let last = |text: &str| !text.starts_with(|next: char| next.is_ascii_alphanumeric());
            assert!(tests.split(&path).skip(1).any(last), "{path} has no test");
        }
    }
}

/// One value for each variant of the enums whose names make up `Error::code`.
fn errors() -> Vec<Error> {
    let misuse = [
        Misuse::AlreadyStarted,
        Misuse::NotForASession,
        Misuse::NoLogoutEndpoint,
        Misuse::NoCrypto,
        Misuse::ServerUnknown,
    ];
    let ignored = [
        Ignored::NotOurRedirect,
        Ignored::RedirectTooLarge,
        Ignored::DuplicateParameter,
        Ignored::StateMissing,
        Ignored::StateMismatch,
        Ignored::RedirectNotAwaited,
        Ignored::UnknownRequest,
        Ignored::Finished,
    ];
    let violations = [
        Violation::IssuerMissing,
        Violation::IssuerMismatch,
        Violation::IssuerUnknown,
        Violation::DuplicateParameter,
        Violation::RedirectMalformed,
        Violation::CodeMissing,
        Violation::ResponseTooLarge,
        Violation::RedirectedResponse(302),
        Violation::MemberMalformed("scope"),
        Violation::ContentType,
        Violation::ResponseMalformed,
        Violation::AccessTokenMissing,
        Violation::TokenTypeMissing,
        Violation::AccessTokenAudience,
        Violation::IdTokenMissing,
    ];
    #[cfg(feature = "openid")]
    let violations = violations.into_iter().chain([
        Violation::IdToken(IdTokenError::Signature),
        Violation::Metadata(Box::new(ConfigError::Issuer { problem: "" })),
        Violation::UserInfoSubject,
        Violation::UserInfoSigned,
    ]);
    let over = [Over::Cancelled, Over::Expired, Over::OutcomeUnknown, Over::NotRevoked];
    let errors = misuse.map(Error::Misuse).into_iter().chain(ignored.map(Error::Ignored));
    errors.chain(violations.into_iter().map(Error::Violation)).chain(over.map(Error::Over)).collect()
}

#[test]
fn all_names_of_errors_are_distinct() {
    let mut codes: Vec<&str> = errors().iter().map(Error::code).collect();
    // No value of these can be made here: refused.rs and violation.rs check that they are given.
    codes.extend(["authorization_error", "oauth_error", "http_error", "unavailable", "unsupported_token_type"]);
    assert_names(&without_seconds(codes.clone()));
    let variants: usize = ENUMS[..4].iter().map(|(name, source, _)| variants(name, source).len()).sum();
    let of_openid = if cfg!(feature = "openid") { 0 } else { 4 };
    assert_eq!(codes.len() + of_openid, variants + 4, "a variant is not in the list");
}

/// Two names are given twice: what repeats a parameter depends on `state` alone, and a malformed response may be known by the member.
fn without_seconds(mut codes: Vec<&str>) -> Vec<&str> {
    for name in ["duplicate_parameter", "response_malformed"] {
        let one = codes.iter().position(|code| *code == name).unwrap();
        codes.remove(one);
    }
    codes
}

/// An ID token's errors are errors of the machines too.
#[cfg(feature = "openid")]
#[test]
fn all_names_of_the_errors_of_id_tokens_are_distinct() {
    let all = [
        (IdTokenError::TooLarge, "id_token_too_large"),
        (IdTokenError::Malformed, "id_token_malformed"),
        (IdTokenError::Encrypted, "id_token_encrypted"),
        (IdTokenError::AlgorithmNotAllowed, "id_token_alg_not_allowed"),
        (IdTokenError::Type, "id_token_type"),
        (IdTokenError::Critical, "id_token_crit"),
        (IdTokenError::KeyNotFound, "id_token_key_not_found"),
        (IdTokenError::KeyAmbiguous, "id_token_key_ambiguous"),
        (IdTokenError::Signature, "id_token_signature"),
        (IdTokenError::MissingClaim("sub"), "id_token_missing_claim"),
        (IdTokenError::Issuer, "id_token_issuer"),
        (IdTokenError::Audience, "id_token_audience"),
        (IdTokenError::AuthorizedParty, "id_token_azp"),
        (IdTokenError::Expired, "id_token_expired"),
        (IdTokenError::NotYetValid, "id_token_not_yet_valid"),
        (IdTokenError::IssuedAt, "id_token_issued_at"),
        (IdTokenError::NonceMissing, "id_token_nonce_missing"),
        (IdTokenError::NonceMismatch, "id_token_nonce_mismatch"),
        (IdTokenError::AuthTimeMissing, "id_token_auth_time_missing"),
        (IdTokenError::AuthTimeTooOld, "id_token_auth_time_too_old"),
        (IdTokenError::AuthTimeInFuture, "id_token_auth_time_in_future"),
        (IdTokenError::AuthTimeMismatch, "id_token_auth_time_mismatch"),
        (IdTokenError::AccessTokenHash, "id_token_at_hash"),
        (IdTokenError::CodeHash, "id_token_c_hash"),
        (IdTokenError::SubjectMismatch, "id_token_sub_mismatch"),
        (IdTokenError::Organization, "id_token_organization"),
        (IdTokenError::AuthenticationContext, "id_token_acr"),
    ];
    for (error, code) in all {
        assert_eq!((error.code(), Error::Violation(Violation::IdToken(error)).code()), (code, code));
    }
    let (_, source, _) = ENUMS.iter().find(|(name, ..)| *name == "IdTokenError").unwrap();
    assert_eq!(variants("IdTokenError", source).len(), all.len(), "a variant is not in the list");
    let others = errors().into_iter().filter(|error| !matches!(error, Error::Violation(Violation::IdToken(_))));
    let others = others.filter(|error| *error != Error::Ignored(Ignored::DuplicateParameter));
    let mut codes = without_seconds(others.map(|error| error.code()).collect());
    codes.extend(all.map(|(_, code)| code));
    assert_names(&codes);
}

#[cfg(feature = "openid")]
#[test]
fn errors_of_key_sets_are_told_apart() {
    assert_names(&[KeySetError::TooLarge, KeySetError::Malformed].map(KeySetError::code));
    assert_ne!(KeySetError::TooLarge.to_string(), KeySetError::Malformed.to_string());
}

#[test]
fn only_misuse_and_what_is_ignored_is_not_fatal() {
    for error in errors() {
        let lasting = matches!(error, Error::Misuse(_) | Error::Ignored(_));
        assert_eq!(error.is_fatal(), !lasting, "{error:?}");
    }
}

#[test]
fn all_names_of_the_other_errors_are_distinct() {
    let config = [
        ConfigError::Endpoint { name: "", problem: "" },
        ConfigError::Issuer { problem: "" },
        ConfigError::Metadata { name: "", problem: "" },
        ConfigError::Resource { problem: "" },
        ConfigError::RedirectUri { problem: "" },
        ConfigError::Client { name: "", problem: "" },
        ConfigError::Parameter { name: String::new(), problem: "" },
    ];
    assert_names(&config.each_ref().map(ConfigError::code));
    let restore =
        [RestoreError::OtherClient, RestoreError::UnknownVersion, RestoreError::Expired, RestoreError::Malformed];
    #[cfg(feature = "openid")]
    let restore = restore.into_iter().chain([RestoreError::ServerUnknown]);
    let codes: Vec<_> = restore.into_iter().map(RestoreError::code).collect();
    assert_names(&codes);
    let bearer = [BearerError::BadUrl, BearerError::OriginNotAllowed, BearerError::DuplicateAuthorization];
    assert_names(&bearer.map(BearerError::code));
    let entropy = [EntropyError::Repeated, EntropyError::Unavailable];
    assert_names(&entropy.map(EntropyError::code));
    assert_names(&[Unfit.code(), MalformedChallenge.code(), InvalidVerifier.code()]);
    for (name, count) in
        [("ConfigError", 7), ("RestoreError", 5), ("BearerError", 3), ("EntropyError", 2), ("KeySetError", 2)]
    {
        let (_, source, _) = ENUMS.iter().find(|(other, ..)| *other == name).unwrap();
        assert_eq!(variants(name, source).len(), count, "a variant of {name} is not in the list");
    }
}

/// Small letters and `_`, and none twice.
fn assert_names(codes: &[&str]) {
    let distinct: BTreeSet<_> = codes.iter().collect();
    assert_eq!(distinct.len(), codes.len(), "{codes:?}");
    for code in codes {
        assert!(code.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'_') && !code.is_empty(), "{code}");
    }
}

/// All that implements `Error` in the crate, wherever it is; and each of them has a stable name.
#[test]
fn every_type_of_error_is_tested_here() {
    let mut found = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = fs::read_to_string(&path).unwrap();
            let types = source.lines().filter_map(|line| line.strip_prefix("impl core::error::Error for "));
            for name in types.map(|rest| rest.chars().take_while(char::is_ascii_alphanumeric).collect::<String>()) {
                let start = format!("\nimpl {name} {{");
                let mut own = source.split(start.as_str()).skip(1).filter_map(|rest| rest.split("\n}").next());
                assert!(own.any(|body| body.contains("    pub fn code(")), "{name} has no code()");
                found.insert(name);
            }
        }
    }
    let units = ["InvalidVerifier", "MalformedChallenge", "Unfit"];
    let enums = [
        "Error",
        "ConfigError",
        "RestoreError",
        "EntropyError",
        "BearerError",
        "IdTokenError",
        "KeySetError",
        "LoginRequired",
    ];
    assert_eq!(found, enums.into_iter().chain(units).map(str::to_owned).collect());
}
