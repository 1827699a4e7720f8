// Invariant: a code is accepted only from a URL whose query has the right `state` once, this `code` once, and no error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oauth_proto::redirect::{from_pasted, parse, unproved_error, Expected, RedirectUri};

/// The first octet selects the pending login; the rest is the URL.
const REDIRECT_URIS: [&str; 6] = [
    "https://app.example.com/cb",
    "https://app.example.com/cb?tenant=1&x=a%20b",
    "http://127.0.0.1:51004/oauth2redirect/example-provider",
    "com.example.app:/oauth2redirect/example-provider",
    "com.app:cb",
    "https://app.example.com",
];
const STATE: &str = "af0ifjsldkj";
const ISSUER: &str = "https://as.example.com";

fuzz_target!(|data: &[u8]| {
    let Some((choice, url)) = data.split_first() else { return };
    let Ok(url) = core::str::from_utf8(url) else { return };
    let redirect_uri = RedirectUri::new(REDIRECT_URIS[usize::from(*choice) % REDIRECT_URIS.len()]).unwrap();
    let iss_required = choice & 0x80 != 0;
    let expected = Expected { redirect_uri: &redirect_uri, state: STATE, issuer: Some(ISSUER), iss_required };
    let outcome = parse(url, &expected);
    assert_eq!(
        outcome.as_ref().err(),
        parse(url, &expected).err().as_ref(),
        "the same input must give the same answer"
    );
    // A pasted URL goes through the same checks.
    let pasted = from_pasted(redirect_uri.as_str(), url);
    if let Ok(response) = parse(&pasted, &expected) {
        assert!(!response.into_code().reveal().is_empty());
        assert!(unproved_error(&pasted, &redirect_uri).is_none());
    }
    let Ok(response) = outcome else { return };
    assert!(unproved_error(url, &redirect_uri).is_none(), "it has a state");
    let code = response.into_code();
    assert!(!code.reveal().is_empty() && code.reveal().bytes().all(|octet| (0x20..=0x7e).contains(&octet)));
    // Another decoder, the `url` crate's, must read the same.
    let query = url.split('#').next().unwrap().split_once('?').unwrap().1;
    let values = |name: &str| -> Vec<String> {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.filter(|(other, _)| other == name).map(|(_, value)| value.into_owned()).collect()
    };
    assert_eq!(values("state"), [STATE]);
    assert_eq!(values("code"), [code.reveal()]);
    assert!(values("error").concat().is_empty());
    let iss = values("iss");
    assert!(iss.iter().all(|iss| iss.is_empty() || iss == ISSUER) && (!iss_required || iss == [ISSUER]));
});
