//! `WWW-Authenticate`: what it says, and what to do about it.

use oauth_proto::challenge::{advice, parse, Advice, Challenge};
use oauth_proto::{Access, LoginRequired, Secret, Session, Tokens};
use serde_json::{json, Map, Value};

use crate::support::{client, compare, only, ready, run, text, texts, NOW};

#[test]
fn every_case() {
    run("www_authenticate", |case| {
        only(case, &["name", "status", "headers", "header_gen", "expect", "alt", "action", "basis", "source", "note"])?;
        let generated = generated(&case["header_gen"])?;
        let lines: Vec<&str> = texts(&case["headers"]).into_iter().chain(generated.as_deref()).collect();
        compare(case, &challenges(&lines))?;
        let status = case["status"].as_u64().and_then(|status| u16::try_from(status).ok()).ok_or("no status")?;
        let advice = advice(status, &lines);
        by_session(status, &lines, &advice)?;
        let (advised, wanted) = (action(&advice)?, case["action"].as_str());
        if wanted.is_none_or(|wanted| wanted == advised) {
            Ok(())
        } else {
            Err(format!("expected the action {wanted:?}, got {advised}"))
        }
    });
}

/// What a session makes of it: a 401 is always worth a refresh, unless it says that another token would not help; so is a 403
/// that says that the token is not accepted.
fn by_session(status: u16, lines: &[&str], advice: &Advice) -> Result<(), String> {
    let tokens = Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), None, "read");
    let mut session = Session::new(client(), tokens);
    let bearer = ready(&mut session, NOW);
    let headers: Vec<_> = lines.iter().map(|line| ("WWW-Authenticate", *line)).collect();
    let access = session.refused(&bearer, status, &headers, NOW);
    let is_of_the_token = status == 401 || *advice == Advice::Refresh;
    let is_right = match (advice, &access) {
        (Advice::InsufficientScope { .. }, Some(Access::LoginRequired(why))) => {
            matches!(why, LoginRequired::InsufficientScope { .. })
        }
        (Advice::StepUp { .. }, Some(Access::LoginRequired(why))) => matches!(why, LoginRequired::StepUp { .. }),
        (Advice::DpopNonce, None) => true,
        (Advice::InsufficientScope { .. } | Advice::StepUp { .. } | Advice::DpopNonce, _) => false,
        (_, Some(Access::SendRequest(request))) => is_of_the_token && request.url() == "https://as.example.com/token",
        (_, None) => !is_of_the_token,
        _ => false,
    };
    if is_right {
        Ok(())
    } else {
        Err(format!("to {status} with {advice:?} the session says {access:?}"))
    }
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
