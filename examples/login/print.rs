//! What the terminal shows: one aligned line for each step, and no secret in any of them.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use url::Url;

/// Parameters whose values are shown; of all others only the name is.
const SHOWN: [&str; 20] = [
    "response_type",
    "response_mode",
    "client_id",
    "redirect_uri",
    "post_logout_redirect_uri",
    "federated",
    "scope",
    "audience",
    "resource",
    "code_challenge_method",
    "prompt",
    "max_age",
    "ui_locales",
    "connection",
    "organization",
    "screen_hint",
    "iss",
    "error",
    "error_description",
    "error_uri",
];

/// One step: who, what, and the details.
pub fn step(who: &str, what: &str, details: &str) {
    say(&format!("{who:<8} {what:<17} {details}"));
}

/// Prints a line. That the terminal was closed is ignored.
pub fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{}", text.trim_end());
    let _ = out.flush();
}

/// A headline between two parts of the story.
pub fn part(title: &str) {
    say(&format!("\n{title}"));
}

/// A URL on one line, with `…` for every value that may be secret.
pub fn redacted(url: &str) -> String {
    let Ok(parsed) = Url::parse(url) else {
        return format!("(no URL: {} bytes)", url.len());
    };
    let mut shown = without_query(&parsed);
    for (index, (name, value)) in parameters(&parsed).enumerate() {
        shown.push_str(if index == 0 { "?" } else { "&" });
        let _ = write!(shown, "{name}={value}");
    }
    if parsed.fragment().is_some() {
        shown.push_str("#…");
    }
    shown
}

/// A step with a URL, and a line for each of its parameters.
pub fn step_with_parameters(who: &str, what: &str, url: &str) {
    match Url::parse(url) {
        Ok(parsed) => {
            step(who, what, &without_query(&parsed));
            parameters(&parsed).for_each(|(name, value)| step("", "", &format!("  {name:<24} {value}")));
        }
        Err(_) => step(who, what, &redacted(url)),
    }
}

/// A URL without user information, query and fragment.
fn without_query(url: &Url) -> String {
    let mut shown = format!("{}:", url.scheme());
    if let Some(host) = url.host_str() {
        shown.push_str("//");
        shown.push_str(host);
    }
    if let Some(port) = url.port() {
        let _ = write!(shown, ":{port}");
    }
    shown.push_str(url.path());
    shown
}

fn parameters(url: &Url) -> impl Iterator<Item = (String, String)> + '_ {
    url.query_pairs().map(|(name, value)| {
        let value = if SHOWN.contains(&name.as_ref()) { plain(&value) } else { "…".into() };
        (plain(&name), value)
    })
}

/// Text from outside, fit for a terminal: no control characters, not too long.
pub fn plain(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(300).collect()
}
