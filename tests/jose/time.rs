//! What a token costs grows with its length and not faster, whatever is long in it.

use std::time::{Duration, Instant};

use oauth_proto::openid::id_token::Rules;
use oauth_proto::{Algorithm, UnixTime};
use serde_json::{json, Value};

use crate::signing::signed;

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
/// The long ones are so many times as long as the short ones.
const TIMES: usize = 8;
/// If the time grew with the square of the length, it would be 64 times as much.
const AT_MOST: u32 = 32;

/// The quickest of some: what else the machine does makes it slower, and never quicker.
#[allow(clippy::disallowed_methods)] // it is time itself that is measured
fn time(token: &str) -> Duration {
    let trusted = [String::from("api")];
    let rules = Rules::new("https://as.example.com", "app").algorithms(&[Algorithm::EdDsa]).trusted_audiences(&trusted);
    let previous = rules.check_on_tls_alone(token, NOW).expect("a good token");
    let rules = rules.after(Some(&previous), None);
    let one = |_| {
        let start = Instant::now();
        let id_token = rules.check_on_tls_alone(token, NOW).expect("a good token");
        assert!(id_token.claims::<Value>().is_ok() && id_token.standard_claims().name.is_none());
        start.elapsed()
    };
    (0..9).map(one).min().unwrap_or_default()
}

/// Claims with so many of something.
type Shape = dyn Fn(usize) -> Value;

fn unknown(count: usize) -> Value {
    (0..count).map(|index| (format!("x{index}"), json!([index]))).collect()
}

#[test]
fn no_token_takes_longer_than_its_length_says() {
    let shapes: [(&str, &Shape, usize); 6] = [
        ("audiences", &|count| json!({ "aud": vec!["app"; count] }), 800),
        ("other audiences", &|count| json!({ "aud": ([vec!["app"], vec!["api"; count]].concat()) }), 800),
        ("methods", &|count| json!({ "amr": vec!["pwd"; count] }), 800),
        ("unknown members", &unknown, 300),
        ("escapes", &|count| json!({ "x": "\u{1}\"\\".repeat(count) }), 400),
        ("a long user", &|count| json!({ "sub": "u".repeat(count) }), 4_000),
    ];
    for (name, more, count) in shapes {
        let [short, long] = [count, count * TIMES].map(|count| {
            let mut claims = json!({
                "iss": "https://as.example.com", "sub": "u", "aud": "app", "exp": 1_700_000_300, "iat": 1_700_000_000,
            });
            claims.as_object_mut().unwrap().extend(more(count).as_object().unwrap().clone());
            signed("EdDSA", &json!({ "alg": "EdDSA" }), &claims)
        });
        assert!(
            long.len() > 40_000 && long.len() > short.len() * (TIMES - 2),
            "{name}: {} and {}",
            short.len(),
            long.len()
        );
        let (short, long) = (time(&short), time(&long));
        assert!(long < short * AT_MOST, "{name}: {short:?}, and {TIMES} times as long {long:?}");
    }
}
