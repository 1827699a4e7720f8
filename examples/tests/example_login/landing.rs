//! Where the browser ends: the pages that it shows, and what the program says of what comes to its listener.

use crate::client::{parameter, Client};
use crate::visit::{assert_story, Visit};

fn visit(client: &Client) -> Visit {
    Visit::start(client, &client.server.url("/token"), &[])
}

#[test]
fn a_login_that_is_done() {
    let client = Client::patient();
    let visit = visit(&client);
    let redirect = client.decide(&client.get(&visit.url), "alice", "allow");
    let page = client.land(&redirect.header);
    assert_eq!((page.status, page.heading()), (200, "Return to the app"));
    assert!(page.policy.starts_with("default-src 'none'; style-src") && !page.body.contains("<script"));
    let code = parameter(&redirect.header, "code").unwrap();
    assert!(!page.body.contains(&code) && !page.body.contains(&visit.state()), "{}", page.body);
    assert_eq!(visit.end().code, Some(0));
}

/// In the server's words, which are no HTML here. The page is there although the program ends with that redirect.
#[test]
fn a_login_that_the_server_denies() {
    let client = Client::patient();
    let visit = visit(&client);
    let said = "error=access_denied&error_description=%3Cscript%3Ealert(1)%3C/script%3E%20said%20%22no%22";
    let page = client.land(&visit.back(&format!("{said}&state={}", visit.state())));
    assert_eq!((page.status, page.heading()), (200, "Not logged in"));
    let words = "access_denied: &lt;script&gt;alert(1)&lt;/script&gt; said &quot;no&quot;";
    assert!(page.body.contains(words) && !page.body.contains("<script"), "{}", page.body);
    visit.end().assert_failed(1, &["access_denied: <script>alert(1)</script> said \"no\"", "press 'Log in'"]);
}

/// With the right `state`, and of no use.
#[test]
fn a_login_whose_answer_cannot_be_used() {
    let client = Client::patient();
    let visit = visit(&client);
    let page = client.land(&visit.back(&format!("state={}", visit.state())));
    assert_eq!(page.heading(), "Not logged in");
    assert!(page.body.contains("cannot use the server's answer"), "{}", page.body);
    visit.end().assert_failed(1, &["broke a rule", "run again"]);
}

#[test]
fn a_redirect_that_is_not_ours() {
    let client = Client::patient();
    let visit = visit(&client);
    for forged in ["code=forged&state=forged", "code=forged", "%3Cscript%3E"] {
        let page = client.land(&visit.back(forged));
        assert_eq!(page.heading(), "This is not the answer that the app waits for");
        assert!(!page.body.contains("forged") && !page.body.contains("script"), "{}", page.body);
    }
    visit.log_in(&client);
    let run = visit.end();
    assert_eq!(run.code, Some(0), "{}{}", run.out, run.err);
    assert_story(&run.out, &["refused state_mismatch", "refused state_missing", "action TokensReady"]);
}

/// A denial without `state` may come from anybody, so the wait goes on; but what it says is told, and that nothing proves it.
#[test]
fn a_denial_that_nothing_proves() {
    const SAID: &str = "error=access_denied&error_description=Not%20assigned%20%3Cb%3Eto%1B%5B2Jthis%20app";
    let client = Client::patient();
    let visit = Visit::start(&client, &client.server.url("/token"), &["--timeout", "2"]);
    let page = client.land(&visit.back(SAID));
    assert_eq!(page.heading(), "This is not the answer that the app waits for");
    assert!(!page.body.contains("assigned"), "not a word of it on a page of ours: {}", page.body);
    let run = visit.end();
    let told =
        ["no valid redirect came back", "without state, which anybody can send", "access_denied: Not assigned <b>to"];
    run.assert_failed(1, &[&told[..], &["if the browser showed the same", "press 'Log in'"]].concat());
    assert_story(&run.out, &["refused state_missing not ours", "event Cancelled"]);
    assert_story(&run.out, &["unproved error access_denied: Not assigned <b>to", "it has no state, so anybody"]);
    assert!(!run.out.contains('\u{1b}') && !run.err.contains('\u{1b}'), "{}", run.err);
    assert!(!run.err.contains("no redirect came back"), "{}", run.err);

    // It ends nothing.
    let visit = self::visit(&client);
    client.land(&visit.back(SAID));
    visit.log_in(&client);
    assert_eq!(visit.end().code, Some(0));
}

/// People do not always copy all of a URL.
#[test]
fn what_people_paste() {
    let client = Client::patient();
    let mut visit = Visit::start(&client, &client.server.url("/token"), &["--timeout", "20"]);
    let redirect = client.decide(&client.get(&visit.url), "alice", "allow").header;
    visit.paste("code=forged");
    let (_, query) = redirect.split_once('?').unwrap();
    visit.paste(&format!("  <?{query}>"));
    let run = visit.end();
    assert_eq!(run.code, Some(0), "{}{}", run.out, run.err);
    assert_story(
        &run.out,
        &["refused state_missing", "event RedirectReceived http://127.0.0.1:", "action TokensReady"],
    );
    run.assert_no_secret();
}
