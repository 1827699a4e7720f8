//! A child process: this program once more, as a worker. Its lines are shown as they come.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(20);

/// A worker. Its end is the end of this value: nothing is left behind.
pub struct Process {
    name: &'static str,
    child: Child,
    orders: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Process {
    /// Starts this program as a worker on that store, and waits until it has read what is there.
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

    /// Tells it what to do, and does not wait.
    pub fn order(&mut self, line: &str) -> Result<(), String> {
        let told = self.orders.as_mut().map(|orders| writeln!(orders, "{line}"));
        match told {
            Some(Ok(())) => Ok(()),
            _ => Err(format!("{} is gone", self.name)),
        }
    }

    /// Waits until the order is carried out. The lines it has said meanwhile.
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

    /// Waits for its end, and gives its exit code.
    pub fn ended(&mut self) -> Result<Option<i32>, String> {
        // Its lines end when it ends.
        while self.lines.recv_timeout(PATIENCE).map_err(|error| error == RecvTimeoutError::Disconnected) != Err(true) {}
        let status = self.child.wait().map_err(|error| format!("{}: {error}", self.name))?;
        Ok(status.code())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // By its handle, and waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
