//! `cargo run --example seeds` writes the seed corpora of the fuzz targets, `corpus/TARGET/NAME`, from the cases in
//! `../tests/cases`; with `--check` it writes nothing and fails if a seed is missing or differs, or if there is a file
//! that is not a seed.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use model::{login, session};
use oauth_proto::{
    Access, Action, AuthorizationRequest, AuthorizationServer, Client, Entropy, Event, Headers, Login, Phase, Response,
    Secret, ServerMetadata, Session, SessionPhase, Target, Tokens, UnixTime,
};
use serde_json::{json, Value};

#[allow(dead_code)] // not every mode is used here
#[path = "../../tests/machines/model.rs"]
mod model;

type Seeds = Vec<(PathBuf, Vec<u8>)>;

/// Seeds longer than this would make the repository large and the fuzzer slow.
const MAX_SEED_BYTES: usize = 20 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seeds = Seeds::new();
    redirects(&cases(root, "callback")?, &mut seeds);
    token_responses(&cases(root, "token_response")?, &mut seeds)?;
    challenges(&cases(root, "www_authenticate")?, &mut seeds);
    logouts(&cases(root, "logout")?, &mut seeds);
    loopbacks(&mut seeds);
    id_tokens(&cases(root, "id_token")?, &mut seeds);
    key_sets(&file(root, "id_token")?, &mut seeds);
    metadata(&cases(root, "discovery")?, &mut seeds);
    discoveries(&mut seeds);
    saved(&mut seeds)?;
    machines(&mut seeds)?;
    simulations(&mut seeds)?;

    let corpus = root.join("corpus");
    if std::env::args().any(|argument| argument == "--check") {
        check(&corpus, &seeds)?;
    } else {
        for (name, content) in &seeds {
            let path = corpus.join(name);
            fs::create_dir_all(path.parent().ok_or("no folder")?)?;
            fs::write(path, content)?;
        }
    }
    println!("{} seeds", seeds.len());
    Ok(())
}

/// Checks that the corpora consist of these seeds and nothing else.
fn check(corpus: &Path, seeds: &Seeds) -> Result<(), Box<dyn Error>> {
    for (name, content) in seeds {
        let path = corpus.join(name);
        if fs::read(&path).ok().as_ref() != Some(content) {
            return Err(format!("{} is missing or old: run cargo run --example seeds in fuzz/", path.display()).into());
        }
    }
    let mut folders = vec![corpus.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if !seeds.iter().any(|(name, _)| corpus.join(name) == path) {
                return Err(format!("{} is no seed: remove it, or make it in examples/seeds.rs", path.display()).into());
            }
        }
    }
    Ok(())
}

fn file(root: &Path, name: &str) -> Result<Value, Box<dyn Error>> {
    let text = fs::read_to_string(root.join("../tests/cases").join(name).with_extension("json"))?;
    Ok(serde_json::from_str(&text)?)
}

fn cases(root: &Path, name: &str) -> Result<Vec<Value>, Box<dyn Error>> {
    Ok(file(root, name)?["cases"].as_array().ok_or("no cases")?.clone())
}

fn seed(seeds: &mut Seeds, target: &str, case: &Value, content: Vec<u8>) {
    let name = case["name"].as_str().unwrap_or("unnamed");
    seeds.push((Path::new(target).join(name), content));
}

/// One octet for the pending login, and the URL: see `fuzz_targets/redirect.rs`.
fn redirects(cases: &[Value], seeds: &mut Seeds) {
    for case in cases {
        let (redirect_uri, url) = (case["redirect_uri"].as_str().unwrap_or(""), case["input"].as_str().unwrap_or(""));
        let choice = match redirect_uri {
            uri if uri.contains("tenant") => 1,
            uri if uri.starts_with("http://127") => 2,
            uri if uri.starts_with("com.example.app:/oauth2redirect") => 3,
            "com.app:cb" => 4,
            "https://app.example.com" => 5,
            _ => 0,
        };
        let flag = if case["iss_required"].as_bool() == Some(true) { 0x80 | 0x40 } else { 0 };
        // 0x80 | 0x40 is a multiple of six, so the choice is still the remainder.
        seed(seeds, "redirect", case, [&[flag + choice], url.as_bytes()].concat());
    }
}

