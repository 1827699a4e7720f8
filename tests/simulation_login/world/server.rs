//! The model authorization server and its records: which code it gave, whether it has looked at it, what it issued for it. What a
//! login says is measured by these records.

use std::fmt::Write;

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

use super::truth::broken;
use super::weather::{Kind, Weather};
use super::{discovery, openid};
use super::{Endpoint, World};

pub struct Server {
    /// By [`Endpoint`].
    pub weather: [Weather; 5],
    pub code: Option<Code>,
    pub issued: Option<Issued>,
}

/// A code, from the time that the browser brought it.
pub struct Code {
    pub value: String,
    pub issued_at: u64,
    /// When the user proved who they are, by the server's clock.
    pub auth_time: u64,
    pub nonce: Option<String>,
    challenge: String,
    /// By the server's own record: it is used up.
    pub is_used: bool,
}

/// What was given for the code, and what time it was by the server's clock.
#[derive(Debug)]
pub struct Issued {
    pub access_token: String,
    pub id_token: Option<String>,
    pub iat: u64,
    pub exp: u64,
}

/// What comes back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    /// What the server did not do; `None` if it did what it was asked for, or refused a code.
    pub kind: Option<Kind>,
    /// What its `Date` says.
    pub date: Option<u64>,
}

pub const EXPIRES_IN: u64 = 7200;
const JSON: (&str, &str) = ("content-type", "application/json");

impl Server {
    pub fn new(weather: [Weather; 5]) -> Self {
        Self { weather, code: None, issued: None }
    }

    /// The user comes back with a code.
    pub fn give_code(&mut self, issued_at: u64, auth_time: u64, nonce: Option<String>, challenge: String) -> String {
        let value = format!("C{issued_at}");
        self.code = Some(Code { value: value.clone(), issued_at, auth_time, nonce, challenge, is_used: false });
        value
    }
}

impl World<'_> {
    /// What time it is at the server.
    pub fn server_time(&self) -> u64 {
        self.now.saturating_add_signed(self.plan.server_offset)
    }

    /// A request arrives.
    pub fn serve(&mut self, endpoint: Endpoint, body: &str) -> Answer {
        let kind = self.server.weather[endpoint as usize].at(self.now);
        let date = self.plan.has_date.then(|| self.server_time());
        let answer = |status: u16, body: String, kind: Option<Kind>| Answer {
            status,
            headers: vec![(JSON.0, JSON.1.to_owned())],
            body,
            kind,
            date,
        };
        let mut answer = match kind {
            None => match endpoint {
                Endpoint::Token => {
                    let (status, body) = self.work(body);
                    answer(status, body, None)
                }
                Endpoint::Keys => answer(200, openid::jwks(false), None),
                _ => answer(200, discovery::metadata(&self.plan), None),
            },
            Some(kind) => {
                if matches!(kind, Kind::Broken { after_work: true, .. } | Kind::Refusal) && endpoint == Endpoint::Token
                {
                    let _ = self.work(body);
                }
                let body = match kind {
                    Kind::BusyInWords => r#"{"error":"temporarily_unavailable"}"#.into(),
                    Kind::Refusal => r#"{"error":"invalid_client"}"#.into(),
                    Kind::Garbled => r#"{"keys":["#.into(),
                    Kind::OldKeys => openid::jwks(true),
                    Kind::OtherIssuers => discovery::metadata_of_another(&self.plan),
                    _ => "<h1>sorry</h1>".into(),
                };
                let mut answer = answer(kind.status(), body, Some(kind));
                if !matches!(
                    kind,
                    Kind::BusyInWords | Kind::Refusal | Kind::Garbled | Kind::OldKeys | Kind::OtherIssuers
                ) {
                    answer.headers[0].1 = "text/html".into();
                }
                if kind == Kind::Moved {
                    answer.headers.push(("location", "https://as.example/elsewhere".into()));
                }
                let retry_after = kind.retry_after();
                // A date is understood by the server's own.
                if let Some(seconds) = retry_after.seconds {
                    let text = match date.filter(|_| retry_after.is_date) {
                        Some(date) => http_date(date + seconds),
                        None => seconds.to_string(),
                    };
                    answer.headers.push(("retry-after", text));
                }
                answer
            }
        };
        answer.headers.extend(date.map(|date| ("date", http_date(date))));
        self.trace.note(|| format!("    server: {endpoint:?} -> {} {kind:?}", answer.status));
        answer
    }

    /// (c) The server looks at the code, which it does once.
    fn work(&mut self, body: &str) -> (u16, String) {
        let member = |name: &str| {
            let value = body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            value.unwrap_or_default().to_owned()
        };
        let Some(code) = &mut self.server.code else { broken!("c", "a code that the server never gave") };
        if member("code") != code.value {
            broken!("c", "another code than the server gave");
        }
        let digest: [u8; 32] = Sha256::digest(member("code_verifier").as_bytes()).into();
        if Base64UrlUnpadded::encode_string(&digest) != code.challenge {
            broken!("c", "the code comes with another login's verifier");
        }
        let (was_used, age) = (code.is_used, self.now - code.issued_at);
        code.is_used = true;
        if was_used || age > self.plan.code_lifetime {
            return (400, r#"{"error":"invalid_grant"}"#.into());
        }
        let access_token = format!("AT{}", self.now);
        let id_token = self.id_token();
        let now = self.server_time();
        let (iat, exp) = id_token.as_ref().map_or((now, now), |(_, iat, exp)| (*iat, *exp));
        let id_token = id_token.map(|(token, ..)| token);
        let mut body = format!(
            r#"{{"access_token":"{access_token}","token_type":"Bearer","expires_in":{EXPIRES_IN},"refresh_token":"RT""#
        );
        if let Some(id_token) = &id_token {
            write!(body, r#","id_token":"{id_token}""#).unwrap();
        }
        body.push('}');
        self.server.issued = Some(Issued { access_token, id_token, iat, exp });
        self.counts.add("tokens issued");
        (200, body)
    }
}

/// RFC 9110 §5.6.7.
fn http_date(secs: u64) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let days = secs / 86_400;
    let is_leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let (mut year, mut left) = (1970, days);
    while left >= 365 + u64::from(is_leap(year)) {
        left -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while left >= lengths[month] {
        left -= lengths[month];
        month += 1;
    }
    let (day_name, month) = (DAYS[usize::try_from(days % 7).unwrap()], MONTHS[month]);
    let (hour, minute, second) = (secs / 3600 % 24, secs / 60 % 60, secs % 60);
    format!("{day_name}, {:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT", left + 1)
}

#[test]
fn dates_are_those_of_rfc_9110() {
    assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(http_date(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
}
