//! The driver: carries out what the login and the session ask for. It has no page, so it runs under Node too.

use oauth_proto::{
    Access, Action, AuthorizationUrl, Bearer, Entropy, Error, Event, Login, Session, SessionAction, SignOut, Tokens,
};
use wasm_bindgen::prelude::*;

use crate::fetch::{self, Answer};
use crate::signature;
use crate::steps::{self, Step};
use crate::time::{now, sleep, sleep_until};
use crate::{failed, failure, App, Machine};

/// How often a request that got no answer is sent before the user is told.
const MOST_UNSENT: u32 = 3;

/// The most bytes of an API's answer that are shown.
const MOST_OF_API: usize = 64 * 1024;

#[wasm_bindgen]
impl App {
    /// Begins a login; gives the URL to open.
    ///
    /// # Errors
    /// Why there is no login.
    pub async fn begin(&self) -> Result<String, JsValue> {
        let login = Login::new(self.client.clone(), self.request.clone())
            .map_err(|error| failure(error.code(), &error.to_string()))?;
        self.machine.replace(Machine::Login(Box::new(login)));
        let action = self.login(Event::Start(entropy()?)).await.map_err(failed)?;
        let url = self.drive(action).await?;
        url.map(AuthorizationUrl::into_string).ok_or_else(no_machine)
    }

    /// The login that waits for its redirect, to be stored.
    pub fn save(&self) -> Option<String> {
        let Machine::Login(login) = &*self.machine.borrow() else { return None };
        serde_json::to_string(&login.save()?).ok()
    }

    /// Goes on with a stored login.
    ///
    /// # Errors
    /// Why this is not possible: a new login is needed.
    pub fn resume(&self, saved: &str) -> Result<(), JsValue> {
        let saved = serde_json::from_str(saved).map_err(|error| failure("malformed", &error.to_string()))?;
        let login = Login::resume(self.client.clone(), saved, now())
            .map_err(|error| failure(error.code(), &error.to_string()))?;
        self.machine.replace(Machine::Login(Box::new(login)));
        Ok(())
    }

    /// Takes a URL that came to the redirect URI, and logs in with it.
    ///
    /// # Errors
    /// Why not. If the phase is still `AwaitingRedirect`, the URL was not this login's, and the login waits on.
    pub async fn finish(&self, url: &str) -> Result<(), JsValue> {
        let action = self.login(Event::RedirectReceived(url)).await.map_err(failed)?;
        self.drive(action).await.map(drop)
    }

    /// Calls the API; gives its status and body.
    ///
    /// # Errors
    /// Why it could not be called.
    pub async fn call_api(&self) -> Result<String, JsValue> {
        let access = self.access("access()", |session| Some(session.access(now()))).await?;
        let bearer = self.bearer(access.ok_or_else(no_machine)?).await?;
        let mut answer = self.get(&bearer).await?;
        let refused = |session: &mut Session| session.refused(&bearer, answer.status, &answer.headers, now());
        if answer.status == 401 || answer.status == 403 {
            // One refresh, and one more call; or the login that the API demands.
            if let Some(access) = self.access("refused()", refused).await? {
                answer = self.get(&self.bearer(access).await?).await?;
            }
        }
        Ok(format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)))
    }

    /// Signs out: forgets all tokens, revokes them, and gives the URL to open, at which the server forgets the user too.
    ///
    /// # Errors
    /// If nobody is logged in.
    pub async fn begin_sign_out(&self) -> Result<Option<String>, JsValue> {
        let how = SignOut::new().logout(entropy()?);
        let mut action = self.session("sign_out()", |session| Ok(session.sign_out(how))).await?.map_err(failed)?;
        loop {
            action = match action {
                SessionAction::SendRequest(request) => self.send(&request).await?.map_err(failed)?,
                SessionAction::OpenUrl(url) => return Ok(Some(url.to_string())),
                // The tokens are forgotten here. A revocation that has to wait is not waited for.
                _ => return Ok(None),
            };
        }
    }
}

impl App {
    /// Carries out the actions of the login until the user is needed, with the URL to open, or logged in.
    pub async fn drive(&self, mut action: Action) -> Result<Option<AuthorizationUrl>, JsValue> {
        let mut unsent = 0;
        loop {
            action = match action {
                Action::OpenUrl(url) => return Ok(Some(url)),
                Action::TokensReady(tokens) => {
                    self.logged_in(tokens);
                    return Ok(None);
                }
                Action::SendRequest(request) => match fetch::send(&request).await {
                    Ok(answer) => {
                        unsent = 0;
                        self.login(Event::ResponseReceived(request.id(), answer.response())).await.map_err(failed)?
                    }
                    Err(delivered) => {
                        let again = self.login(Event::SendFailed(request.id(), delivered)).await.map_err(failed)?;
                        unsent += 1;
                        if unsent == MOST_UNSENT {
                            let _ = self.login(Event::Cancelled).await;
                            return Err(unreachable());
                        }
                        sleep(1 << (unsent - 1)).await;
                        again
                    }
                },
                Action::Verify(check) => {
                    let is_valid = signature::is_valid(&check).await;
                    self.login(Event::Verified(check.id(), is_valid)).await.map_err(failed)?
                }
                Action::RetryAt(time) => {
                    sleep_until(time).await;
                    self.pending().ok_or_else(no_machine)?
                }
            };
        }
    }

