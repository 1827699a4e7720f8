//! What the run needs: a client, its authorization server, and the ways to the browser and back.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use oauth_native::api::LoginError;
use oauth_native::browser::BrowserError;
use oauth_native::{AuthorizationRequest, AuthorizationServer, Client};
use oauth_proto::drive::DriveError;
use oauth_proto::{Error, Over};
use url::Url;

use crate::failure::Failure;
use crate::options::{Found, Known, Options, Tenant};
use crate::pasted::Pasted;
use crate::print::{plain, redacted, step};
use crate::server::{Server, CLIENT_ID, REDIRECT_PATH, RETURN_PATH};
use crate::told::{Told, ToldBrowser};
use crate::user_agent::Scripted;
use crate::ways::{self, after_logout, Opens, Ways};

/// Long enough for one refresh, short enough to watch.
const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(5);
const CODE_LIFETIME: Duration = Duration::from_secs(60);
/// The embedded server does not grant `address`, to show a scope that is not granted.
const SCOPE: &str = "openid profile email address offline_access";

/// Everything that is set up before the first event.
pub struct Scene {
    pub client: Client,
    pub request: AuthorizationRequest,
    pub api_url: Option<String>,
    pub told: Told,
    pub ways: Ways,
    /// How long to wait for an access token to expire.
    pub wait: Duration,
    /// Whether the server has a logout endpoint, or may have one.
    pub logs_out: bool,
    /// How long to wait for the browser to come back from it.
    pub timeout: Duration,
    pub embedded: bool,
}

impl Scene {
    /// Starts what has to run, and checks what was configured. The browser is for logins.
    pub fn set(options: &Options) -> Result<(Self, ToldBrowser), Failure> {
        match &options.tenant {
            None => Self::embedded(options),
            Some(tenant) => Self::at(tenant, options),
        }
    }

    fn embedded(options: &Options) -> Result<(Self, ToldBrowser), Failure> {
        let server = Server::start(CODE_LIFETIME, ACCESS_TOKEN_LIFETIME)
            .map_err(|error| not_started("the embedded server", &error))?;
        let api_url = server.url("/api/me");
        step("server", "authorization", &format!("{}  (embedded)", server.issuer));
        step("server", "protected API", &api_url);
        let scripted = Arc::new(Scripted::new(&options.user, options.deny));
        let opens = Opens { no_browser: options.no_browser, scripted: Some(scripted) };
        let ways = Ways { opens, pasted: None };
        let browser = ways.to(&format!("http://127.0.0.1{REDIRECT_PATH}"))?;
        let logged_out = after_logout(&format!("http://127.0.0.1{RETURN_PATH}"), browser.redirect_uri());
        // Everything else about the server comes from its metadata.
        let known = AuthorizationServer::from_issuer_on_insecure_loopback(&server.issuer)?;
        let client = Client::builder(known, CLIENT_ID, browser.redirect_uri())
            .api_origin(&server.issuer)
            .login_timeout_secs(options.timeout.as_secs())
            .leeway_secs(1)
            .post_logout_redirect_uri(&logged_out);
        ways::show("redirect URI", browser.redirect_uri());
        ways::show("after the logout", &logged_out);
        let scene = Self {
            client: client.build()?,
            request: AuthorizationRequest::new().scope(SCOPE).audience(&server.audience()),
            told: Told::new(Some(&api_url)),
            api_url: Some(api_url),
            ways,
            wait: options.wait,
            logs_out: true,
            timeout: options.timeout,
            embedded: true,
        };
        Ok((scene, browser))
    }

    fn at(tenant: &Tenant, options: &Options) -> Result<(Self, ToldBrowser), Failure> {
        let server = known(&tenant.server)?;
        let logs_out = may_log_out(&tenant.server);
        let pasted = Pasted::from_stdin().map_err(|error| not_started("standard input", &error))?;
        let opens = Opens { no_browser: options.no_browser, scripted: None };
        let ways = Ways { opens, pasted: Some(pasted) };
        let browser = ways.to(&tenant.redirect_uri)?;
        ways::show("redirect URI", browser.redirect_uri());
        let mut builder = Client::builder(server, &tenant.client_id, browser.redirect_uri())
            .login_timeout_secs(options.timeout.as_secs());
        if let Some(uri) = &tenant.post_logout_redirect_uri {
            let uri = after_logout(uri, browser.redirect_uri());
            ways::show("after the logout", &uri);
            builder = builder.post_logout_redirect_uri(&uri);
        }
        if let Some(url) = &tenant.api_url {
            step("server", "protected API", &redacted(url));
            builder = builder.api_origin(&origin(url)?);
        }
        let mut request = AuthorizationRequest::new().scope(&tenant.scope);
        if let Some(audience) = &tenant.audience {
            request = request.audience(audience);
        }
        if let Some(prompt) = &tenant.prompt {
            request = request.prompt(prompt);
        }
        let scene = Self {
            client: builder.build()?,
            request,
            api_url: tenant.api_url.clone(),
            told: Told::new(tenant.api_url.as_deref()),
            ways,
            wait: options.wait,
            logs_out,
            timeout: options.timeout,
            embedded: false,
        };
        Ok((scene, browser))
    }

