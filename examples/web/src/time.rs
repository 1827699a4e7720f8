//! The clock and the timer that pages, workers and Node have.

use js_sys::{Function, Promise};
use oauth_proto::UnixTime;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(then: &Function, milliseconds: f64);
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a time after 1970
pub fn now() -> UnixTime {
    UnixTime::from_secs((js_sys::Date::now() / 1000.0) as u64)
}

pub async fn sleep(seconds: u64) {
    // A timer takes at most 2^31 milliseconds, and would fire at once for more. A day is enough for anybody who waits.
    let milliseconds = seconds.min(24 * 60 * 60) as f64 * 1000.0;
    let timer = Promise::new(&mut |then, _| set_timeout(&then, milliseconds));
    let _ = JsFuture::from(timer).await;
}

pub async fn sleep_until(time: UnixTime) {
    sleep(time.saturating_since(now()).max(1)).await;
}
