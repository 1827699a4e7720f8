//! The logout: what the embedded server checks, and what the program says, does and accepts.

use url::Url;

use crate::client::{parameter, Answer, Client};
use crate::server::RETURN_PATH;
use crate::visit::{assert_story, Run, Visit};

const RETURN: &str = "http://127.0.0.1:49152/loggedout";

impl Client {
    /// Logs in, and gives the answer with the cookie.
    fn browser_of(&self, user: &str) -> Answer {
        let redirect = self.decide(&self.authorize(&self.asked()), user, "allow");
        assert_eq!(redirect.status, 303);
        redirect
    }

    fn logout_url(&self, parameters: &[(&str, &str)]) -> String {
        Url::parse_with_params(&self.server.url("/logout"), parameters).unwrap().into()
    }

    /// Whether the login page knows the browser's user.
    fn greets(&self, user: &str, cookie: &str) -> bool {
        let url = Url::parse_with_params(&self.server.url("/authorize"), self.asked()).unwrap();
        self.get_with(url.as_str(), cookie).body.contains(&format!("value=\"{user}\""))
    }
}

const ASKED: [(&str, &str); 3] =
    [("client_id", "oauth-proto-example"), ("post_logout_redirect_uri", RETURN), ("state", "xyz")];

#[test]
fn the_server_ends_the_session_and_leads_back() {
    let client = Client::patient();
    let login = client.browser_of("Zoë");
    let cookie = login.cookie();
    assert!(login.set_cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{}", login.set_cookie);
    assert!(client.greets("Zoë", cookie));
    assert!(!client.greets("Zoë", ""));
    assert!(RETURN.ends_with(RETURN_PATH));

    let page = client.get_with(&client.logout_url(&ASKED), cookie);
    assert_eq!((page.status, page.cache_control.as_str()), (200, "no-store"));
    assert!(page.body.contains("Zoë"), "{}", page.body);
    assert!(client.greets("Zoë", cookie), "the page asks first");
    // Another site can lead the browser to that page, but cannot press its button: it has no ticket, or no cookie.
    for (ticket, cookie) in [(page.ticket(), ""), ("made up", cookie)] {
        assert_eq!(client.log_out(ticket, cookie).status, 400);
    }
    assert!(client.greets("Zoë", cookie));

    let page = client.get_with(&client.logout_url(&ASKED), cookie);
    let redirect = client.log_out(page.ticket(), cookie);
    assert_eq!((redirect.status, redirect.header), (303, format!("{RETURN}?state=xyz")));
    assert!(redirect.set_cookie.contains("Max-Age=0"), "{}", redirect.set_cookie);
    assert!(!client.greets("Zoë", cookie));
    assert_eq!(client.log_out(page.ticket(), cookie).status, 400, "once");
}

#[test]
fn the_server_leads_back_to_registered_uris_alone() {
    let client = Client::patient();
    let login = client.browser_of("alice");
    for (name, value) in [
        ("client_id", "somebody"),
        ("post_logout_redirect_uri", "http://127.0.0.1:49152/callback"),
        ("post_logout_redirect_uri", "http://127.0.0.1:49152/loggedout?more=1"),
        ("post_logout_redirect_uri", "http://127.0.0.1.example.com/loggedout"),
        ("post_logout_redirect_uri", "https://127.0.0.1:49152/loggedout"),
        ("post_logout_redirect_uri", "javascript:alert(1)"),
    ] {
        let asked = ASKED.map(|pair| if pair.0 == name { (name, value) } else { pair });
        for cookie in [login.cookie(), ""] {
            let answer = client.get_with(&client.logout_url(&asked), cookie);
            assert_eq!((answer.status, answer.header.as_str()), (400, ""), "{name}={value}");
        }
    }
    let twice = [ASKED.as_slice(), &[("state", "again")]].concat();
    assert_eq!(client.get(&client.logout_url(&twice)).status, 400);
}

#[test]
fn a_logout_with_less() {
    let client = Client::patient();
    // Nobody is logged in: nothing to ask.
    let answer = client.get(&client.logout_url(&ASKED));
    assert_eq!((answer.status, answer.header), (303, format!("{RETURN}?state=xyz")));
    let answer = client.get(&client.logout_url(&ASKED[..2]));
    assert_eq!((answer.status, answer.header.as_str()), (303, RETURN));
    // No way back: the browser stays here.
    let login = client.browser_of("alice");
    let page = client.get_with(&client.logout_url(&ASKED[..1]), login.cookie());
    let answer = client.log_out(page.ticket(), login.cookie());
    assert_eq!((answer.status, answer.header.as_str()), (200, ""));
    assert!(answer.body.contains("Logged out"));
}

/// A run with these options, logged in, up to the URL of the logout.
fn at_the_logout(client: &Client, more: &[&str]) -> (Visit, String) {
    let revoke = client.server.url("/revoke");
    let mut visit =
        Visit::start(client, &client.server.url("/token"), &[&["--revocation-endpoint", &revoke], more].concat());
    visit.log_in(client);
    let url = visit.next_url();
    (visit, url)
}

fn assert_signed_out(run: &Run, story: &[&str]) {
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{}", run.out);
    assert_story(&run.out, story);
    assert_story(
        &run.out,
        &["5. Sign out", "event ResponseReceived status 200", "action OpenUrl", "action SignedOut", "Done."],
    );
    run.assert_no_secret();
}

#[test]
fn a_forged_return_is_refused_and_the_right_one_taken() {
    let client = Client::patient();
    let logout = client.server.url("/logout");
    let (visit, url) = at_the_logout(
        &client,
        &["--end-session-endpoint", &logout, "--post-logout-redirect-uri", "http://127.0.0.1/loggedout"],
    );
    let back = parameter(&url, "post_logout_redirect_uri").unwrap();
    assert_eq!(parameter(&url, "client_id").as_deref(), Some("oauth-proto-example"));
    assert_eq!(
        parameter(&visit.url, "redirect_uri").map(|uri| uri.replace("callback", "loggedout")),
        Some(back.clone())
    );
    for forged in ["?state=forged", "", "?code=forged"] {
        assert_eq!(client.land(&format!("{back}{forged}")).heading(), "This is not the answer that the app waits for");
    }
    let redirect = client.get(&url);
    assert_eq!(client.land(&redirect.header).heading(), "Signed out");
    let returned = "event RedirectReceived http://127.0.0.1:";
    let story = [
        returned,
        "refused state_mismatch not ours, still waiting",
        returned,
        "refused state_missing not ours, still waiting",
        returned,
        "refused state_missing not ours, still waiting",
        returned,
        "action SignedOut",
    ];
    assert_signed_out(&visit.end(), &story);
}

#[test]
fn the_logout_of_auth0() {
    let client = Client::patient();
    let logout = client.server.url("/v2/logout");
    let (mut visit, url) = at_the_logout(
        &client,
        &["--auth0-logout-endpoint", &logout, "--post-logout-redirect-uri", "com.example.app:/loggedout"],
    );
    assert!(url.starts_with(&format!("{logout}?")), "{url}");
    let back = parameter(&url, "returnTo").unwrap();
    visit.paste("com.example.app:/loggedout?state=forged");
    visit.paste(&back);
    let story = [
        "paste after the logout com.example.app:/loggedout",
        "refused state_mismatch not ours, still waiting",
        "event RedirectReceived com.example.app:/loggedout?state=…",
        "action SignedOut",
    ];
    assert_signed_out(&visit.end(), &story);
}

#[test]
fn a_logout_that_nobody_comes_back_from() {
    let client = Client::patient();
    let logout = client.server.url("/logout");
    // No way back is registered, so nobody is waited for.
    let (visit, url) = at_the_logout(&client, &["--end-session-endpoint", &logout]);
    assert_eq!((parameter(&url, "post_logout_redirect_uri"), parameter(&url, "state")), (None, None));
    assert_signed_out(&visit.end(), &["nothing comes back without --post-logout-redirect-uri"]);

    let (visit, _) = at_the_logout(
        &client,
        &[
            "--end-session-endpoint",
            &logout,
            "--post-logout-redirect-uri",
            "http://127.0.0.1/loggedout",
            "--timeout",
            "5",
        ],
    );
    assert_signed_out(&visit.end(), &["event Cancelled nobody came back"]);
}
