//! Searches printed text for secrets in every form that a program prints by accident.

use std::error::Error;
use std::fmt::{Debug, Display, Write};

use base64ct::{Base64, Base64UrlUnpadded, Encoding};

/// Forms of secrets, without white space, and what each is.
pub struct Watch(Vec<(String, String)>);

impl Watch {
    pub fn new(secrets: &[&[u8]]) -> Self {
        let mut watch = Self(Vec::new());
        for secret in secrets {
            let text = core::str::from_utf8(secret).unwrap();
            watch.add(text, "plain", text.into());
            watch.add(text, "percent-encoded", percent(secret, true));
            watch.add(text, "percent-encoded in small letters", percent(secret, false));
            watch.add(text, "escaped", format!("{text:?}").trim_matches('"').into());
            watch.add_octets(secret);
            // As `client_secret_basic` has it: form-encoded, then in base64.
            watch.add_octets(percent(secret, true).as_bytes());
        }
        watch
    }

    /// Base64 wherever the octets begin in it, hexadecimal, and as a list of numbers.
    pub fn add_octets(&mut self, octets: &[u8]) {
        let name = String::from_utf8_lossy(octets).into_owned();
        for shift in 0..3 {
            let shifted = [vec![b'x'; shift], octets.to_vec()].concat();
            // Characters that hold a bit of what is before or behind the secret are left out.
            let (first, last) = ((shift * 8).div_ceil(6), shifted.len() * 8 / 6);
            self.add(&name, "base64", Base64::encode_string(&shifted)[first..last].into());
            self.add(&name, "base64url", Base64UrlUnpadded::encode_string(&shifted)[first..last].into());
        }
        let hex = octets.iter().fold(String::new(), |mut hex, octet| {
            write!(hex, "{octet:02x}").unwrap();
            hex
        });
        self.add(&name, "hexadecimal", hex.to_uppercase());
        self.add(&name, "hexadecimal", hex);
        self.add(&name, "numbers", octets.iter().map(u8::to_string).collect::<Vec<_>>().join(","));
    }

    fn add(&mut self, secret: &str, form: &str, text: String) {
        assert!(text.len() >= 16, "{secret} as {form} is too short to be told from chance");
        self.0.push((text, format!("{secret} ({form})")));
    }

    /// The first secret in a text.
    pub fn find(&self, text: &str) -> Option<&str> {
        let text: String = text.chars().filter(|character| !character.is_whitespace()).collect();
        self.0.iter().find(|(form, _)| text.contains(form.as_str())).map(|(_, name)| name.as_str())
    }

    /// Whatever it is, this text may be shown to anybody.
    #[track_caller]
    pub fn text(&self, what: &str, text: &str) {
        assert!(self.find(text).is_none(), "{what} shows {}: {text}", self.find(text).unwrap_or_default());
    }

    #[track_caller]
    pub fn debug(&self, what: &str, value: &dyn Debug) {
        self.text(what, &format!("{value:?}"));
        self.text(what, &format!("{value:#?}"));
    }

    #[track_caller]
    pub fn display(&self, what: &str, value: &dyn Display) {
        self.text(what, &format!("{value}"));
        self.text(what, &format!("{value:#}"));
    }

    /// An error and all that it comes from.
    #[track_caller]
    pub fn error(&self, what: &str, error: &dyn Error) {
        let mut error = Some(error);
        while let Some(shown) = error {
            self.debug(what, &shown);
            self.display(what, &shown);
            error = shown.source();
        }
    }
}

fn percent(octets: &[u8], capitals: bool) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        let result = match octet {
            octet if octet.is_ascii_alphanumeric() || b"-._".contains(octet) => {
                write!(text, "{}", char::from(*octet))
            }
            octet if capitals => write!(text, "%{octet:02X}"),
            octet => write!(text, "%{octet:02x}"),
        };
        result.unwrap();
        text
    })
}

#[test]
fn the_search_finds_a_secret_in_every_form() {
    const SECRET: &str = "sEcReT/\"with\\all+of=it";
    let watch = Watch::new(&[SECRET.as_bytes()]);
    let octets = SECRET.as_bytes().to_vec();
    let shown = [
        format!("Tokens {{ access: {SECRET:?} }}"),
        format!("body={}", url::form_urlencoded::byte_serialize(&octets).collect::<String>()),
        format!("Basic {}", Base64::encode_string(format!("a:{SECRET}").as_bytes())),
        format!("Basic {}", Base64::encode_string(format!("ab:{SECRET}").as_bytes())),
        Base64UrlUnpadded::encode_string(format!("abc:{SECRET}!").as_bytes()),
        format!("{octets:?}"),
        format!("{octets:#?}"),
        format!("{SECRET:.0}<p>{SECRET}</p>"),
        octets.iter().fold(String::new(), |hex, octet| hex + &format!("{octet:02x}")),
        Base64::encode_string(format!("app:{}", percent(&octets, true)).as_bytes()),
    ];
    for text in shown {
        assert!(watch.find(&text).is_some(), "not found in {text}");
    }
    assert!(watch.find("Tokens { expires_at: None, .. }").is_none());
}
