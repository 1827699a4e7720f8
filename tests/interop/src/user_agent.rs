//! The browser and the person before it, by script: follows redirects, keeps cookies, fills the pages in.

use ureq::http;
use ureq::{Agent, Body};

/// What the person does on the pages of the authorization server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    /// Logs in and consents, or signs out.
    Allows,
    /// Presses "Cancel" on the first page, whatever it asks, or "No, stay signed in".
    Cancels,
    /// Logs in, then presses "Cancel" on the consent page.
    DeniesConsent,
}

/// Where the walk ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Landed {
    /// The server sent the browser away from itself: the redirect URI, with the authorization response.
    Redirect(String),
    /// The server answered with a form that posts itself to the redirect URI (OAuth 2.0 Form Post Response Mode).
    Form {
        /// Where the browser posts to.
        action: String,
        /// What it posts.
        fields: Vec<(String, String)>,
    },
    /// The server kept the browser: a page that asks for nothing.
    Page {
        /// The HTTP status of the page.
        status: u16,
        /// The page.
        body: String,
    },
}

impl Landed {
    /// The redirect URL.
    pub fn redirect(self) -> String {
        match self {
            Self::Redirect(url) => url,
            other => panic!("no redirect but {other:?}"),
        }
    }
}

/// One browser profile, used by one person.
#[derive(Debug)]
pub struct UserAgent {
    agent: Agent,
    login: String,
    cookies: Vec<Cookie>,
    headings: Vec<String>,
}

#[derive(Debug)]
struct Cookie {
    name: String,
    value: String,
    path: String,
}

impl UserAgent {
    /// A fresh browser profile: no cookies. The server takes any `login`.
    pub fn new(login: &str) -> Self {
        Self { agent: super::http::agent(), login: login.to_owned(), cookies: Vec::new(), headings: Vec::new() }
    }

    /// The heading of each page that was shown so far.
    pub fn headings(&self) -> Vec<&str> {
        self.headings.iter().map(String::as_str).collect()
    }

    /// Opens `url`, an authorization request or a logout, and goes on until the server lets the person go.
    pub fn walk(&mut self, url: &str, person: Person) -> Landed {
        let origin = origin(url).to_owned();
        let mut step = Step::Get(url.to_owned());
        for _ in 0..20 {
            let response = self.load(&step);
            let status = response.status().as_u16();
            if let Some(location) = response.headers().get(http::header::LOCATION) {
                let location = location.to_str().expect("a Location in ASCII");
                if location.starts_with('/') {
                    step = Step::Get(format!("{origin}{location}"));
                } else if self::origin(location) == origin {
                    step = Step::Get(location.to_owned());
                } else {
                    return Landed::Redirect(location.to_owned());
                }
                continue;
            }
            let body = response.into_body().read_to_string().expect("a page");
            let page = match Page::read(&body) {
                None => return Landed::Page { status, body },
                Some(page) if self::origin(&page.submit) != origin => {
                    return Landed::Form { action: page.submit, fields: page.fields };
                }
                Some(page) => page,
            };
            let asks_for_login = page.fields.iter().any(|(name, _)| name == "login");
            self.headings.push(page.heading);
            let says_no = person == Person::Cancels || (person == Person::DeniesConsent && !asks_for_login);
            step = match (says_no, page.cancel) {
                (true, Some(cancel)) => Step::Get(cancel),
                (true, None) => Step::Post(page.submit, page.fields),
                (false, _) => Step::Post(page.submit, self.fill_in(page.fields, page.button)),
            };
        }
        panic!("the pages go round in circles: {:?}", self.headings);
    }

    fn fill_in(&self, fields: Vec<(String, String)>, button: Option<(String, String)>) -> Vec<(String, String)> {
        let fill = |(name, value): (String, String)| match name.as_str() {
            "login" => (name, self.login.clone()),
            "password" => (name, "any".to_owned()),
            _ => (name, value),
        };
        fields.into_iter().chain(button).map(fill).collect()
    }

    fn load(&mut self, step: &Step) -> http::Response<Body> {
        let (Step::Get(url) | Step::Post(url, _)) = step;
        let path = &url[origin(url).len()..];
        let cookies: Vec<_> = (self.cookies.iter())
            .filter(|cookie| path.starts_with(&cookie.path))
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        let cookies = cookies.join("; ");
        let response = match step {
            Step::Get(url) => self.agent.get(url).header("cookie", cookies).call(),
            Step::Post(url, fields) => {
                let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                self.agent.post(url).header("cookie", cookies).send_form(fields)
            }
        };
        let response = response.unwrap_or_else(|error| panic!("{url}: {error}"));
        for line in response.headers().get_all(http::header::SET_COOKIE) {
            self.keep(line.to_str().expect("a cookie in ASCII"));
        }
        response
    }

    fn keep(&mut self, line: &str) {
        let mut parts = line.split(';').map(str::trim);
        let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).expect("a cookie");
        let path = parts.find_map(|part| part.strip_prefix("path=")).unwrap_or("/");
        self.cookies.retain(|cookie| cookie.name != name || cookie.path != path);
        if !value.is_empty() {
            self.cookies.push(Cookie { name: name.to_owned(), value: value.to_owned(), path: path.to_owned() });
        }
    }
}

enum Step {
    Get(String),
    Post(String, Vec<(String, String)>),
}

/// A page with a form: the login page, the consent page, both with a way out, the logout page, and the form post.
struct Page {
    heading: String,
    submit: String,
    fields: Vec<(String, String)>,
    /// What the first button adds to the fields.
    button: Option<(String, String)>,
    cancel: Option<String>,
}

impl Page {
    fn read(html: &str) -> Option<Self> {
        let form = between(html, "<form", "</form>")?;
        let (tag, inputs) = form.split_once('>')?;
        let pair = |tag: &str| {
            let tag = tag.split_once('>')?.0;
            Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default()))
        };
        let cancel = html.split("<a ").find(|link| link.contains("[ Cancel ]"));
        Some(Self {
            heading: between(html, "<h1>", "</h1>").unwrap_or_default().to_owned(),
            submit: attribute(tag, "action")?,
            fields: inputs.split("<input").skip(1).filter_map(pair).collect(),
            button: html.split("<button").nth(1).and_then(pair),
            cancel: cancel.and_then(|link| attribute(link, "href")),
        })
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = between(tag, &format!("{name}=\""), "\"")?;
    Some(
        value
            .replace("&#39;", "'")
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&"),
    )
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    Some(rest.split_once(end)?.0)
}

/// Scheme, host and port. Of `com.example.app:/oauth2redirect`: all before the path.
fn origin(url: &str) -> &str {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let end = url[authority..].find(['/', '?', '#']).map_or(url.len(), |at| authority + at);
    &url[..end]
}
