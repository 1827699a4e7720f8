//! Members of a token response that the crate does not know, and how much a login weighs.

use oauth_proto::{AuthorizationRequest, Client, Login, Secret, Tokens, Unfit};

use crate::{builder, client, log_in};

const RESPONSE: &str = r#"{"access_token":"AT1","token_type":"Bearer","region":"eu-1","nested":{"depth":[1,2]}}"#;

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Vendor {
    region: String,
    nested: Nested,
}

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Nested {
    depth: Vec<u8>,
}

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Wrong {
    #[allow(dead_code)]
    region: u32,
}

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Missing {
    #[allow(dead_code)]
    country: String,
}

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Nothing {}

fn tokens(client: Client) -> Tokens {
    log_in(client, AuthorizationRequest::new(), RESPONSE, 0)
}

#[test]
fn a_vendor_member_is_read_if_the_response_was_kept() {
    let tokens = tokens(builder().keep_token_response().build().unwrap());
    let vendor = Vendor { region: "eu-1".into(), nested: Nested { depth: vec![1, 2] } };
    assert_eq!(tokens.members::<Vendor>(), Ok(vendor));
    assert_eq!(tokens.members::<Nothing>(), Ok(Nothing {}));
    assert_eq!(tokens.members::<Wrong>(), Err(Unfit));
    assert_eq!(tokens.members::<Missing>(), Err(Unfit));
}

#[test]
fn a_response_that_was_not_kept_fits_nothing() {
    assert_eq!(tokens(client()).members::<Vendor>(), Err(Unfit));
    assert_eq!(tokens(client()).members::<Nothing>(), Err(Unfit));
    assert_eq!(Tokens::from_parts(Secret::new("A"), None, None, "a").members::<Nothing>(), Err(Unfit));
}

/// As the README and the table of costs say it.
#[test]
fn a_login_is_small() {
    assert!(core::mem::size_of::<Login>() <= 128, "{} bytes", core::mem::size_of::<Login>());
}
