//! The pages of the embedded authorization server. Everything that comes from outside is escaped.

use std::fmt::Write as _;

/// The login page.
pub fn login(ticket: &str, client_id: &str, scope: &str, user: &str) -> String {
    let scopes = scope.split(' ').fold(String::new(), |mut list, one| {
        let _ = write!(list, "<li>{}</li>", escape(one));
        list
    });
    document(
        "Log in",
        &format!(
            r#"<p><b>{client}</b> would like to act for you:</p><ul>{scopes}</ul>
<form method="post" action="/authorize">
<input type="hidden" name="ticket" value="{ticket}">
<label>Your name <input name="user" value="{user}" maxlength="64" autocomplete="off" autofocus></label>
<button name="decision" value="allow">Log in</button>
<button name="decision" value="deny" formnovalidate>Deny</button>
</form>
<p><small>Any name will do. This server lives inside the example and forgets everything when it ends.</small></p>"#,
            client = escape(client_id),
            ticket = escape(ticket),
            user = escape(user),
        ),
    )
}

/// The logout page.
pub fn logout(ticket: &str, client_id: &str, user: &str) -> String {
    document(
        "Log out?",
        &format!(
            r#"<p><b>{client}</b> would like to log you out here, {user}.</p>
<form method="post" action="/logout">
<input type="hidden" name="ticket" value="{ticket}">
<button autofocus>Log out</button>
</form>
<p><small>If that was not you, close this window.</small></p>"#,
            client = escape(client_id),
            ticket = escape(ticket),
            user = escape(user),
        ),
    )
}

/// The page after a logout without a post-logout redirect URI.
pub fn logged_out() -> String {
    document("Logged out", "<p>You can close this window.</p>")
}

/// The page for errors that cannot be sent to the client (RFC 6749 §4.1.2.1: never redirect to an unknown redirect URI).
pub fn problem(text: &str) -> String {
    document("This does not work", &format!("<p>{}</p>", escape(text)))
}

/// The frame of all pages. `body` is HTML.
fn document(title: &str, body: &str) -> String {
    format!(
        r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>:root{{color-scheme:light dark}}
body{{font:1.1em/1.5 system-ui,sans-serif;max-width:30em;margin:4em auto;padding:0 1em}}
input,button{{font:inherit;padding:.3em .6em;margin:.3em 0}}</style></head>
<body><h1>{title}</h1>
{body}
</body></html>
"#
    )
}

/// Text, escaped for HTML.
fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut safe, character| {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
        safe
    })
}
