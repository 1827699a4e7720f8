//! `WWW-Authenticate`: what it says, and what to do about it.

use oauth_proto::challenge::{advice, parse, Advice, Challenge};
use serde_json::{json, Map, Value};

use crate::refused_calls::{check, Said};
use crate::support::{cases, compare, file, only, run, text, texts};

#[test]
fn every_case() {
    run("www_authenticate", |case| {
        only(case, &["name", "status", "headers", "header_gen", "expect", "alt", "action", "basis", "source", "note"])?;
        let lines = lines(case)?;
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        let challenges = challenges(&lines);
        let by = compare(case, &challenges)?;
        let status = case["status"].as_u64().and_then(|status| u16::try_from(status).ok()).ok_or("no status")?;
        let said = said(&challenges);
        // Of an answer with another status than these two, nothing is about the token.
        let wanted = case["action"].as_str().unwrap_or(said.action);
        assert_eq!(wanted, if matches!(status, 401 | 403) { said.action } else { "none" });
        let advised = action(&advice(status, &lines))?;
        if advised != wanted {
            return Err(format!("expected the action {wanted}, got {advised}"));
        }
        for status in [status, 200, 400, 401, 403, 404, 407, 500] {
            check(status, &lines, &said)?;
        }
        Ok(by)
    });
}

/// The lines that say `invalid_token`, saying something else.
#[test]
fn every_case_of_an_invalid_token_with_a_demand_in_its_place() {
    const DEMANDS: [(&str, &str); 4] = [
        ("insufficient_scope", ""),
        ("insufficient_scope", r#", scope="write admin""#),
        ("insufficient_user_authentication", r#", acr_values="myACR", max_age="300""#),
        ("insufficient_user_authentication", ", max_age=0"),
    ];
    let mut demanded = 0;
    for case in cases("www_authenticate") {
        for (error, parameters) in DEMANDS {
            let lines = lines(&case).expect("lines");
            let lines: Vec<_> = lines.iter().map(|line| demanding(line, error, parameters)).collect();
            let lines: Vec<_> = lines.iter().map(String::as_str).collect();
            let challenges = challenges(&lines);
            let said = said(&challenges);
            demanded += usize::from(matches!(said.action, "insufficient_scope" | "step_up"));
            for status in [401, 403, 200] {
                check(status, &lines, &said).unwrap_or_else(|problem| panic!("{}: {problem}", case["name"]));
            }
        }
    }
    // Nine that can be read, and one of the file itself.
    assert_eq!(demanded, (9 + 1) * DEMANDS.len());
}

fn demanding(line: &str, error: &str, parameters: &str) -> String {
    let quoted = format!(r#"error="{error}"{parameters}"#);
    let line = line.replace(r#"error="invalid_token""#, &quoted);
    line.replace("error=invalid_token", &format!("error={error}{parameters}"))
}

#[test]
fn every_action_of_the_file_is_known() {
    let words = file("www_authenticate")["fields"]["action"].clone();
    for action in ["refresh", "authenticate", "insufficient_scope", "step_up", "dpop_nonce", "discover", "none"] {
        assert!(text(&words).contains(action), "{action}");
    }
}

/// All lines of a case.
fn lines(case: &Value) -> Result<Vec<String>, String> {
    let generated = generated(&case["header_gen"])?;
    Ok(texts(&case["headers"]).into_iter().map(str::to_owned).chain(generated).collect())
}

/// What challenges say to a client that sent a token. Nothing in lines that cannot be read is acted on.
fn said(challenges: &Value) -> Said<'_> {
    let of_a_token = |challenge: &&Value| challenge["scheme"] == "bearer" || challenge["scheme"] == "dpop";
    let with_token: Vec<_> = challenges["challenges"].as_array().into_iter().flatten().filter(of_a_token).collect();
    for (error, action) in [
        ("use_dpop_nonce", "dpop_nonce"),
        ("invalid_token", "refresh"),
        ("insufficient_scope", "insufficient_scope"),
        ("insufficient_user_authentication", "step_up"),
    ] {
        if let Some(challenge) = with_token.iter().find(|challenge| challenge["params"]["error"] == error) {
            return Said { action, parameters: &challenge["params"] };
        }
    }
    let is_https = |challenge: &&Value| {
        challenge["params"]["resource_metadata"].as_str().is_some_and(|url| url.starts_with("https://"))
    };
    let action = match with_token.first() {
        _ if with_token.iter().copied().any(|challenge| is_https(&challenge)) => "discover",
        Some(_) => "authenticate",
        None => "none",
    };
    Said { action, parameters: &Value::Null }
}

/// The text that stands for prefix, repetitions and suffix.
fn generated(header_gen: &Value) -> Result<Option<String>, String> {
    only(header_gen, &["prefix", "repeat", "count", "suffix"])?;
    let Some(count) = header_gen["count"].as_u64().and_then(|count| usize::try_from(count).ok()) else {
        return Ok(None);
    };
    let member = |name: &str| text(&header_gen[name]);
    Ok(Some([member("prefix"), &member("repeat").repeat(count), member("suffix")].concat()))
}

/// The challenges of all lines; malformed as soon as one line is.
fn challenges(lines: &[&str]) -> Value {
    let parsed: Result<Vec<_>, _> = lines.iter().map(|line| parse(line)).collect();
    match parsed {
        Ok(challenges) => json!({ "challenges": challenges.iter().flatten().map(members).collect::<Vec<_>>() }),
        Err(_) => json!({ "malformed": true }),
    }
}

fn members(challenge: &Challenge<'_>) -> Value {
    let params: Map<_, _> =
        challenge.parameters().map(|(name, value)| (name.to_ascii_lowercase(), json!(value))).collect();
    assert_eq!(params.len(), challenge.parameters().count(), "no name comes twice");
    let mut members = json!({ "scheme": challenge.scheme().to_ascii_lowercase(), "params": params });
    if let Some(token68) = challenge.token68() {
        members["token68"] = json!(token68);
    }
    members
}

fn action(advice: &Advice) -> Result<&'static str, String> {
    Ok(match advice {
        Advice::Refresh => "refresh",
        Advice::Authenticate => "authenticate",
        Advice::InsufficientScope { .. } => "insufficient_scope",
        Advice::StepUp { .. } => "step_up",
        Advice::DpopNonce => "dpop_nonce",
        Advice::Discover { .. } => "discover",
        Advice::None => "none",
        other => return Err(format!("the test does not know the advice {other:?}")),
    })
}
