//! The microcontroller: QEMU, with the semihosted link, the console and the files of the firmware.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How long the firmware may be silent.
const PATIENCE: Duration = Duration::from_mins(2);

/// The two builds of the firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// The library without features.
    Plain,
    /// With `rustcrypto`: an ID token is asked for and checked.
    RustCrypto,
}

impl Build {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Plain, Self::RustCrypto];

    /// The features of the library.
    pub fn features(self) -> &'static str {
        match self {
            Self::Plain => "none",
            Self::RustCrypto => "`rustcrypto`",
        }
    }

    /// The program, as an ELF file.
    pub fn program(self) -> PathBuf {
        let folder = std::env::var_os("FIRMWARE")
            .expect("FIRMWARE is not set; run .ci/firmware, which builds the firmware first");
        Path::new(&folder).join(match self {
            Self::Plain => "plain",
            Self::RustCrypto => "rustcrypto",
        })
    }
}

/// A running firmware. Dropping it ends QEMU.
pub struct Board {
    qemu: Child,
    to_firmware: ChildStdin,
    from_firmware: Receiver<Vec<u8>>,
    arrived: Vec<u8>,
    console: Receiver<Vec<u8>>,
    /// All lines that the firmware has shown.
    pub shown: String,
    read: usize,
    files: PathBuf,
    typed: u32,
}

/// An HTTP request of the firmware.
#[derive(Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path and query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Request {
    /// The only header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(n, _)| n == name);
        let value = values.next();
        assert!(values.next().is_none(), "the header {name} is there twice: {self:?}");
        value.map(|(_, value)| value.as_str())
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// Whether the firmware says that it succeeded.
    pub success: bool,
    /// All lines that the firmware has shown.
    pub shown: String,
}

impl Ended {
    /// The rest of the last line that begins so.
    pub fn said(&self, beginning: &str) -> Option<&str> {
        self.shown.lines().rev().find_map(|line| line.strip_prefix(beginning))
    }

    /// The number after this, in the last line that begins so.
    pub fn number(&self, beginning: &str) -> u64 {
        let rest = self.said(beginning).unwrap_or_else(|| panic!("no line '{beginning}' in:\n{}", self.shown));
        rest.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a number")
    }
}

impl Board {
    /// Starts the firmware. `files` is its flash, its random numbers, and what the user types.
    pub fn start(build: Build, files: &Path) -> Self {
        for old in fs::read_dir(files).expect("the folder can be read") {
            let old = old.expect("an entry").path();
            if old.file_name().is_some_and(|name| name.to_string_lossy().starts_with("typed-")) {
                fs::remove_file(old).expect("a file can be removed");
            }
        }
        let mut qemu = Command::new("qemu-system-arm")
            .args([
                "-machine",
                "netduinoplus2",
                "-nodefaults",
                "-display",
                "none",
                "-semihosting-config",
                "enable=on,target=native",
            ])
            .arg("-kernel")
            .arg(build.program())
            .current_dir(files)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("qemu-system-arm starts");
        Self {
            to_firmware: qemu.stdin.take().expect("a pipe"),
            from_firmware: reader(qemu.stdout.take().expect("a pipe")),
            arrived: Vec::new(),
            console: reader(qemu.stderr.take().expect("a pipe")),
            shown: String::new(),
            read: 0,
            files: files.to_owned(),
            typed: 0,
            qemu,
        }
    }

    /// The next line that the firmware shows.
    pub fn line(&mut self) -> String {
        loop {
            let rest = &self.shown[self.read..];
            if let Some(end) = rest.find('\n') {
                let line = rest[..end].to_owned();
                self.read += end + 1;
                return line;
            }
            let more = self.console.recv_timeout(PATIENCE).unwrap_or_else(|_| self.died());
            self.shown.push_str(std::str::from_utf8(&more).expect("the console is ASCII"));
        }
    }

    /// Types a line on the console.
    pub fn types(&mut self, line: &str) {
        self.typed += 1;
        let unfinished = self.files.join("unfinished");
        fs::write(&unfinished, line).expect("a file can be written");
        fs::rename(unfinished, self.files.join(format!("typed-{}", self.typed))).expect("a file can be renamed");
    }

    /// The next HTTP request that the firmware sends.
    pub fn request(&mut self) -> Request {
        let head = loop {
            if let Some(end) = self.arrived.windows(4).position(|four| four == b"\r\n\r\n") {
                break self.arrived.drain(..end + 4).collect::<Vec<_>>();
            }
            self.more();
        };
        let head = String::from_utf8(head).expect("the head is ASCII");
        let mut lines = head.trim_end().split("\r\n");
        let start: Vec<_> = lines.next().expect("a first line").split(' ').collect();
        let [method, path, "HTTP/1.1"] = start[..] else { panic!("no HTTP request: {start:?}") };
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("no header: {line}"));
            (name.to_lowercase(), value.to_owned())
        });
        let mut request =
            Request { method: method.into(), path: path.into(), headers: headers.collect(), body: String::new() };
        let length = request.header("content-length").map_or(0, |length| length.parse().expect("a length"));
        while self.arrived.len() < length {
            self.more();
        }
        request.body = String::from_utf8(self.arrived.drain(..length).collect()).expect("the body is a form");
        request
    }

    fn more(&mut self) {
        let more = self.from_firmware.recv_timeout(PATIENCE).unwrap_or_else(|_| self.died());
        self.arrived.extend_from_slice(&more);
    }

    /// Answers the last request. The answer is cut in two, as a network may do it.
    pub fn answer(&mut self, status: u16, headers: &[(&str, &str)], body: &str) {
        let mut answer = format!("HTTP/1.1 {status} Status\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in headers {
            let _ = write!(answer, "{name}: {value}\r\n");
        }
        answer += "\r\n";
        answer += body;
        let (first, second) = answer.split_at(answer.len() / 2);
        for part in [first, second] {
            // A firmware that has ended does not read: what waits for it next finds that out.
            let _ = self.to_firmware.write_all(part.as_bytes());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for the end. The firmware must have nothing more to say to a server.
    pub fn end(mut self) -> Ended {
        loop {
            match self.console.recv_timeout(PATIENCE) {
                Ok(more) => self.shown.push_str(std::str::from_utf8(&more).expect("the console is ASCII")),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => self.died(),
            }
        }
        let success = self.qemu.wait().expect("QEMU ends").success();
        self.arrived.extend(self.from_firmware.try_iter().flatten());
        assert!(self.arrived.is_empty(), "an unexpected request: {:?}", String::from_utf8_lossy(&self.arrived));
        Ended { success, shown: std::mem::take(&mut self.shown) }
    }

    fn died<T>(&mut self) -> T {
        for more in self.console.try_iter() {
            self.shown.push_str(&String::from_utf8_lossy(&more));
        }
        panic!("the firmware has ended or is silent; it has shown:\n{}", self.shown)
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

/// Reads a pipe in a thread, so that it can be waited for with a limit.
fn reader(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = pipe.read(&mut buffer) {
            if sender.send(buffer[..length].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}
