//! Running the program, and being its user agent.

use std::env::{consts::EXE_SUFFIX, current_exe};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::client::{parameter, Client};
use crate::server::CLIENT_ID;

/// Cargo puts examples beside the directory that this test runs from.
pub fn program(arguments: &[&str]) -> Command {
    let tests = current_exe().unwrap();
    let path = tests.ancestors().nth(2).unwrap().join("examples").join(format!("login{EXE_SUFFIX}"));
    assert!(path.exists(), "{} is missing: run `cargo build --example login`", path.display());
    let mut command = Command::new(path);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// How a run ended.
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

pub fn run(arguments: &[&str]) -> Run {
    let output = program(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

impl Run {
    /// Ended with this code, and says all of this on standard error.
    pub fn assert_failed(&self, code: i32, said: &[&str]) {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        for text in said {
            assert!(self.err.contains(text), "{text:?} is missing in: {}", self.err);
        }
        self.assert_no_secret();
    }

    /// Codes, tokens, verifiers, states and challenges are all runs of 43 or more base64url characters. None may be
    /// seen, but in the line that is the URL to open.
    pub fn assert_no_secret(&self) {
        for line in self.out.lines().chain(self.err.lines()).filter(|line| !line.starts_with("http")) {
            let is_base64url = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
            let longest = line.split(|character| !is_base64url(character)).map(str::len).max();
            assert!(longest < Some(40), "a secret? {line}");
        }
    }
}

/// All of these lines, in this order, perhaps with others between them. Columns are read with one space between.
pub fn assert_story(out: &str, expected: &[&str]) {
    let lines: Vec<String> = out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let mut rest = lines.iter();
    for wanted in expected {
        assert!(rest.any(|line| line.starts_with(wanted)), "{wanted:?} is missing, or too early, in:\n{out}");
    }
}

/// A run against a server that it takes for a real one, with this test as the user agent.
pub struct Visit {
    child: Child,
    out: BufReader<ChildStdout>,
    seen: String,
    pub url: String,
}

impl Visit {
    pub fn start(client: &Client, token_endpoint: &str, more: &[&str]) -> Self {
        let audience = client.server.audience();
        Self::start_with(client, token_endpoint, "profile offline_access", &[&["--audience", &audience], more].concat())
    }

    pub fn start_without_audience(client: &Client, more: &[&str]) -> Self {
        Self::start_asking(client, "profile offline_access", more)
    }

    pub fn start_asking(client: &Client, scope: &str, more: &[&str]) -> Self {
        Self::start_with(client, &client.server.url("/token"), scope, more)
    }

    /// The program is told the issuer, and finds the rest out.
    pub fn discovering(client: &Client, more: &[&str]) -> Self {
        let audience = client.server.audience();
        let base = ["--issuer", &client.server.issuer, "--client-id", CLIENT_ID, "--audience", &audience];
        Self::run(&[&base[..], more].concat())
    }

    fn start_with(client: &Client, token_endpoint: &str, scope: &str, more: &[&str]) -> Self {
        let authorize = client.server.url("/authorize");
        let base = [
            "--authorization-endpoint",
            &authorize,
            "--token-endpoint",
            token_endpoint,
            "--client-id",
            CLIENT_ID,
            "--scope",
            scope,
        ];
        // The server says in its redirects who it is (RFC 9207), and a client that cannot compare that believes none.
        let issuer = ["--issuer", &client.server.issuer];
        let issuer = if more.contains(&"--issuer") { &[] } else { &issuer[..] };
        Self::run(&[&base[..], issuer, more].concat())
    }

    pub fn run(arguments: &[&str]) -> Self {
        let mut child = program(&[&["--no-browser"], arguments].concat()).stdin(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut visit = Self { child, out, seen: String::new(), url: String::new() };
        visit.url = visit.next_url();
        visit
    }

    /// The next URL that the program would have opened in a browser.
    pub fn next_url(&mut self) -> String {
        let mut line = String::new();
        while !line.starts_with("http") {
            line.clear();
            assert_ne!(self.out.read_line(&mut line).unwrap(), 0, "no URL in: {}", self.seen);
            self.seen.push_str(&line);
        }
        line.trim_end().to_owned()
    }

    /// Logs in, and goes where the redirect leads.
    pub fn log_in(&self, client: &Client) {
        let redirect = client.decide(&client.get(&self.url), "alice", "allow");
        assert_eq!(client.land(&redirect.header).heading(), "Return to the app");
    }

    /// Where the redirect goes, with a query.
    pub fn back(&self, query: &str) -> String {
        format!("{}?{query}", parameter(&self.url, "redirect_uri").unwrap())
    }

    pub fn state(&self) -> String {
        parameter(&self.url, "state").unwrap()
    }

    pub fn paste(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    pub fn end(mut self) -> Run {
        drop(self.child.stdin.take());
        self.out.read_to_string(&mut self.seen).unwrap();
        let mut err = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        Run { code: self.child.wait().unwrap().code(), out: self.seen, err }
    }
}
