//! Generates the bindings for three languages as an app's build would, and drives those for Python through whole logins.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The folder with the bindings for Kotlin, Swift and Python, and with the library beside them.
fn bindings(name: &str) -> PathBuf {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if out.exists() {
        fs::remove_dir_all(&out).unwrap();
    }
    fs::create_dir_all(&out).unwrap();
    // Tests and the libraries that were built for them are in one folder.
    let library = env::current_exe().unwrap().with_file_name("liboauth_uniffi.so");
    let mut command = Command::new(env!("CARGO_BIN_EXE_uniffi-bindgen"));
    command.args(["generate", "-l", "kotlin", "-l", "swift", "-l", "python", "--no-format", "--out-dir"]);
    assert!(command.arg(&out).arg(&library).status().unwrap().success());
    fs::copy(library, out.join("liboauth_uniffi.so")).unwrap();
    out
}

/// The functions between `start` and the next line that is `}`.
fn functions<'a>(source: &'a str, start: &str, keyword: &str) -> Vec<&'a str> {
    let body = source.split_once(start).unwrap_or_else(|| panic!("no {start}")).1;
    let lines = body.lines().skip(1).take_while(|line| *line != "}").map(str::trim);
    lines.filter(|line| line.starts_with(keyword)).collect()
}

#[test]
fn a_login_in_python() {
    let out = bindings("python");
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python");
    let mut python = Command::new("python3");
    python.args(["-B", "-W", "error", "-m", "unittest", "-v"]).arg("test_bindings");
    let status = python.current_dir(tests).env("PYTHONPATH", out).status().expect("python3 is installed");
    assert!(status.success());
}

#[test]
fn the_surface_in_kotlin() {
    let file = bindings("kotlin").join("uniffi/oauth_uniffi/oauth_uniffi.kt");
    let source = fs::read_to_string(file).unwrap().replace('`', "").replace("kotlin.", "");
    let login = [
        "fun deadline(): UnixTime?",
        "fun handle(event: Event, now: UnixTime): Action",
        "fun pendingAction(): Action?",
        "fun phase(): String",
        "fun save(): SavedLogin?",
    ];
    let session = [
        "fun access(now: UnixTime): Access",
        "fun adopt(stored: StoredSession): Adopted",
        "fun askAgain()",
        "fun handle(event: Event, now: UnixTime): SessionAction",
        "fun idToken(): String?",
        "fun lastError(): OauthException?",
        "fun pendingAction(): SessionAction?",
        "fun phase(): String",
        "fun refused(bearer: Bearer, status: UShort, headers: List<Header>, now: UnixTime): Access?",
        "fun save(): StoredSession?",
        "fun signOut(browser: Boolean): SessionAction",
        "fun user(): User?",
    ];
    assert_eq!(functions(&source, "public interface LoginHandleInterface", "fun "), login);
    assert_eq!(functions(&source, "public interface SessionHandleInterface", "fun "), session);
}

#[test]
fn the_surface_in_swift() {
    let source = fs::read_to_string(bindings("swift").join("oauth_uniffi.swift")).unwrap();
    let login = [
        "func deadline()  -> UnixTime?",
        "func handle(event: Event, now: UnixTime) throws  -> Action",
        "func pendingAction() throws  -> Action?",
        "func phase()  -> String",
        "func save()  -> SavedLogin?",
    ];
    let session = [
        "func access(now: UnixTime)  -> Access",
        "func adopt(stored: StoredSession) throws  -> Adopted",
        "func askAgain()",
        "func handle(event: Event, now: UnixTime) throws  -> SessionAction",
        "func idToken()  -> String?",
        "func lastError()  -> OauthError?",
        "func pendingAction()  -> SessionAction?",
        "func phase()  -> String",
        "func refused(bearer: Bearer, status: UInt16, headers: [Header], now: UnixTime)  -> Access?",
        "func save()  -> StoredSession?",
        "func signOut(browser: Bool) throws  -> SessionAction",
        "func user()  -> User?",
    ];
    assert_eq!(functions(&source, "public protocol LoginHandleProtocol", "func "), login);
    assert_eq!(functions(&source, "public protocol SessionHandleProtocol", "func "), session);
}
