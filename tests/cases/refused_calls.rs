//! What a session makes of an API's answer that `www_authenticate.json` has the lines of.

use oauth_proto::{
    Access, AuthorizationRequest, Event, LoginRequired, Response, Secret, Session, SessionAction, SessionPhase, Tokens,
};
use serde_json::{json, Value};

use crate::support::{body, client, decode, ready, started, stored_refresh_token, value_of, NOW};

/// What the API said: the action of the file, and the parameters of the challenge that says so.
pub struct Said<'a> {
    pub action: &'a str,
    pub parameters: &'a Value,
}

/// Hands status and lines to sessions that hold a token which is good for ever.
pub fn check(status: u16, lines: &[&str], said: &Said<'_>) -> Result<(), String> {
    for refresh_token in [Some("RT1"), None] {
        let tokens = Tokens::from_parts(Secret::new("AT1"), refresh_token.map(Secret::new), None, "read");
        let mut session = Session::new(client(), tokens);
        let bearer = ready(&mut session, NOW);
        let before = stored(&session);
        let refuse = |session: &mut Session| {
            let headers: Vec<_> = lines.iter().map(|line| ("wWw-AuThEnTiCaTe", *line)).collect();
            session.refused(&bearer, status, &headers, NOW)
        };
        let access = refuse(&mut session);
        let is_demand = matches!(said.action, "insufficient_scope" | "step_up") && matches!(status, 401 | 403);
        let is_of_the_token = match (status, said.action) {
            // No proof is sent, so no nonce is needed.
            (401, "dpop_nonce") => false,
            // Any other 401 says that the token will not do; a 403 must say so.
            (401, _) => !is_demand,
            (403, action) => action == "refresh",
            _ => false,
        };
        let is_right = match &access {
            None => !is_of_the_token && !is_demand,
            Some(Access::LoginRequired(why)) if is_demand => is_demanded(why, said),
            Some(Access::SendRequest(request)) if is_of_the_token && refresh_token.is_some() => {
                let sent = |name: &str| value_of(&body(request), name);
                assert_eq!(request.url(), "https://as.example.com/token");
                assert_eq!(sent("grant_type").as_deref(), Some("refresh_token"));
                assert_eq!(sent("refresh_token").as_deref(), refresh_token);
                // Another caller with the same token has nothing sent.
                assert!(matches!(refuse(&mut session), Some(Access::Wait(id)) if id == request.id()));
                renew(&mut session, request.id());
                continue;
            }
            Some(Access::LoginRequired(LoginRequired::NoRefreshToken)) => is_of_the_token && refresh_token.is_none(),
            _ => false,
        };
        if !is_right {
            return Err(format!("to {status} and {} a session says {access:?}", said.action));
        }
        assert_eq!((stored(&session), session.phase()), (before, SessionPhase::Active), "it is as it was");
        assert_eq!(ready(&mut session, NOW).token().reveal(), "AT1");
    }
    Ok(())
}

fn stored(session: &Session) -> Value {
    serde_json::to_value(session.save()).expect("JSON")
}

/// The refresh brings a token, which everybody gets from then on.
fn renew(session: &mut Session, id: oauth_proto::RequestId) {
    let headers = [("Content-Type", "application/json")];
    let body = br#"{"access_token":"AT2","token_type":"Bearer","refresh_token":"RT2"}"#;
    let action = session.handle(Event::ResponseReceived(id, Response::new(200, &headers, body)), NOW);
    assert!(matches!(action, Ok(SessionAction::Save)), "{action:?}");
    assert_eq!(ready(session, NOW).token().reveal(), "AT2");
    assert_eq!(stored_refresh_token(session), "RT2");
}

/// Whether a login is required for just what the API said, and would ask the server for that.
fn is_demanded(why: &LoginRequired, said: &Said<'_>) -> bool {
    let parameter = |name: &str| said.parameters[name].as_str();
    match why {
        LoginRequired::InsufficientScope { scope, request } => {
            let wanted = parameter("scope").map_or("read".to_owned(), |scope| format!("read {scope}"));
            said.action == "insufficient_scope"
                && scope.as_deref() == parameter("scope")
                && asked(request, "scope").as_deref() == Some(&wanted)
        }
        LoginRequired::StepUp { acr_values, max_age, claims, request } => {
            said.action == "step_up"
                && acr_values.as_deref() == parameter("acr_values")
                && json!(max_age.map(|seconds| seconds.to_string())) == json!(parameter("max_age"))
                && claims.is_none()
                && asked(request, "acr_values").as_deref() == parameter("acr_values")
                && asked(request, "max_age").as_deref() == parameter("max_age")
        }
        _ => false,
    }
}

/// A parameter of the URL that a login with this request opens.
fn asked(request: &AuthorizationRequest, name: &str) -> Option<String> {
    let (_, url) = started(client(), request.clone()).expect("a good request");
    value_of(&decode(url.split_once('?')?.1), name)
}
