//! Sends requests, and gives up when the server cannot be reached.

use std::thread::sleep;
use std::time::Duration;

use oauth_proto::Request;

use crate::failure::Failure;
use crate::http::Answer;
use crate::print::{plain, redacted, step};
use crate::scene::Scene;

/// How many times in a row a request may fail.
const MOST: u32 = 3;
const PAUSE: Duration = Duration::from_millis(700);

/// How many requests have failed in a row.
#[derive(Default)]
pub struct Tries(u32);

/// Sends one request and prints the outcome.
pub fn send(scene: &Scene, request: &Request, tries: &mut Tries) -> Result<Answer, Failure> {
    step("action", "SendRequest", &format!("{} {}", request.method(), redacted(request.url())));
    let answer = scene.http.send(request);
    match answer.outcome() {
        Ok(received) => {
            *tries = Tries::default();
            step("event", "ResponseReceived", &format!("status {}", received.status));
        }
        Err(failed) => {
            step("event", "SendFailed", &format!("{:?}: {}", failed.delivered, plain(&failed.why)));
            tries.0 = tries.0.saturating_add(1);
            if tries.0 >= MOST {
                return Err(Failure::unreachable(request.url(), &failed.why));
            }
            sleep(PAUSE);
        }
    }
    Ok(answer)
}
