//! A server that speaks TLS, with a certificate that only some apps trust.

use std::io::{Read, Write};
use std::sync::Arc;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use oauth_native::transport::{Hyper, Reqwest, Settings, Ureq};
use oauth_proto::Delivered;
use reqwest::redirect::Policy;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection};
use ureq::tls::{RootCerts, TlsConfig};

use crate::server::{Peer, Server};
use crate::stacks::{each, request, Stack, CODE, TIMEOUT};

const CERTIFICATE: &[u8] = include_bytes!("tls-cert.pem");

/// Generated for these tests: a secret of nobody.
const KEY: &[u8] = include_bytes!("tls-key.pem");

/// How a server ends a connection.
#[derive(Clone, Copy)]
enum End {
    /// Says so, as TLS has it.
    Notice,
    /// Closes without a word: whoever is in between could have cut it off.
    Cut,
}

/// A server that reads a request by TLS, if it comes to that, and answers.
fn serving(response: &'static [u8], end: End) -> Server {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::from_pem_slice(KEY).unwrap())
        .unwrap();
    let config = Arc::new(config);
    Server::start(move |peer| serve(peer, ServerConnection::new(Arc::clone(&config)).unwrap(), response, end))
}

fn serve(peer: &mut Peer, mut tls: ServerConnection, response: &[u8], end: End) {
    peer.stream.set_read_timeout(Some(TIMEOUT * 3)).unwrap();
    let mut read = Vec::new();
    let mut stream = rustls::Stream::new(&mut tls, &mut peer.stream);
    while !crate::server::is_whole(&read) {
        let mut octets = [0; 1024];
        match stream.read(&mut octets) {
            Ok(count @ 1..) => read.extend_from_slice(&octets[..count]),
            _ => return,
        }
    }
    peer.note(&read);
    let mut stream = rustls::Stream::new(&mut tls, &mut peer.stream);
    let _ = stream.write_all(response);
    if matches!(end, End::Notice) {
        tls.send_close_notify();
        let _ = tls.write_tls(&mut peer.stream);
    }
}

/// All stacks as an app sets them up that trusts the certificate.
fn trusting() -> [Stack; 3] {
    let roots = RootCerts::new_with_certs(&[ureq::tls::Certificate::from_pem(CERTIFICATE).unwrap()]);
    let tls = TlsConfig::builder().root_certs(roots).build();
    let agent = ureq::Agent::config_builder().tls_config(tls).build().new_agent();
    let client = reqwest::Client::builder()
        .use_rustls_tls()
        .add_root_certificate(reqwest::Certificate::from_pem(CERTIFICATE).unwrap())
        .redirect(Policy::none())
        .build()
        .unwrap();
    [
        Stack::Ureq(Ureq::with_agent(agent).timeout(TIMEOUT)),
        Stack::reqwest(Reqwest::with_client(client).timeout(TIMEOUT)),
        Stack::hyper(Hyper::with_connector(trusting_connector(), &Settings::new().timeout(TIMEOUT))),
    ]
}

fn trusting_connector() -> HttpsConnector<HttpConnector> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(CERTIFICATE).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    HttpsConnectorBuilder::new().with_tls_config(config).https_only().enable_http1().build()
}

fn origin(server: &Server) -> String {
    format!("https://localhost:{}", server.port)
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

#[test]
fn a_certificate_that_is_trusted() {
    for stack in trusting() {
        for method in ["GET", "POST"] {
            let server = serving(OK, End::Notice);
            let answer = stack.send(&request(method, &origin(&server))).unwrap();
            assert_eq!((answer.response().status(), answer.response().body()), (200, &b"{}"[..]), "{stack:?}");
            assert_eq!(server.requests()[0].contains(CODE), method == "POST");
        }
    }
}

#[test]
fn a_certificate_that_is_not_trusted() {
    each(|stack, method| {
        let server = serving(OK, End::Notice);
        let outcome = stack.send(&request(method, &origin(&server))).map(|answer| answer.response().status());
        let expected = if stack.is_ureq() && method == "GET" { Delivered::Maybe } else { Delivered::No };
        assert_eq!(outcome, Err(expected), "{stack:?} {method}");
        assert_eq!(server.requests(), Vec::<String>::new());
    });
}

#[test]
fn a_certificate_of_another_host() {
    for stack in trusting() {
        let server = serving(OK, End::Notice);
        let request = request("POST", &format!("https://127.0.0.1:{}", server.port));
        assert!(matches!(stack.send(&request), Err(Delivered::No)), "{stack:?}");
        assert_eq!((server.connections(), server.requests().len()), (1, 0), "{stack:?}");
    }
}

#[test]
fn a_connection_that_is_cut() {
    for (response, is_whole) in [
        (OK, true),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}", false),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", false),
        (b"HTTP/1.1 200 OK\r\nContent-Len", false),
        (b"", false),
    ] {
        for stack in trusting() {
            for method in ["GET", "POST"] {
                let server = serving(response, End::Cut);
                let outcome = stack.send(&request(method, &origin(&server))).map(|answer| answer.response().status());
                assert_eq!(outcome, if is_whole { Ok(200) } else { Err(Delivered::Maybe) }, "{stack:?} {method}");
                assert_eq!(server.requests().len(), 1, "{stack:?} {method}: sent once");
            }
        }
    }
}
