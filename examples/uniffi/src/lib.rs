//! `oauth-proto` behind `UniFFI`, for apps in Kotlin, Swift and Python: a login and a session as objects, everything else as
//! plain values. README.md says how to generate the bindings and what the app does.

mod error;
mod event;
mod login;
mod session;
mod settings;
mod values;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use error::OauthError;
pub use event::{Event, Header, HttpRequest};
pub use login::{Action, LoginHandle};
pub use session::{Access, Bearer, LoginRequired, SessionAction, SessionHandle, User};
pub use settings::Settings;
pub use values::StoredSession;

uniffi::setup_scaffolding!();

/// Locks a login or session. A panic in another thread must not lock everybody out for good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
