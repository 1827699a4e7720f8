//! Where metadata is, and what is believed of it: a server's, and an API's.

use oauth_proto::metadata::{well_known_url, WellKnown};
use oauth_proto::{
    AuthorizationRequest, AuthorizationServer, Client, ConfigError, Error, RequestId, ResourceMetadata, Response,
    Secret, ServerMetadata, Violation,
};
use serde_json::{json, Value};

use crate::support::{compare, decode, only, run, started, text, value_of, NOW, REDIRECT_URI};

#[test]
fn every_case() {
    run("discovery", |case| {
        only(
            case,
            &[
                "name",
                "kind",
                "well_known",
                "issuer",
                "resource",
                "status",
                "headers",
                "body",
                "body_gen",
                "expect",
                "alt",
                "basis",
                "source",
                "note",
            ],
        )?;
        let outcome = match text(&case["kind"]) {
            "url" => url(case)?,
            "document" => document(case)?,
            "resource_document" => resource_document(case)?,
            kind => return Err(format!("there is no kind {kind}")),
        };
        compare(case, &outcome)
    });
}

fn url(case: &Value) -> Result<Value, String> {
    let issuer = text(&case["issuer"]);
    let url = match text(&case["well_known"]) {
        "openid-configuration" => well_known_url(issuer, WellKnown::OpenIdConfiguration),
        "oauth-authorization-server" => well_known_url(issuer, WellKnown::OAuthAuthorizationServer),
        "openid-configuration-inserted" => well_known_url(issuer, WellKnown::OpenIdConfigurationInserted),
        "oauth-protected-resource" => ResourceMetadata::well_known_url(issuer),
        place => return Err(format!("there is no place {place}")),
    };
    Ok(url.map_or_else(|error| refused(&error), |url| json!({ "url": url })))
}

/// An answer as a case has it.
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn of(case: &Value) -> Result<Self, String> {
        let headers = case["headers"].as_object().ok_or("no headers")?;
        Ok(Self {
            status: case["status"].as_u64().and_then(|status| u16::try_from(status).ok()).ok_or("no status")?,
            headers: headers.iter().map(|(name, value)| (name.clone(), text(value).to_owned())).collect(),
            body: match case["body"].as_str() {
                Some(body) => body.to_owned(),
                None => generated(&case["body_gen"])?,
            },
        })
    }

    fn response(&self) -> Response<'_> {
        Response::new(self.status, self.headers.as_slice(), self.body.as_bytes())
    }
}

fn generated(body_gen: &Value) -> Result<String, String> {
    only(body_gen, &["prefix", "repeat", "count", "suffix"])?;
    let count = body_gen["count"].as_u64().and_then(|count| usize::try_from(count).ok()).ok_or("no count")?;
    Ok([text(&body_gen["prefix"]), &text(&body_gen["repeat"]).repeat(count), text(&body_gen["suffix"])].concat())
}

fn document(case: &Value) -> Result<Value, String> {
    let issuer = text(&case["issuer"]);
    let answer = Answer::of(case)?;
    let metadata = match ServerMetadata::from_response(issuer, &answer.response(), NOW) {
        Ok(metadata) => metadata,
        Err(error) => return outcome_of(&error),
    };
    assert_eq!((metadata.issuer(), metadata.fetched_at()), (issuer, NOW));
    // What is accepted can be stored, and used by a client of that issuer.
    let stored = serde_json::to_string(&metadata).map_err(|error| error.to_string())?;
    assert_eq!(serde_json::from_str::<ServerMetadata>(&stored).ok().as_ref(), Some(&metadata));
    let server = AuthorizationServer::from_issuer(issuer).map_err(|error| error.to_string())?;
    let client = Client::new(server, "s6BhdRkqt3", REDIRECT_URI).map_err(|error| error.to_string())?;
    let client = client.with_metadata(&metadata).map_err(|error| error.to_string())?;
    let endpoint = client.token_endpoint().ok_or("no token endpoint")?;
    let request = endpoint.refresh_token(RequestId::from_u64(1), &Secret::new("RT1"), None, &[]);
    let document: Value = serde_json::from_str(&answer.body).map_err(|error| error.to_string())?;
    assert_eq!(document["token_endpoint"], request.url(), "as it was written");
    let mut outcome = json!({
        "ok": true,
        "iss_required": metadata.requires_iss(),
        "par_required": metadata.requires_pushed_authorization_requests(),
    });
    // What a login sends to the browser shows the method. There is none where requests must be pushed.
    match started(client, AuthorizationRequest::new()) {
        Ok((_, url)) => {
            let (_, query) = url.split_once('?').ok_or("no query")?;
            outcome["pkce"] = json!(value_of(&decode(query), "code_challenge_method"));
        }
        Err(error) => assert_eq!((error.code(), &outcome["par_required"]), ("metadata", &json!(true)), "{error}"),
    }
    Ok(outcome)
}

fn resource_document(case: &Value) -> Result<Value, String> {
    let resource = text(&case["resource"]);
    let answer = Answer::of(case)?;
    match ResourceMetadata::from_response(resource, &answer.response(), NOW) {
        Ok(metadata) => {
            assert_eq!(metadata.resource(), resource);
            Ok(json!({ "ok": true, "authorization_servers": metadata.authorization_servers() }))
        }
        Err(error) => outcome_of(&error),
    }
}

/// In the words of the file.
fn outcome_of(error: &Error) -> Result<Value, String> {
    assert!(error.is_fatal());
    Ok(match error {
        Error::Refused(refused) => json!({ "error": "http_error", "status": refused.status() }),
        Error::Violation(Violation::RedirectedResponse(status)) => {
            json!({ "error": "redirect_refused", "status": status })
        }
        Error::Violation(Violation::ContentType) => json!({ "error": "unexpected_content_type" }),
        Error::Violation(Violation::ResponseTooLarge) => json!({ "error": "too_large" }),
        Error::Violation(Violation::ResponseMalformed) => json!({ "error": "malformed" }),
        Error::Violation(Violation::Metadata(error)) => refused(error),
        other => return Err(other.to_string()),
    })
}

fn refused(error: &ConfigError) -> Value {
    match error {
        ConfigError::Issuer { problem } if problem.starts_with("differs") => json!({ "error": "issuer_mismatch" }),
        ConfigError::Issuer { .. } => json!({ "error": "bad_issuer" }),
        ConfigError::Resource { problem } if problem.starts_with("differs") => json!({ "error": "resource_mismatch" }),
        ConfigError::Resource { .. } => json!({ "error": "bad_resource" }),
        ConfigError::Metadata { name, problem } if problem.starts_with("is missing") => {
            json!({ "error": "missing_field", "field": name })
        }
        ConfigError::Metadata { problem, .. } if problem.contains("wrong type") => json!({ "error": "malformed" }),
        ConfigError::Metadata { name, .. } => json!({ "error": "unsupported", "field": name }),
        ConfigError::Endpoint { name, problem } if problem.starts_with("is plain http") => {
            json!({ "error": "insecure_endpoint", "field": name })
        }
        ConfigError::Endpoint { name, .. } => json!({ "error": "bad_endpoint", "field": name }),
        other => panic!("{other}"),
    }
}
