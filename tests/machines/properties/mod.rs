//! Properties: what holds for every input.

mod challenges;
mod codecs;
mod machines;
#[cfg(feature = "openid")]
mod openid;

/// As many cases as a debug build does in a second or two; what fails is shrunk and printed, never written to a file.
pub fn cases(cases: u32) -> proptest::test_runner::Config {
    proptest::test_runner::Config { cases, failure_persistence: None, ..proptest::test_runner::Config::default() }
}
