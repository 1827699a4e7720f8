//! Waiting for a time, up to a limit.

use std::thread::sleep;
use std::time::Duration;

use oauth_proto::UnixTime;

use crate::print::step;
use crate::story::now;

/// Waits until a time; returns `false` at once if that is too far away.
pub fn wait_until(time: UnixTime, at_most: Duration) -> bool {
    let seconds = time.as_secs().saturating_sub(now().as_secs());
    if seconds > at_most.as_secs() {
        return skip(&format!("that is {seconds} s away, and --wait allows {} s", at_most.as_secs()));
    }
    step("", "", &format!("waiting {seconds} s"));
    sleep(Duration::from_secs(seconds));
    true
}

/// Waits until a time, however far away it is: the user can end this with Ctrl-C.
pub fn wait_for(time: UnixTime, what: &str) {
    let seconds = time.as_secs().saturating_sub(now().as_secs());
    step("", "", &format!("the server is busy and {what}: waiting {seconds} s (Ctrl-C ends this)"));
    sleep(Duration::from_secs(seconds));
}

/// Prints why there is no waiting.
pub fn skip(why: &str) -> bool {
    step("", "", &format!("{why}: this part is skipped"));
    false
}
