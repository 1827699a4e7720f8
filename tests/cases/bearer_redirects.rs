//! Redirects of API calls, whatever the method and the status: where the token goes, and what goes with it.

use oauth_proto::bearer::{follow, Follow};
use oauth_proto::{Bearer, BearerError};
use serde_json::{json, Value};

use crate::bearer_request::session;
use crate::support::{cases, compare, ready, text, texts, By, API, NOW};

const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];
const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];

/// A call that goes out: what an app sends that asks this crate about the token at each step.
#[derive(Clone, Debug)]
struct Call<'a> {
    method: &'a str,
    url: String,
    has_body: bool,
    authorization: Option<String>,
}

impl<'a> Call<'a> {
    fn first(bearer: &Bearer, method: &'a str, url: &str) -> Self {
        let authorization = header(bearer, method, url);
        assert!(authorization.is_ok(), "{method}: {authorization:?}");
        let has_body = matches!(method, "POST" | "PUT");
        Self { method, url: url.to_owned(), has_body, authorization: authorization.ok() }
    }

    /// The calls that may come next (RFC 9110 §15.4); none if the redirect is not to be followed.
    fn next(&self, status: u16, location: Option<&str>) -> Vec<Self> {
        let Follow::Yes { url, authorization } = follow(&self.url, self.authorization.is_some(), location) else {
            return Vec::new();
        };
        assert!(self.authorization.is_some() || !authorization, "what was taken off is not put on again: {self:?}");
        let next = |method: &'a str| Self {
            method,
            url: url.clone(),
            has_body: self.has_body && method == self.method,
            authorization: self.authorization.clone().filter(|_| authorization),
        };
        match (status, self.method) {
            // A user agent may change POST to GET (§15.4.2, §15.4.3).
            (301 | 302, "POST") => vec![next("POST"), next("GET")],
            // Another resource is to be retrieved (§15.4.4).
            (303, _) => vec![next("GET")],
            // The method must not be changed (§15.4.8, §15.4.9).
            (_, method) => vec![next(method)],
        }
    }
}

/// What [`Bearer::headers`] says, as the value of the one header that there is.
fn header(bearer: &Bearer, method: &str, url: &str) -> Result<String, &'static str> {
    let headers: Vec<_> = bearer.headers(method, url).map_err(BearerError::code)?.collect();
    let [("authorization", value)] = &headers[..] else { panic!("{headers:?}") };
    Ok(value.as_str().to_owned())
}

fn origin(url: &str) -> String {
    url::Url::parse(url).expect("a URL").origin().ascii_serialization()
}

/// What becomes of the call of a case, in the words of the file.
pub fn redirected(request: &Value) -> Value {
    let bearer = ready(&mut session(request).expect("a client"), NOW);
    let first = Call::first(&bearer, text(&request["method"]), text(&request["url"]));
    let response = &request["response"];
    let status = response["status"].as_u64().and_then(|status| u16::try_from(status).ok()).expect("a status");
    let location = response["location"].as_str();
    match &first.next(status, location)[..] {
        [] => json!({ "follow": false }),
        [call] => {
            assert_eq!(Some(call.url.as_str()), location);
            check(request, &bearer, &first, call);
            json!({ "follow": true, "authorization": call.authorization.is_some() })
        }
        several => panic!("{several:?}"),
    }
}

fn every_method_and_status() -> impl Iterator<Item = (&'static str, u16)> {
    METHODS.into_iter().flat_map(|method| STATUSES.map(|status| (method, status)))
}

fn redirects() -> Vec<Value> {
    cases("bearer_request").into_iter().filter(|case| case["request"]["response"].is_object()).collect()
}

