//! What never changes from run to run.

use oauth_proto::{AuthorizationServer, Client, ClientBuilder, Target};

#[cfg(feature = "openid")]
use super::identity;
use super::identity::Identity;
#[cfg(feature = "openid")]
use super::keys;
use super::plan::Plan;
use super::truth;

pub struct Fixture {
    clients: Vec<(bool, Identity, Client)>,
    pub targets: [Target; 3],
}

impl Fixture {
    pub fn new() -> Self {
        let mut clients = Vec::new();
        for identity in identities() {
            for can_revoke in [true, false] {
                let mut server = AuthorizationServer::new("https://as.example/authorize", "https://as.example/token")
                    .and_then(|server| server.end_session_endpoint("https://as.example/logout"))
                    .unwrap();
                if can_revoke {
                    server = server.revocation_endpoint("https://as.example/revoke").unwrap();
                }
                let client = builder(server, identity)
                    .post_logout_redirect_uri("com.example.app:/logout")
                    .refresh_timeout_secs(truth::TIMEOUT)
                    .leeway_secs(truth::LEEWAY)
                    .build()
                    .unwrap();
                clients.push((can_revoke, identity, client));
            }
        }
        let targets = [
            Target::own(),
            Target::resource("https://a.example/").and_then(|target| target.scope("read")).unwrap(),
            Target::resource("https://b.example/").and_then(|target| target.scope("read write")).unwrap(),
        ];
        Self { clients, targets }
    }

    pub fn client(&self, plan: &Plan) -> &Client {
        let fits = |fixture: &&(bool, Identity, Client)| (fixture.0, fixture.1) == (plan.can_revoke, plan.identity);
        &self.clients.iter().find(fits).unwrap().2
    }
}

#[cfg(feature = "openid")]
fn identities() -> Vec<Identity> {
    vec![Identity::None, Identity::TlsAlone, Identity::Keys]
}

#[cfg(not(feature = "openid"))]
fn identities() -> Vec<Identity> {
    vec![Identity::None]
}

fn builder(server: AuthorizationServer, identity: Identity) -> ClientBuilder {
    let builder = |server| Client::builder(server, "app", "com.example.app:/callback");
    match identity {
        Identity::None => builder(server),
        #[cfg(feature = "openid")]
        _ => {
            let server =
                server.issuer(identity::ISSUER).and_then(|server| server.jwks_uri(identity::JWKS_URI)).unwrap();
            let builder = builder(server.id_token_signing_alg_values_supported(&[keys::ALGORITHM]));
            match identity {
                Identity::TlsAlone => builder.accept_id_tokens_on_tls_alone(),
                _ => builder.signature_verifier(keys::Verifier),
            }
        }
    }
}
