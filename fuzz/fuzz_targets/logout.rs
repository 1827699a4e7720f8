// Invariant: a logout ends only by a URL to its own URI with its own `state`, exactly once; the URL to open has what was put in.
#![no_main]

use base64ct::{Base64UrlUnpadded, Encoding};
use libfuzzer_sys::fuzz_target;
use oauth_proto::logout::{check_return, MAX_LOGOUT_URL_BYTES};
use oauth_proto::redirect::{RedirectUri, MAX_REDIRECT_BYTES};
use oauth_proto::{
    AuthorizationServer, Client, Entropy, Error, Event, Secret, Session, SessionAction, SessionPhase, SignOut, Tokens,
    UnixTime,
};
use url::form_urlencoded::byte_serialize;

/// The first octet selects the pending logout. The lines after it: the URL that the browser is at, the end of an ID token, a
/// client id.
const URIS: [&str; 6] = [
    "https://app.example.com/bye",
    "https://app.example.com/bye?tenant=1&x=a%20b",
    "http://127.0.0.1:51004/bye",
    "com.example.app:/logout",
    "com.app:bye?",
    "https://app.example.com",
];
const ENDPOINTS: [&str; 3] =
    ["https://as.example.com/logout", "https://as.example.com/logout?", "https://as.example.com/logout?tenant=a%26b"];
const STATE: &str = "af0ifjsldkj";
const ISSUER: &str = "https://as.example.com";

fuzz_target!(|data: &[u8]| {
    let Some((choice, text)) = data.split_first() else { return };
    let Ok(text) = core::str::from_utf8(text) else { return };
    let mut lines = text.split('\n');
    let (url, id_token, client_id) = (lines.next().unwrap_or(""), lines.next(), lines.next());
    let uri = URIS[usize::from(*choice) % URIS.len()];
    check(url, uri);
    log_out(*choice, uri, id_token, client_id.unwrap_or("s6BhdRkqt3"));
});

fn check(url: &str, uri: &str) {
    let outcome = check_return(url, &RedirectUri::new(uri).unwrap(), STATE);
    if let Err(error) = &outcome {
        assert!(matches!(error, Error::Ignored(_)), "{error}: anybody can send such a URL");
    }
    // Another decoder, the `url` crate's, must read the same out of it.
    let before_fragment = url.split('#').next().unwrap();
    let (place, query) = before_fragment.split_once('?').unwrap_or((before_fragment, ""));
    let (own_place, own_query) = uri.split_once('?').unwrap_or((uri, ""));
    let theirs = pairs(query);
    let states: Vec<&str> =
        theirs.iter().filter(|(name, _)| name == "state").map(|(_, value)| value.as_str()).collect();
    let right_query = states == [STATE] && pairs(own_query).iter().all(|own| theirs.contains(own));
    if outcome.is_ok() {
        assert!(right_query && same_place(place, own_place) && url.len() <= MAX_REDIRECT_BYTES, "{url}");
    } else {
        assert!(!right_query || place != own_place || url.len() > MAX_REDIRECT_BYTES, "{url} is refused");
    }
}

