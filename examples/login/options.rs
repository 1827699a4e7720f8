//! The command line, read by hand.

use std::time::Duration;

/// What `--help` says.
pub const HELP: &str = "\
Log in, greet the user, call an API, let the token expire, refresh, call again, sign out.

  cargo run --example login                    all on this machine, no account anywhere
  cargo run --example login -- [OPTIONS]       or at a real authorization server

How to log in
  --no-browser               print the URL instead of opening it; with the embedded server a scripted
                             user agent logs in
  --user NAME                who logs in with the scripted user agent (default: Ada Lovelace)
  --deny                     the scripted user agent presses 'Deny'
  --timeout SECONDS          give up on the browser after this time (default: 300)
  --wait SECONDS             wait at most this long for an access token to expire, and for a server that does not
                             answer a refresh (default: 30)

A real authorization server (these two are enough)
  --issuer URL                   such as https://TENANT.auth0.com/, with its slash: the endpoints and keys are
                                 discovered (OpenID Connect Discovery, RFC 8414)
  --client-id ID                 of an application of type 'Native'
  --post-logout-redirect-uri URI where the browser comes back to after the logout, as registered, such as
                                 http://127.0.0.1/loggedout; without one, the program does not wait for it
  --audience URI                 the API that the access token is for
  --scope SCOPES                 default: 'openid profile email offline_access'. openid asks who the user is,
                                 offline_access for a refresh token
  --prompt PROMPT                such as 'consent': OpenID providers may give no refresh token without it
  --redirect-uri URI             as registered (default: http://127.0.0.1/callback). On http loopback this example
                                 listens, on any free port if the URI names none. A redirect to any other URI is
                                 pasted into the terminal.
  --api-url URL                  what to GET with the access token

A server without metadata
  --authorization-endpoint URL   such as https://TENANT.auth0.com/authorize; with
  --token-endpoint URL           such as https://TENANT.auth0.com/oauth/token, nothing is discovered
  --issuer URL                   expect this issuer in redirects (RFC 9207: a server that names itself there needs
                                 it) and in ID tokens
  Without --issuer and --jwks-uri the default of --scope has no openid.

More about the server (takes precedence over its metadata)
  --jwks-uri URL                 the keys of its ID tokens
  --id-token-alg ALG             what they are signed with (default, without metadata: RS256)
  --userinfo-endpoint URL        to ask who the user is
  --revocation-endpoint URL      for the sign-out, such as https://TENANT.auth0.com/oauth/revoke
  --end-session-endpoint URL     to log out in the browser too (OpenID Connect RP-Initiated Logout)
  --auth0-logout-endpoint URL    the same at Auth0: https://TENANT.auth0.com/v2/logout

  --help                         this text
";

/// All options.
pub struct Options {
    pub no_browser: bool,
    pub user: String,
    pub deny: bool,
    pub timeout: Duration,
    pub wait: Duration,
    /// `None`: the embedded server.
    pub tenant: Option<Tenant>,
}

/// A real authorization server, and this client's registration there.
pub struct Tenant {
    pub server: Known,
    pub client_id: String,
    pub post_logout_redirect_uri: Option<String>,
    pub audience: Option<String>,
    pub scope: String,
    pub prompt: Option<String>,
    pub redirect_uri: String,
    pub api_url: Option<String>,
}

/// What is known of the server.
pub struct Known {
    pub found: Found,
    pub more: More,
}

/// How the server is found.
pub enum Found {
    /// By its issuer identifier: the rest is discovered.
    Issuer(String),
    /// By its endpoints.
    Endpoints { authorization_endpoint: String, token_endpoint: String, issuer: Option<String> },
}

/// What may be given in addition.
#[derive(Default)]
pub struct More {
    pub jwks_uri: Option<String>,
    pub id_token_alg: Option<String>,
    pub userinfo_endpoint: Option<String>,
    pub revocation_endpoint: Option<String>,
    pub end_session_endpoint: Option<String>,
    pub auth0_logout_endpoint: Option<String>,
}

/// Reads the arguments after the program's name. `None` asks for help; `Err` says what is wrong.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Option<Options>, String> {
    let mut given = Given::default();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let (name, inline) = match argument.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (argument, None),
        };
        match name.as_str() {
            "--help" | "-h" => return Ok(None),
            "--no-browser" | "--deny" if inline.is_some() => return Err(format!("{name} takes no value")),
            "--no-browser" => given.no_browser = true,
            "--deny" => given.deny = true,
            _ => {
                let place = given.place(&name).ok_or_else(|| format!("unknown option {name:?}"))?;
                if place.is_some() {
                    return Err(format!("{name} is given twice"));
                }
                let value = inline.or_else(|| arguments.next().filter(|next| !next.starts_with("--")));
                *place = Some(value.filter(|it| !it.is_empty()).ok_or_else(|| format!("{name} needs a value"))?);
            }
        }
    }
    given.check().map(Some)
}

