//! A login over a network and before servers that misbehave at each of its steps: whoever was not told a final no is logged in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::Cell;
use std::time::Duration;

use oauth_proto::{Action, Error, Event, Login, Over, Phase, Tokens, UnixTime, Violation};
use oauth_proto_interop::{
    client_of_issuer, entropy, identity_request, now, Http, Person, Proxy, Refusal, Server, Trouble, UserAgent,
};

const METADATA: &str = "GET /.well-known/openid-configuration";
const ELSEWHERE: &str = "GET /.well-known/oauth-authorization-server";
const CODE: &str = "POST /token";
const KEYS: &str = "GET /jwks";

/// The server could not answer now, and says so.
const BUSY: [Refusal; 5] = [
    Refusal { status: 429, retry_after: Some(1), page: false },
    Refusal { status: 503, retry_after: Some(20), page: true },
    Refusal::of(503),
    Refusal::of(408),
    Refusal::of(425),
];

/// Something went wrong, and nobody says how far the request had come.
const BROKEN: [Refusal; 3] =
    [Refusal::of(500), Refusal { status: 502, retry_after: None, page: true }, Refusal::of(504)];

/// Of the network: what is asked for without a code is asked for again.
const LOST: [Trouble; 3] = [Trouble::AnswerDropped, Trouble::RequestDropped, Trouble::Cut];

/// How a login went.
struct Run {
    outcome: Result<Tokens, Error>,
    /// What the login sent.
    sent: Vec<String>,
    /// What the server has seen of that.
    passed: Vec<String>,
    /// How long the login was told to wait, each time.
    waited: Vec<u64>,
}

impl Run {
    #[track_caller]
    fn assert_logged_in(&self, person: &str) {
        let tokens = self.outcome.as_ref().unwrap_or_else(|error| panic!("{error}: {:?}", self.sent));
        assert_eq!(tokens.id_token().expect("who it is").subject(), person);
        assert_eq!(self.times_passed(CODE), 1, "the server has seen the code once");
    }

    fn times_sent(&self, asked: &str) -> usize {
        self.sent.iter().filter(|one| *one == asked).count()
    }

    fn times_passed(&self, asked: &str) -> usize {
        self.passed.iter().filter(|one| *one == asked).count()
    }
}

/// A login from the start, as an app drives it. The time that it is told to wait passes by itself.
fn log_in(server: &Server, proxy: &Proxy, http: &Http, person: &str) -> Run {
    let ahead_of_clock = Cell::new(0);
    let clock = || now().saturating_add(ahead_of_clock.get());
    let mut browser = UserAgent::new(person);
    let mut login = Login::new(client_of_issuer(server), identity_request()).unwrap();
    let mut waited = Vec::new();
    proxy.passed();
    let mut action = login.handle(Event::Start(entropy()), clock());
    let outcome = loop {
        action = match action {
            Ok(Action::OpenUrl(url)) => {
                let redirect = browser.walk(url.as_str(), Person::Allows).redirect();
                login.handle(Event::RedirectReceived(&redirect), clock())
            }
            Ok(Action::SendRequest(request)) => login.handle(http.send(&request).event(), clock()),
            Ok(Action::RetryAt(at)) => {
                let seconds = wait(at, clock());
                ahead_of_clock.set(ahead_of_clock.get() + seconds);
                waited.push(seconds);
                assert!(waited.len() < 20, "no end: {waited:?}");
                Ok(login.pending_action().expect("something to be done"))
            }
            Ok(Action::Verify(check)) => panic!("the client has a verifier: {check:?}"),
            Ok(Action::TokensReady(tokens)) => break Ok(tokens),
            Err(error) => break Err(error),
        };
    };
    let ended = if outcome.is_ok() { Phase::Finished } else { Phase::Failed };
    assert_eq!(login.phase(), ended);
    Run { outcome, sent: http.sent(), passed: proxy.passed(), waited }
}

fn wait(at: UnixTime, now: UnixTime) -> u64 {
    assert!(at > now, "there is nothing to wait for");
    at.as_secs() - now.as_secs()
}

struct Scene {
    proxy: Proxy,
    server: Server,
}

impl Scene {
    fn new() -> Self {
        let proxy = Proxy::listen();
        let server = Server::start_behind(&proxy);
        Self { proxy, server }
    }

    /// A login that meets with this, so many times, at each of these requests.
    #[track_caller]
    fn meets_with(&self, trouble: Trouble, times: usize, at: &[&str], person: &str) -> Run {
        for asked in at {
            self.proxy.trouble(asked, times, trouble);
        }
        let run = log_in(&self.server, &self.proxy, &Http::new(), person);
        assert_eq!(self.proxy.still_ahead(), 0, "{trouble:?}");
        run
    }