#[test]
fn every_redirect_with_every_method_and_status() {
    let (mut followed, mut with_body) = (0, 0);
    for case in redirects() {
        let request = &case["request"];
        let url = text(&request["url"]);
        let location = request["response"]["location"].as_str();
        for (method, status) in every_method_and_status() {
            let bearer = ready(&mut session(request).expect("a client"), NOW);
            let first = Call::first(&bearer, method, url);
            let next = first.next(status, location);
            if next.is_empty() {
                assert_eq!(compare(&case, &json!({ "follow": false })), Ok(By::Expect), "{method}, {status}");
            }
            for call in next {
                followed += 1;
                with_body += usize::from(call.has_body);
                let outcome = json!({ "follow": true, "authorization": call.authorization.is_some() });
                assert_eq!(compare(&case, &outcome), Ok(By::Expect), "{method}, {status}");
                check(request, &bearer, &first, &call);
            }
        }
    }
    // Three cases are followed: four methods and five statuses, and what may become a GET twice. A body goes on with what
    // stays POST or PUT, at four of the statuses.
    assert_eq!((followed, with_body), (3 * (4 * 5 + 2), 3 * 2 * 4));
}

/// The token goes to allowed origins, and to no other: not along with a body whose method is kept, nor by way of another hop.
fn check(request: &Value, bearer: &Bearer, first: &Call<'_>, call: &Call<'_>) {
    let is_allowed = texts(&request["allowed_origins"]).contains(&&*origin(&call.url));
    assert_eq!(call.authorization.is_some(), is_allowed, "{call:?}");
    assert_eq!(call.authorization.is_some(), call.authorization == first.authorization, "{call:?}");
    // Who asks anew for that method and URL is told the same.
    let asked_anew = header(bearer, call.method, &call.url);
    assert_eq!(asked_anew, call.authorization.clone().ok_or("origin_not_allowed"), "{call:?}");
    if call.has_body {
        assert_eq!(call.method, first.method, "a body goes with its method");
        assert!(call.authorization.is_none() || origin(&call.url) == origin(&first.url), "{call:?}");
    }
    // Wherever it goes from here, and back.
    for back in [API, &first.url, &call.url] {
        for last in STATUSES.iter().flat_map(|status| call.next(*status, Some(back))) {
            let keeps = call.authorization.is_some() && origin(&last.url) == origin(&call.url);
            assert_eq!(last.authorization.is_some(), keeps, "{last:?}");
        }
    }
}

/// Where a redirect may lead, written in other ways: whether it is followed, and whether the token goes along.
const LOCATIONS: [(&str, bool, bool); 14] = [
    ("/me2", true, true),
    ("me2?x=1", true, true),
    ("https://api.example.com:443/me2", true, true),
    ("HTTPS://API.EXAMPLE.COM/me2", true, true),
    ("//api.example.com/me2", true, true),
    ("https://api.example.com:8443/me2", true, false),
    ("https://api.example.com.evil.example/me", true, false),
    ("https://sub.api.example.com/me", true, false),
    ("//cdn.example.net/file", true, false),
    ("\\\\cdn.example.net\\file", true, false),
    ("http://api.example.com/me2", false, false),
    ("https://api.example.com@evil.example/me", false, false),
    ("https://user:secret@api.example.com/me", false, false),
    ("data:text/plain,x", false, false),
];

#[test]
fn every_way_to_write_where_to_with_every_method_and_status() {
    let request = &redirects()[0]["request"];
    let bearer = ready(&mut session(request).expect("a client"), NOW);
    for (location, is_followed, has_token) in LOCATIONS {
        for (method, status) in every_method_and_status() {
            let first = Call::first(&bearer, method, text(&request["url"]));
            let next = first.next(status, Some(location));
            assert_eq!(!next.is_empty(), is_followed, "{location}: {next:?}");
            for call in next {
                assert_eq!(call.authorization.is_some(), has_token, "{location}: {call:?}");
                check(request, &bearer, &first, &call);
            }
        }
    }
}

/// An origin that the client allows as well gets no token by way of a redirect: only if the app asks for it there.
#[test]
fn another_allowed_origin_gets_the_token_only_when_asked_for() {
    let mut request = redirects()[0]["request"].clone();
    request["allowed_origins"] = json!([API, "https://cdn.example.net"]);
    let bearer = ready(&mut session(&request).expect("a client"), NOW);
    for (method, status) in every_method_and_status() {
        let first = Call::first(&bearer, method, text(&request["url"]));
        for call in first.next(status, Some("https://cdn.example.net/file")) {
            assert_eq!(call.authorization, None);
            assert_eq!(header(&bearer, call.method, &call.url).ok(), first.authorization);
        }
    }
}
