//! The cases of features that the crate does not have yet. The list may only shrink.

use crate::support::{cases, text, FILES};

/// How many cases are on the list: lower it with every case that is removed, and never raise it.
const LISTED: usize = 8;

/// What a case on the list waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Feature {
    /// RFC 9126.
    PushedAuthorizationRequests,
    /// RFC 9449.
    DPoP,
}

impl Feature {
    /// What a driver says for want of it.
    fn is_missed_by(self, problem: &str) -> bool {
        let words: &[&str] = match self {
            Self::PushedAuthorizationRequests => &["no pushed authorization request", "of the kind par"],
            Self::DPoP => &[r#"got {"error":"unsupported_token_type","#],
        };
        problem == "it has no script" || words.iter().any(|words| problem.contains(words))
    }
}

/// File, name, and what it waits for. A case that passes must not be here: the test that runs its file says so.
const NOT_YET_COVERED: &[(&str, &str, Feature)] = &[
    ("authorize_url", "par-only-client-id-and-request-uri", Feature::PushedAuthorizationRequests),
    ("authorize_url", "par-with-endpoint-query", Feature::PushedAuthorizationRequests),
    ("token_request", "par-none", Feature::PushedAuthorizationRequests),
    ("login_sequences", "par-200-instead-of-201", Feature::PushedAuthorizationRequests),
    ("token_response", "tt-dpop-with-dpop", Feature::DPoP),
    ("token_response", "tt-dpop-with-dpop-lower", Feature::DPoP),
    ("token_response", "dpop-nonce-rotated-on-200", Feature::DPoP),
    ("refresh_sequences", "dpop-refresh-downgraded-to-bearer", Feature::DPoP),
];

/// Whether a case is on the list.
pub fn is_listed(file: &str, name: &str) -> bool {
    feature(file, name).is_some()
}

/// Whether a case is on the list, and what went wrong with it is what it waits for.
pub fn is_excused(file: &str, name: &str, problem: &str) -> bool {
    feature(file, name).is_some_and(|feature| feature.is_missed_by(problem))
}

fn feature(file: &str, name: &str) -> Option<Feature> {
    let is_it = |(listed_file, listed_name, _): &&(&str, &str, _)| (*listed_file, *listed_name) == (file, name);
    NOT_YET_COVERED.iter().find(is_it).map(|(.., feature)| *feature)
}

#[test]
fn the_list_only_shrinks() {
    assert_eq!(
        NOT_YET_COVERED.len(),
        LISTED,
        "the list may only shrink; if it did, lower LISTED to its length, so that it cannot grow again"
    );
}

#[test]
fn every_listed_case_exists_once_and_is_of_its_feature() {
    for (index, (file, name, feature)) in NOT_YET_COVERED.iter().enumerate() {
        assert!(FILES.iter().any(|(known, _)| known == file), "{file} is no file");
        assert!(cases(file).iter().any(|case| text(&case["name"]) == *name), "{file} has no case {name}");
        let word = match feature {
            Feature::PushedAuthorizationRequests => "par",
            Feature::DPoP => "dpop",
        };
        assert!(name.split('-').any(|part| part == word), "{file}/{name} is not about {word}");
        let repeated = NOT_YET_COVERED[..index].iter().any(|(other, known, _)| (other, known) == (file, name));
        assert!(!repeated, "{file}/{name} is listed twice");
    }
}
