// Invariant: parsed challenges, written down again, parse to the same; no challenge has a parameter twice; requested claims are a
// JSON object.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oauth_proto::challenge::{advice, parse, Advice, Challenge, MAX_LINE_BYTES, MAX_PARAMETERS};
use serde_json::value::RawValue;

fuzz_target!(|data: &str| {
    let lines: Vec<&str> = data.split('\n').collect();
    assert_eq!(advice(200, &lines), Advice::None);
    let asked = advice(401, &lines);
    if lines.iter().all(|line| parse(line).is_err()) {
        assert_eq!(asked, Advice::None, "nothing of a malformed line may be acted on");
    }
    if let Advice::StepUp { claims: Some(claims), .. } = asked {
        let object = serde_json::from_str::<&RawValue>(&claims).expect("what is asked for is JSON");
        assert!(object.get().starts_with('{'));
    }
    for line in lines {
        let Ok(challenges) = parse(line) else { continue };
        assert!(line.len() <= MAX_LINE_BYTES);
        for challenge in &challenges {
            let mut names: Vec<_> = challenge.parameters().map(|(name, _)| name.to_ascii_lowercase()).collect();
            assert!(names.len() <= MAX_PARAMETERS);
            names.sort_unstable();
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
            assert!(names.is_empty() || challenge.token68().is_none());
        }
        let written = challenges.iter().map(write).collect::<Vec<_>>().join(", ");
        // Quoting may make it longer than the limit.
        if written.len() <= MAX_LINE_BYTES {
            assert_eq!(parse(&written).as_deref(), Ok(challenges.as_slice()));
        }
    }
});

fn write(challenge: &Challenge<'_>) -> String {
    let quote = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"");
    let parameters = challenge.parameters().map(|(name, value)| format!("{name}=\"{}\"", quote(value)));
    let rest = challenge.token68().map_or_else(|| parameters.collect::<Vec<_>>().join(", "), str::to_owned);
    format!("{} {rest}", challenge.scheme())
}