    /// A new login of the same person goes well.
    #[track_caller]
    fn the_next_one_goes_well(&self, person: &str) {
        log_in(&self.server, &self.proxy, &Http::new(), person).assert_logged_in(person);
    }
}

/// As everything goes without trouble.
#[test]
fn without_trouble() {
    let scene = Scene::new();
    let run = log_in(&scene.server, &scene.proxy, &Http::new(), "anna");
    run.assert_logged_in("anna");
    assert_eq!(run.sent, [METADATA, CODE, KEYS]);
    assert!(run.waited.is_empty());
    assert!(scene.server.issuer == scene.proxy.origin && run.passed.len() > 5, "the browser goes that way too");
}

/// Slow answers of any kind are waited for.
#[test]
fn everything_is_slow() {
    let scene = Scene::new();
    let run = scene.meets_with(Trouble::Delayed(Duration::from_secs(2)), 1, &[METADATA, CODE, KEYS], "anna");
    run.assert_logged_in("anna");
    assert_eq!(run.sent, [METADATA, CODE, KEYS]);
}

/// Answers that come later than the app waits for are lost, and what was asked for without a code is asked for again.
#[test]
fn slower_than_the_app_waits() {
    let scene = Scene::new();
    let late = Trouble::Delayed(Duration::from_secs(4));
    for asked in [METADATA, KEYS] {
        scene.proxy.trouble(asked, 1, late);
        let http = Http::with_patience(Duration::from_millis(1500));
        let run = log_in(&scene.server, &scene.proxy, &http, "anna");
        run.assert_logged_in("anna");
        assert_eq!(run.times_sent(asked), 2);
    }
    scene.proxy.trouble(CODE, 1, late);
    let run = log_in(&scene.server, &scene.proxy, &Http::with_patience(Duration::from_millis(1500)), "anna");
    assert_eq!(run.outcome.unwrap_err(), Error::Over(Over::OutcomeUnknown));
    scene.the_next_one_goes_well("anna");
}

/// Whatever is lost of metadata or keys is asked for again, as often as it takes.
#[test]
fn metadata_and_keys_that_are_lost_on_the_way() {
    let scene = Scene::new();
    for trouble in LOST {
        for times in [1, 4] {
            let run = scene.meets_with(trouble, times, &[METADATA, KEYS], "berta");
            run.assert_logged_in("berta");
            assert_eq!(run.times_sent(METADATA), times + 1);
            assert_eq!(run.times_sent(KEYS), times + 1);
            // The server is asked in vain only where it was the answer that was lost.
            let seen = if trouble == Trouble::RequestDropped { 1 } else { times + 1 };
            assert_eq!(run.times_passed(KEYS), seen, "{trouble:?}");
        }
    }
}

/// A code may be used up, and is never sent twice (RFC 6749 §4.1.2): the login is over, and the next one goes well.
#[test]
fn a_code_that_is_lost_on_the_way() {
    let scene = Scene::new();
    for trouble in LOST {
        let run = scene.meets_with(trouble, 1, &[CODE], "clara");
        assert_eq!(run.outcome.as_ref().unwrap_err(), &Error::Over(Over::OutcomeUnknown), "{trouble:?}");
        assert_eq!(run.times_sent(CODE), 1);
        scene.the_next_one_goes_well("clara");
    }
}

/// A server that has not looked at the code gets it again, when it is time.
#[test]
fn busy_at_the_code() {
    let scene = Scene::new();
    for refusal in BUSY {
        for times in [1, 4] {
            let run = scene.meets_with(Trouble::Refused(refusal), times, &[CODE], "doris");
            run.assert_logged_in("doris");
            assert_eq!(run.times_sent(CODE), times + 1, "{refusal:?}");
            assert_waited(&run, times, refusal);
        }
    }
}

fn assert_waited(run: &Run, times: usize, refusal: Refusal) {
    assert_eq!(run.waited.len(), times, "{refusal:?}");
    let least = u64::from(refusal.retry_after.unwrap_or(1));
    assert!(run.waited.iter().all(|seconds| (least..=least.max(64) + 2).contains(seconds)), "{:?}", run.waited);
}

/// After anything else nobody knows whether the code was used: the login is over, and the next one goes well.
#[test]
fn broken_at_the_code() {
    let scene = Scene::new();
    for refusal in BROKEN.into_iter().chain([Refusal::of(404)]) {
        let run = scene.meets_with(Trouble::Refused(refusal), 1, &[CODE], "erna");
        let Err(Error::Refused(refused)) = &run.outcome else { panic!("{refusal:?}: {:?}", run.outcome) };
        assert_eq!(refused.status(), Some(refusal.status));
        assert_eq!((run.times_sent(CODE), run.waited.len()), (1, 0));
        scene.the_next_one_goes_well("erna");
    }
}

