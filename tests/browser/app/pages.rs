//! All pages of the library, each with the header fields that it comes with: `/callback?page=NAME`.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use oauth_native::oauth_proto::drive::blocking::Clock as _;
use oauth_native::oauth_proto::loopback::{Answer, Connection, Page, Receiver, Step};
use oauth_native::oauth_proto::redirect::RedirectUri;
use oauth_native::oauth_proto::{
    Action, AuthorizationRequest, AuthorizationServer, Client, Entropy, Error, Event, Login,
};
use oauth_native::SystemClock;
use serde_json::json;

use crate::events::Events;
use crate::Failure;

/// How long a browser may leave a connection unused.
const IDLE: Duration = Duration::from_secs(10);

/// Serves until the standard input ends.
pub fn serve(events: &Events) -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let redirect_uri = format!("http://{}/callback", listener.local_addr()?);
    let receiver = Receiver::new(&RedirectUri::new(&redirect_uri)?)?;
    events.say(&json!({ "event": "listens", "redirect_uri": redirect_uri }));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let connection = receiver.connection();
            thread::spawn(move || answer_all(&stream, connection));
        }
    });
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

fn answer_all(mut stream: &TcpStream, mut connection: Connection) -> Result<(), Failure> {
    stream.set_read_timeout(Some(IDLE))?;
    let mut buffer = [0; 4096];
    let mut octets: &[u8] = &[];
    loop {
        let answer = match connection.receive(&mut octets) {
            Step::NeedMore => {
                let count = stream.read(&mut buffer)?;
                if count == 0 {
                    return Ok(());
                }
                octets = buffer.get(..count).unwrap_or_default();
                continue;
            }
            Step::Answer(answer) => answer,
            Step::Redirect(url) => {
                let name = url.split_once("page=").map_or("", |(_, name)| name).to_owned();
                answer_with(&name, &mut connection)?
            }
        };
        stream.write_all(answer.octets())?;
        if answer.closes() {
            stream.shutdown(Shutdown::Write)?;
            // With octets that were not read, the system would reset the connection, and the page would be lost.
            std::io::copy(&mut stream, &mut std::io::sink())?;
            return Ok(());
        }
    }
}

fn answer_with(name: &str, connection: &mut Connection) -> Result<Answer, Failure> {
    let page = match name {
        "not-awaited" => Page::not_awaited(),
        "app" => Page::html(200, APP)?,
        // The app has no page.
        "not-answered" => match connection.receive(&mut (&[] as &[u8])) {
            Step::Answer(answer) => return Ok(answer),
            _ => return Err("a redirect without a page is answered".into()),
        },
        _ => match name.strip_prefix("sign-out-") {
            Some(name) => Page::of_sign_out(&handled(name)?),
            None => Page::of(&handled(name)?),
        },
    };
    Ok(connection.answer(&page))
}

/// What a login makes of a redirect.
fn handled(name: &str) -> Result<Result<Action, Error>, Failure> {
    let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?;
    let client = Client::new(server, "s6BhdRkqt3", "http://127.0.0.1:51004/callback")?;
    let mut login = Login::new(client, AuthorizationRequest::new())?;
    let now = SystemClock.now();
    let Action::OpenUrl(url) = login.handle(Event::Start(Entropy::from_os()?), now)? else {
        return Err("a login begins in the browser".into());
    };
    let state = url.split_once("&state=").and_then(|(_, rest)| rest.split('&').next()).unwrap_or_default();
    let later = now.saturating_add(86_400);
    let (parameters, now) = match name {
        "accepted" => (format!("code=C1&state={state}"), now),
        "refused" => (format!("error=access_denied&error_description=The+user+pressed+Cancel&state={state}"), now),
        "refused-in-one-word" => {
            (format!("error=server_error&error_description={}&state={state}", "x".repeat(400)), now)
        }
        "expired" => (format!("code=C1&state={state}"), later),
        "unusable" => (format!("state={state}"), now),
        "not-ours" => ("code=C1&state=forged".to_owned(), now),
        other => return Err(format!("there is no page {other}").into()),
    };
    Ok(login.handle(Event::RedirectReceived(&format!("http://127.0.0.1:51004/callback?{parameters}")), now))
}

/// A page of an app, with a style and a picture in it, which the policy allows.
const APP: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Example</title>\
    <meta name=viewport content='width=device-width'><style>h1{color:rgb(1,2,3)}</style><h1>Welcome</h1>\
    <img alt='' src='data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=='>";
