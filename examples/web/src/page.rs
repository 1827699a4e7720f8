//! The page: it is left for the authorization server, and loaded again by the redirect. Only the pending login outlives that, in
//! the `sessionStorage` of this tab.

use oauth_proto::{Action, Event};
use wasm_bindgen::prelude::*;
use web_sys::{Storage, Window};

use crate::{failed, failure, App};

/// The name of the pending login in `sessionStorage`.
const PENDING: &str = "pending login";

#[wasm_bindgen]
impl App {
    /// Begins a login and leaves the page for the authorization server.
    ///
    /// # Errors
    /// Why there is no login.
    pub async fn log_in(&self) -> Result<(), JsValue> {
        let url = self.begin().await?;
        let saved = self.save().ok_or_else(no_login)?;
        storage()?.set_item(PENDING, &saved)?;
        window()?.location().assign(&url)
    }

    /// What to do each time the page is loaded: goes on with the login that waits in this tab, if there is one.
    ///
    /// # Errors
    /// Why the user is not logged in. If the phase is still `AwaitingRedirect`, the page was opened with a URL that is not this
    /// login's, and the login waits on.
    pub async fn arrive(&self) -> Result<(), JsValue> {
        let url = take_url()?;
        let Some(saved) = storage()?.get_item(PENDING)? else {
            let is_late = url.is_some();
            return if is_late {
                Err(failure("no_login", "no login waits in this tab; start a new one"))
            } else {
                Ok(())
            };
        };
        if let Err(error) = self.resume(&saved) {
            forget()?;
            return Err(error);
        }
        let Some(url) = url else { return Ok(()) };
        let result = self.login(Event::RedirectReceived(&url)).await;
        match result {
            // Before the code is sent: it must not be sent twice, even if the page is closed now (RFC 6749 section 4.1.2).
            Ok(_) => forget()?,
            Err(ref error) if error.is_fatal() => forget()?,
            Err(_) => {}
        }
        self.drive(result.map_err(failed)?).await.map(drop)
    }

    /// Leaves for the authorization server once more: the user had come back without an answer.
    ///
    /// # Errors
    /// If no login waits.
    pub fn go_on(&self) -> Result<(), JsValue> {
        let Some(Action::OpenUrl(url)) = self.pending() else { return Err(no_login()) };
        window()?.location().assign(url.as_str())
    }

    /// Gives up the login that waits.
    ///
    /// # Errors
    /// If the storage cannot be used.
    pub async fn cancel(&self) -> Result<(), JsValue> {
        let _ = self.login(Event::Cancelled).await;
        forget()
    }

    /// Signs out, and leaves the page so that the server forgets the user too. With the page, the session ends: nothing is left
    /// that the return could change, so it is not checked.
    ///
    /// # Errors
    /// If nobody is logged in.
    pub async fn sign_out(&self) -> Result<(), JsValue> {
        match self.begin_sign_out().await? {
            Some(url) => window()?.location().assign(&url),
            None => Ok(()),
        }
    }
}

/// The URL of the page, if it has a query, which is then removed from the address bar and the history: a code is in it.
fn take_url() -> Result<Option<String>, JsValue> {
    let window = window()?;
    let location = window.location();
    if location.search()?.is_empty() {
        return Ok(None);
    }
    let url = location.href()?;
    window.history()?.replace_state_with_url(&JsValue::NULL, "", Some(&location.pathname()?))?;
    Ok(Some(url))
}

fn forget() -> Result<(), JsValue> {
    storage()?.remove_item(PENDING)
}

fn storage() -> Result<Storage, JsValue> {
    window()?.session_storage()?.ok_or_else(no_page)
}

fn window() -> Result<Window, JsValue> {
    web_sys::window().ok_or_else(no_page)
}

fn no_page() -> JsValue {
    failure("no_page", "there is no page, or the browser blocks its storage: allow this site to store data")
}

fn no_login() -> JsValue {
    failure("no_login", "no login waits; start a new one")
}