/// A code that is not looked at within its lifetime is no good any more.
#[test]
fn busy_at_the_code_for_too_long() {
    let scene = Scene::new();
    let refusal = Refusal { status: 503, retry_after: Some(250), page: false };
    let run = scene.meets_with(Trouble::Refused(refusal), 3, &[CODE], "frida");
    let Err(Error::Refused(refused)) = &run.outcome else { panic!("{:?}", run.outcome) };
    assert_eq!((refused.status(), run.waited.len()), (Some(503), 2));
    scene.the_next_one_goes_well("frida");
}

/// The tokens are here: keys are waited for as long as it takes, and nothing but the keys is asked for again.
#[test]
fn busy_or_broken_at_the_keys() {
    let scene = Scene::new();
    for refusal in BUSY.into_iter().chain(BROKEN) {
        for times in [1, 6] {
            let run = scene.meets_with(Trouble::Refused(refusal), times, &[KEYS], "gerda");
            run.assert_logged_in("gerda");
            assert_eq!((run.times_sent(KEYS), run.times_sent(CODE)), (times + 1, 1), "{refusal:?}");
            assert_waited(&run, times, refusal);
        }
    }
    let hour = Refusal { status: 429, retry_after: Some(3600), page: false };
    let run = scene.meets_with(Trouble::Refused(hour), 2, &[KEYS], "gerda");
    run.assert_logged_in("gerda");
    assert!(run.waited.iter().sum::<u64>() >= 7200, "{:?}", run.waited);
}

/// There is another place for metadata: it is asked at once.
#[test]
fn no_metadata_at_the_first_place() {
    let scene = Scene::new();
    for refusal in BUSY.into_iter().chain(BROKEN).chain([Refusal::of(404), Refusal::of(403)]) {
        let run = scene.meets_with(Trouble::Refused(refusal), 1, &[METADATA], "helga");
        run.assert_logged_in("helga");
        assert_eq!(run.sent, [METADATA, ELSEWHERE, CODE, KEYS], "{refusal:?}");
        assert!(run.waited.is_empty());
    }
}

/// There are none at any place for now: all are asked again, from the first.
#[test]
fn no_metadata_at_any_place_for_now() {
    let scene = Scene::new();
    for refusal in BUSY.into_iter().chain(BROKEN) {
        for times in [1, 3] {
            let run = scene.meets_with(Trouble::Refused(refusal), times, &[METADATA, ELSEWHERE], "inge");
            run.assert_logged_in("inge");
            assert_eq!(run.times_sent(ELSEWHERE), times, "{refusal:?}");
            assert_waited(&run, times, refusal);
        }
    }
    // One of the two may have some later, although the other says that it has none.
    for [first, second] in [[404, 503], [503, 404]] {
        scene.proxy.trouble(METADATA, 1, Trouble::Refused(Refusal::of(first)));
        scene.proxy.trouble(ELSEWHERE, 1, Trouble::Refused(Refusal::of(second)));
        let run = log_in(&scene.server, &scene.proxy, &Http::new(), "inge");
        run.assert_logged_in("inge");
        assert_eq!(run.waited.len(), 1);
    }
}

/// There are none: that is a final no.
#[test]
fn no_metadata_at_all() {
    let scene = Scene::new();
    let run = scene.meets_with(Trouble::Refused(Refusal::of(404)), 1, &[METADATA, ELSEWHERE], "jutta");
    assert!(matches!(run.outcome, Err(Error::Violation(Violation::Metadata(_)))), "{:?}", run.outcome);
    assert_eq!(run.sent, [METADATA, ELSEWHERE]);
}

/// All of it in one login.
#[test]
fn trouble_at_every_step() {
    let scene = Scene::new();
    let busy = Trouble::Refused(Refusal { status: 503, retry_after: Some(1), page: true });
    for asked in [METADATA, ELSEWHERE, CODE, KEYS] {
        scene.proxy.trouble(asked, 2, busy);
        scene.proxy.trouble(asked, 1, Trouble::Delayed(Duration::from_secs(1)));
    }
    for asked in [METADATA, KEYS] {
        scene.proxy.trouble(asked, 2, Trouble::AnswerDropped);
    }
    let run = log_in(&scene.server, &scene.proxy, &Http::new(), "klara");
    run.assert_logged_in("klara");
    assert_eq!(run.waited.len(), 2 + 2 + 2, "{:?}", run.sent);
}
