//! The login, with a process that dies while the browser is open.

use oauth_proto::{Action, AuthorizationRequest, AuthorizationServer, Client, Event, Login, Tokens};

use crate::input::Input;
use crate::{text, Outcome};

pub fn client(input: &mut Input<'_>) -> Outcome<Client> {
    let server = server(input)?;
    let builder = Client::builder(server, input.line(), input.line())
        .post_logout_redirect_uri(input.line())
        .api_origin(input.line());
    #[cfg(all(feature = "openid", not(feature = "rustcrypto")))]
    let builder = builder.signature_verifier(crate::openid::Platform);
    builder.build().map_err(text)
}

fn server(input: &mut Input<'_>) -> Outcome<AuthorizationServer> {
    let first = input.line();
    #[cfg(feature = "openid")]
    if let Some(issuer) = first.strip_prefix("issuer ") {
        return AuthorizationServer::from_issuer(issuer).map_err(text);
    }
    AuthorizationServer::new(first, input.line())
        .and_then(|server| server.revocation_endpoint(input.line()))
        .and_then(|server| server.end_session_endpoint(input.line()))
        .map_err(text)
}

pub fn log_in(input: &mut Input<'_>, client: &Client) -> Outcome<Tokens> {
    let request = AuthorizationRequest::new().scope(input.line()).audience(input.line());
    let mut login = Login::new(client.clone(), request).map_err(text)?;
    let mut step = login.handle(Event::Start(input.entropy()?), input.now());
    loop {
        step = match step {
            Ok(Action::TokensReady(tokens)) => {
                #[cfg(feature = "openid")]
                drop(crate::openid::keep(input, client, &login, &tokens)?);
                return Ok(tokens);
            }
            Ok(Action::SendRequest(request)) => {
                let answer = input.send(&request);
                login.handle(answer.event(request.id()), input.now())
            }
            Ok(Action::OpenUrl(url)) => {
                let redirect = input.browse(&url);
                if let Some(saved) = login.save() {
                    let stored = serde_json::to_string(&saved).map_err(text)?;
                    input.show(&stored);
                    let saved = serde_json::from_str(&stored).map_err(text)?;
                    login = Login::resume(client.clone(), saved, input.now()).map_err(text)?;
                }
                login.handle(Event::RedirectReceived(&redirect), input.now())
            }
            // The client does not verify by action.
            Ok(Action::Verify(check)) => return Err(text(check.id().as_u64())),
            Ok(Action::RetryAt(time)) => {
                input.show(time.as_secs());
                login.pending_action().map_or_else(|| login.handle(Event::Cancelled, input.now()), Ok)
            }
            Err(error) if error.is_fatal() => return Err(text(error)),
            Err(not_ours) => {
                input.show(not_ours);
                match login.pending_action() {
                    Some(action) => Ok(action),
                    None => login.handle(Event::Cancelled, input.now()),
                }
            }
        };
    }
}
