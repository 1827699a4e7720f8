//! The cases whose outcome is not their `expect` but one of their `alt`: each is a choice of this crate's, with its reason. One
//! that is made otherwise is seen here.

use crate::not_yet_covered::is_listed;
use crate::support::{cases, text, By, FILES};

/// File, name, what runs it or "" for all that do, which of its `alt`, and why.
type Entry = (&'static str, &'static str, &'static str, usize, &'static str);

const ANSWERED_BY_ALT: &[Entry] = &[
    ("bearer_request", "token-space", "", 0, "RFC 6749 A.12 allows a space, and it tears no header"),
    ("callback", "state-none-sent-none-returned", "", 0, "a login always sends a state, so a redirect has one"),
    ("discovery", "iss-parameter-supported-string", "", 1, "a text that says true or false means it"),
    ("discovery", "status-201", "", 0, "any success is one"),
    ("id_token", "aud-multiple-azp-client", "", 0, "another audience has to be trusted, whatever azp says"),
    ("id_token", "ec-key-not-on-curve", "", 0, "the set takes any two coordinates, and the verifier finds out"),
    ("id_token", "hs256-confidential-client", "", 0, "a keyed hash is never accepted"),
    ("id_token", "signature-truncated", "", 0, "what is left of it is no base64url"),
    ("id_token", "iat-far-future", "a login", 0, "its token is new, so the device's clock is slow"),
    ("id_token", "nonce-null", "", 0, "null is as good as absent"),
    ("id_token", "sub-null", "", 0, "null is as good as absent"),
    ("refresh_sequences", "api-401-other-scheme-no-refresh", "", 0, "any 401 is worth one refresh"),
    ("token_response", "ct-text-plain-json-body", "", 0, "what is JSON is read, unless it is called a page"),
    ("token_response", "exp-bool", "", 0, "a lifetime that cannot be read is none"),
    ("token_response", "json-huge-integer", "", 0, "a number that no float holds is none (RFC 8259 section 6)"),
    ("token_response", "scope-null", "", 0, "null is as good as absent"),
    ("token_response", "st-201-with-token", "", 0, "any success is one"),
    ("www_authenticate", "limit-256k-quoted", "", 0, "the line is longer than 16 KiB"),
    ("www_authenticate", "limit-64k-commas", "", 0, "the line is longer than 16 KiB"),
];

/// Fails if the outcome of a case is another than the list says.
pub fn as_listed(file: &str, name: &str, runner: &str, by: By) -> Result<(), String> {
    let is_it = |(listed_file, listed, of, ..): &&Entry| {
        (*listed_file, *listed) == (file, name) && (of.is_empty() || *of == runner)
    };
    let entry = ANSWERED_BY_ALT.iter().find(is_it);
    match (entry, by) {
        (None, By::Alt(index)) => Err(format!(
            "its outcome is not `expect` but the one at {index} of `alt`: if that is right, list it in answered_by_alt.rs"
        )),
        (Some(_), By::Expect) => Err("its outcome is its `expect`: take it off the list in answered_by_alt.rs".into()),
        (Some((.., listed, _)), By::Alt(index)) if *listed != index => {
            Err(format!("its outcome is the one at {index} of `alt`, and not at {listed} as answered_by_alt.rs says"))
        }
        _ => Ok(()),
    }
}

#[test]
fn every_listed_case_exists_once_and_has_that_alternative() {
    for (index, (file, name, runner, alternative, why)) in ANSWERED_BY_ALT.iter().enumerate() {
        assert!(FILES.iter().any(|(known, _)| known == file), "{file} is no file");
        let case = cases(file).into_iter().find(|case| text(&case["name"]) == *name);
        let case = case.unwrap_or_else(|| panic!("{file} has no case {name}"));
        assert!(!case["alt"][alternative].is_null(), "{file}/{name} has no such `alt`");
        assert!(!why.is_empty() && !is_listed(file, name), "{file}/{name}");
        let others = ANSWERED_BY_ALT[..index].iter().filter(|(other, known, ..)| (other, known) == (file, name));
        for (.., of, _, _) in others {
            assert!(!of.is_empty() && !runner.is_empty() && of != runner, "{file}/{name} is listed twice");
        }
    }
}

/// What the list says of an outcome.
#[test]
fn an_outcome_that_the_list_does_not_have_is_told() {
    let says = |name: &str, by: By| as_listed("callback", name, "a login", by).is_ok();
    let (listed, other) = ("state-none-sent-none-returned", "state-empty");
    assert!(
        says(listed, By::Alt(0)) && says(listed, By::Nothing) && says(other, By::Expect) && says(other, By::Nothing)
    );
    assert!(!says(listed, By::Expect) && !says(listed, By::Alt(1)) && !says(other, By::Alt(0)));
}
