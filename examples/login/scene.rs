//! What the story is played with: a client, its authorization server, a user agent and a place for redirects.

use std::time::Duration;

use oauth_proto::{AuthorizationRequest, AuthorizationServer, Client};
use url::Url;

use crate::browser::{self, Scripted};
use crate::failure::Failure;
use crate::http::Http;
use crate::listener::{Listener, Redirects, Sealed};
use crate::options::{Options, Tenant};
use crate::print::{redacted, say, step};
use crate::server::{Server, CLIENT_ID, REDIRECT_PATH};

/// Long enough for one refresh, short enough to watch.
const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(5);
const CODE_LIFETIME: Duration = Duration::from_secs(60);
const HTTP_TIMEOUT: Duration = Duration::from_secs(30);

/// Everything that is set up before the first event.
pub struct Scene {
    pub client: Client,
    pub request: AuthorizationRequest,
    pub api_url: Option<String>,
    pub http: Http,
    pub redirects: Sealed,
    /// How long to wait for an access token to expire.
    pub wait: Duration,
    pub embedded: bool,
    scripted: Option<Scripted>,
    no_browser: bool,
}

impl Scene {
    /// Starts what has to run, and checks what was configured.
    pub fn set(options: &Options) -> Result<Self, Failure> {
        match &options.tenant {
            None => Self::embedded(options),
            Some(tenant) => Self::at(tenant, options),
        }
    }

    fn embedded(options: &Options) -> Result<Self, Failure> {
        let server = Server::start(CODE_LIFETIME, ACCESS_TOKEN_LIFETIME)
            .map_err(|error| no_port("the embedded server", &error))?;
        let api_url = server.url("/api/me");
        step("server", "authorization", &format!("{}  (embedded)", server.issuer));
        step("server", "protected API", &api_url);
        let (redirect_uri, redirects) = redirects(&format!("http://127.0.0.1{REDIRECT_PATH}"), false)?;
        let endpoints = AuthorizationServer::on_insecure_loopback(&server.url("/authorize"), &server.url("/token"))?
            .issuer(&server.issuer)?
            .require_iss()
            .revocation_endpoint(&server.url("/revoke"))?;
        let client = Client::builder(endpoints, CLIENT_ID, &redirect_uri)
            .api_origin(&server.issuer)
            .login_timeout_secs(options.timeout.as_secs())
            .leeway_secs(1)
            .build()?;
        Ok(Self {
            client,
            request: AuthorizationRequest::new().scope("profile offline_access").audience(&server.audience()),
            api_url: Some(api_url),
            http: Http::new(HTTP_TIMEOUT),
            redirects,
            wait: options.wait,
            embedded: true,
            scripted: Some(Scripted::new(&options.user, options.deny)),
            no_browser: options.no_browser,
        })
    }

    fn at(tenant: &Tenant, options: &Options) -> Result<Self, Failure> {
        step("server", "authorization", &redacted(&tenant.authorization_endpoint));
        let (authorization, token) = (tenant.authorization_endpoint.as_str(), tenant.token_endpoint.as_str());
        let mut endpoints = if authorization.starts_with("http://") {
            AuthorizationServer::on_insecure_loopback(authorization, token)?
        } else {
            AuthorizationServer::new(authorization, token)?
        };
        if let Some(issuer) = &tenant.issuer {
            endpoints = endpoints.issuer(issuer)?;
        }
        if let Some(url) = &tenant.revocation_endpoint {
            endpoints = endpoints.revocation_endpoint(url)?;
        }
        let (redirect_uri, redirects) = redirects(&tenant.redirect_uri, true)?;
        let mut builder =
            Client::builder(endpoints, &tenant.client_id, &redirect_uri).login_timeout_secs(options.timeout.as_secs());
        if let Some(url) = &tenant.api_url {
            step("server", "protected API", &redacted(url));
            builder = builder.api_origin(&origin(url)?);
        }
        let mut request = AuthorizationRequest::new().scope(&tenant.scope);
        if let Some(audience) = &tenant.audience {
            request = request.audience(audience);
        }
        Ok(Self {
            client: builder.build()?,
            request,
            api_url: tenant.api_url.clone(),
            http: Http::new(HTTP_TIMEOUT),
            redirects,
            wait: options.wait,
            embedded: false,
            scripted: None,
            no_browser: options.no_browser,
        })
    }

    /// Brings the authorization URL to the user, whose redirect then arrives by itself.
    pub fn open(&self, url: &str) -> Result<(), Failure> {
        let opened = if self.no_browser { Err("--no-browser".to_owned()) } else { browser::open(url) };
        let Err(why) = opened else {
            step("", "", "the browser is open: log in there (Ctrl-C ends this)");
            return Ok(());
        };
        step("", "", &format!("no browser ({why}); this is the URL to open:"));
        say(url);
        let Some(scripted) = &self.scripted else {
            step("", "", "then wait here; if the browser cannot come back to this machine, paste the URL it ends at");
            return Ok(());
        };
        step("", "", "a scripted user agent goes there; before it, somebody else knocks at the redirect URI");
        scripted.disturb(url).and_then(|()| scripted.log_in(url)).map_err(|error| {
            Failure::new(format!("the scripted user agent failed: {error}"), "open the URL in a browser of your own")
        })
    }
}

/// The redirect URI with its port, and where redirects come in.
fn redirects(redirect_uri: &str, paste: bool) -> Result<(String, Sealed), Failure> {
    let redirects = Redirects::new();
    let listener = Listener::bind(redirect_uri)
        .map_err(|error| no_port(&format!("the redirect listener for {redirect_uri}"), &error))?;
    let (redirect_uri, serving) = if let Some(listener) = listener {
        let redirect_uri = listener.redirect_uri.clone();
        let serving = listener.serve(&redirects).map_err(|error| no_port("the redirect listener", &error))?;
        step("listen", "redirect URI", &redirect_uri);
        (redirect_uri, Some(serving))
    } else {
        step("paste", "redirect URI", &format!("{redirect_uri}  (paste the URL that the browser ends at here)"));
        (redirect_uri.to_owned(), None)
    };
    if paste {
        redirects.also_from_stdin().map_err(|error| no_port("standard input", &error))?;
    }
    Ok((redirect_uri, redirects.seal(serving)))
}

fn no_port(what: &str, error: &std::io::Error) -> Failure {
    Failure::new(
        format!("{what} could not start: {error}"),
        "another program may hold the port: choose another one with --redirect-uri, or close that program",
    )
}

/// A token for this API goes to this origin and to no other.
fn origin(api_url: &str) -> Result<String, Failure> {
    Url::parse(api_url)
        .map(|url| url.origin().ascii_serialization())
        .map_err(|error| Failure::new(format!("--api-url: {error}"), "write the whole URL, with https://"))
}
