//! A scripted user agent, for machines without a browser.

use std::io::{self, Read};
use std::process;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ureq::http::header::{COOKIE, LOCATION, SET_COOKIE};
use ureq::http::Response;
use ureq::{Agent, Body};
use url::Url;

/// Visits the embedded server as a browser would: page, form, redirect, with a cookie.
pub struct Scripted {
    agent: Agent,
    user: String,
    deny: bool,
    cookie: Mutex<String>,
}

impl Scripted {
    /// A user with this name who presses 'Log in', or 'Deny'.
    pub fn new(user: &str, deny: bool) -> Self {
        let config = Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(10)))
            .proxy(None);
        Self { agent: config.build().into(), user: user.to_owned(), deny, cookie: Mutex::default() }
    }

    /// Starts in a thread of its own. Sends a forged redirect and a request for an icon first.
    pub fn set_off(self: &Arc<Self>, url: &str) -> io::Result<()> {
        let (agent, url) = (Arc::clone(self), url.to_owned());
        let walk = move || {
            if let Err(why) = agent.disturb(&url).and_then(|()| agent.go(&url)) {
                eprintln!("error: the scripted user agent failed: {why}\n  try: open the URL in a browser of your own");
                process::exit(1); // without it, nobody would come back
            }
        };
        thread::Builder::new().name("scripted user agent".into()).spawn(walk).map(drop)
    }

    /// Other requests that may reach a redirect listener: a browser's for an icon, another program's forged redirect.
    fn disturb(&self, url: &str) -> Result<(), String> {
        let mut url = way_back(url)?;
        url.query_pairs_mut().append_pair("code", "forged").append_pair("state", "forged");
        self.get(url.as_str())?;
        url.set_path("/favicon.ico");
        url.set_query(None);
        self.get(url.as_str()).map(drop)
    }

    /// From the URL to the redirect, which the app answers with a page.
    fn go(&self, url: &str) -> Result<(), String> {
        let mut answer = self.get(url)?;
        if answer.status() == 200 {
            let page = text(answer)?;
            let ticket = between(&page, "name=\"ticket\" value=\"", "\"").ok_or("the page has no form")?;
            let decision = if self.deny { "deny" } else { "allow" };
            // The logout's form has the ticket alone.
            let form = [("ticket", ticket), ("user", self.user.as_str()), ("decision", decision)];
            let url = Url::parse(url).map_err(|error| error.to_string())?;
            let post = self.agent.post(&url[..url::Position::AfterPath]).header(COOKIE, self.cookie());
            answer = post.send_form(form).map_err(|error| error.to_string())?;
            self.keep_cookie(&answer);
        }
        let status = answer.status();
        match location(&answer) {
            Some(redirect) if status.is_redirection() => self.get(redirect).map(drop),
            _ => Err(format!("the page answered with status {status} and no redirect: {}", visible(&text(answer)?))),
        }
    }

    fn get(&self, url: &str) -> Result<Response<Body>, String> {
        let get = self.agent.get(url).header(COOKIE, self.cookie());
        get.call().map_err(|error| error.to_string())
    }

    fn keep_cookie(&self, answer: &Response<Body>) {
        let line = answer.headers().get(SET_COOKIE).and_then(|value| value.to_str().ok());
        if let Some(pair) = line.and_then(|line| line.split(';').next()) {
            pair.clone_into(&mut self.cookie.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn cookie(&self) -> String {
        self.cookie.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn location(answer: &Response<Body>) -> Option<&str> {
    answer.headers().get(LOCATION).and_then(|value| value.to_str().ok())
}

fn way_back(url: &str) -> Result<Url, String> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    let uri = url.query_pairs().find(|(name, _)| name == "redirect_uri" || name == "post_logout_redirect_uri");
    let (_, uri) = uri.ok_or("the URL has no redirect URI")?;
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
