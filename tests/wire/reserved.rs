//! Names that are the crate's own: no parameter of an app's takes their place.

use oauth_proto::{AuthorizationRequest, ConfigError, Login};

use crate::{builder, client};

#[test]
fn no_parameter_of_an_authorization_request_has_a_reserved_name() {
    for reserved in [
        "response_type",
        "client_id",
        "redirect_uri",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "request",
        "request_uri",
        "client_secret",
        "dpop_jkt",
    ] {
        let request = AuthorizationRequest::new().parameter(reserved, "x");
        let error = Login::new(client(), request).unwrap_err();
        assert!(matches!(&error, ConfigError::Parameter { name, .. } if name == reserved), "{reserved}: {error}");
        assert!(error.to_string().contains("is set by the login itself"), "{error}");
    }
}

#[test]
fn no_token_parameter_has_a_reserved_name() {
    for reserved in [
        "grant_type",
        "code",
        "code_verifier",
        "redirect_uri",
        "client_id",
        "client_secret",
        "client_assertion",
        "client_assertion_type",
        "refresh_token",
        "scope",
        "resource",
        "audience",
        "token",
        "username",
        "password",
    ] {
        let error = builder().token_parameter("tenant", "x").token_parameter(reserved, "x").build().unwrap_err();
        assert!(matches!(&error, ConfigError::Parameter { name, .. } if name == reserved), "{reserved}: {error}");
        assert!(error.to_string().contains("is sent by the token request itself"), "{error}");
    }
}
