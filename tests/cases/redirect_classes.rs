//! Whether a redirect ends the login: what the classes of `callback.json` say of it in words.

use serde_json::Value;

use crate::support::{decode, file, texts};

/// What the words of a class say of the login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// It is pending after the redirect, as it was before.
    GoesOn,
    Ends,
    Nothing,
}

impl Says {
    /// `None` if the file has no such class, or says both.
    fn of(classes: &Value, class: &str) -> Option<Self> {
        let words = classes[class].as_str()?;
        let has = |part: &str| words.contains(part);
        match (has("keep the login pending") || has("ignore it"), has("end the login")) {
            (true, false) => Some(Self::GoesOn),
            (false, true) => Some(Self::Ends),
            (false, false) => Some(Self::Nothing),
            (true, true) => None,
        }
    }
}

/// Whether an error of this class may be what it is, fatal or not. What anybody can have written never ends a login, whatever
/// its class: that takes the right `state`.
pub fn check(class: &str, is_fatal: bool, has_right_state: bool) -> Result<(), String> {
    if is_fatal && !has_right_state {
        return Err(format!("{class} ends the login without the right state"));
    }
    match ends_the_login(class, has_right_state) {
        Some(ends) if ends != is_fatal => Err(format!("{class} is to end the login: {ends}, and does: {is_fatal}")),
        _ => Ok(()),
    }
}

/// Whether a redirect of this class must end the login; `None` if it may or may not.
fn ends_the_login(class: &str, has_right_state: bool) -> Option<bool> {
    let says = Says::of(&file("callback")["classes"], class);
    match (says.unwrap_or_else(|| panic!("the file does not say what {class} is")), class) {
        // Nothing of what is too large is looked at.
        (Says::GoesOn, _) | (Says::Nothing, "too_large") => Some(false),
        (Says::Ends, _) => Some(true),
        // The server's own words, and there will be no others.
        (Says::Nothing, "malformed") => Some(has_right_state),
        (Says::Nothing, "duplicate_parameter") => (!has_right_state).then_some(false),
        (Says::Nothing, _) => panic!("the words of {class} say nothing of the login, and neither does this table"),
    }
}

/// Whether every `state` of a redirect is the one that was sent, and there is one.
pub fn has_right_state(input: &str, sent: &str) -> bool {
    let (before_fragment, _) = input.split_once('#').unwrap_or((input, ""));
    let query = before_fragment.split_once('?').map_or("", |(_, query)| query);
    let mut states = decode(query).into_iter().filter(|(name, _)| name == "state").peekable();
    states.peek().is_some() && states.all(|(_, value)| value == sent)
}

#[test]
fn every_class_says_one_thing_or_is_known_to_say_nothing() {
    let classes = file("callback")["classes"].clone();
    let ordered = texts(&classes["order"]);
    let saying = |what: Says| ordered.iter().filter(|class| Says::of(&classes, class) == Some(what)).count();
    assert_eq!([Says::GoesOn, Says::Ends, Says::Nothing].map(saying), [3, 4, 3]);
    // Beside the classes there are their order and a note.
    assert_eq!(classes.as_object().expect("classes").len(), ordered.len() + 2);
    for class in ordered {
        let ends = [false, true].map(|has_right_state| ends_the_login(class, has_right_state));
        assert_ne!(ends[0], None, "{class}");
        assert!(check(class, true, false).is_err(), "{class}");
    }
}

#[test]
fn the_right_state_is_every_one_and_nothing_else() {
    for (input, is_right) in [
        ("app:/cb?state=S1&code=C", true),
        ("app:/cb?code=C&%73tate=S%31", true),
        ("app:/cb?state=S1&state=S1", true),
        ("app:/cb?state=S1&state=S2", false),
        ("app:/cb?state=", false),
        ("app:/cb?code=C", false),
        ("app:/cb#state=S1", false),
        ("app:/cb?code=C#&state=S1", false),
        ("app:/cb", false),
    ] {
        assert_eq!(has_right_state(input, "S1"), is_right, "{input}");
    }
}
