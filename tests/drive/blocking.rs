//! The blocking twin does the same, step by step.

use oauth_proto::drive::{self, blocking, DriveError, OwnedResponse};
use oauth_proto::{AuthorizationUrl, Delivered, Error, Request, UnixTime};

use crate::world::{by_issuer, code, entropy, finish, redirect, App, Comes, Sent, World};

pub struct Blocking<'a>(pub &'a World);

impl blocking::Transport for Blocking<'_> {
    fn send(&self, request: &Request) -> Result<OwnedResponse, Delivered> {
        self.0.sent(request)
    }

    fn gives_up(&self, failures: u32) -> bool {
        self.0.most_failures == Some(failures)
    }
}

impl blocking::Browser for Blocking<'_> {
    type Error = &'static str;

    fn open(&mut self, url: &AuthorizationUrl) -> Result<(), &'static str> {
        self.0.opened(url);
        Ok(())
    }

    fn redirect(&mut self, deadline: UnixTime) -> Result<Option<String>, &'static str> {
        self.0.redirected(deadline)
    }

    fn heard(&mut self, _: &AuthorizationUrl, verdict: Result<(), &Error>) -> Result<(), &'static str> {
        self.0.heard(verdict)
    }
}

impl blocking::Clock for Blocking<'_> {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(*self.0.now.borrow())
    }

    fn sleep_until(&self, time: UnixTime) {
        self.0.slept(time);
    }
}

#[test]
fn both_do_the_same() {
    let no = Sent::Fails(Delivered::No);
    let scripts: [(&[Sent], &[Comes]); 6] = [
        (&[Sent::Metadata, Sent::Tokens], &[code()]),
        (&[no, Sent::Status(404), Sent::Metadata, no, Sent::Status(503), Sent::Tokens], &[redirect("code=x"), code()]),
        (&[Sent::Metadata, Sent::Fails(Delivered::Maybe)], &[code()]),
        (&[Sent::Metadata], &[Comes::Nothing]),
        (&[Sent::Metadata], &[Comes::Broken]),
        (&[no, no, no], &[]),
    ];
    for (sends, redirects) in scripts {
        let world = || World { most_failures: Some(3), ..World::new(sends, redirects) };
        let (world, other) = (world(), world().slow());
        let (app, mut browser) = (Blocking(&world), Blocking(&world));
        let blocking: Result<_, DriveError<&str>> =
            blocking::login(&mut by_issuer(), entropy(), &app, &mut browser, &app);
        let mut login = by_issuer();
        let asynchronous = finish(drive::login(&mut login, entropy(), &App(&other), &mut App(&other), &App(&other))).0;
        assert_eq!(blocking.map(drop), asynchronous.map(drop), "{sends:?}");
        assert_eq!(world.log(), other.log(), "{sends:?}");
    }
}