/// Two octets for status and headers, and the body: see `fuzz_targets/token_response.rs`.
fn token_responses(cases: &[Value], seeds: &mut Seeds) -> Result<(), Box<dyn Error>> {
    const STATUSES: [u64; 12] = [200, 400, 401, 429, 503, 500, 302, 307, 201, 403, 0, 999];
    for case in cases {
        let body = match (case["body"].as_str(), case["body_base64"].as_str()) {
            (Some(body), None) => body.as_bytes().to_vec(),
            (None, Some(body)) => Base64::decode_vec(body)?,
            _ => return Err(format!("{}: a body of an unknown form", case["name"]).into()),
        };
        let status = case["status"].as_u64().unwrap_or(0);
        let status = STATUSES.iter().position(|other| *other == status).unwrap_or(1);
        seed(seeds, "token_response", case, [&[u8::try_from(status).unwrap_or(0), 0], body.as_slice()].concat());
    }
    Ok(())
}

/// Field lines, one a line. A case that is too long is left out.
fn challenges(cases: &[Value], seeds: &mut Seeds) {
    for case in cases {
        let lines: Vec<_> = case["headers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let content = generated(&case["header_gen"]).unwrap_or_else(|| lines.join("\n"));
        if content.len() <= MAX_SEED_BYTES {
            seed(seeds, "www_authenticate", case, content.into_bytes());
        }
    }
}

/// The text that stands for prefix, repetitions and suffix.
fn generated(header_gen: &Value) -> Option<String> {
    let count = header_gen["count"].as_u64().and_then(|count| usize::try_from(count).ok())?;
    let member = |name: &str| header_gen[name].as_str();
    Some([member("prefix")?, &member("repeat")?.repeat(count), member("suffix")?].concat())
}

/// One octet for the pending logout, and lines: see `fuzz_targets/logout.rs`.
fn logouts(cases: &[Value], seeds: &mut Seeds) {
    // What is pending there has this state, and the private-use URI is the fourth.
    for case in cases {
        let input = &case["input"];
        let state = input["state"].as_str().unwrap_or("");
        let url = input["url"].as_str().unwrap_or("").replace(&format!("={state}"), "=af0ifjsldkj");
        let lines = [&url, input["id_token_hint"].as_str().unwrap_or(""), input["client_id"].as_str().unwrap_or("app")];
        seed(seeds, "logout", case, [&[3], lines.join("\n").as_bytes()].concat());
    }
    for (name, choice, text) in [
        ("own-query", 1, "https://APP.example.com:443/bye?x=a+b&state=af0ifjsldkj&tenant=1#f\nc2ln\na&b=c d"),
        ("auth0", 0x80 + 3, "com.example.app:/logout?state=af0ifjsldkj"),
        ("auth0-federated", 0xc0 + 2, "http://127.0.0.1:51004/bye?state=af0ifjsldkj&state=\nc2ln\n\u{fc}"),
        ("no-return", 0x20 + 4, "https://app.example.com/?st%61te=af0ifjsldkj"),
        ("question-mark", 4, "com.app:bye?&state=af0ifjsldkj&code=C\nc2ln"),
    ] {
        seeds.push((Path::new("logout").join(name), [&[choice], text.as_bytes()].concat()));
    }
}

/// Two octets for the redirect URI and the split, and what a connection brings: see `fuzz_targets/loopback.rs`.
fn loopbacks(seeds: &mut Seeds) {
    const HOST: &str = "Host: 127.0.0.1:51004\r\n";
    const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\n{HOST}\r\n");
    let post = |fields: &str, body: &str| {
        format!("POST /cb HTTP/1.1\r\n{HOST}{FORM}Content-Length: {}\r\n{fields}\r\n{body}", body.len())
    };
    for (name, choice, text) in [
        ("get", 0, get("/cb?code=C1&state=S1")),
        ("absolute", 0, get("http://127.0.0.1:51004/cb?code=C1")),
        ("favicon-then-redirect", 0, get("/favicon.ico") + &get("/cb?code=C1") + &get("/cb?code=C1")),
        ("head-old", 0, format!("HEAD /cb?a HTTP/1.0\r\n{HOST}Connection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n")),
        ("form-post", 0, post("", "code=C1&state=S1#x") + &get("/cb")),
        ("form-post-continue", 0, post("Expect: 100-continue\r\nConnection: close\r\n", "code=C1")),
        (
            "chunked",
            0,
            format!("POST /cb HTTP/1.1\r\n{HOST}{FORM}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"),
        ),
        ("rebound", 0, "GET /cb?CANARY HTTP/1.1\r\nHost: evil.example:51004\r\n\r\n".into()),
        ("folded", 0, format!("GET /cb?CANARY HTTP/1.1\r\n{HOST}A: b\r\n c\r\n\r\n")),
        (
            "two-lengths",
            0,
            format!("POST /cb HTTP/1.1\r\n{HOST}{FORM}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        ),
        ("method", 0, format!("OPTIONS * HTTP/1.1\r\n{HOST}\r\n")),
        ("version", 0, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into()),
        ("tls", 0, "\u{16}\u{3}\u{1}\u{2}".into()),
        ("ipv6", 1, "GET /?a HTTP/1.1\r\nHost: [::1]:51004\r\n\r\n".into()),
        ("localhost", 2, "\r\nGET /cb?tenant=1&a HTTP/1.1\r\nhost:\tLOCALHOST \r\nCookie: c=\u{e4}\r\n\r\n".into()),
    ] {
        seeds.push((Path::new("loopback").join(name), [&[choice, 5], text.as_bytes()].concat()));
    }
}

/// What is asked for, what comes, and a token, or its header and its payload in two lines: see `fuzz_targets/id_token.rs`.
fn id_tokens(cases: &[Value], seeds: &mut Seeds) {
    const ASKED: [(&str, u8); 7] = [
        ("nonce", 1),
        ("max_age", 2),
        ("access_token", 4),
        ("code", 8),
        ("organization", 0x10),
        ("acr_essential", 0x20),
        ("previous", 0x40),
    ];
    for case in cases {
        let asked =
            ASKED.iter().filter(|(name, _)| !case["config"][name].is_null()).fold(0, |sum, (_, flag)| sum + flag);
        let token = case["jwt"].as_str().unwrap_or("");
        let mut parts = token.split('.').map(|part| String::from_utf8(Base64UrlUnpadded::decode_vec(part).ok()?).ok());
        let (kind, text) = match (parts.next().flatten(), parts.next().flatten()) {
            // The case is not about the signature.
            (Some(header), Some(payload))
                if !["signature", "structure"].iter().any(|group| case["group"] == *group) =>
            {
                (1, [header, payload].join("\n"))
            }
            _ => (0, token.to_owned()),
        };
        if text.len() <= MAX_SEED_BYTES {
            seed(seeds, "id_token", case, [&[asked, kind], text.as_bytes()].concat());
        }
    }
}

/// Key sets, unchanged.
fn key_sets(file: &Value, seeds: &mut Seeds) {
    for (name, set) in file["jwks_sets"].as_object().into_iter().flatten() {
        seeds.push((Path::new("jwks").join(name), set.to_string().into_bytes()));
    }
}

/// One octet for status and headers, the issuer or the resource, and the body: see `fuzz_targets/metadata.rs`.
fn metadata(cases: &[Value], seeds: &mut Seeds) {
    for case in cases {
        let name = case["issuer"].as_str().or(case["resource"].as_str()).unwrap_or("");
        let status = match case["status"].as_u64() {
            Some(400..=499) => 3,
            Some(300..=399) => 4,
            Some(201) => 6,
            _ => 0,
        };
        let headers = match case["headers"]["Content-Type"].as_str() {
            Some("text/html") => 3,
            Some(_) => 0,
            None => 2,
        };
        let body = case["body"].as_str().unwrap_or("");
        let name = name.replace('\n', "\r");
        seed(seeds, "metadata", case, [&[status + 8 * headers], name.as_bytes(), b"\n", body.as_bytes()].concat());
    }
}

/// Two octets for the client, and lines, each of which is an event: see `fuzz_targets/discovery.rs`.
fn discoveries(seeds: &mut Seeds) {
    let found = |issuer: &str| {
        let text = r#"m00{"issuer":"ISSUER","authorization_endpoint":"https://as.example.com/authorize","token_endpoint":"https://as.example.com/token","jwks_uri":"https://as.example.com/jwks","response_modes_supported":["query"],"id_token_signing_alg_values_supported":["RS256","ES256"],"authorization_response_iss_parameter_supported":false}"#;
        text.replace("ISSUER", issuer)
    };
    let (plain, tenant) = (found("https://as.example.com"), found("https://as.example.com/tenant"));
    let redirect = "rcode=C1&state=$STATE";
    let id_token = |more: &str| {
        let claims = r#"tHEADER|{"iss":"https://as.example.com","sub":"u1","aud":"app","nonce":"$NONCE","exp":1750003600,"iat":1750000000MORE}"#;
        claims.replace("HEADER", r#"{"alg":"ES256","kid":"1"}"#).replace("MORE", more)
    };
    let (good, hashed) =
        (id_token(""), id_token(r#","at_hash":"4i2HR-b9ubbL3JSrBgJbKg","c_hash":"q4YdwXDcLkMiTkUnjT0xpg""#));
    let keys = r#"m00{"keys":[{"kty":"EC","crv":"P-256","kid":"1","x":"H6U-vVssKM-3vRhznEVKOpMx5lh9-4hduRlq75La1Ic","y":"U53dLHJK3vbpNew3ycwUZ00gPyOGDbe8qL6BYitGQiw"}]}"#;
    let none = r#"m00{"keys":[]}"#;
    let of_tenant = good.replace("com\"", "com/tenant\"");
    let claims = id_token(r#","auth_time":1749999900,"org_name":"my-org","acr":"phr","azp":"app""#);
    let other_user = good.replace("u1", "u2");
    let late = good.replace("1750000000", "1750003600").replace("1750003600,", "1750007200,");
    let told = good.replacen('t', "d", 1);
    let refreshed = good.replace("1750003600", "1750007200").replace("\"1\"", "\"2\"");
    let new_keys = keys.replace("\"1\"", "\"2\"");
    let plain_tokens = r#"m00{"access_token":"AT1","token_type":"Bearer"}"#;
    for (name, one, other, lines) in [
        ("happy", 0, 0, vec![&*plain, "s", redirect, &good, keys]),
        ("hashes", 0, 0, vec![&plain, redirect, &hashed, keys]),
        ("keys-from-before", 0, 1, vec![&plain, redirect, &good]),
        ("keys-from-before-are-old", 4, 3, vec![&plain, redirect, &good, "v", keys]),
        ("fallback", 1, 0, vec!["m10", "m02<html>", "f", &tenant, "x00{}", "s", redirect, &of_tenant, keys]),
        ("nowhere", 1, 0, vec!["m30", "m20", "m12"]),
        ("other-issuer", 0, 0, vec![&tenant]),
        ("without-openid", 0x10, 0, vec![&plain, redirect, plain_tokens, "+100", "m", "m"]),
        ("on-tls-alone", 8, 0, vec![&plain, redirect, &good, "s"]),
        ("all-claims", 0xe0, 0, vec![&plain, redirect, &claims, keys]),
        ("keys-later", 0, 0, vec![&plain, redirect, &good, "m40", "f", "m50", "+30", keys]),
        (
            "busy",
            1,
            0,
            vec![
                "m42", "m10", "m52", "+8", "m10", "m51", "m10", "+2", &tenant, redirect, "m52", "x00{}", "+8", "m40",
                "+2", &of_tenant, "m50", "+100", "m42", "+8", keys,
            ],
        ),
        ("busy-for-too-long", 0, 0, vec![&plain, redirect, "m42", "+590", "m52", "+8", "m52"]),
        ("slow-clock", 0, 0, vec![&plain, redirect, &late, keys]),
        ("fast-clock", 0, 0, vec![&plain, "+580", "s", "+10", redirect, "+9000", &told, keys]),
        ("no-keys", 0, 0, vec![&plain, redirect, &good, none]),
        ("forged", 4, 0, vec![&plain, redirect, &good, keys]),
        ("id-token-missing", 0, 0, vec![&plain, redirect, plain_tokens]),
        ("other-state", 0, 0, vec![&plain, "rcode=C1&state=x", redirect, "f", &good, "c"]),
        ("refresh", 0, 0, vec![&plain, redirect, &good, keys, "s", "+100", "a", &good, "s"]),
        ("refresh-new-key", 0, 0, vec![&plain, redirect, &good, keys, "+100", "a", &refreshed, "a", &new_keys, "s"]),
        ("refresh-forged", 0, 0, vec![&plain, redirect, &good, keys, "+100", "a", "v", &good, "a", keys, "a"]),
        ("refresh-other-user", 0, 0, vec![&plain, redirect, &good, keys, "+100", "a", &other_user, "a", plain_tokens]),
    ] {
        seeds.push((Path::new("discovery").join(name), [&[one, other], lines.join("\n").as_bytes()].concat()));
    }
}

/// Saved forms of the clients that `fuzz_targets/saved.rs` restores them with.
fn saved(seeds: &mut Seeds) -> Result<(), Box<dyn Error>> {
    let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?
        .issuer("https://as.example.com")?
        .jwks_uri("https://as.example.com/jwks")?;
    let client = Client::new(server, "s6BhdRkqt3", "com.example.app:/callback")?;
    let found = found()?;
    let requests = [
        ("plain", &client, AuthorizationRequest::new()),
        ("openid", &client, AuthorizationRequest::new().scope("openid profile").prompt("login").max_age(60)),
        ("resources", &client, AuthorizationRequest::new().resource("https://a.example").resource("https://b.example")),
        (
            "extra",
            &client,
            AuthorizationRequest::new().parameter("x", " %&+\u{a3}\u{20ac}").audience("https://api.example.com"),
        ),
        ("found", &found, AuthorizationRequest::new().scope("openid").require_acr_values("phr")),
    ];
    for (name, client, request) in requests {
        let mut login = Login::new(client.clone(), request)?;
        let _ = login.handle(Event::Start(Entropy::new(octets())?), UnixTime::from_secs(500))?;
        seeds.push((Path::new("saved").join(name), serde_json::to_vec(&login.save())?));
    }
    for (name, client, refresh_token) in [
        ("session", &client, Some(Secret::new("RT1"))),
        ("session-short", &client, None),
        ("session-found", &found, Some(Secret::new("RT1"))),
    ] {
        let tokens = Tokens::from_parts(Secret::new("AT1"), refresh_token, Some(UnixTime::from_secs(900)), "a b");
        let session = Session::new(client.clone(), tokens);
        seeds.push((Path::new("saved").join(name), serde_json::to_vec(&session.save())?));
    }
    seeds.push((Path::new("saved").join("session-several"), serde_json::to_vec(&session_of_several(client)?.save())?));
    seeds.push((Path::new("saved").join("session-openid"), serde_json::to_vec(&session_with_id_token(found)?.save())?));
    Ok(())
}

/// A client that discovered its server, and has no keys.
fn found() -> Result<Client, Box<dyn Error>> {
    let document = br#"{"issuer":"https://as.example.com","authorization_endpoint":"https://as.example.com/authorize","token_endpoint":"https://as.example.com/token","jwks_uri":"https://as.example.com/jwks"}"#;
    let metadata = Response::new(200, Headers::NONE, document);
    let metadata = ServerMetadata::from_response("https://as.example.com", &metadata, UnixTime::from_secs(500))?;
    let server = AuthorizationServer::from_issuer("https://as.example.com")?;
    let client = Client::builder(server, "s6BhdRkqt3", "com.example.app:/callback").accept_id_tokens_on_tls_alone();
    Ok(client.build()?.with_metadata(&metadata)?)
}

fn session_with_id_token(client: Client) -> Result<Session, Box<dyn Error>> {
    let now = UnixTime::from_secs(500);
    let mut login = Login::new(client.clone(), AuthorizationRequest::new().scope("openid"))?;
    let Action::OpenUrl(url) = login.handle(Event::Start(Entropy::new(octets())?), now)? else {
        return Err("no URL".into());
    };
    let pairs = url.split_once('?').map_or("", |(_, query)| query).split('&').filter_map(|pair| pair.split_once('='));
    let sent: BTreeMap<_, _> = pairs.collect();
    let redirect = format!("com.example.app:/callback?code=C1&state={}", sent["state"]);
    let Action::SendRequest(request) = login.handle(Event::RedirectReceived(&redirect), now)? else {
        return Err("no request".into());
    };
    let claims = json!({
        "iss": "https://as.example.com", "aud": "s6BhdRkqt3", "sub": "u", "iat": 500, "exp": 900, "nonce": sent["nonce"], "email": "u@example.com",
    });
    let encode = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let id_token = [encode(r#"{"alg":"RS256"}"#), encode(&claims.to_string()), encode("nobody")].join(".");
    let tokens = json!({ "access_token": "AT1", "token_type": "Bearer", "refresh_token": "RT1", "id_token": id_token })
        .to_string();
    let response = Response::new(200, Headers::NONE, tokens.as_bytes());
    let Action::TokensReady(tokens) = login.handle(Event::ResponseReceived(request.id(), response), now)? else {
        return Err("no tokens".into());
    };
    Ok(Session::new(client, tokens))
}

/// A session with tokens for three more targets, and a refresh under way.
fn session_of_several(client: Client) -> Result<Session, Box<dyn Error>> {
    let now = UnixTime::from_secs(500);
    let tokens = Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), Some(now), "a b");
    let mut session = Session::new(client, tokens);
    let targets = [
        Target::resource("https://a.example")?,
        Target::audience("https://b.example")?.scope("a")?,
        Target::own().scope("b")?,
    ];
    for target in &targets {
        let Access::SendRequest(request) = session.access_for(target, now) else { return Err("no refresh".into()) };
        let body = br#"{"access_token":"AT2","token_type":"Bearer","expires_in":600,"refresh_token":"RT2"}"#;
        let _ = session.handle(Event::ResponseReceived(request.id(), Response::new(200, Headers::NONE, body)), now)?;
    }
    let Access::SendRequest(_) = session.access(now) else { return Err("no refresh".into()) };
    Ok(session)
}

/// Sequences of operations: octets that `tests/machines/model` decodes. A login that succeeds, one that is denied, and a ramp
/// that touches every operation.
fn machines(seeds: &mut Seeds) -> Result<(), Box<dyn Error>> {
    // The first octet is `Config::from_byte`; an operation begins with its number in `Op::from_bytes`.
    let login: [(&str, &[u8]); 8] = [
        ("happy", &[0, 0, 1, 4, 0, 0, 12, 0, 0]),
        ("denied", &[0, 0, 1, 4, 6, 0]),
        ("not-delivered", &[0, 0, 1, 4, 0, 0, 22, 0, 0, 22, 0, 2]),
        ("keys", &[33, 0, 1, 4, 0, 0, 12, 0, 1, 12, 0, 6, 22, 0, 0, 12, 0, 0]),
        ("forged", &[33, 0, 1, 4, 0, 0, 12, 0, 34, 12, 0, 0]),
        ("found", &[41, 0, 1, 12, 0, 0, 31, 4, 0, 1, 12, 0, 1, 12, 0, 0]),
        (
            "found-at-the-third-place",
            &[57, 0, 1, 12, 0, 8, 22, 0, 0, 12, 0, 10, 12, 0, 0, 31, 4, 0, 1, 12, 0, 1, 12, 0, 0, 29, 0, 0],
        ),
        ("verified", &[49, 0, 1, 4, 0, 0, 12, 0, 1, 12, 0, 0, 30, 0, 29, 0, 0]),
    ];
    // The first two octets are flags; an operation begins with its number in `Op::from_bytes`.
    let session: [(&str, &[u8]); 8] = [
        ("refresh", &[0xff, 0xff, 49, 6, 90, 0, 0, 18, 0, 0, 1, 4, 0, 0]),
        ("lost-and-late", &[0x7f, 0xff, 0, 0, 34, 0, 1, 49, 0, 3, 0, 0, 18, 3, 0, 1, 4, 18, 0, 16, 1]),
        ("user-must-act", &[0x7f, 0xff, 0, 0, 18, 0, 15, 0, 0, 44, 0, 0]),
        (
            "refused",
            &[0x7f, 0xff, 0, 0, 18, 0, 12, 49, 0, 9, 0, 0, 18, 0, 12, 49, 0, 9, 0, 0, 18, 0, 12, 0, 0, 49, 6, 70, 0, 0],
        ),
        ("several", &[0xff, 0xff, 0, 3, 18, 0, 0, 1, 4, 0, 5, 18, 0, 14, 0, 5, 0, 3, 38, 0, 1, 18, 0, 0, 1, 4]),
        ("in-doubt", &[0xff, 0xff, 0, 3, 18, 0, 8, 0, 3, 18, 0, 8]),
        ("adopt", &[0xff, 0xff, 58, 60, 4, 60, 8, 60, 10, 60, 13, 45, 0, 60, 4]),
        ("sign-out", &[0x7f, 0xff, 0, 0, 43, 1, 18, 0, 18, 46, 1, 46, 0, 49, 0, 2, 18, 1, 0, 1, 4, 18, 0, 16, 1]),
    ];
    let ends = [
        Phase::Finished,
        Phase::Failed,
        Phase::Failed,
        Phase::Finished,
        Phase::Failed,
        Phase::Finished,
        Phase::Finished,
        Phase::Finished,
    ];
    for ((name, octets), end) in login.into_iter().zip(ends) {
        let report = login::run(octets.iter().copied(), login::Mode::Free);
        check_end("login", name, report.phase_changes.last().map(|(_, phase)| *phase), end)?;
    }
    let ends = [
        SessionPhase::Active,
        SessionPhase::Active,
        SessionPhase::Refreshing,
        SessionPhase::Refreshing,
        SessionPhase::Active,
        SessionPhase::LoginRequired,
        SessionPhase::Active,
        SessionPhase::SignedOut,
    ];
    for ((name, octets), end) in session.into_iter().zip(ends) {
        let report = session::run(octets.iter().copied());
        check_end("session", name, report.phase_changes.last().map(|(_, phase)| *phase), end)?;
    }
    for (target, named) in [("login", &login[..]), ("session", &session)] {
        for (name, octets) in named {
            seeds.push((Path::new(target).join(name), octets.to_vec()));
        }
        seeds.push((Path::new(target).join("ramp"), (0..=255).collect()));
    }
    Ok(())
}

fn check_end<P: PartialEq + std::fmt::Debug>(target: &str, name: &str, last: Option<P>, end: P) -> Result<(), String> {
    if last == Some(end) {
        return Ok(());
    }
    Err(format!("the seed {target}/{name} ends in {last:?}"))
}

/// Decisions for `tests/simulation`: unordered octets, which make eventful runs.
fn simulations(seeds: &mut Seeds) -> Result<(), Box<dyn Error>> {
    for run in 1..=8_u8 {
        let mut state = u32::from(run);
        let octets = (0..640).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223); // Numerical Recipes' generator
            u8::try_from(state >> 24)
        });
        let octets = octets.collect::<Result<Vec<u8>, _>>()?;
        seeds.push((Path::new("simulation").join(format!("run-{run}")), octets));
    }
    Ok(())
}

fn octets() -> [u8; 96] {
    core::array::from_fn(|index| u8::try_from(index).unwrap_or(0))
}
