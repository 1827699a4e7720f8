//! Takes over tokens that another process has stored.

use alloc::boxed::Box;

use super::active::Active;
use super::outcome::Adopted;
use super::saved::SavedSession;
use super::state::State;
use super::Session;
use crate::error::restore::RestoreError;

impl Session {
    /// Takes over the session that another process has stored, if it is newer. The newer of two saved sessions is:
    ///
    /// 1. The one with the higher revision. A new refresh token raises it more than any number of responses without one, and a
    ///    response raises it more than the later check of an ID token.
    /// 2. If the revisions are equal and the refresh tokens differ, the stored one.
    /// 3. Two logins have no order: the result is [`Adopted::OtherLogin`], and nothing changes.
    ///
    /// Newer tokens revive a session whose grant has ended, but not one that the user has signed out of.
    ///
    /// # Several processes, one store
    ///
    /// A store holds the newest state of one user's session. Only one process at a time may send a refresh token that rotates.
    /// So, for each refresh, take a lock that the system releases if its holder dies (a file lock, for example):
    ///
    /// 1. Lock, and read the store.
    /// 2. If nothing is stored, another process has signed out, or the grant has ended there: call [`Session::sign_out`] and
    ///    store nothing. (If something is stored again later, it is a new login: [`Session::restore`] it.)
    /// 3. `adopt` it. If it is from another login, switch to that login or stop, and store nothing.
    /// 4. Ask [`Session::access`] again: often another process has refreshed already, and nothing is left to do.
    /// 5. Send the request, and hand over the outcome as always.
    /// 6. Store [`Session::save`], or clear the store if that is `None`. Ask [`Session::access`] again, since the keys for a new
    ///    ID token may have to be fetched. Unlock.
    ///
    /// If a response comes after the lock is gone (the device slept, or a future was dropped while its request went on), hand it
    /// over as usual; then lock, read, `adopt`, and store the session.
    ///
    /// To sign out: lock, read, `adopt`, [`Session::sign_out`], clear the store, unlock; then carry out the actions. After a new
    /// login: lock, store, unlock, and only then replace the old session with the new one. `examples/two_processes` in the
    /// repository shows all of this.
    ///
    /// # Errors
    /// [`RestoreError`] if the saved session is another client's, of an unknown version, or damaged. This session is unchanged.
    ///
    /// ```
    /// use oauth_proto::{Access, Adopted, Delivered, Event, LoginRequired, Request, RequestId, Response, RestoreError};
    /// use oauth_proto::{SavedSession, Session, SignOut, UnixTime};
    /// # use oauth_proto::{AuthorizationServer, Client, Headers, Secret, Tokens};
    /// # struct Store(std::cell::RefCell<Option<String>>);
    /// # impl Store {
    /// #     fn lock(&self) {}
    /// #     fn read(&self) -> Option<SavedSession> { self.0.borrow().as_deref().map(|s| serde_json::from_str(s).unwrap()) }
    /// #     fn write(&self, saved: Option<SavedSession>) { *self.0.borrow_mut() = saved.map(|s| serde_json::to_string(&s).unwrap()) }
    /// # }
    /// # fn send(_: &Request) -> Result<Response<'static>, Delivered> {
    /// #     Ok(Response::new(200, Headers::NONE, br#"{"access_token":"AT2","token_type":"Bearer","expires_in":3600,"refresh_token":"RT2"}"#)) }
    ///
    /// /// Tells the session if sending ends early, by a panic or a dropped future; once answered, it does nothing.
    /// struct Sent<'a>(&'a mut Session, RequestId, UnixTime);
    /// impl Drop for Sent<'_> {
    ///     fn drop(&mut self) {
    ///         drop(self.0.handle(Event::SendFailed(self.1, Delivered::Maybe), self.2));
    ///     }
    /// }
    ///
    /// fn refresh(session: &mut Session, store: &Store, now: UnixTime) -> Result<Access, RestoreError> {
    ///     let _unlocks_when_dropped = store.lock();
    ///     match store.read() {
    ///         Some(saved) => match session.adopt(saved)? {
    ///             Adopted::OtherLogin => return Ok(Access::LoginRequired(LoginRequired::OtherLogin)), // it owns the store
    ///             Adopted::Newer | Adopted::NotNewer => {}
    ///         },
    ///         None => drop(session.sign_out(SignOut::new())), // signed out elsewhere; carry it out if a refresh was under way
    ///     }
    ///     loop {
    ///         let access = session.access(now);
    ///         let Access::SendRequest(request) = access else { return Ok(access) }; // a token, or why there is none
    ///         let sent = Sent(session, request.id(), now);
    ///         let event = match send(&request) {
    ///             Ok(response) => Event::ResponseReceived(request.id(), response),
    ///             Err(delivered) => Event::SendFailed(request.id(), delivered),
    ///         };
    ///         drop(sent.0.handle(event, now)); // `access` tells what it means
    ///         store.write(sent.0.save()); // `None`: remove what is stored
    ///     }
    /// }
    /// # let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?;
    /// # let client = Client::new(server, "s6BhdRkqt3", "com.example.app:/callback")?;
    /// # let now = UnixTime::from_secs(1000);
    /// # let mut one = Session::new(client.clone(), Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), Some(now), "read"));
    /// # let mut other = Session::restore(client, one.save().unwrap()).unwrap();
    /// # let store = Store(Default::default());
    /// # store.write(one.save());
    /// # for session in [&mut one, &mut other] {
    /// #     let Ok(Access::Ready(bearer)) = refresh(session, &store, now) else { panic!() };
    /// #     assert_eq!(bearer.token().reveal(), "AT2");
    /// # }
    /// # assert_eq!(other.adopt(store.read().unwrap()), Ok(Adopted::NotNewer));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn adopt(&mut self, saved: SavedSession) -> Result<Adopted, RestoreError> {
        let mut theirs = saved.into_active(&self.client)?;
        let ours = match &self.state {
            State::Active(active) => &active.grant,
            State::LoginRequired(ended) => &ended.grant,
            State::SigningOut(_) => return Ok(Adopted::NotNewer),
        };
        if ours.login != theirs.grant.login {
            return Ok(Adopted::OtherLogin);
        }
        let is_newer = theirs.grant.revision > ours.revision;
        match &mut self.state {
            State::Active(ours) if is_newer || ours.is_sibling_of(&theirs) => ours.replace(theirs),
            State::LoginRequired(ended) if is_newer => {
                // A later sign-out must know which refreshes were under way when the grant ended here.
                ended.flights.lose(false);
                theirs.flights = core::mem::take(&mut ended.flights);
                self.state = State::Active(Box::new(theirs));
            }
            _ => return Ok(Adopted::NotNewer),
        }
        Ok(Adopted::Newer)
    }
}

impl Active {
    /// Whether two processes each got a new refresh token for the same old one.
    fn is_sibling_of(&self, theirs: &Self) -> bool {
        theirs.grant.revision == self.grant.revision && theirs.refresh_token() != self.refresh_token()
    }
}
