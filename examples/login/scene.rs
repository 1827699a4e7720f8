//! What the story is played with: a client, its authorization server, a user agent and a place for redirects.

use std::time::Duration;

use oauth_proto::{AuthorizationRequest, AuthorizationServer, Client};
use url::Url;

use crate::browser::{self, Errand, Scripted};
use crate::failure::Failure;
use crate::http::Http;
use crate::listener::{Listener, Redirects, Sealed};
use crate::options::{Endpoints, Known, Options, Tenant};
use crate::print::{plain, redacted, say, step};
use crate::server::{Server, CLIENT_ID, REDIRECT_PATH, RETURN_PATH};

/// Long enough for one refresh, short enough to watch.
const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(5);
const CODE_LIFETIME: Duration = Duration::from_secs(60);
/// The embedded server has no addresses to give.
const SCOPE: &str = "openid profile email address offline_access";
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
    /// Whether the server has a logout of its own, or may have one.
    pub logs_out: bool,
    /// How long to wait for the return from that.
    pub timeout: Duration,
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
        let [back, logged_out] = [REDIRECT_PATH, RETURN_PATH].map(|path| format!("http://127.0.0.1{path}"));
        let Ways { back, logged_out, redirects } = Ways::open(&back, Some(&logged_out), false)?;
        // All else that the client has to know of the server, the server says.
        let known = AuthorizationServer::from_issuer_on_insecure_loopback(&server.issuer)?;
        let mut builder = Client::builder(known, CLIENT_ID, &back)
            .api_origin(&server.issuer)
            .login_timeout_secs(options.timeout.as_secs())
            .leeway_secs(1);
        if let Some(uri) = &logged_out {
            builder = builder.post_logout_redirect_uri(uri);
        }
        Ok(Self {
            client: builder.build()?,
            request: AuthorizationRequest::new().scope(SCOPE).audience(&server.audience()),
            api_url: Some(api_url),
            http: Http::new(HTTP_TIMEOUT),
            redirects,
            wait: options.wait,
            logs_out: true,
            timeout: options.timeout,
            embedded: true,
            scripted: Some(Scripted::new(&options.user, options.deny)),
            no_browser: options.no_browser,
        })
    }

    fn at(tenant: &Tenant, options: &Options) -> Result<Self, Failure> {
        let (server, logs_out) = match &tenant.server {
            Known::Issuer(issuer) => (issuer_alone(issuer)?, true),
            Known::Endpoints(endpoints) => (
                by_hand(endpoints)?,
                endpoints.end_session_endpoint.is_some() || endpoints.auth0_logout_endpoint.is_some(),
            ),
        };
        let Ways { back, logged_out, redirects } =
            Ways::open(&tenant.redirect_uri, tenant.post_logout_redirect_uri.as_deref(), true)?;
        let mut builder =
            Client::builder(server, &tenant.client_id, &back).login_timeout_secs(options.timeout.as_secs());
        if let Some(uri) = &logged_out {
            builder = builder.post_logout_redirect_uri(uri);
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
        Ok(Self {
            client: builder.build()?,
            request,
            api_url: tenant.api_url.clone(),
            http: Http::new(HTTP_TIMEOUT),
            redirects,
            wait: options.wait,
            logs_out,
            timeout: options.timeout,
            embedded: false,
            scripted: None,
            no_browser: options.no_browser,
        })
    }

    /// Brings the URL to the user, whose redirect then arrives by itself.
    pub fn open(&self, url: &str, errand: Errand) -> Result<(), Failure> {
        let opened = if self.no_browser { Err("--no-browser".to_owned()) } else { browser::open(url) };
        let Err(why) = opened else {
            let what = match errand {
                Errand::LogIn => "log in",
                Errand::LogOut => "log out",
            };
            step("", "", &format!("the browser is open: {what} there (Ctrl-C ends this)"));
            return Ok(());
        };
        step("", "", &format!("no browser ({why}); this is the URL to open:"));
        say(url);
        let Some(scripted) = &self.scripted else {
            step("", "", "then wait here; if the browser cannot come back to this machine, paste the URL it ends at");
            return Ok(());
        };
        step("", "", "a scripted user agent goes there; before it, somebody else knocks at the redirect URI");
        scripted.disturb(url, errand).and_then(|()| scripted.go(url, errand)).map_err(|error| {
            Failure::new(format!("the scripted user agent failed: {error}"), "open the URL in a browser of your own")
        })
    }
}

