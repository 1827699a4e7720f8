//! What real servers write into their ID tokens and metadata.

use oauth_proto::openid::id_token::Rules;
use oauth_proto::{AuthorizationServer, Response, ServerMetadata};
use serde_json::json;

use crate::id_token::{id_token, CLIENT_ID, ISSUER};
use crate::{at, JSON};

/// Claims that count only if they are asked for may be anything else at other servers.
#[test]
fn claims_of_vendors_may_have_any_type() {
    let rules = Rules::new(ISSUER, CLIENT_ID);
    for (more, acr, amr) in [
        (json!({ "acr": 1, "amr": "pwd", "org_id": 7, "org_name": ["a"] }), None, &["pwd"][..]),
        (json!({ "acr": "1", "amr": ["pwd", "otp"], "org_id": null }), Some("1"), &["pwd", "otp"]),
        (json!({ "acr": null, "amr": [1], "org_name": {} }), None, &[]),
    ] {
        let checked = rules.check_on_tls_alone(&id_token(None, 100, more.clone()), at(100)).unwrap();
        assert_eq!((checked.acr(), checked.amr()), (acr, &amr.iter().map(ToString::to_string).collect::<Vec<_>>()[..]));
        assert_eq!((checked.org_id(), checked.org_name()), (None, None), "{more}");
        // Nor do they then count as what was asked for.
        for strict in [rules.organization(Some("a")), rules.organization(Some("org_7")), rules.essential_acr(Some("2"))]
        {
            assert!(strict.check_on_tls_alone(&id_token(None, 100, more.clone()), at(100)).is_err(), "{more}");
        }
    }
}

#[test]
fn null_is_absent_in_metadata() {
    let body = json!({
        "issuer": ISSUER, "authorization_endpoint": "https://as.example.com/a", "token_endpoint": "https://as.example.com/t",
        "revocation_endpoint": null, "authorization_response_iss_parameter_supported": null,
        "require_pushed_authorization_requests": null, "code_challenge_methods_supported": null,
    });
    let body = body.to_string();
    let metadata = ServerMetadata::from_response(ISSUER, &Response::new(200, &JSON, body.as_bytes()), at(0)).unwrap();
    assert!(!metadata.requires_iss() && !metadata.requires_pushed_authorization_requests());
    assert!(AuthorizationServer::from_metadata(ISSUER, body.as_bytes()).is_ok());
}
