//! `WWW-Authenticate`: what is written by the grammar is read back, and no line makes the parser stumble.

use oauth_proto::challenge::{advice, parse};
use proptest::collection::vec;
use proptest::prelude::{any, prop_assert_eq, proptest, Strategy};
use proptest::{option, prop_oneof};

use super::cases;

#[derive(Clone, Debug)]
struct Written {
    scheme: String,
    token68: Option<String>,
    parameters: Vec<(String, String)>,
}

fn challenge() -> impl Strategy<Value = Written> {
    let text = prop_oneof!["[ !#-\\[\\]-~\t\"\\\\,=]{0,20}", "\\PC{0,12}"];
    let parameters = vec(("[a-z][a-z0-9_-]{0,8}", text), 0..5);
    ("[A-Za-z][A-Za-z0-9-]{0,8}", option::weighted(0.2, "[A-Za-z0-9._~+/-]{1,12}={0,2}"), parameters).prop_map(
        |(scheme, token68, mut parameters)| {
            parameters.sort();
            parameters.dedup_by(|one, other| one.0 == other.0);
            if token68.is_some() {
                parameters.clear();
            }
            Written { scheme, token68, parameters }
        },
    )
}

/// Every value quoted, every second character escaped, white space where it may be.
fn write(challenges: &[Written], space: &str) -> String {
    let one = |challenge: &Written| {
        let parameters = challenge.parameters.iter().map(|(name, value)| {
            let quoted: String = value
                .chars()
                .enumerate()
                .flat_map(|(index, character)| {
                    let escape = index % 2 == 1 || character == '"' || character == '\\';
                    escape.then_some('\\').into_iter().chain([character])
                })
                .collect();
            format!("{name}{space}={space}\"{quoted}\"")
        });
        let rest: Vec<String> = challenge.token68.iter().cloned().chain(parameters).collect();
        if rest.is_empty() {
            challenge.scheme.clone()
        } else {
            format!("{} {}", challenge.scheme, rest.join(&format!("{space},{space}")))
        }
    };
    challenges.iter().map(one).collect::<Vec<_>>().join(", ,")
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn challenges_are_read_as_they_were_written(
        challenges in vec(challenge(), 0..4),
        space in "[ \t]{0,2}",
    ) {
        let line = write(&challenges, &space);
        let read = parse(&line).unwrap();
        prop_assert_eq!(read.len(), challenges.len(), "{}", line);
        for (read, written) in read.iter().zip(&challenges) {
            prop_assert_eq!(read.scheme(), &written.scheme);
            prop_assert_eq!(read.token68(), written.token68.as_deref());
            let parameters: Vec<_> = read.parameters().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            prop_assert_eq!(&parameters, &written.parameters, "{}", line);
        }
    }

    #[test]
    fn any_line_is_read_or_refused(line in prop_oneof![any::<String>(), "[A-Za-z ,=\"\\\\\t]{0,60}"], status in any::<u16>()) {
        let _ = parse(&line);
        let _ = advice(status, &[&line, "Bearer error=\"invalid_token\""]);
    }
}
