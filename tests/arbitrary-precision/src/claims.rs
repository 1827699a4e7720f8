use oauth_proto::openid::id_token::Rules;
use oauth_proto::{IdTokenError, StandardClaims, UserInfo};

use crate::{at, id_token, json, CLIENT_ID, ISSUER, NONCE, NOW, USER};

fn rules() -> Rules<'static> {
    Rules::new(ISSUER, CLIENT_ID).nonce(Some(NONCE))
}

#[test]
fn times_of_id_tokens_may_be_any_numbers() {
    for (iat, exp) in [
        ("1700000000", "1700003600"),
        ("1700000000.9", "1700003600.123456789012345678901234567890"),
        ("1.7e9", "1.7000036E+9"),
        ("17000000000000e-4", "1700003600.0"),
        ("1700000000", "18446744073709551616"),
        ("0", "1e300"),
    ] {
        let token = id_token(iat, exp, ",\"auth_time\":1.6e9,\"nbf\":0.5,\"session_expiry\":1.8e9");
        let checked =
            rules().check_on_tls_alone(&token, at(NOW)).unwrap_or_else(|error| panic!("{iat} {exp}: {error}"));
        assert_eq!((checked.auth_time(), checked.session_expiry()), (Some(at(1_600_000_000)), Some(at(1_800_000_000))));
        assert!(checked.issued_at() == at(NOW) || iat == "0");
        assert!(checked.expires_at() == at(NOW + 3600) || checked.expires_at() == at(u64::MAX), "{exp}");
    }
    for (iat, exp, error) in [
        ("1700000000", "1.69e9", IdTokenError::Expired),
        ("1.71e9", "1.72e9", IdTokenError::IssuedAt),
        ("1700000000", "-1.5", IdTokenError::Malformed),
        ("-1", "1700003600", IdTokenError::Malformed),
        ("1700000000", "1e400", IdTokenError::Malformed),
        ("1700000000", "{\"seconds\":1700003600}", IdTokenError::Malformed),
    ] {
        assert_eq!(rules().check_on_tls_alone(&id_token(iat, exp, ""), at(NOW)).unwrap_err(), error, "{iat} {exp}");
    }
}

#[test]
fn numbers_among_other_claims_are_what_they_are_without_the_feature() {
    let token = id_token(
        "1700000000",
        "1700003600",
        ",\"acr\":0.5,\"amr\":[1.5,\"pwd\",{\"a\":1e3}],\"org_id\":7.5,\"x\":1e400",
    );
    let checked = rules().check_on_tls_alone(&token, at(NOW)).unwrap();
    assert_eq!((checked.acr(), checked.org_id()), (None, None));
    assert_eq!(checked.amr(), ["pwd"]);
    for wrong in ["azp", "at_hash", "c_hash"] {
        let token = id_token("1700000000", "1700003600", &format!(",\"{wrong}\":7.5"));
        assert_eq!(rules().check_on_tls_alone(&token, at(NOW)).unwrap_err(), IdTokenError::Malformed, "{wrong}");
    }
}

fn standard_claims(claims: &str) -> StandardClaims {
    let body = format!(r#"{{"sub":"{USER}",{claims}}}"#);
    UserInfo::parse(USER, &json(&body), at(NOW)).unwrap().standard_claims()
}

#[test]
fn claims_of_userinfo_may_be_any_numbers() {
    for number in ["1600000000", "1600000000.7", "1.6e9", "16E+8"] {
        let claims = standard_claims(&format!(r#""updated_at":{number},"name":"Jane","x":{number}"#));
        assert_eq!((claims.updated_at, claims.name.as_deref()), (Some(at(1_600_000_000)), Some("Jane")), "{number}");
    }
    // No object, and so no address; no text, and so no name.
    for number in ["7", "7.5", "-7e3", "18446744073709551616"] {
        let claims =
            standard_claims(&format!(r#""address":{number},"name":{number},"email_verified":{number},"locale":"fr""#));
        assert_eq!((&claims.address, &claims.name, claims.email_verified), (&None, &None, None), "{number}");
        assert_eq!(claims.locale.as_deref(), Some("fr"));
        let claims = standard_claims(&format!(r#""address":{{"x":{number},"locality":"Paris","country":{number}}}"#));
        let address = claims.address.unwrap();
        assert_eq!((address.locality.as_deref(), address.country), (Some("Paris"), None), "{number}");
    }
}
