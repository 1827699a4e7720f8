//! `cargo run --example seeds` writes the seed corpora of the fuzz targets, `corpus/TARGET/NAME`, from the cases in
//! `../tests/cases`; with `--check` it writes nothing and fails if a seed is missing or differs, or if a file is there
//! that is none.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use base64ct::{Base64, Encoding};
use model::{login, session};
use oauth_proto::{
    Access, AuthorizationRequest, AuthorizationServer, Client, Entropy, Event, Login, Phase, Response, Secret, Session,
    SessionPhase, Target, Tokens, UnixTime,
};
use serde_json::Value;

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

/// Whether the seeds are in the corpora as they must be, and nothing else is.
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

fn cases(root: &Path, name: &str) -> Result<Vec<Value>, Box<dyn Error>> {
    let text = fs::read_to_string(root.join("../tests/cases").join(name).with_extension("json"))?;
    let file: Value = serde_json::from_str(&text)?;
    Ok(file["cases"].as_array().ok_or("no cases")?.clone())
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
        ("own-query", 1, "https://APP.example.com:443/bye?x=a+b&state=af0ifjsldkj&tenant=1#f\neyJ.e30.c2ln\na&b=c d"),
        ("auth0", 0x80 + 3, "com.example.app:/logout?state=af0ifjsldkj"),
        ("auth0-federated", 0xc0 + 2, "http://127.0.0.1:51004/bye?state=af0ifjsldkj&state=\neyJ.e30.c2ln\n\u{fc}"),
        ("no-return", 0x20 + 4, "https://app.example.com/?st%61te=af0ifjsldkj"),
        ("question-mark", 4, "com.app:bye?&state=af0ifjsldkj&code=C\neyJ.e30.c2ln"),
    ] {
        seeds.push((Path::new("logout").join(name), [&[choice], text.as_bytes()].concat()));
    }
}

/// Saved forms of the client that `fuzz_targets/saved.rs` restores them with.
fn saved(seeds: &mut Seeds) -> Result<(), Box<dyn Error>> {
    let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?
        .issuer("https://as.example.com")?;
    let client = Client::new(server, "s6BhdRkqt3", "com.example.app:/callback")?;
    let requests = [
        ("plain", AuthorizationRequest::new()),
        ("openid", AuthorizationRequest::new().scope("openid profile").prompt("login").max_age(60)),
        ("resources", AuthorizationRequest::new().resource("https://a.example").resource("https://b.example")),
        ("extra", AuthorizationRequest::new().parameter("x", " %&+\u{a3}\u{20ac}").audience("https://api.example.com")),
    ];
    for (name, request) in requests {
        let mut login = Login::new(client.clone(), request)?;
        let _ = login.handle(Event::Start(Entropy::new(octets())?), UnixTime::from_secs(500))?;
        seeds.push((Path::new("saved").join(name), serde_json::to_vec(&login.save())?));
    }
    for (name, refresh_token) in [("session", Some(Secret::new("RT1"))), ("session-short", None)] {
        let tokens = Tokens::from_parts(Secret::new("AT1"), refresh_token, Some(UnixTime::from_secs(900)), "a b");
        let session = Session::new(client.clone(), tokens);
        seeds.push((Path::new("saved").join(name), serde_json::to_vec(&session.save())?));
    }
    seeds.push((Path::new("saved").join("session-several"), serde_json::to_vec(&session_of_several(client)?.save())?));
    Ok(())
}

/// With tokens for three more targets, and a refresh under way.
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
        let _ = session.handle(Event::ResponseReceived(request.id(), Response::new(200, &[], body)), now)?;
    }
    session.refresh_scope("a")?;
    let Access::SendRequest(_) = session.access(now) else { return Err("no refresh".into()) };
    Ok(session)
}

/// Sequences of operations: octets that `tests/machines/model` decodes. A login that succeeds, one that is denied, and a ramp
/// that touches every operation.
fn machines(seeds: &mut Seeds) -> Result<(), Box<dyn Error>> {
    let login: [(&str, &[u8]); 3] = [
        ("happy", &[3, 0, 1, 3, 0, 1, 7, 0, 1]),
        ("denied", &[1, 0, 1, 3, 6, 0, 3, 0, 0]),
        ("not-delivered", &[2, 0, 9, 3, 0, 1, 10, 0, 0, 10, 0, 2]),
    ];
    // The first two octets are flags; an operation begins with its number in `Op::from_bytes`.
    let session: [(&str, &[u8]); 7] = [
        ("refresh", &[0xff, 0xff, 48, 6, 90, 0, 0, 16, 0, 0, 1, 4, 0, 0]),
        ("lost-twice", &[0x7f, 0xff, 0, 0, 30, 0, 1, 0, 0, 30, 0, 1, 57, 48, 0, 2, 0, 0, 16, 0, 0, 1, 4]),
        ("late", &[0x7f, 0xff, 0, 0, 48, 6, 2, 0, 0, 16, 3, 0, 1, 4, 16, 0, 9]),
        ("several", &[0xff, 0xff, 0, 4, 16, 0, 0, 1, 4, 0, 6, 16, 0, 14, 0, 6, 0, 4, 36, 0, 2, 16, 0, 20]),
        ("adopt", &[0xff, 0xff, 58, 60, 4 + 16, 60, 10, 60, 9 + 32, 60, 13]),
        ("demand", &[0xff, 0xff, 0, 0, 36, 0, 8, 63, 0, 0, 36, 0, 8, 63, 0, 0, 36, 0, 8, 63, 0, 0, 36, 0, 8, 60, 36]),
        ("sign-out", &[0xff, 0xff, 42, 1, 16, 0, 16, 0, 45, 1, 45, 0, 48, 0, 2, 16, 0, 18]),
    ];
    let ends = [Phase::Finished, Phase::Failed, Phase::Failed];
    for ((name, octets), end) in login.into_iter().zip(ends) {
        let report = login::run(octets.iter().copied(), login::Mode::Free);
        check_end("login", name, report.phase_changes.last().map(|(_, phase)| *phase), end)?;
    }
    let ends = [
        SessionPhase::Active,
        SessionPhase::Active,
        SessionPhase::Active,
        SessionPhase::OutcomeUnknown,
        SessionPhase::Exhausted,
        SessionPhase::Exhausted,
        SessionPhase::SignedOut,
    ];
    for ((name, octets), end) in session.into_iter().zip(ends) {
        let report = session::run(octets.iter().copied(), session::Mode::Free);
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

/// Decisions for `tests/simulation`: octets without an order, which make lively runs.
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
