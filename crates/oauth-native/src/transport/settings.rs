//! Limits of time, and the user agent.

use std::time::Duration;

/// How long a transport waits, and what it calls itself.
///
/// A session's refresh that has no outcome after 60 seconds counts as lost, and may be sent again
/// ([`ClientBuilder::refresh_timeout_secs`](oauth_proto::ClientBuilder::refresh_timeout_secs)). A transport must have given up
/// before that: two requests with one refresh token on their way together can look like theft to the server.
///
/// ```
/// use std::time::Duration;
/// use oauth_native::transport::Settings;
///
/// let settings = Settings::new().timeout(Duration::from_secs(20)).user_agent("example-app/2.1");
/// # let _ = settings;
/// ```
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) connect_timeout: Duration,
    pub(super) timeout: Duration,
    pub(super) user_agent: String,
}

impl Settings {
    /// Ten seconds to connect, thirty for the whole request, and `oauth-native/VERSION` as the user agent.
    pub fn new() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            user_agent: concat!("oauth-native/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// Sets how long it may take to connect, TLS included: ten seconds by default, enough for two lost packets on a slow network.
    /// A request that fails so was certainly not delivered, and can be sent again at once.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Sets how long a request may take from its start to the end of the response's body: thirty seconds by default, half of a
    /// session's refresh timeout. Keep it at least five seconds below that.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Sets the `user-agent` header, by convention the app's name and version. Characters that the header cannot hold (all but
    /// printable ASCII) are left out.
    #[must_use]
    pub fn user_agent(mut self, name: &str) -> Self {
        self.user_agent = name.chars().filter(|char| matches!(char, ' '..='~')).collect();
        self
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}
