//! The events of a login, a call, a refresh and a sign-out: what they tell, and that nothing secret is in them. They are those of
//! a whole process, so the test runs once more in one of its own.

use std::env;
use std::fmt::{Debug, Write as _};
use std::process::Command;
use std::sync::{Arc, Mutex};

use oauth_native::api::blocking::Api;
use oauth_native::store::File;
use oauth_native::transport::Ureq;
use oauth_proto::{AuthorizationRequest, SignOut};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::server::Server;
use crate::{browser, call, client, log_in, tasks, Folder, Forward, Handle};

const ALONE: &str = "OAUTH_NATIVE_TEST_TRACED";

/// Keeps all events of the process, of every level and target.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Events {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = Line(format!("span {}", span.metadata().name()));
        span.record(&mut line);
        self.0.lock().unwrap().push(line.0);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut line = Line("span".into());
        values.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().target().to_owned());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn events_tell_everything_but_secrets() {
    if env::var_os(ALONE).is_some() {
        return alone();
    }
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "traced::events_tell_everything_but_secrets", "--nocapture"])
        .env(ALONE, "yes")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn alone() {
    let events = Events::default();
    tracing::subscriber::set_global_default(events.clone()).unwrap();
    let folder = Folder(env::temp_dir().join(format!("oauth-native-traced-{}", std::process::id())));
    let store = Arc::new(File::new(folder.0.join("session.json")));

    let server = Arc::new(Server::start());
    threads(&server, &store);
    let own = events.take(&server);
    assert_eq!(own.join("\n").replace(&server.origin, "ORIGIN"), EXPECTED.trim());

    // The events of other crates too, of which some send some.
    let server = Arc::new(Server::start());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(tasks::whole(Arc::clone(&server), store));
    let own = events.take(&server);
    for (event, times) in [("refresh ended outcome=\"tokens\"", 1), ("browser opened", 1), ("signed out", 1)] {
        assert_eq!(own.iter().filter(|line| line.contains(event)).count(), times, "{event}: {own:#?}");
    }
}

fn threads(server: &Server, store: &Arc<File>) {
    let (clock, mut browser) = (Forward::default(), browser(&Arc::default()));
    let client = client(server, &browser.redirect_uri());
    let session = log_in(&client, AuthorizationRequest::new().scope("read"), &mut browser, &clock);
    let api: Handle = Api::new(session, Ureq::new(), clock, store.clone()).unwrap();
    server.state().access_token = None;
    assert_eq!(call(&api, server).unwrap(), "Bearer AT2");
    let signed_out = api.sign_out(SignOut::new());
    assert!(signed_out.not_revoked.is_none() && signed_out.not_removed.is_none());
    assert!(call(&api, server).is_err());
}

impl Events {
    /// The events so far of this crate, after a look for secrets in all of them.
    fn take(&self, server: &Server) -> Vec<String> {
        let all = std::mem::take(&mut *self.0.lock().unwrap());
        let state = server.state();
        let public = ["response_type", "client_id", "redirect_uri", "scope", "grant_type", "code_challenge_method"];
        let pairs = state.parameters.iter().flatten();
        let pairs = pairs.filter(|(name, _)| !public.contains(&name.as_str()) && *name != "token_type_hint");
        let mut secrets: Vec<_> = pairs.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        for name in ["code", "state", "code_verifier", "code_challenge", "refresh_token", "token"] {
            assert!(secrets.iter().any(|(other, _)| *other == name), "{name}: {secrets:?}");
        }
        secrets.extend([("access_token", "AT1"), ("access_token", "AT2")]);
        for event in &all {
            for (name, value) in &secrets {
                assert!(!event.contains(value), "{name} is in an event: {event}");
            }
            assert!(!event.contains("grant_type"), "a body is in an event: {event}");
        }
        all.into_iter().filter_map(|event| Some(event.strip_prefix("oauth_native ")?.to_owned())).collect()
    }
}

const EXPECTED: &str = r#"
message=request purpose="fetch" method="GET" url="ORIGIN/.well-known/openid-configuration"
message=response purpose="fetch" status=404
message=request purpose="fetch" method="GET" url="ORIGIN/.well-known/oauth-authorization-server"
message=response purpose="fetch" status=200
message=browser opened server="ORIGIN"
message=redirect verdict="accepted"
message=request purpose="code" method="POST" url="ORIGIN/token"
message=response purpose="code" status=200
message=store locked is_found=false
message=stored
message=the API refuses a call status=401
message=new token needed
message=store locked is_found=true
message=request purpose="refresh" method="POST" url="ORIGIN/token"
message=response purpose="refresh" status=200
message=refresh ended outcome="tokens"
message=stored
message=sign-out begins
message=store locked is_found=true
message=stored
message=request purpose="revocation" method="POST" url="ORIGIN/revoke"
message=response purpose="revocation" status=200
message=signed out
message=login required why="signed_out"
"#;
