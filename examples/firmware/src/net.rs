//! Connections of a device with a network: TCP and DNS by embassy-net, TLS 1.3 by embedded-tls.

use embassy_net::dns::DnsQueryType;
use embassy_net::tcp::TcpSocket;
use embassy_net::Stack;
use embedded_tls::pki::CertVerifier;
use embedded_tls::{
    Aes128GcmSha256, Certificate, CryptoProvider, TlsClock, TlsConfig, TlsConnection, TlsContext, TlsError, TlsVerifier,
};
use oauth_proto::drive::Clock;
use rand_core::CryptoRngCore;

use crate::clock::WallClock;
use crate::http::Connect;

/// TLS over TCP.
pub struct Tls<R> {
    /// The network, which a task of its own runs.
    pub stack: Stack<'static>,
    /// The generator of random numbers of the microcontroller.
    pub rng: R,
    /// The certificate, in DER, of a certification authority that issues certificates for your servers only.
    pub authority: &'static [u8],
    /// Memory for one connection, best in a static variable.
    pub buffers: &'static mut Buffers,
}

/// Memory for one connection.
pub struct Buffers {
    pub tcp_in: [u8; 2048],
    pub tcp_out: [u8; 2048],
    /// A record of TLS, which servers may make this long.
    pub tls_in: [u8; 16640],
    pub tls_out: [u8; 2048],
}

impl<R: CryptoRngCore> Connect for Tls<R> {
    type Connection<'a>
        = TlsConnection<'a, TcpSocket<'a>, Aes128GcmSha256>
    where
        Self: 'a;

    async fn connect<'a>(&'a mut self, host: &'a str, port: u16) -> Option<Self::Connection<'a>> {
        let addresses = self.stack.dns_query(host, DnsQueryType::A).await.ok()?;
        let Buffers { tcp_in, tcp_out, tls_in, tls_out } = &mut *self.buffers;
        let mut socket = TcpSocket::new(self.stack, tcp_in, tcp_out);
        socket.connect((*addresses.first()?, port)).await.ok()?;

        let config = TlsConfig::new().with_server_name(host);
        let verifier = CertVerifier::new(Certificate::X509(self.authority));
        let mut connection = TlsConnection::new(socket, tls_in, tls_out);
        connection.open(TlsContext::new(&config, Checked { rng: &mut self.rng, verifier })).await.ok()?;
        Some(connection)
    }
}

/// What embedded-tls asks for: random numbers, and how the certificate is checked.
struct Checked<'a, R> {
    rng: &'a mut R,
    verifier: CertVerifier<'a, Aes128GcmSha256, WallClock, 4096>,
}

impl<R: CryptoRngCore> CryptoProvider for Checked<'_, R> {
    type CipherSuite = Aes128GcmSha256;
    type Signature = [u8; 0]; // no certificate of the client

    fn rng(&mut self) -> impl CryptoRngCore {
        &mut *self.rng
    }

    fn verifier(&mut self) -> Result<&mut impl TlsVerifier<Aes128GcmSha256>, TlsError> {
        Ok(&mut self.verifier)
    }
}

/// A certificate that has expired is refused.
impl TlsClock for WallClock {
    fn now() -> Option<u64> {
        Some(Clock::now(&WallClock).as_secs())
    }
}