    /// Why nobody is logged in.
    pub fn not_logged_in(&self, error: LoginError<BrowserError>, browser: &ToldBrowser) -> Failure {
        match error {
            LoginError::Login(DriveError::Login(error @ Error::Over(Over::Cancelled | Over::Expired))) => {
                match (self.told.unreachable(), browser.unproved()) {
                    (Some(url), _) => Failure::unreachable(&url),
                    (None, _) if !browser.nobody_came() => error.into(),
                    (None, Some(unproved)) => Failure::unproved(unproved),
                    (None, None) if error == Error::Over(Over::Expired) => Failure::no_redirect(browser.redirect_uri()),
                    (None, None) => Failure::new(
                        "standard input ended before a redirect was pasted",
                        "run again in a terminal, and paste the URL that the browser ends at",
                    ),
                }
            }
            LoginError::Login(DriveError::Login(error)) => error.into(),
            LoginError::Request(error) => error.into(),
            LoginError::Api(error) => Failure::no_token(error, self.told.unreachable()),
            error => Failure::new(error.to_string(), "run again, perhaps with --no-browser"),
        }
    }
}

/// The server as given by issuer or endpoints, with the other options applied.
fn known(known: &Known) -> Result<AuthorizationServer, Failure> {
    let mut server = match &known.found {
        Found::Issuer(issuer) => issuer_alone(issuer)?,
        Found::Endpoints { authorization_endpoint, token_endpoint, issuer } => {
            step("server", "authorization", &redacted(authorization_endpoint));
            let server = if authorization_endpoint.starts_with("http://") {
                AuthorizationServer::on_insecure_loopback(authorization_endpoint, token_endpoint)?
            } else {
                AuthorizationServer::new(authorization_endpoint, token_endpoint)?
            };
            issuer.iter().try_fold(server, |server, issuer| server.issuer(issuer))?
        }
    };
    let more = &known.more;
    let set: [(_, fn(_, &str) -> _); 5] = [
        (&more.jwks_uri, AuthorizationServer::jwks_uri),
        (&more.userinfo_endpoint, AuthorizationServer::userinfo_endpoint),
        (&more.revocation_endpoint, AuthorizationServer::revocation_endpoint),
        (&more.end_session_endpoint, AuthorizationServer::end_session_endpoint),
        (&more.auth0_logout_endpoint, AuthorizationServer::auth0_logout_endpoint),
    ];
    for (url, set) in set {
        if let Some(url) = url {
            server = set(server, url)?;
        }
    }
    if let Some(name) = &more.id_token_alg {
        server = server.id_token_signing_alg_values_supported(&[name]);
    }
    Ok(server)
}

/// Whether there may be a logout endpoint: metadata may name one, too.
fn may_log_out(Known { found, more }: &Known) -> bool {
    matches!(found, Found::Issuer(_)) || more.end_session_endpoint.is_some() || more.auth0_logout_endpoint.is_some()
}

/// The server by its issuer; the rest is discovered.
fn issuer_alone(issuer: &str) -> Result<AuthorizationServer, Failure> {
    let server = if issuer.starts_with("http://") {
        AuthorizationServer::from_issuer_on_insecure_loopback(issuer)?
    } else {
        AuthorizationServer::from_issuer(issuer)?
    };
    step("server", "issuer", &plain(issuer)); // unchanged: every octet of it counts
    Ok(server)
}

fn not_started(what: &str, error: &io::Error) -> Failure {
    Failure::new(format!("{what} could not start: {error}"), "close other programs, and run again")
}

/// The origin that tokens for this API are sent to, and no other.
fn origin(api_url: &str) -> Result<String, Failure> {
    Url::parse(api_url)
        .map(|url| url.origin().ascii_serialization())
        .map_err(|error| Failure::new(format!("--api-url: {error}"), "write the whole URL, with https://"))
}
