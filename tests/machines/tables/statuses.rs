//! The table of statuses in the documentation, against the machines: every status at every step.

use oauth_proto::{
    Access, Action, Event, Headers, Login, LoginRequired, Phase, RequestId, Response, Session, SessionAction, SignOut,
};

use crate::support::openid::{discovering, exchanging, fetching_keys, issuer_only, keyed};
use crate::support::{at, json, pending, refresh, INVALID_GRANT, TOKENS};

const DOCUMENTATION: &str = include_str!("../../../src/http/mod.rs");

/// First status, last status, and what the five steps make of it.
type Row = (u16, u16, [String; 5]);

fn rows() -> Vec<Row> {
    let lines = DOCUMENTATION.lines().filter_map(|line| line.strip_prefix("//! | "));
    lines
        .filter(|line| line.starts_with(|first: char| first.is_ascii_digit()))
        .map(|line| {
            let mut cells = line.trim_end_matches(" |").split(" | ");
            let statuses = cells.next().unwrap();
            let (first, last) = statuses.split_once('–').unwrap_or((statuses, statuses));
            let steps: Vec<String> = cells.map(String::from).collect();
            (first.parse().unwrap(), last.parse().unwrap(), steps.try_into().expect("five steps"))
        })
        .collect()
}

#[test]
fn every_status_is_in_the_table_once() {
    let statuses: Vec<u16> = rows().into_iter().flat_map(|(first, last, _)| first..=last).collect();
    assert_eq!(statuses, (0..=999).collect::<Vec<u16>>());
}

#[test]
fn every_status_means_at_every_step_what_the_table_says() {
    let session = active();
    for (first, last, expected) in rows() {
        for status in first..=last {
            let found = [
                of_metadata(status),
                of_code(status),
                of_keys(status),
                of_refresh(&session, status),
                of_revocation(status),
            ];
            assert_eq!(found, expected, "{status}");
        }
    }
}

fn bare(status: u16) -> Response<'static> {
    Response::new(status, Headers::NONE, b"")
}

fn answer(login: &mut Login, response: Response<'_>) -> Result<Action, oauth_proto::Error> {
    login.handle(Event::ResponseReceived(pending(login).id(), response), at(1))
}

/// What can be read has an error of its own, since there is nothing in it.
fn is_read(result: &Result<Action, oauth_proto::Error>) -> bool {
    result.as_ref().is_err_and(|error| matches!(error.code(), "response_malformed" | "unexpected_content_type"))
}

fn of_metadata(status: u16) -> String {
    let mut login = discovering(issuer_only());
    let first = answer(&mut login, bare(status));
    assert!(matches!(first, Ok(Action::SendRequest(_))), "{status}: {first:?}");
    let after_last = answer(&mut login, bare(404));
    match after_last {
        Ok(Action::RetryAt(_)) => "elsewhere, later",
        result if is_read(&result) => "read",
        Err(error) if error.code() == "bad_metadata" => "elsewhere",
        other => panic!("{status}: {other:?}"),
    }
    .into()
}

fn of_code(status: u16) -> String {
    let mut login = exchanging(keyed());
    let result = answer(&mut login, bare(status));
    match result {
        Ok(Action::RetryAt(_)) => {
            assert_eq!(login.phase(), Phase::ExchangingCode);
            "later"
        }
        result if is_read(&result) => "read",
        Err(error) if error.is_fatal() => "ends",
        other => panic!("{status}: {other:?}"),
    }
    .into()
}

fn of_keys(status: u16) -> String {
    let mut login = fetching_keys(keyed());
    let result = answer(&mut login, bare(status));
    match result {
        Ok(Action::RetryAt(_)) => {
            assert_eq!(login.phase(), Phase::FetchingKeys);
            "later"
        }
        result if is_read(&result) => "read",
        Err(error) if error.is_fatal() => "ends",
        other => panic!("{status}: {other:?}"),
    }
    .into()
}

fn active() -> String {
    let session = crate::support::session(keyed(), Some("RT1"));
    serde_json::to_string(&session.save()).unwrap()
}

fn of_refresh(saved: &str, status: u16) -> String {
    let answered = |response: Response<'_>| {
        let mut session = Session::restore(keyed(), serde_json::from_str(saved).unwrap()).unwrap();
        let id = refresh(&mut session, at(10_000));
        let action = session.handle(Event::ResponseReceived(id, response), at(10_000)).unwrap();
        (action, session)
    };
    let (taken, _) = answered(json(status, TOKENS));
    let (ended, _) = answered(json(status, INVALID_GRANT));
    let ends = matches!(ended, SessionAction::LoginRequired(LoginRequired::GrantEnded(_)));
    let (action, mut session) = answered(bare(status));
    assert!(matches!(action, SessionAction::RetryAt(_)), "{status}: {action:?}");
    let access = session.access(at(10_000));
    match access {
        Access::Refused { .. } | Access::RetryAt(_) if ends => "words",
        Access::RetryAt(_) if matches!(taken, SessionAction::Save) => "read",
        Access::RetryAt(_) if !ends => "later",
        other => panic!("{status}: {other:?}, {ended:?}"),
    }
    .into()
}

fn of_revocation(status: u16) -> String {
    let mut session = crate::support::session(keyed(), Some("RT1"));
    let SessionAction::SendRequest(request) = session.sign_out(SignOut::new()) else { panic!("not revoked") };
    let id: RequestId = request.id();
    let action = session.handle(Event::ResponseReceived(id, bare(status)), at(1));
    match action {
        Ok(SessionAction::RetryAt(_)) => "later",
        Ok(SessionAction::SignedOut) if session.last_error().is_some() => "told",
        Ok(SessionAction::SignedOut) => "done",
        other => panic!("{status}: {other:?}"),
    }
    .into()
}