#[derive(Default)]
struct Given {
    no_browser: bool,
    deny: bool,
    user: Option<String>,
    timeout: Option<String>,
    wait: Option<String>,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    client_id: Option<String>,
    issuer: Option<String>,
    more: More,
    post_logout_redirect_uri: Option<String>,
    audience: Option<String>,
    scope: Option<String>,
    prompt: Option<String>,
    redirect_uri: Option<String>,
    api_url: Option<String>,
}

impl Given {
    fn place(&mut self, name: &str) -> Option<&mut Option<String>> {
        Some(match name {
            "--user" => &mut self.user,
            "--timeout" => &mut self.timeout,
            "--wait" => &mut self.wait,
            "--authorization-endpoint" => &mut self.authorization_endpoint,
            "--token-endpoint" => &mut self.token_endpoint,
            "--client-id" => &mut self.client_id,
            "--issuer" => &mut self.issuer,
            "--jwks-uri" => &mut self.more.jwks_uri,
            "--id-token-alg" => &mut self.more.id_token_alg,
            "--userinfo-endpoint" => &mut self.more.userinfo_endpoint,
            "--revocation-endpoint" => &mut self.more.revocation_endpoint,
            "--end-session-endpoint" => &mut self.more.end_session_endpoint,
            "--auth0-logout-endpoint" => &mut self.more.auth0_logout_endpoint,
            "--post-logout-redirect-uri" => &mut self.post_logout_redirect_uri,
            "--audience" => &mut self.audience,
            "--scope" => &mut self.scope,
            "--prompt" => &mut self.prompt,
            "--redirect-uri" => &mut self.redirect_uri,
            "--api-url" => &mut self.api_url,
            _ => return None,
        })
    }

    fn check(self) -> Result<Options, String> {
        Ok(Options {
            no_browser: self.no_browser,
            deny: self.deny,
            timeout: seconds("--timeout", self.timeout.as_deref(), 300)?,
            wait: seconds("--wait", self.wait.as_deref(), 30)?,
            user: self.user.clone().unwrap_or_else(|| "Ada Lovelace".into()),
            tenant: self.tenant()?,
        })
    }

    fn tenant(self) -> Result<Option<Tenant>, String> {
        let server = [&self.client_id, &self.issuer, &self.authorization_endpoint, &self.token_endpoint];
        let asked = [&self.audience, &self.scope, &self.prompt, &self.redirect_uri, &self.api_url];
        let more = &self.more;
        let logout = [&more.end_session_endpoint, &more.auth0_logout_endpoint, &self.post_logout_redirect_uri];
        let others = [&more.jwks_uri, &more.id_token_alg, &more.userinfo_endpoint, &more.revocation_endpoint];
        let any = |options: &[&Option<String>]| options.iter().any(|option| option.is_some());
        if !any(&server) && !any(&asked) && !any(&logout) && !any(&others) {
            return Ok(None);
        }
        let [end_session, auth0, post_logout] = logout.map(Option::is_some);
        if self.user.is_some() || self.deny {
            return Err("--user and --deny are for the embedded server".into());
        }
        if end_session && auth0 {
            return Err("--end-session-endpoint and --auth0-logout-endpoint are two ways: use one".into());
        }
        let (found, with_openid) = match (self.authorization_endpoint, self.token_endpoint, self.issuer) {
            (None, None, Some(issuer)) => (Found::Issuer(issuer), true),
            (Some(_), Some(_), _) if post_logout && !end_session && !auth0 => {
                return Err("--post-logout-redirect-uri needs --end-session-endpoint or --auth0-logout-endpoint".into())
            }
            (Some(authorization_endpoint), Some(token_endpoint), issuer) => {
                let who = issuer.is_some() && self.more.jwks_uri.is_some();
                (Found::Endpoints { authorization_endpoint, token_endpoint, issuer }, who)
            }
            _ => return Err(INCOMPLETE.into()),
        };
        let scope = if with_openid { "openid profile email offline_access" } else { "offline_access" };
        Ok(Some(Tenant {
            server: Known { found, more: self.more },
            client_id: self.client_id.ok_or(INCOMPLETE)?,
            post_logout_redirect_uri: self.post_logout_redirect_uri,
            audience: self.audience,
            scope: self.scope.unwrap_or_else(|| scope.into()),
            prompt: self.prompt,
            redirect_uri: self.redirect_uri.unwrap_or_else(|| "http://127.0.0.1/callback".into()),
            api_url: self.api_url,
        }))
    }
}

const INCOMPLETE: &str = "a real authorization server needs --client-id and --issuer, or --client-id with \
                          --authorization-endpoint and --token-endpoint";

fn seconds(name: &str, value: Option<&str>, default: u64) -> Result<Duration, String> {
    let Some(value) = value else {
        return Ok(Duration::from_secs(default));
    };
    match value.parse() {
        Ok(seconds @ 1..=86_400) => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("{name} needs a number of seconds from 1 to 86400")),
    }
}
