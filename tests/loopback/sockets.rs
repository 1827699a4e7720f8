//! The driver of the module's documentation, on a real socket.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{channel, Sender};
use std::thread;
use std::time::Duration;

use oauth_proto::loopback::{Connection, Receiver, Step};
use oauth_proto::redirect::RedirectUri;

use super::page;

const PATIENCE: Duration = Duration::from_secs(10);

/// Serves one connection to its end.
fn serve(mut connection: Connection, mut socket: TcpStream, redirects: &Sender<String>) -> std::io::Result<()> {
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut buffer = [0; 4096];
    let mut octets: &[u8] = &[];
    loop {
        let answer = match connection.receive(&mut octets) {
            Step::NeedMore => {
                let read = socket.read(&mut buffer)?;
                octets = &buffer[..read];
                if read == 0 {
                    return Ok(());
                }
                continue;
            }
            Step::Answer(answer) => answer,
            Step::Redirect(url) => {
                redirects.send(url.to_string()).unwrap();
                connection.answer(&page())
            }
        };
        socket.write_all(answer.octets())?;
        if answer.closes() {
            socket.shutdown(Shutdown::Write)?;
            socket.set_read_timeout(Some(Duration::from_secs(1)))?;
            while socket.read(&mut buffer)? > 0 {}
            return Ok(());
        }
    }
}

/// A listener in a thread; its redirect URI, and the redirects that come.
fn listening() -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let redirect_uri = format!("http://{}/cb", listener.local_addr().unwrap());
    let receiver = Receiver::new(&RedirectUri::new(&redirect_uri).unwrap()).unwrap();
    assert_eq!(receiver.addresses().collect::<Vec<_>>(), [listener.local_addr().unwrap()]);
    let (sender, redirects) = channel();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let (connection, sender) = (receiver.connection(), sender.clone());
            thread::spawn(move || serve(connection, socket.unwrap(), &sender));
        }
    });
    (redirect_uri, redirects)
}

fn connect(redirect_uri: &str) -> (TcpStream, &str) {
    let host = redirect_uri.strip_prefix("http://").unwrap().strip_suffix("/cb").unwrap();
    let socket = TcpStream::connect(host).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    (socket, host)
}

#[test]
fn a_silent_connection_keeps_no_redirect_waiting() {
    let (redirect_uri, redirects) = listening();
    let _preconnected = connect(&redirect_uri);
    let (mut socket, host) = connect(&redirect_uri);
    let icon = format!("GET /favicon.ico HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let redirect = format!("GET /cb?code=C1 HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    for piece in [&icon, &redirect[..20], &redirect[20..]] {
        socket.write_all(piece.as_bytes()).unwrap();
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(redirects.recv_timeout(PATIENCE).unwrap(), format!("{redirect_uri}?code=C1"));
    let mut answers = String::new();
    socket.read_to_string(&mut answers).unwrap();
    assert!(answers.starts_with("HTTP/1.1 404 ") && answers.ends_with("\r\n\r\n<p>Test"), "{answers}");
}

#[test]
fn what_is_refused_in_the_middle_still_gets_its_answer() {
    let (redirect_uri, redirects) = listening();
    let (mut socket, _) = connect(&redirect_uri);
    let mut other = socket.try_clone().unwrap();
    // More than the system buffers: without reading on, the listener would reset the connection.
    let writer = thread::spawn(move || {
        let _ = other.write_all(b"GET /cb HTTP/1.1\r\nCookie: ");
        (0..400).take_while(|_| other.write_all(&[b'c'; 4096]).is_ok()).count();
        let _ = other.shutdown(Shutdown::Write);
    });
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    writer.join().unwrap();
    assert!(answer.starts_with("HTTP/1.1 431 ") && answer.ends_with("</html>\n"), "{answer}");
    assert!(redirects.try_recv().is_err());
}
