//! User agents: the system browser, and a scripted one for machines that have none.

use std::env;
use std::io::Read;
use std::time::Duration;

use ureq::http::header::LOCATION;
use ureq::http::Response;
use ureq::{Agent, Body};
use url::Url;

/// Opens the system browser. The URL is one argument of it and never goes through a shell.
pub fn open(url: &str) -> Result<(), String> {
    if !has_screen() {
        return Err("no screen here".into());
    }
    webbrowser::open(url).map_err(|error| error.to_string())
}

/// On Linux and the BSDs a browser needs one of these; elsewhere there is always a screen to try.
fn has_screen() -> bool {
    let needs_display = cfg!(all(unix, not(any(target_os = "macos", target_os = "ios", target_os = "android"))));
    !needs_display
        || ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME"]
            .iter()
            .any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Logs in at the embedded server as a browser would: page, form, redirect.
pub struct Scripted {
    agent: Agent,
    user: String,
    deny: bool,
}

impl Scripted {
    /// A user with this name, who presses 'Log in', or 'Deny'.
    pub fn new(user: &str, deny: bool) -> Self {
        let config = Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(10)))
            .proxy(None);
        Self { agent: config.build().into(), user: user.to_owned(), deny }
    }

    /// What else may reach a redirect listener: a browser asks for an icon, and another program tries a forged redirect.
    pub fn disturb(&self, authorization_url: &str) -> Result<(), String> {
        let mut url = redirect_uri(authorization_url)?;
        url.query_pairs_mut().append_pair("code", "forged").append_pair("state", "forged");
        self.get(url.as_str())?;
        url.set_path("/favicon.ico");
        url.set_query(None);
        self.get(url.as_str()).map(drop)
    }

    /// From the authorization URL to the redirect.
    pub fn log_in(&self, authorization_url: &str) -> Result<(), String> {
        let mut answer = self.get(authorization_url)?;
        if answer.status() == 200 {
            let page = text(answer)?;
            let ticket = between(&page, "name=\"ticket\" value=\"", "\"").ok_or("the login page has no form")?;
            let decision = if self.deny { "deny" } else { "allow" };
            let url = Url::parse(authorization_url).map_err(|error| error.to_string())?;
            answer = self
                .agent
                .post(&url[..url::Position::AfterPath])
                .send_form([("ticket", ticket), ("user", self.user.as_str()), ("decision", decision)])
                .map_err(|error| error.to_string())?;
        }
        let status = answer.status();
        match answer.headers().get(LOCATION).and_then(|value| value.to_str().ok()) {
            Some(location) if status.is_redirection() => self.get(location).map(drop),
            _ => Err(format!(
                "the login page answered with status {status} and no redirect: {}",
                visible(&text(answer)?)
            )),
        }
    }

    fn get(&self, url: &str) -> Result<Response<Body>, String> {
        self.agent.get(url).call().map_err(|error| error.to_string())
    }
}

fn redirect_uri(authorization_url: &str) -> Result<Url, String> {
    let url = Url::parse(authorization_url).map_err(|error| error.to_string())?;
    let uri = url.query_pairs().find(|(name, _)| name == "redirect_uri");
    let (_, uri) = uri.ok_or("the authorization URL has no redirect_uri")?;
    Url::parse(&uri).map_err(|error| error.to_string())
}

fn text(response: Response<Body>) -> Result<String, String> {
    let mut text = String::new();
    let mut body = response.into_body().into_reader().take(64 * 1024);
    body.read_to_string(&mut text).map_err(|error| error.to_string())?;
    Ok(text)
}

/// The text of a page without its tags and its style sheet.
fn visible(page: &str) -> String {
    let body = page.split_once("<body>").map_or(page, |(_, body)| body);
    body.split('<')
        .map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text))
        .collect::<Vec<_>>()
        .join(" ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(found, _)| found)
}
