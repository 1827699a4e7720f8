//! The answers of a server, or of whatever stands before it, that bring no tokens.

use super::network::{Answer, Meaning};
use super::server::Issued;

/// How many kinds of trouble there are. Those from `AFTER_WORK` on come after the server did its work.
pub const KINDS: usize = 19;
pub const AFTER_WORK: usize = 15;

/// What a server may say of one target for ever.
pub const TARGET: usize = 5;
pub const TARGET_GRANT: usize = 12;
pub const NO_ACCESS_TOKEN_TYPE: usize = 17;

/// What stands in the way of the network.
pub const PORTAL: [usize; 3] = [10, 11, 6];
/// A server that is down.
pub const OUTAGE: [usize; 4] = [0, 1, 3, 9];
/// What the server itself says when it will not, or what comes of what it gives.
pub const WORDS: [usize; 9] = [4, TARGET, 6, 7, 8, TARGET_GRANT, 13, NO_ACCESS_TOKEN_TYPE, 18];

const MUST_ACT: [&str; 4] = [
    r#"{"error":"interaction_required"}"#,
    r#"{"error":"mfa_required","mfa_token":"M"}"#,
    r#"{"error":"login_required"}"#,
    r#"{"error":"consent_required"}"#,
];

/// The request did not get so far that a token was used.
pub fn before_work(kind: usize, target: usize) -> Answer {
    let retry_after = |mut answer: Answer, value: &str| {
        answer.headers.push(("Retry-After".into(), value.into()));
        answer
    };
    let of_target = target != 0;
    match kind {
        0 => html(500, Meaning::Later),
        1 => retry_after(html(503, Meaning::Later), "7"),
        2 => retry_after(json(429, "{}", Meaning::Later), "Fri, 31 Dec 2999 23:59:59 GMT"),
        3 => retry_after(html(503, Meaning::Later), "soon"),
        4 => json(401, r#"{"error":"invalid_client"}"#, Meaning::ClientRefused),
        // Of a target that is no API's, the server has nothing to say.
        TARGET if of_target => json(400, r#"{"error":"invalid_target"}"#, Meaning::NotGranted),
        7 => json(403, MUST_ACT[target], Meaning::MustAct),
        8 => json(400, "{}", Meaning::Refused),
        // With this status it is no word of the server's.
        9 => json(502, r#"{"error":"invalid_grant"}"#, Meaning::Later),
        10 => html(200, Meaning::Later),
        11 => {
            let mut answer = html(302, Meaning::Later);
            answer.headers.push(("Location".into(), "https://portal.example/".into()));
            answer
        }
        TARGET_GRANT if of_target => json(400, r#"{"error":"invalid_grant"}"#, Meaning::NotGranted),
        13 => json(200, r#"{"error":"no_such_thing"}"#, Meaning::Refused),
        14 => json(400, r#"{"error":"temporarily_unavailable"}"#, Meaning::Later),
        // A firewall, perhaps.
        _ => html(403, Meaning::Refused),
    }
}

/// The server did its work, and its answer comes in another form.
pub fn after_work(kind: usize, issued: Issued) -> Answer {
    match kind {
        15 => {
            let mut body = token_body(&issued, "Bearer");
            body.truncate(body.len() / 2);
            json(200, &body, Meaning::Unreadable)
        }
        16 => html(504, Meaning::Later),
        NO_ACCESS_TOKEN_TYPE => json(200, &token_body(&issued, "N_A"), Meaning::Useless(issued)),
        _ => {
            let body = token_body(&issued, "Bearer").replacen("access_token", "access_taken", 1);
            json(200, &body, Meaning::Useless(issued))
        }
    }
}

pub fn json(status: u16, body: &str, meaning: Meaning) -> Answer {
    Answer { status, headers: vec![("content-type".into(), "application/json".into())], body: body.into(), meaning }
}

fn html(status: u16, meaning: Meaning) -> Answer {
    let body = "<html>invalid_grant</html>".into();
    Answer { status, headers: vec![("content-type".into(), "text/html".into())], body, meaning }
}

pub fn token_body(issued: &Issued, token_type: &str) -> String {
    let text = |name: &str, value: &Option<String>| {
        value.as_ref().map(|value| format!(",\"{name}\":\"{value}\"")).unwrap_or_default()
    };
    let number = |name: &str, value: Option<u64>| value.map(|value| format!(",\"{name}\":{value}")).unwrap_or_default();
    format!(
        "{{\"access_token\":\"{}\",\"token_type\":\"{token_type}\"{}{}{}{}{}}}",
        issued.access_token,
        text("refresh_token", &issued.refresh_token),
        text("id_token", &issued.id_token),
        number("expires_in", issued.expires_in),
        number("authorization_expires_in", issued.grant_ends_in),
        number("refresh_token_timeout", issued.refresh_token_ends_in),
    )
}
