//! The command line, read by hand.

use std::time::Duration;

/// What `--help` says.
pub const HELP: &str = "\
Log in, call an API, let the token expire, refresh, call again, sign out.

  cargo run --example login                    all on this machine, no account anywhere
  cargo run --example login -- [OPTIONS]       or at a real authorization server

How to log in
  --no-browser               print the URL instead of opening it; with the embedded server a scripted
                             user agent logs in
  --user NAME                who logs in with the scripted user agent (default: alice)
  --deny                     the scripted user agent presses 'Deny'
  --timeout SECONDS          give up on the browser after this time (default: 300)
  --wait SECONDS             wait at most so long for an access token to expire (default: 30)

A real authorization server (the first three belong together)
  --authorization-endpoint URL   such as https://TENANT.auth0.com/authorize
  --token-endpoint URL           such as https://TENANT.auth0.com/oauth/token
  --client-id ID                 of an application of type 'Native'
  --issuer URL                   expect this issuer in redirects (RFC 9207)
  --revocation-endpoint URL      for the sign-out, such as https://TENANT.auth0.com/oauth/revoke
  --end-session-endpoint URL     to log out in the browser too (OpenID Connect RP-Initiated Logout)
  --auth0-logout-endpoint URL    or so, with Auth0: https://TENANT.auth0.com/v2/logout
  --post-logout-redirect-uri URI where the browser comes back to then, as registered, such as
                                 http://127.0.0.1/loggedout; without one, nobody waits for it
  --audience URI                 the API that the access token is for
  --scope SCOPES                 such as 'openid offline_access' (default); offline_access asks for a refresh token
  --prompt PROMPT                such as 'consent': OpenID providers may give no refresh token without it
  --redirect-uri URI             as registered (default: http://127.0.0.1/callback). On http loopback this example
                                 listens, on any free port if the URI names none. A redirect to any other URI is
                                 pasted into the terminal.
  --api-url URL                  what to GET with the access token

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

/// A real authorization server, and our registration there.
pub struct Tenant {
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub client_id: String,
    pub issuer: Option<String>,
    pub revocation_endpoint: Option<String>,
    pub end_session_endpoint: Option<String>,
    pub auth0_logout_endpoint: Option<String>,
    pub post_logout_redirect_uri: Option<String>,
    pub audience: Option<String>,
    pub scope: String,
    pub prompt: Option<String>,
    pub redirect_uri: String,
    pub api_url: Option<String>,
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
    revocation_endpoint: Option<String>,
    end_session_endpoint: Option<String>,
    auth0_logout_endpoint: Option<String>,
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
            "--revocation-endpoint" => &mut self.revocation_endpoint,
            "--end-session-endpoint" => &mut self.end_session_endpoint,
            "--auth0-logout-endpoint" => &mut self.auth0_logout_endpoint,
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
            user: self.user.clone().unwrap_or_else(|| "alice".into()),
            tenant: self.tenant()?,
        })
    }

    fn tenant(self) -> Result<Option<Tenant>, String> {
        let logout = [&self.end_session_endpoint, &self.auth0_logout_endpoint, &self.post_logout_redirect_uri];
        let asked = [&self.audience, &self.scope, &self.prompt, &self.redirect_uri, &self.api_url];
        let rest = [&self.issuer, &self.revocation_endpoint];
        let any_of_the_rest = rest.iter().chain(&logout).chain(&asked).any(|value| value.is_some());
        match (self.authorization_endpoint, self.token_endpoint, self.client_id) {
            (Some(authorization_endpoint), Some(token_endpoint), Some(client_id)) => {
                if self.user.is_some() || self.deny {
                    return Err("--user and --deny are for the embedded server".into());
                }
                match logout.map(Option::is_some) {
                    [true, true, _] => {
                        return Err("--end-session-endpoint and --auth0-logout-endpoint are two ways: use one".into())
                    }
                    [false, false, true] => {
                        return Err(
                            "--post-logout-redirect-uri needs --end-session-endpoint or --auth0-logout-endpoint".into(),
                        )
                    }
                    _ => {}
                }
                Ok(Some(Tenant {
                    authorization_endpoint,
                    token_endpoint,
                    client_id,
                    issuer: self.issuer,
                    revocation_endpoint: self.revocation_endpoint,
                    end_session_endpoint: self.end_session_endpoint,
                    auth0_logout_endpoint: self.auth0_logout_endpoint,
                    post_logout_redirect_uri: self.post_logout_redirect_uri,
                    audience: self.audience,
                    scope: self.scope.unwrap_or_else(|| "openid offline_access".into()),
                    prompt: self.prompt,
                    redirect_uri: self.redirect_uri.unwrap_or_else(|| "http://127.0.0.1/callback".into()),
                    api_url: self.api_url,
                }))
            }
            (None, None, None) if !any_of_the_rest => Ok(None),
            _ => Err("a real authorization server needs all of --authorization-endpoint, --token-endpoint and \
                      --client-id"
                .into()),
        }
    }
}

fn seconds(name: &str, value: Option<&str>, default: u64) -> Result<Duration, String> {
    let Some(value) = value else {
        return Ok(Duration::from_secs(default));
    };
    match value.parse() {
        Ok(seconds @ 1..=86_400) => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("{name} needs a number of seconds from 1 to 86400")),
    }
}
