//! The debugger's host stands for the hardware: its files and pipes are the network, the console, the flash and the generator of
//! random numbers (ARM semihosting; QEMU does it with `-semihosting`). Real firmware has drivers in place of this file.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::{Display, Write as _};

use cortex_m_semihosting::hio::{self, HostStream};
use cortex_m_semihosting::{debug, nr, syscall, syscall1};
use embassy_time::Timer;
use embedded_io_async::{ErrorKind, ErrorType, Read, Write};
use oauth_proto::UnixTime;

use crate::browser::Terminal;
use crate::http::Connect;

/// Prints a line on the host's standard error.
pub fn say(line: &str) {
    if let Ok(mut stream) = hio::hstderr() {
        let _ = stream.write_all(format!("{line}\n").as_bytes());
    }
}

/// Ends the emulation; on a real board, stops in the debugger.
pub fn exit(success: bool) -> ! {
    debug::exit(if success { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE });
    loop {
        cortex_m::asm::wfi();
    }
}

/// Prints without the heap, which may be full, and ends.
pub fn panicked(why: impl Display) -> ! {
    if let Ok(mut stream) = hio::hstderr() {
        let _ = writeln!(stream, "{why}");
    }
    exit(false)
}

/// The time of the host, which stands for a clock with a battery.
pub fn time() -> UnixTime {
    // SAFETY: the call takes no argument.
    UnixTime::from_secs(unsafe { syscall1(nr::TIME, 0) } as u64)
}

/// A file in the host's working directory.
pub struct File(usize);

impl File {
    fn open(name: &str, mode: usize) -> Option<Self> {
        let name = format!("{name}\0");
        // SAFETY: the name ends with a zero, which its length does not count.
        match unsafe { syscall!(OPEN, name.as_ptr(), mode, name.len() - 1) } {
            usize::MAX => None,
            handle => Some(Self(handle)),
        }
    }

    /// Reads at most as many bytes as the buffer has; returns how many, 0 at the end.
    fn fill(&self, buffer: &mut [u8]) -> usize {
        // SAFETY: the host writes at most this many bytes into the buffer. It returns how many are missing.
        let missing = unsafe { syscall!(READ, self.0, buffer.as_mut_ptr(), buffer.len()) };
        buffer.len().saturating_sub(missing)
    }

    /// The first bytes of a file; what is missing stays as it is.
    pub fn read(name: &str, buffer: &mut [u8]) {
        if let Some(file) = Self::open(name, nr::open::R_BINARY) {
            file.fill(buffer);
        }
    }

    /// All of a file that is there and not empty.
    pub fn read_all(name: &str) -> Option<Vec<u8>> {
        let file = Self::open(name, nr::open::R_BINARY)?;
        // SAFETY: the handle is open.
        let length = unsafe { syscall!(FLEN, file.0) };
        let mut content = vec![0; length];
        let length = file.fill(&mut content);
        content.truncate(length);
        Some(content).filter(|content| !content.is_empty())
    }

    /// Makes this the content of a file.
    pub fn write(name: &str, content: &[u8]) {
        if let Some(file) = Self::open(name, nr::open::W_TRUNC_BINARY) {
            // SAFETY: the host reads this many bytes.
            unsafe { syscall!(WRITE, file.0, content.as_ptr(), content.len()) };
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and used no more.
        unsafe { syscall!(CLOSE, self.0) };
    }
}

/// The console: lines go to standard error; what the user types is the file `typed-1`, then `typed-2`, and so on.
pub struct Console {
    typed: u32,
}

impl Console {
    pub fn new() -> Self {
        Self { typed: 0 }
    }
}

impl Terminal for Console {
    fn show(&mut self, line: &str) {
        say(line);
    }

    async fn line(&mut self) -> String {
        loop {
            if let Some(line) = File::read_all(&format!("typed-{}", self.typed + 1)) {
                self.typed += 1;
                return String::from_utf8(line).unwrap_or_default();
            }
            Timer::after_millis(50).await;
        }
    }
}

/// The network: standard output and standard input are the one connection, to all servers. TLS is the host's.
pub struct Link {
    input: File,
    output: HostStream,
}

impl Link {
    pub fn open() -> Self {
        match (File::open(":tt", nr::open::R), hio::hstdout()) {
            (Some(input), Ok(output)) => Self { input, output },
            _ => panicked("no link to the host"),
        }
    }
}

impl Connect for Link {
    type Connection<'a> = &'a mut Self;

    async fn connect<'a>(&'a mut self, _host: &'a str, _port: u16) -> Option<&'a mut Self> {
        Some(self)
    }
}

impl ErrorType for Link {
    type Error = ErrorKind;
}

impl Read for Link {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        Ok(self.input.fill(buffer))
    }
}

impl Write for Link {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        self.output.write_all(bytes).map_err(|()| ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}
