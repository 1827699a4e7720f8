//! What to do about an error that a server reported. An error code has many causes, so its description is looked at too.

use oauth_proto::{ConfigError, IdTokenError, Refused, Violation};

/// DPoP and mutual TLS bind tokens to a key of the client.
const BOUND: &str =
    "the server wants DPoP (RFC 9449) or another key of the client, which this example has not: let the client \
                     be registered for bearer tokens";
const SECRET: &str =
    "the server wants a client authentication: let the client be registered as a public one (type 'Native', \
                      authentication method 'none'), and check --client-id";
const REDIRECT_URI: &str =
    "the code was asked for with another redirect URI: register the one that is shown above, to the octet \
                            if it is no loopback one, and pass it with --redirect-uri";
const PKCE: &str =
    "the code was asked for with another code_challenge, or something on the way has changed one: run again, and \
                    if it stays so, tell the server's operator";
const CLIENT: &str = "the code or token is another client's: check --client-id";
const LATER: &str = "the server has an internal problem: run again later";

/// What to do about a refusal.
pub fn about_refused(refused: &Refused) -> &'static str {
    match refused.oauth_error().unwrap_or_default() {
        "access_denied" if refused.status().is_some() || says(refused, &["service not found", "audience"]) => {
            "check --audience and --scope, and that this user and this client may have them"
        }
        "access_denied" => "the login was refused: run again and press 'Log in', as a user who may use this client",
        "login_required" | "interaction_required" | "consent_required" | "account_selection_required" => {
            "run again without --prompt none, and answer in the browser"
        }
        "mfa_required" | "unmet_authentication_requirements" => {
            "the server wants a stronger login: run again and do in the browser what it asks for, or let the client's policy be \
             changed"
        }
        "use_dpop_nonce" | "invalid_dpop_proof" => BOUND,
        "invalid_grant" => about_invalid_grant(refused).unwrap_or(
            "the code or refresh token is used up, revoked or too old: run again. If it stays so, the server may want DPoP or a \
             client authentication, or know another redirect URI: its log tells",
        ),
        "invalid_client" if says(refused, WANTS_SECRET) => SECRET,
        "invalid_client" | "unauthorized_client" => {
            "check --client-id, and that the client is a public one (type 'Native', no client secret) that may use \
             the grants authorization_code and refresh_token"
        }
        "unsupported_grant_type" | "unsupported_response_type" | "unsupported_response_mode" => {
            "let the client be registered for the grants authorization_code and refresh_token and the response type code"
        }
        "invalid_scope" => "check --scope",
        "invalid_request" => match () {
            () if says(refused, WANTS_BOUND) => BOUND,
            () if says(refused, WANTS_SECRET) => SECRET,
            () => "check --audience, --scope and --redirect-uri",
        },
        "invalid_target" => "check --audience: the server does not know that API, or not for this client",
        "server_error" | "temporarily_unavailable" => LATER,
        _ if refused.is_transient() => LATER,
        _ if refused.status() == Some(404) => "check --issuer, or --token-endpoint",
        _ if matches!(refused.status(), Some(401 | 403)) => {
            "something before the server may have refused this: check the address, the network and a proxy (HTTPS_PROXY)"
        }
        _ => "the server's log tells more: look there, and check the options",
    }
}

const WANTS_BOUND: &[&str] = &["dpop", "proof", "mtls", "certificate", "jkt"];
const WANTS_SECRET: &[&str] = &["secret", "authentication", "assertion", "credentials"];

/// What to do about an `invalid_grant`, if the description says more: RFC 6749 §5.2 has one code for many causes.
pub fn about_invalid_grant(refused: &Refused) -> Option<&'static str> {
    let causes: [(&[&str], &str); 5] = [
        (WANTS_BOUND, BOUND),
        (&["redirect"], REDIRECT_URI),
        (&["verifier", "challenge", "pkce"], PKCE),
        (WANTS_SECRET, SECRET),
        (&["client"], CLIENT),
    ];
    causes.into_iter().find(|(signs, _)| says(refused, signs)).map(|(_, advice)| advice)
}

fn says(refused: &Refused, signs: &[&str]) -> bool {
    let description = refused.description().unwrap_or_default().to_ascii_lowercase();
    signs.iter().any(|sign| description.contains(sign))
}

/// What to do about a server that broke a rule.
pub fn about_violation(violation: &Violation) -> &'static str {
    match violation {
        Violation::Metadata(error) => match **error {
            ConfigError::Issuer { .. } => {
                "check --issuer: its text counts, with or without a slash at the end; if it is right, tell the server's operator, or give the endpoints with --authorization-endpoint and --token-endpoint"
            }
            _ => {
                "tell the server's operator; until then, give the endpoints with --authorization-endpoint and \
                 --token-endpoint"
            }
        },
        Violation::IdToken(error) => about_id_token(*error),
        Violation::IdTokenMissing => "check that this is an OpenID provider, or leave openid out of --scope",
        Violation::IssuerMissing | Violation::IssuerMismatch => {
            "check --issuer; if it is right, somebody may have led the browser to another server: run again, and enter no \
             password at a server that you do not know"
        }
        Violation::IssuerUnknown => "pass --issuer: what the server calls itself in its metadata",
        Violation::RedirectMalformed | Violation::CodeMissing | Violation::DuplicateParameter => {
            "run again; if it stays so, tell the server's operator"
        }
        Violation::TokenTypeMissing | Violation::TokenTypeUnsupported(_) => BOUND,
        Violation::UserInfoSubject => "check --userinfo-endpoint; if it is right, tell the server's operator",
        _ => {
            "check the endpoints and --issuer, and that the network (a hotel's, say) wants no login of its own; if they are \
             right, tell the server's operator"
        }
    }
}

fn about_id_token(error: IdTokenError) -> &'static str {
    use IdTokenError as Id;
    match error {
        Id::Expired | Id::NotYetValid | Id::IssuedAt | Id::AuthTimeTooOld | Id::AuthTimeInFuture => {
            "set the clock of this machine; if it is right, the server's is wrong: tell its operator"
        }
        Id::AlgorithmNotAllowed => "pass what the client's ID tokens are signed with as --id-token-alg",
        Id::KeyNotFound | Id::KeyAmbiguous | Id::Signature => {
            "check --jwks-uri if given, and --issuer; if they are right, tell the server's operator"
        }
        Id::Issuer => "check --issuer: its text counts, with or without a slash at the end",
        Id::Audience | Id::AuthorizedParty => "check --client-id; if it is right, tell the server's operator",
        Id::Encrypted => "let the client be registered without encryption of its ID tokens",
        Id::NonceMissing | Id::NonceMismatch => {
            "run again; if it stays so, tell the server's operator: it gave the ID token of another login"
        }
        _ => "check --issuer and --client-id; if they are right, tell the server's operator",
    }
}
