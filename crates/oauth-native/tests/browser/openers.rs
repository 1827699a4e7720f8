//! How the URL gets to the user.

use std::io;

use oauth_native::browser::{Opener, Print};

#[test]
fn the_url_is_printed() {
    let mut screen = Vec::new();
    Print::to(&mut screen).open("https://as.example.com/authorize?a=b").unwrap();
    assert_eq!(
        String::from_utf8(screen).unwrap(),
        "Open this address in your browser:\n\nhttps://as.example.com/authorize?a=b\n\n"
    );
}

#[test]
fn the_second_is_used_if_the_first_fails() {
    for fails in [true, false] {
        let mut screen = Vec::new();
        let first = |_: &str| if fails { Err(io::ErrorKind::NotFound.into()) } else { Ok(()) };
        first.or(Print::to(&mut screen)).open("https://as.example.com/").unwrap();
        assert_eq!(screen.is_empty(), !fails);
    }
    let never = |_: &str| Err(io::ErrorKind::NotFound.into());
    assert!(never.or(never).open("https://as.example.com/").is_err());
}