/// The server that says the rest of itself.
fn issuer_alone(issuer: &str) -> Result<AuthorizationServer, Failure> {
    let server = if issuer.starts_with("http://") {
        AuthorizationServer::from_issuer_on_insecure_loopback(issuer)?
    } else {
        AuthorizationServer::from_issuer(issuer)?
    };
    step("server", "issuer", &plain(issuer)); // as it is: every octet of it counts
    Ok(server)
}

fn by_hand(endpoints: &Endpoints) -> Result<AuthorizationServer, Failure> {
    step("server", "authorization", &redacted(&endpoints.authorization_endpoint));
    let (authorization, token) = (endpoints.authorization_endpoint.as_str(), endpoints.token_endpoint.as_str());
    let mut server = if authorization.starts_with("http://") {
        AuthorizationServer::on_insecure_loopback(authorization, token)?
    } else {
        AuthorizationServer::new(authorization, token)?
    };
    let set: [(_, fn(_, &str) -> _); 6] = [
        (&endpoints.issuer, AuthorizationServer::issuer),
        (&endpoints.jwks_uri, AuthorizationServer::jwks_uri),
        (&endpoints.userinfo_endpoint, AuthorizationServer::userinfo_endpoint),
        (&endpoints.revocation_endpoint, AuthorizationServer::revocation_endpoint),
        (&endpoints.end_session_endpoint, AuthorizationServer::end_session_endpoint),
        (&endpoints.auth0_logout_endpoint, AuthorizationServer::auth0_logout_endpoint),
    ];
    for (url, set) in set {
        if let Some(url) = url {
            server = set(server, url)?;
        }
    }
    if let Some(name) = &endpoints.id_token_alg {
        server = server.id_token_signing_alg_values_supported(&[name]);
    }
    Ok(server)
}

/// The ways back to this program.
struct Ways {
    /// The redirect URI, with its port.
    back: String,
    /// The post-logout redirect URI, with its port.
    logged_out: Option<String>,
    redirects: Sealed,
}

impl Ways {
    fn open(back: &str, logged_out: Option<&str>, paste: bool) -> Result<Self, Failure> {
        let redirects = Redirects::new();
        let mut listeners = Vec::new();
        let back = way(&mut listeners, "redirect URI", back)?;
        let logged_out = logged_out.map(|uri| way(&mut listeners, "after the logout", uri)).transpose()?;
        let serving = listeners.into_iter().map(|listener| listener.serve(&redirects));
        let serving = serving.collect::<Result<_, _>>().map_err(|error| no_port("the redirect listener", &error))?;
        if paste {
            redirects.also_from_stdin().map_err(|error| no_port("standard input", &error))?;
        }
        Ok(Self { back, logged_out, redirects: redirects.seal(serving) })
    }
}

/// The URI with its port: at a listener that is there, at one more, or to be pasted.
fn way(listeners: &mut Vec<Listener>, name: &str, uri: &str) -> Result<String, Failure> {
    if let Some(uri) = listeners.iter_mut().find_map(|listener| listener.also_at(uri)) {
        step("listen", name, &uri);
        return Ok(uri);
    }
    let listener = Listener::bind(uri).map_err(|error| no_port(&format!("the redirect listener for {uri}"), &error))?;
    let Some(listener) = listener else {
        step("paste", name, &format!("{uri}  (paste the URL that the browser ends at here)"));
        return Ok(uri.to_owned());
    };
    let uri = listener.redirect_uri.clone();
    listeners.push(listener);
    step("listen", name, &uri);
    Ok(uri)
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
