//! Tokens that another process has stored.

use alloc::boxed::Box;

use super::grant::digest;
use super::outcome::Adopted;
use super::state::{Active, Ended, State};
use super::{SavedSession, Session};
#[cfg(feature = "openid")]
use crate::restore::with_saved_metadata;
use crate::restore::RestoreError;

impl Session {
    /// Takes what another process has stored, if it is newer than what this session has: of the same login, if its tokens were
    /// renewed more often; of another login always, since what is stored is what the user logged in with last, whatever the
    /// clocks said, unless it is one that this session has given up for a newer one. A session whose grant has ended lives again
    /// by newer tokens; one that the user has signed out of does not. A refresh that is under way is given up for newer tokens:
    /// its answer then changes nothing.
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
    /// 3. `adopt` it;
    /// 4. ask [`Session::access`] again: often another process has refreshed already, and there is nothing left to do;
    /// 5. store [`Session::save`] before the refresh is sent: if the process ends now, the next one knows that the refresh token
    ///    may be spent, and that it has one try;
    /// 6. send it, and hand over the outcome, as always;
    /// 7. store [`Session::save`] again, whatever the outcome was, or remove what is stored if that is `None`; ask
    ///    [`Session::access`] again, since keys for a new ID token may be to be fetched; unlock.
    ///
    /// To sign out: lock, read, `adopt`, [`Session::sign_out`], remove what is stored, unlock; then carry the actions out. After
    /// a new login: lock, store, unlock, and only then let the new session take the place of the one before.
    /// `examples/two_processes` in the repository does all of it.
    ///
    /// # Errors
    /// [`RestoreError`]: of another client, of an unknown version, or damaged. The session is then as it was.
    ///
    /// ```
    /// use oauth_proto::{Access, Adopted, Event, RestoreError, SavedSession, Session, SessionAction, SignOut, UnixTime};
    /// # use oauth_proto::{AuthorizationServer, Client, Headers, Request, Response, Secret, Tokens};
    /// # struct Store(std::cell::RefCell<Option<String>>);
    /// # impl Store {
    /// #     fn lock(&self) {}
    /// #     fn read(&self) -> Option<SavedSession> { self.0.borrow().as_deref().and_then(|s| serde_json::from_str(s).ok()) }
    /// #     fn write(&self, saved: Option<SavedSession>) { *self.0.borrow_mut() = saved.map(|s| serde_json::to_string(&s).unwrap()) }
    /// # }
    /// # fn send(_: &Request) -> Response<'static> {
    /// #     Response::new(200, Headers::NONE, br#"{"access_token":"AT2","token_type":"Bearer","expires_in":3600,"refresh_token":"RT2"}"#) }
    ///
    /// fn refresh(session: &mut Session, store: &Store, now: UnixTime) -> Result<Access, RestoreError> {
    ///     let _unlocks_when_dropped = store.lock();
    ///     match store.read() {
    ///         Some(saved) => drop(session.adopt(saved)?),
    ///         None => drop(session.sign_out(SignOut::new())), // in another process
    ///     }
    ///     loop {
    ///         let access = session.access(now);
    ///         let Access::SendRequest(request) = access else { return Ok(access) };
    ///         store.write(session.save());
    ///         let outcome = session.handle(Event::ResponseReceived(request.id(), send(&request)), now);
    ///         store.write(session.save());
    ///         drop(outcome); // stored already; what it means, `access` says
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
    /// # let _: Adopted = other.adopt(store.read().unwrap()).unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg_attr(not(feature = "openid"), allow(unused_mut))]
    pub fn adopt(&mut self, mut saved: SavedSession) -> Result<Adopted, RestoreError> {
        #[cfg(feature = "openid")]
        let metadata = saved.take_metadata();
        let mut theirs = saved.into_active(&self.client)?;
        #[cfg(feature = "openid")]
        if let Ok(client) = with_saved_metadata(self.client.clone(), metadata.as_ref()) {
            self.client = client;
        }
        let newer = match &self.state {
            State::Active(ours) => theirs.grant.is_newer_than(&ours.grant),
            State::LoginRequired(ended) => ended.is_outlived_by(&theirs),
            State::SigningOut(_) | State::SignedOut(_) => false,
        };
        match &mut self.state {
            State::Active(ours) if newer => ours.replace(theirs),
            State::Active(ours) => ours.mark(&theirs),
            State::LoginRequired(ended) if newer => {
                theirs.grant.follow(&ended.grant);
                self.state = State::Active(Box::new(theirs));
            }
            _ => {}
        }
        Ok(if newer { Adopted::Newer } else { Adopted::NotNewer })
    }
}

impl Active {
    /// Another process may have sent our own refresh token, and have died of it. (A server may give one token twice, so that it
    /// is of two generations.)
    fn mark(&mut self, theirs: &Self) {
        if self.has_token_of(theirs) {
            self.flights.take_marks(theirs.flights.losses(), theirs.flights.reusable, self.grant.generation);
        }
    }
}

impl Ended {
    /// Whether tokens are others than those that the server would not have, and not older.
    fn is_outlived_by(&self, theirs: &Active) -> bool {
        let is_refused = theirs.refresh_token.as_ref().map(digest) == self.refused;
        if theirs.grant.login == self.grant.login {
            !self.grant.is_newer_than(&theirs.grant) && !is_refused
        } else {
            theirs.grant.is_newer_than(&self.grant)
        }
    }
}
