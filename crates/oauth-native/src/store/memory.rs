//! A store that ends with the process.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use oauth_proto::SavedSession;

use super::{Locked, Store, StoreError, DEFAULT_LOCK_TIMEOUT};

/// A store in memory, for tests and for apps that keep nothing. It locks as a file does.
///
/// Clones share one place. `Memory::<SavedLogin>::default()` is one for a pending login.
///
/// ```
/// use oauth_native::store::{Memory, Store};
///
/// let store = Memory::new();
/// assert!(store.lock()?.load()?.is_none());
/// # Ok::<(), oauth_native::store::StoreError>(())
/// ```
pub struct Memory<T = SavedSession> {
    place: Arc<Place<T>>,
    timeout: Duration,
}

impl Memory {
    /// An empty place for a session.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<T> Memory<T> {
    /// How long [`Store::lock`] waits before it returns [`StoreError::Busy`]. Without this, [`DEFAULT_LOCK_TIMEOUT`].
    #[must_use]
    pub fn lock_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        let place = Place { inner: Mutex::new(Inner { locked: false, form: None }), unlocked: Condvar::new() };
        Self { place: Arc::new(place), timeout: DEFAULT_LOCK_TIMEOUT }
    }
}

impl<T> Clone for Memory<T> {
    fn clone(&self) -> Self {
        Self { place: Arc::clone(&self.place), timeout: self.timeout }
    }
}

impl<T> fmt::Debug for Memory<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl<T: Clone + Send + 'static> Store<T> for Memory<T> {
    fn lock(&self) -> Result<Box<dyn Locked<T> + Send>, StoreError> {
        let inner = self.place.inner();
        let waited = self.place.unlocked.wait_timeout_while(inner, self.timeout, |inner| inner.locked);
        let (mut inner, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if inner.locked {
            return Err(StoreError::Busy(self.timeout));
        }
        inner.locked = true;
        Ok(Box::new(Guard(Arc::clone(&self.place))))
    }
}

struct Place<T> {
    inner: Mutex<Inner<T>>,
    unlocked: Condvar,
}

/// A flag, and not the mutex itself: a guard of that could not go to another thread.
struct Inner<T> {
    locked: bool,
    form: Option<T>,
}

impl<T> Place<T> {
    fn inner(&self) -> MutexGuard<'_, Inner<T>> {
        // What it holds is whole at any time.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Guard<T>(Arc<Place<T>>);

impl<T: Clone> Locked<T> for Guard<T> {
    fn load(&mut self) -> Result<Option<T>, StoreError> {
        Ok(self.0.inner().form.clone())
    }

    fn save(&mut self, form: Option<&T>) -> Result<(), StoreError> {
        self.0.inner().form = form.cloned();
        Ok(())
    }
}

impl<T> Drop for Guard<T> {
    fn drop(&mut self) {
        self.0.inner().locked = false;
        self.0.unlocked.notify_one();
    }
}
