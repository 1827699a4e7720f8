//! Tokens that another process has stored.

use alloc::boxed::Box;

use super::active::Active;
use super::outcome::Adopted;
use super::saved::SavedSession;
use super::state::State;
use super::Session;
use crate::error::restore::RestoreError;

impl Session {
    /// Takes what another process has stored, if it is newer. Which of two forms of one login that is takes three lines to say:
    ///
    /// 1. The higher revision is the newer form. A new refresh token counts more than any number of answers without one, and an
    ///    answer more than the check of an ID token that came before.
    /// 2. Of two with one revision, what is stored counts, if its refresh token is another.
    /// 3. Forms of two logins have no order: [`Adopted::OtherLogin`], and nothing changes.
    ///
    /// A session whose grant has ended lives again by newer tokens; one that the user has signed out of does not.
    ///
    /// # Several processes, one store
    ///
    /// One store is for one user's session. A refresh token that rotates must be sent by one process at a time, and the store
    /// holds the newest. So, with a lock that the system takes back when its holder dies (of a file, for example), for as long
    /// as a refresh takes:
    ///
    /// 1. lock, and read what is stored;
    /// 2. if nothing is, the user has signed out in another process, or the grant has ended there: [`Session::sign_out`],
    ///    without storing anything. (If something is stored again later, it is a new login: [`Session::restore`] it.)
    /// 3. `adopt` it; if it is of another login, go over to that or end, and store nothing;
    /// 4. ask [`Session::access`] again: often another process has refreshed already, and there is nothing left to do;
    /// 5. send the request, and hand over the outcome, as always;
    /// 6. store [`Session::save`], or remove what is stored if that is `None`; ask [`Session::access`] again, since keys for
    ///    a new ID token may be to be fetched; unlock.
    ///
    /// An answer that comes when the lock is gone (a device that slept, a future that was dropped and its request went on) is
    /// handed over as any other; then lock, read, `adopt`, and store what the session has.
    ///
    /// To sign out: lock, read, `adopt`, [`Session::sign_out`], remove what is stored, unlock; then carry the actions out. After
    /// a new login: lock, store, unlock, and only then let the new session take the place of the one before.
    /// `examples/two_processes` in the repository does all of it.
    ///
    /// # Errors
    /// [`RestoreError`]: of another client, of an unknown version, or damaged. The session is then as it was.
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
    /// /// Whoever gives up half-way, by a panic or a dropped future, lets the session know; once answered, it does nothing.
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
    ///             Adopted::OtherLogin => return Ok(Access::LoginRequired(LoginRequired::OtherLogin)), // the store is its
    ///             Adopted::Newer | Adopted::NotNewer => {}
    ///         },
    ///         None => drop(session.sign_out(SignOut::new())), // in another process; carry it out if a refresh was under way
    ///     }
    ///     loop {
    ///         let access = session.access(now);
    ///         let Access::SendRequest(request) = access else { return Ok(access) }; // a token, or why there is none
    ///         let sent = Sent(session, request.id(), now);
    ///         let event = match send(&request) {
    ///             Ok(response) => Event::ResponseReceived(request.id(), response),
    ///             Err(delivered) => Event::SendFailed(request.id(), delivered),
    ///         };
    ///         drop(sent.0.handle(event, now)); // what it means, `access` says
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
                // A sign-out is to know what was in the air when the grant ended here.
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
    /// Two processes got a refresh token each for the same one before.
    fn is_sibling_of(&self, theirs: &Self) -> bool {
        theirs.grant.revision == self.grant.revision && theirs.refresh_token() != self.refresh_token()
    }
}
