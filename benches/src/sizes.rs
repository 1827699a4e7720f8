//! Inputs of growing size: the cost must grow linearly.

use std::hint::black_box;

use oauth_proto::challenge;
use oauth_proto::token::MAX_TOKEN_BYTES;

use crate::inputs::{self, Body, Redirect, KB, MB};
use crate::ours::{self, App};
use crate::{peer, Meter, Row};

const OURS: &str = "oauth-proto";

/// The kinds of redirect, with their names in the table.
pub const REDIRECTS: [(&str, Redirect); 3] = [
    ("redirect: one long code", Redirect::LongCode),
    ("redirect: percent-encoded code", Redirect::EncodedCode),
    ("redirect: unknown parameters", Redirect::Parameters),
];

/// The kinds of token response, with their names in the table.
pub const BODIES: [(&str, Body); 8] = [
    ("response: blanks", Body::Blanks),
    ("response: one long token", Body::LongToken),
    ("response: one long token, escaped", Body::EscapedToken),
    ("response: unknown members, small", Body::SmallMembers),
    ("response: unknown member, long text", Body::LongText),
    ("response: unknown member, escaped text", Body::EscapedText),
    ("response: unknown member, nested", Body::Nested),
    ("response: unknown member, nested 32 deep", Body::Deep),
];

/// The sizes of a response. They include the longest token that is accepted, and a longer one, which is read and refused.
pub fn lengths(kind: Body) -> &'static [usize] {
    match kind {
        Body::LongToken | Body::EscapedToken => &[KB, 16 * KB, MAX_TOKEN_BYTES, MB],
        _ => &[KB, 16 * KB, MB],
    }
}

/// Whether the token in a response of this size is too long.
pub fn is_refused(kind: Body, len: usize) -> bool {
    matches!(kind, Body::LongToken | Body::EscapedToken) && len > MAX_TOKEN_BYTES
}

/// The name of the row for `WWW-Authenticate`.
pub const CHALLENGE: &str = "WWW-Authenticate line";

/// Every kind of input in every size.
pub fn all(meter: &mut impl Meter) {
    let app = App::new();
    for (name, kind) in REDIRECTS {
        for len in [KB, 16 * KB, 60 * KB, MB] {
            let pending = || {
                let (login, state) = app.pending();
                (login, inputs::redirect(kind, len, &state))
            };
            meter.measure(Row::sized(name, OURS, len), pending, |(login, url)| {
                let action = ours::redirect(login, url);
                assert_eq!(action.is_ok(), len <= oauth_proto::redirect::MAX_REDIRECT_BYTES);
                drop(black_box(action));
            });
        }
    }
    for (name, kind) in BODIES {
        for &len in lengths(kind) {
            let body = inputs::response(kind, len);
            meter.measure(
                Row::sized(name, OURS, len),
                || app.exchanging(),
                |(login, id)| {
                    let action = ours::respond(login, *id, &body);
                    assert_eq!(action.is_ok(), !is_refused(kind, len));
                    drop(black_box(action));
                },
            );
        }
    }
    for len in [KB, 16 * KB] {
        let line = inputs::challenge(len);
        meter.measure(Row::sized(CHALLENGE, OURS, len), || (), |()| drop(black_box(challenge::advice(401, &[&line]))));
    }
    let peer = peer::app();
    for (name, kind) in BODIES {
        if kind == Body::SmallMembers {
            let body = inputs::response(kind, MB);
            let exchange = || {
                let (_, pending) = peer::start(&peer);
                (Some(pending.verifier), Some(peer::response(&body)))
            };
            meter.measure(Row::sized(name, "oauth2", MB), exchange, |(verifier, response)| {
                let code = oauth2::AuthorizationCode::new(String::new());
                let verifier = verifier.take().expect("it is used once");
                drop(black_box(peer::exchange(&peer, code, verifier, response)));
            });
        }
    }
}
