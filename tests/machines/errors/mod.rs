//! One test for every variant of every error: reached by real input, with its stable name and a text that helps.

mod codes;
mod config;
#[cfg(feature = "openid")]
mod config_openid;
#[cfg(feature = "openid")]
mod id_token;
mod ignored;
mod login_required;
mod misuse;
mod over;
mod parts;
mod refused;
mod restore;
mod violation;

use std::fmt::{Debug, Display};

use oauth_proto::Error;

/// Checks an error of a machine against `code`, and its text against words that it must have.
#[track_caller]
pub fn check(error: &Error, code: &str, fatal: bool, words: &[&str]) {
    assert_eq!((error.code(), error.is_fatal()), (code, fatal), "{error:?}");
    helps(error, words);
}

/// One line that says what is wrong or what to do, and has these words.
#[track_caller]
pub fn helps(error: &(impl Display + Debug), words: &[&str]) {
    let text = error.to_string();
    assert!(text.len() >= 20 && !text.contains('\n') && !text.ends_with('.'), "{text:?}");
    assert!(!text.contains('{') && text != format!("{error:?}"), "{text:?} is not written for people");
    for word in words {
        assert!(text.contains(word), "{text:?} does not say {word:?}");
    }
}
