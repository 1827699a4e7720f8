//! The steps of a login and of a session, one after the other.

use std::hint::black_box;

use oauth2::RefreshToken;
use oauth_proto::{Access, Login, Session};

use crate::inputs::{self, Body, KB, REFRESH_TOKEN};
use crate::ours::{self, App, NOW};
use crate::{openid, peer, Meter, Row};

/// Every operation of oauth-proto, and of `oauth2` if it has it.
pub fn all(meter: &mut impl Meter) {
    let body = inputs::response(Body::Tokens, 2 * KB);
    login(meter, &body);
    session(meter, &body);
    saved(meter, &body);
    openid::all(meter);
}

/// The operations that the benchmarks of time compare.
pub fn compared(meter: &mut impl Meter) {
    let body = inputs::response(Body::Tokens, 2 * KB);
    login(meter, &body);
    refresh(meter, &body);
}

fn ours(name: &'static str) -> Row {
    Row { name, of: "oauth-proto", input: 0 }
}

fn peers(name: &'static str) -> Row {
    Row { name, of: "oauth2", input: 0 }
}

fn login(meter: &mut impl Meter, body: &str) {
    let (app, peer) = (App::new(), peer::app());

    meter.measure(ours("authorization URL"), || app.login(), |login| drop(black_box(ours::start(login))));
    meter.measure(peers("authorization URL"), || (), |()| drop(black_box(peer::start(&peer))));

    let redirect = || {
        let (login, state) = app.pending();
        (login, inputs::short_redirect(&state))
    };
    meter.measure(ours("redirect"), redirect, |(login, url)| drop(black_box(ours::redirect(login, url))));
    let redirect = || {
        let (_, pending) = peer::start(&peer);
        (inputs::short_redirect(pending.state.secret()), pending)
    };
    meter.measure(peers("redirect"), redirect, |(url, pending)| drop(black_box(peer::redirect(url, pending))));

    let respond = |(login, id): &mut (Login, _)| drop(black_box(ours::respond(login, *id, body)));
    meter.measure(ours("token response"), || app.exchanging(), respond);
    let exchange = || {
        let (_, pending) = peer::start(&peer);
        let code = oauth2::AuthorizationCode::new(inputs::CODE.to_owned());
        (Some((code, pending.verifier)), Some(peer::response(body)))
    };
    meter.measure(peers("token response"), exchange, |(code, response)| {
        let (code, verifier) = code.take().expect("it is used once");
        drop(black_box(peer::exchange(&peer, code, verifier, response)));
    });

    let buffer = || String::with_capacity(KB);
    meter.measure(ours("whole login"), buffer, |redirect| drop(black_box(app.whole_login(redirect, body))));
    let buffers = || (String::with_capacity(KB), Some(peer::response(body)));
    meter.measure(peers("whole login"), buffers, |(redirect, response)| {
        let (url, pending) = peer::start(&peer);
        inputs::callgrind_pauses_while_browsing(url.as_str(), redirect);
        drop(url);
        let code = peer::redirect(redirect, &pending);
        drop(black_box(peer::exchange(&peer, code, pending.verifier, response)));
    });
}

fn refresh(meter: &mut impl Meter, body: &str) {
    let (app, peer) = (App::new(), peer::app());
    let refresh = |session: &mut Session| {
        let action = ours::refresh(session, body);
        drop(black_box((action, session.save())));
    };
    meter.measure(ours("refresh"), || app.expired_session(), refresh);
    let refresh_token = RefreshToken::new(REFRESH_TOKEN.to_owned());
    meter.measure(
        peers("refresh"),
        || Some(peer::response(body)),
        |response| {
            drop(black_box(peer::refresh(&peer, &refresh_token, response)));
        },
    );
}

fn session(meter: &mut impl Meter, body: &str) {
    refresh(meter, body);
    let app = App::new();
    meter.measure(
        ours("access, token fresh"),
        || app.session(body),
        |session| {
            let Access::Ready(bearer) = session.access(NOW) else { panic!("the token is fresh") };
            drop(black_box(bearer));
        },
    );
}

fn saved(meter: &mut impl Meter, body: &str) {
    let app = App::new();
    let save = |login: &Login| serde_json::to_string(&login.save()).expect("it can be saved");
    meter.measure(ours("login to JSON"), || app.pending().0, |login| drop(black_box(save(login))));
    meter.measure(
        ours("login from JSON"),
        || save(&app.pending().0),
        |json| {
            let saved = serde_json::from_str(json).expect("it was saved");
            drop(black_box(Login::resume(app.client.clone(), saved, NOW)));
        },
    );
    let save = |session: &Session| serde_json::to_string(&session.save()).expect("it can be saved");
    meter.measure(ours("session to JSON"), || app.session(body), |session| drop(black_box(save(session))));
    meter.measure(
        ours("session from JSON"),
        || save(&app.session(body)),
        |json| {
            let saved = serde_json::from_str(json).expect("it was saved");
            drop(black_box(Session::restore(app.client.clone(), saved)));
        },
    );
}
