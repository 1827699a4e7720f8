//! What the run needs: a client, its authorization server, a user agent and the listeners for redirects.

use std::sync::Arc;
use std::time::Duration;

use oauth_proto::{AuthorizationRequest, AuthorizationServer, Client};
use url::Url;

use crate::browser::{self, Errand, Scripted};
use crate::failure::Failure;
use crate::http::Http;
use crate::listener::Listener;
use crate::options::{Found, Known, Options, Tenant};
use crate::print::{plain, redacted, say, step};
use crate::redirects::{Inlet, Redirects, Sealed};
use crate::server::{Server, CLIENT_ID, REDIRECT_PATH, RETURN_PATH};

/// Long enough for one refresh, short enough to watch.
const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(5);
const CODE_LIFETIME: Duration = Duration::from_secs(60);
/// The embedded server does not grant `address`, to show a scope that is not granted.
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
    /// Whether the server has a logout endpoint, or may have one.
    pub logs_out: bool,
    /// How long to wait for the browser to come back from it.
    pub timeout: Duration,
    pub embedded: bool,
    scripted: Option<Arc<Scripted>>,
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
        let Ways { back, logged_out, redirects, inlet } = Ways::open(&back, Some(&logged_out), false)?;
        // Everything else about the server comes from its metadata.
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
            scripted: Some(Arc::new(Scripted::new(&options.user, options.deny, inlet))),
            no_browser: options.no_browser,
        })
    }

    fn at(tenant: &Tenant, options: &Options) -> Result<Self, Failure> {
        let server = known(&tenant.server)?;
        let logs_out = may_log_out(&tenant.server);
        let Ways { back, logged_out, redirects, .. } =
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

    /// Opens the URL in the browser, or prints it. The redirect arrives at the listener later.
    pub fn open(&self, url: &str, errand: Errand) {
        let opened = if self.no_browser { Err("--no-browser".to_owned()) } else { browser::open(url) };
        let Err(why) = opened else {
            let what = match errand {
                Errand::LogIn => "log in",
                Errand::LogOut => "log out",
            };
            step("", "", &format!("the browser is open: {what} there (Ctrl-C ends this)"));
            return;
        };
        step("", "", &format!("no browser ({why}); this is the URL to open:"));
        say(url);
        match &self.scripted {
            Some(scripted) => {
                step("", "", "a scripted user agent goes there, after a forged redirect from somebody else");
                scripted.set_off(url, errand);
            }
            None => step(
                "",
                "",
                "then wait here; if the browser cannot come back to this machine, paste the URL it ends at",
            ),
        }
    }
}

/// The scripted user agent failed.
pub fn lost_on_the_way(why: &str) -> Failure {
    Failure::new(format!("the scripted user agent failed: {why}"), "open the URL in a browser of your own")
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

/// The redirect URIs, and the listeners for them.
struct Ways {
    /// The redirect URI, with its port.
    back: String,
    /// The post-logout redirect URI, with its port.
    logged_out: Option<String>,
    redirects: Sealed,
    /// Where more redirects can be handed in.
    inlet: Inlet,
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
        let inlet = redirects.inlet();
        Ok(Self { back, logged_out, redirects: redirects.seal(serving), inlet })
    }
}

/// The URI with its port: served by a listener that exists, by a new one, or pasted by the user.
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

/// The origin that tokens for this API are sent to, and no other.
fn origin(api_url: &str) -> Result<String, Failure> {
    Url::parse(api_url)
        .map(|url| url.origin().ascii_serialization())
        .map_err(|error| Failure::new(format!("--api-url: {error}"), "write the whole URL, with https://"))
}
