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

/// The system's browser is here what `BROWSER` names, in a process of its own.
#[cfg(all(feature = "open", target_os = "linux"))]
#[test]
fn the_systems_browser_gets_the_url_as_one_argument() {
    use std::os::unix::fs::PermissionsExt;

    use oauth_native::browser::SystemBrowser;

    let url = "https://as.example.com/authorize?scope=a+b&state=$HOME;`id`%20*";
    let url = url.replace('`', "%60");
    if std::env::var_os("OAUTH_NATIVE_TEST_OPEN").is_some() {
        SystemBrowser.open(&url).unwrap();
        return;
    }
    let folder = std::env::temp_dir().join(format!("oauth-native-open-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (script, seen) = (folder.join("browser"), folder.join("seen"));
    let text = format!("#!/bin/sh\nprintf '%s\\n' \"$#\" \"$@\" > '{}.new'\nmv '{0}.new' '{0}'\n", seen.display());
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "openers::the_systems_browser_gets_the_url_as_one_argument"])
        .env("OAUTH_NATIVE_TEST_OPEN", "1")
        .env("BROWSER", &script)
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    assert!(crate::world::soon(|| seen.exists()));
    assert_eq!(std::fs::read_to_string(&seen).unwrap(), format!("1\n{url}\n"));
    std::fs::remove_dir_all(folder).unwrap();
}

/// In a process of its own, which has no screen and no `BROWSER`.
#[cfg(all(feature = "open", target_os = "linux"))]
#[test]
fn without_a_screen_there_is_no_browser() {
    use oauth_native::browser::SystemBrowser;

    if std::env::var_os("OAUTH_NATIVE_TEST_SCREEN").is_some() {
        let mut printed = Vec::new();
        let failed = SystemBrowser.open("https://as.example.com/").unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::Unsupported);
        SystemBrowser.or(Print::to(&mut printed)).open("https://as.example.com/").unwrap();
        assert!(!printed.is_empty());
        return;
    }
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "openers::without_a_screen_there_is_no_browser"]).env("OAUTH_NATIVE_TEST_SCREEN", "1");
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME"] {
        command.env_remove(name);
    }
    assert!(command.stdout(std::process::Stdio::null()).status().unwrap().success());
}