    /// What the login waits for.
    pub fn pending(&self) -> Option<Action> {
        let Machine::Login(login) = &*self.machine.borrow() else { return None };
        login.pending_action()
    }

    /// Hands an event to the login.
    pub async fn login(&self, event: Event<'_>) -> Result<Action, Error> {
        let name = steps::of_event(&event);
        let (from, result, to) = match &mut *self.machine.borrow_mut() {
            Machine::Login(login) => {
                let from = login.phase();
                let result = login.handle(event, now());
                (from, result, login.phase())
            }
            _ => return Err(Error::Ignored(oauth_proto::Ignored::Finished)),
        };
        let (from, to, action) = (format!("{from:?}"), format!("{to:?}"), steps::of_action(&result));
        self.shown(Step { machine: "login", from, event: name, action, to }).await;
        result
    }

    /// The login becomes a session. Its tokens stay in memory: there is nothing to store.
    fn logged_in(&self, tokens: Tokens) {
        if let Machine::Login(login) = self.machine.replace(Machine::None) {
            self.machine.replace(Machine::Session(Box::new(login.into_session(tokens))));
        }
    }

    /// Carries out what the session needs until there is an access token. (There is one caller at a time.)
    async fn bearer(&self, mut access: Access) -> Result<Bearer, JsValue> {
        loop {
            match access {
                Access::Ready(bearer) => return Ok(bearer),
                Access::SendRequest(request) => drop(self.send(&request).await?),
                Access::Verify(check) => {
                    let event = Event::Verified(check.id(), signature::is_valid(&check).await);
                    drop(self.session(&steps::of_event(&event), |session| session.handle(event, now())).await?);
                }
                Access::Wait(_) => sleep(1).await,
                Access::RetryAt(time) => sleep_until(time).await,
                Access::LoginRequired(why) => return Err(failure(why.code(), &why.to_string())),
                Access::Refused { error, .. } => return Err(failed(error)),
            }
            let again = self.access("access()", |session| Some(session.access(now()))).await?;
            access = again.ok_or_else(no_machine)?;
        }
    }

    /// Sends a request of the session, and hands over what came of it.
    async fn send(&self, request: &oauth_proto::Request) -> Result<Result<SessionAction, Error>, JsValue> {
        let answer = fetch::send(request).await;
        let event = match &answer {
            Ok(answer) => Event::ResponseReceived(request.id(), answer.response()),
            Err(delivered) => Event::SendFailed(request.id(), *delivered),
        };
        self.session(&steps::of_event(&event), |session| session.handle(event, now())).await
    }

    async fn get(&self, bearer: &Bearer) -> Result<Answer, JsValue> {
        let headers = bearer.headers("GET", &self.api).map_err(|error| failure(error.code(), &error.to_string()))?;
        let headers: Vec<_> = headers.into_iter().collect();
        let pairs = headers.iter().map(|(name, value)| (*name, value.as_str()));
        fetch::call("GET", &self.api, pairs, None, MOST_OF_API).await.map_err(|_| unreachable())
    }

    /// Asks the session for an access token.
    async fn access(
        &self,
        name: &str,
        ask: impl FnOnce(&mut Session) -> Option<Access>,
    ) -> Result<Option<Access>, JsValue> {
        let describe = |access: &Option<Access>| access.as_ref().map_or_else(|| "nothing".into(), steps::of_access);
        self.with_session(name, ask, describe).await
    }

    async fn session(
        &self,
        name: &str,
        tell: impl FnOnce(&mut Session) -> Result<SessionAction, Error>,
    ) -> Result<Result<SessionAction, Error>, JsValue> {
        self.with_session(name, tell, steps::of_session_action).await
    }

    async fn with_session<T>(
        &self,
        name: &str,
        tell: impl FnOnce(&mut Session) -> T,
        describe: impl FnOnce(&T) -> String,
    ) -> Result<T, JsValue> {
        let (from, result, to) = match &mut *self.machine.borrow_mut() {
            Machine::Session(session) => {
                let from = session.phase();
                let result = tell(session);
                (from, result, session.phase())
            }
            _ => return Err(no_machine()),
        };
        let (from, to, action) = (format!("{from:?}"), format!("{to:?}"), describe(&result));
        self.shown(Step { machine: "session", from, event: name.into(), action, to }).await;
        Ok(result)
    }
}

fn entropy() -> Result<Entropy, JsValue> {
    Entropy::from_os().map_err(|error| failure(error.code(), &error.to_string()))
}

fn no_machine() -> JsValue {
    failure("nobody_logged_in", "nobody is logged in here; log in first")
}

fn unreachable() -> JsValue {
    failure(
        "unreachable",
        "no answer came: the network is gone, or the server does not let this page read its answers (CORS); the browser's \
         console knows which",
    )
}
