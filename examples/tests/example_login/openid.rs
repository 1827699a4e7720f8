//! The embedded server as an OpenID provider: what it says of itself, and of its users.

use std::time::{SystemTime, UNIX_EPOCH};

use base64ct::{Base64UrlUnpadded, Encoding};
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use serde_json::{json, Value};
use sha2::{Digest, Sha256};
use url::Url;

use crate::client::{parameter, Answer, Client, NONCE};
use crate::server::CLIENT_ID;

const EVERYTHING: &str = "openid profile email address offline_access";

fn decoded(text: &Value) -> Vec<u8> {
    Base64UrlUnpadded::decode_vec(text.as_str().unwrap()).unwrap()
}

/// The claims of a token whose signature the server's published key has made.
fn claims(client: &Client, token: &str) -> Value {
    let parts: Vec<Value> = token.split('.').map(Value::from).collect();
    let [header, claims, signature] = &parts[..] else { panic!("not a JWS: {token}") };
    let header: Value = serde_json::from_slice(&decoded(header)).unwrap();
    let keys = client.get(&client.server.url("/jwks")).json();
    let [key] = keys["keys"].as_array().unwrap().as_slice() else { panic!("one key, not {keys}") };
    assert_eq!(header, json!({ "alg": "ES256", "typ": "JWT", "kid": key["kid"] }));
    let uncompressed = [&[4][..], &decoded(&key["x"]), &decoded(&key["y"])].concat();
    let key = VerifyingKey::from_sec1_bytes(&uncompressed).unwrap();
    let signature = Signature::from_slice(&decoded(signature)).unwrap();
    let (signed, _) = token.rsplit_once('.').unwrap();
    key.verify(signed.as_bytes(), &signature).unwrap();
    serde_json::from_slice(&decoded(claims)).unwrap()
}

fn id_token(answer: &Answer) -> String {
    answer.json()["id_token"].as_str().expect("an ID token").to_owned()
}

#[allow(clippy::disallowed_methods)]
fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn half_hash(token: &str) -> String {
    Base64UrlUnpadded::encode_string(&Sha256::digest(token)[..16])
}

#[test]
fn the_metadata_names_what_is_there() {
    let client = Client::patient();
    let answer = client.get(&client.server.url("/.well-known/openid-configuration"));
    assert_eq!((answer.status, answer.cache_control.as_str()), (200, "public, max-age=3600"));
    let metadata = answer.json();
    assert_eq!(metadata["issuer"], client.server.issuer);
    for (name, value) in [
        ("scopes_supported", json!(["openid", "profile", "email", "address", "offline_access"])),
        ("response_types_supported", json!(["code"])),
        ("code_challenge_methods_supported", json!(["S256"])),
        ("subject_types_supported", json!(["public"])),
        ("id_token_signing_alg_values_supported", json!(["ES256"])),
        ("authorization_response_iss_parameter_supported", json!(true)),
    ] {
        assert_eq!(metadata[name], value, "{name}");
    }
    let members = metadata.as_object().unwrap();
    let endpoints: Vec<_> =
        members.iter().filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri").collect();
    assert_eq!(endpoints.len(), 6, "{endpoints:?}");
    for (name, url) in endpoints {
        assert!(client.get(url.as_str().unwrap()).status != 404, "{name}");
    }
}

#[test]
fn the_key_is_public_and_new_each_time() {
    let client = Client::patient();
    let answer = client.get(&client.server.url("/jwks"));
    assert_eq!((answer.status, answer.cache_control.as_str()), (200, "public, max-age=3600"));
    let key = &answer.json()["keys"][0];
    let names: Vec<_> = key.as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x", "y"], "no private part");
    let other = Client::patient();
    let other = &other.get(&other.server.url("/jwks")).json()["keys"][0];
    assert!(key["x"] != other["x"] && key["kid"] != other["kid"]);
}

