//! The command line.

use std::path::PathBuf;

use crate::Failure;

/// What the test wants.
pub struct Options {
    /// Where the app keeps what it has to keep.
    pub folder: PathBuf,
    /// Serve all pages of the library.
    pub pages: bool,
    pub issuer: String,
    /// http without a port: on any free one.
    pub redirect_uri: String,
    pub form_post: bool,
    /// Open the system's browser. Otherwise the test reads the URL in the events.
    pub system_browser: bool,
    pub login_timeout_secs: u64,
    /// What the app was opened with.
    pub url: Option<String>,
}

impl Options {
    pub fn read(arguments: impl IntoIterator<Item = String>) -> Result<Self, Failure> {
        let mut arguments = arguments.into_iter();
        let mut options = Self {
            folder: arguments.next().ok_or("usage: oauth-proto-browser FOLDER [OPTIONS] [URL]")?.into(),
            pages: false,
            issuer: String::new(),
            redirect_uri: "http://127.0.0.1/callback".into(),
            form_post: false,
            system_browser: false,
            login_timeout_secs: 120,
            url: None,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or("an option lacks its value");
            match argument.as_str() {
                "pages" => options.pages = true,
                "--issuer" => options.issuer = value()?,
                "--redirect-uri" => options.redirect_uri = value()?,
                "--timeout" => options.login_timeout_secs = value()?.parse()?,
                "--form-post" => options.form_post = true,
                "--system-browser" => options.system_browser = true,
                option if option.starts_with('-') => return Err(format!("unknown option {option}").into()),
                url => options.url = Some(url.into()),
            }
        }
        Ok(options)
    }
}