fn pairs(query: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// Scheme and host in any case, a default port written or not, the path unchanged.
fn same_place(one: &str, other: &str) -> bool {
    let normal = |place: &str| -> Option<(String, String, String)> {
        let (scheme, rest) = place.split_once(':')?;
        let scheme = scheme.to_ascii_lowercase();
        let Some(rest) = rest.strip_prefix("//") else { return Some((scheme, String::new(), rest.to_owned())) };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let http = scheme.starts_with("http");
        let default = if scheme == "https" { ":443" } else { ":80" };
        let authority = authority.to_ascii_lowercase();
        let bare = if http { authority.strip_suffix(default).unwrap_or(&authority) } else { &authority };
        let bare = bare.strip_suffix(':').unwrap_or(bare).to_owned();
        let path = if http && path.is_empty() { "/" } else { path };
        Some((scheme, bare, path.to_owned()))
    };
    normal(one).is_some_and(|one| normal(other) == Some(one))
}

/// Signs out in the browser, and comes back.
fn log_out(choice: u8, uri: &str, id_token: Option<&str>, client_id: &str) {
    let (is_auth0, federated, comes_back) = (choice & 0x80 != 0, choice & 0x40 != 0, choice & 0x20 == 0);
    let endpoint = ENDPOINTS[usize::from(choice) % ENDPOINTS.len()];
    let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token").unwrap();
    let server = server.issuer(ISSUER).unwrap();
    let server = if is_auth0 { server.auth0_logout_endpoint(endpoint) } else { server.end_session_endpoint(endpoint) };
    let builder = Client::builder(server.unwrap(), client_id, "com.example.app:/callback");
    let builder = if comes_back { builder.post_logout_redirect_uri(uri) } else { builder };
    let Ok(client) = builder.build() else { return };
    let tokens = Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), None, "a");
    let mut saved = serde_json::to_value(Session::new(client.clone(), tokens).save()).unwrap();
    // Only an ID token from this server and for this client is restored.
    let claims = serde_json::json!({ "iss": ISSUER, "aud": client_id, "sub": "u" }).to_string();
    let id_token = id_token.map(|end| format!("eyJ.{}.{end}", Base64UrlUnpadded::encode_string(claims.as_bytes())));
    let id_token = id_token.as_deref();
    saved["id_token"] = id_token.into();
    let Ok(mut session) = Session::restore(client, serde_json::from_value(saved).unwrap()) else { return };

    let entropy = Entropy::new(core::array::from_fn(|index| u8::try_from(index).unwrap())).unwrap();
    let how = SignOut::new().logout(entropy);
    let SessionAction::OpenUrl(url) = session.sign_out(if federated { how.federated() } else { how }) else {
        panic!("there is an endpoint, and nothing to revoke at")
    };
    let state = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";
    let back = format!("{uri}{}state={state}", if uri.contains('?') { '&' } else { '?' });
    let (place, own_query) = endpoint.split_once('?').unwrap_or((endpoint, ""));
    let mut expected = pairs(own_query);
    let mut expect = |name: &str, value: &str| expected.push((name.to_owned(), value.to_owned()));
    if let Some(id_token) = id_token.filter(|_| !is_auth0) {
        let hint_len = "&id_token_hint=".len() + byte_serialize(id_token.as_bytes()).map(str::len).sum::<usize>();
        let is_sent = url.contains("id_token_hint=");
        let len = if is_sent { url.len() } else { url.len() + hint_len };
        // After an endpoint that ends with `?` there is no separator.
        assert!(if is_sent { len <= MAX_LOGOUT_URL_BYTES } else { len + 1 > MAX_LOGOUT_URL_BYTES }, "{len}");
        if is_sent {
            expect("id_token_hint", id_token);
        }
    }
    expect("client_id", client_id);
    match (is_auth0, comes_back) {
        (true, true) => expect("returnTo", &back),
        (false, true) => {
            expect("post_logout_redirect_uri", uri);
            expect("state", state);
        }
        _ => {}
    }
    if federated {
        expect("federated", "");
    }
    let parsed = url::Url::parse(&url).expect("a browser can open it");
    assert_eq!(parsed.fragment(), None);
    let (opened, query) = url.split_once('?').unwrap();
    assert_eq!((opened, pairs(query)), (place, expected));
    assert!(url.bytes().all(|octet| octet.is_ascii_graphic()), "{}", url.as_str());

    let event = if comes_back { Event::RedirectReceived(&back) } else { Event::Cancelled };
    assert!(matches!(session.handle(event, UnixTime::from_secs(0)), Ok(SessionAction::SignedOut)));
    assert_eq!(session.phase(), SessionPhase::SignedOut);
}