#[test]
fn an_id_token_says_who_logged_in() {
    let client = Client::patient();
    let before = unix_time();
    let answer = client.logged_in(&client.asked_who(EVERYTHING), "Zoë");
    assert_eq!(answer.json()["scope"], "openid profile email offline_access", "nobody has an address");
    let (access, refresh) = answer.tokens();
    let mut first = claims(&client, &id_token(&answer));
    let sub = first["sub"].as_str().unwrap().to_owned();
    assert!(sub.is_ascii() && !sub.is_empty());
    let times = ["iat", "exp", "auth_time"].map(|name| first[name].take().as_u64().unwrap());
    let [iat, exp, auth_time] = times;
    assert!(
        (before..=unix_time()).contains(&iat) && exp == iat + 300 && (before..=iat).contains(&auth_time),
        "{times:?}"
    );
    let mut expected = json!({
        "iss": client.server.issuer, "aud": CLIENT_ID, "sub": sub, "iat": null, "exp": null, "auth_time": null,
        "nonce": NONCE, "at_hash": half_hash(&access), "name": "Zoë", "https://example.com/roles": ["demo"],
    });
    assert_eq!(first, expected);

    // A refresh: of the same login (§12.2), without the nonce of its request.
    let answer = client.refresh(&refresh);
    let (access, _) = answer.tokens();
    let mut second = claims(&client, &id_token(&answer));
    assert_eq!(second["auth_time"], auth_time);
    assert!(second["iat"].as_u64() >= Some(iat));
    for name in ["iat", "exp", "auth_time"] {
        second[name].take();
    }
    expected["at_hash"] = half_hash(&access).into();
    expected.as_object_mut().unwrap().remove("nonce");
    assert_eq!(second, expected);

    let sub_of = |user| claims(&client, &id_token(&client.logged_in(&client.asked_who("openid"), user)))["sub"].clone();
    assert_eq!(sub_of("Zoë"), sub);
    assert_ne!(sub_of("Zoe"), sub);
}

#[test]
fn less_is_said_when_less_is_asked() {
    let client = Client::patient();
    let only = claims(&client, &id_token(&client.logged_in(&client.asked_who("openid"), "Zoë")));
    assert_eq!(only.get("name"), None);
    let mut asked = client.asked_with("scope", "openid");
    asked.retain(|(name, _)| *name != "nonce");
    assert_eq!(claims(&client, &id_token(&client.logged_in(&asked, "Zoë"))).get("nonce"), None);
    let answer = client.logged_in(&client.asked_who("profile offline_access"), "Zoë");
    assert_eq!(answer.json().get("id_token"), None, "nobody asked for one");
    let (_, refresh) = answer.tokens();
    assert_eq!(client.refresh(&refresh).json().get("id_token"), None);
    let refused = client.authorize(&client.asked_with("scope", "address"));
    assert_eq!(parameter(&refused.header, "error").as_deref(), Some("invalid_scope"));
}

#[test]
fn userinfo_is_for_bearers_of_a_token_with_openid() {
    let client = Client::patient();
    let userinfo = |answer: &Answer| {
        let token = answer.json()["access_token"].as_str().unwrap().to_owned();
        client.call("/userinfo", Some(&format!("Bearer {token}")))
    };
    let login = client.logged_in(&client.asked_who(EVERYTHING), "Zoë");
    let answer = userinfo(&login);
    assert_eq!((answer.status, answer.cache_control.as_str()), (200, "no-store"));
    let sub = claims(&client, &id_token(&login))["sub"].as_str().unwrap().to_owned();
    let email = format!("{sub}@example.com");
    assert_eq!(answer.json(), json!({ "sub": sub, "name": "Zoë", "email": email, "email_verified": false }));
    let answer = userinfo(&client.logged_in(&client.asked_who("openid"), "Zoë"));
    assert_eq!(answer.json(), json!({ "sub": sub }));

    let answer = userinfo(&client.logged_in(&client.asked_who("profile"), "Zoë"));
    assert_eq!((answer.status, answer.header.contains("insufficient_scope")), (403, true));
    for (authorization, error) in [(None, false), (Some("Basic YTpi"), false), (Some("Bearer made-up"), true)] {
        let answer = client.call("/userinfo", authorization);
        assert_eq!((answer.status, answer.header.contains("invalid_token")), (401, error));
    }
    let (_, refresh) = login.tokens();
    client.revoke(&refresh);
    assert_eq!(userinfo(&login).status, 401);
}

#[test]
fn a_logout_takes_hints_of_its_own_alone() {
    let client = Client::patient();
    let logout = |hint: &str| {
        let asked = [("client_id", CLIENT_ID), ("id_token_hint", hint)];
        client.get(Url::parse_with_params(&client.server.url("/logout"), asked).unwrap().as_str()).status
    };
    let own = id_token(&client.logged_in(&client.asked_who("openid"), "Zoë"));
    assert_eq!(logout(&own), 200);
    let other = Client::patient();
    let foreign = id_token(&other.logged_in(&other.asked_who("openid"), "Zoë"));
    let (signed, _) = own.rsplit_once('.').unwrap();
    for hint in [&foreign, "made up", "a.b.c", signed, &format!("{signed}."), &format!("{own}A")] {
        assert_eq!(logout(hint), 400, "{hint}");
    }
}
