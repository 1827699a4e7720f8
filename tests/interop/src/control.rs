//! What a test does to the authorization server, if it has one of its own.

use serde_json::{json, Value};

use crate::{Http, Server};

impl Server {
    /// New signing keys of all kinds. The old ones sign no more, and are still published.
    pub fn rotate_keys(&self) {
        self.order("rotate", &json!({}));
    }

    /// The same, and the old keys are published no more.
    pub fn replace_keys(&self) {
        self.order("rotate", &json!({ "forget": true }));
    }

    /// The same, and the new keys have the names of the old ones.
    pub fn replace_keys_under_their_names(&self) {
        self.order("rotate", &json!({ "forget": true, "sameNames": true }));
    }

    /// The metadata documents say this from now on, instead of the truth; `null` leaves a member out.
    pub fn change_metadata(&self, members: &Value) {
        self.order("metadata", members);
    }

    /// There is nothing at these paths from now on, and something at all others.
    pub fn hide(&self, paths: &[&str]) {
        self.order("hide", &json!(paths));
    }

    /// Takes a refresh token again for so many seconds after its first use. At first it does not: whoever sends one twice loses
    /// the grant.
    pub fn allow_grace(&self, seconds: u32) {
        self.order("grace", &json!(seconds));
    }

    /// Answers the next token request with status 400 and this, and leaves the grant as it is.
    pub fn refuse_once(&self, body: &Value) {
        self.order("refuse", body);
    }

    /// How often this was asked for: `"GET /jwks"`.
    pub fn requests(&self, asked: &str) -> u64 {
        let (status, counts) = Http::new().get(&format!("{}/requests", self.control));
        assert_eq!(status, 200);
        let counts: Value = serde_json::from_slice(&counts).expect("JSON");
        counts[asked].as_u64().unwrap_or(0)
    }

    fn order(&self, order: &str, body: &Value) {
        let url = format!("{}/{order}", self.control);
        let response = Http::new().agent().post(&url).send(body.to_string()).expect("an answer");
        assert_eq!(response.status().as_u16(), 200);
    }
}
