//! The same for tasks: login, one refresh for ten of them, sign-out, each spawned on threads of `tokio`.

use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;

use oauth_native::api::{Api, ApiError, CallError, Reply};
use oauth_native::store::File;
use oauth_native::transport::Reqwest;
use oauth_proto::drive::{login, Clock};
use oauth_proto::{AuthorizationRequest, Entropy, Login, LoginRequired, SignOut, UnixTime};

use crate::server::{Server, LIFETIME_SECS};
use crate::{browser, client, Folder, Forward};

impl Clock for Forward {
    fn now(&self) -> UnixTime {
        oauth_proto::drive::blocking::Clock::now(self)
    }

    async fn sleep_until(&self, time: UnixTime) {
        tokio::time::sleep(Duration::from_secs(time.saturating_since(Clock::now(self)))).await;
    }
}

type Handle = Api<Reqwest, Forward>;

async fn call(api: Handle, http: reqwest::Client, url: String) -> Result<String, CallError<reqwest::Error>> {
    let (http, url) = (&http, url.as_str());
    let send = |headers: oauth_proto::CallHeaders| async move {
        let request = headers.fold(http.get(url), |request, (name, value)| request.header(name, value.as_str()));
        let response = request.send().await?;
        let reply = Reply::new(response.status().as_u16(), response.headers());
        Ok(reply.with(response.text().await?))
    };
    api.call("GET", url, send).await
}

pub async fn whole(server: Arc<Server>, store: Arc<File>) {
    let (clock, http) = (Forward::default(), reqwest::Client::builder().no_proxy().build().unwrap());
    let url = format!("{}/me", server.origin);
    let mut browser = browser(&Arc::default());
    let client = client(&server, &browser.redirect_uri());
    let mut pending = Login::new(client.clone(), AuthorizationRequest::new().scope("read")).unwrap();
    let transport = Reqwest::new().unwrap();
    let tokens = login(&mut pending, Entropy::from_os().unwrap(), &transport, &mut browser, &clock).await.unwrap();
    let session = pending.into_session(tokens);
    let api: Handle = Api::new(session, transport.clone(), clock.clone(), store.clone()).await.unwrap();

    clock.0.fetch_add(LIFETIME_SECS, Ordering::SeqCst);
    let calls: Vec<_> = (0..10).map(|_| tokio::spawn(call(api.clone(), http.clone(), url.clone()))).collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), "Bearer AT2");
    }
    assert_eq!(server.state().refreshes, 1);

    let other: Handle = Api::restore(client, transport, clock, store.clone()).await.unwrap().unwrap();
    assert!(other.sign_out(SignOut::new()).await.not_revoked.is_none());
    assert_eq!(server.state().revoked, ["RT2"]);
    let refused = tokio::spawn(call(api, http, url)).await.unwrap();
    assert!(matches!(refused, Err(CallError::Api(ApiError::LoginRequired { why: LoginRequired::SignedOut, .. }))));
    assert!(!store.path().exists());
    assert!(server.state().faults.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_from_login_to_sign_out() {
    let folder = Folder(std::env::temp_dir().join(format!("oauth-native-tasks-{}", std::process::id())));
    let (server, store) = (Arc::new(Server::start()), Arc::new(File::new(folder.0.join("session.json"))));
    let task = tokio::spawn(whole(server, store));
    tokio::time::timeout(Duration::from_secs(10), task).await.expect("it hangs").unwrap();
}
