//! A child process: this program, started as a worker. Its output is printed line by line.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How long to wait for a worker. Nothing here takes that long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A worker process. It is killed when this value is dropped.
pub struct Process {
    name: &'static str,
    child: Child,
    orders: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Process {
    /// Starts this program as a worker on that store, and waits until it has loaded the session.
    pub fn start(name: &'static str, store: &Path, server: &str) -> Result<Self, String> {
        let text = |error: std::io::Error| format!("{name} did not start: {error}");
        let mut child = Command::new(env::current_exe().map_err(text)?)
            .arg("worker")
            .args([store.as_os_str(), server.as_ref()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(text)?;
        let orders = child.stdin.take();
        let (sender, lines) = channel();
        if let Some(out) = child.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(out).lines().map_while(Result::ok) {
                    if line != "ok" {
                        println!("{name:<8} {line}");
                    }
                    let _ = sender.send(line);
                }
            });
        }
        let mut process = Self { name, child, orders, lines };
        process.done()?;
        Ok(process)
    }

    /// Gives it an order, without waiting.
    pub fn order(&mut self, line: &str) -> Result<(), String> {
        let told = self.orders.as_mut().map(|orders| writeln!(orders, "{line}"));
        match told {
            Some(Ok(())) => Ok(()),
            _ => Err(format!("{} is gone", self.name)),
        }
    }

    /// Waits until the order is carried out. Returns the lines that it printed meanwhile.
    pub fn done(&mut self) -> Result<Vec<String>, String> {
        let mut said = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if line == "ok" => return Ok(said),
                Ok(line) => said.push(line),
                Err(RecvTimeoutError::Timeout) => return Err(format!("{} does not answer", self.name)),
                Err(RecvTimeoutError::Disconnected) => return Err(format!("{} has given up", self.name)),
            }
        }
    }

    /// Waits until it exits, and returns its exit code.
    pub fn ended(&mut self) -> Result<Option<i32>, String> {
        // Its output ends when the process ends.
        while self.lines.recv_timeout(PATIENCE).map_err(|error| error == RecvTimeoutError::Disconnected) != Err(true) {}
        let status = self.child.wait().map_err(|error| format!("{}: {error}", self.name))?;
        Ok(status.code())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Killed by its handle, then waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
