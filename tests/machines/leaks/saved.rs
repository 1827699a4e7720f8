//! Stored forms that somebody damaged, or that are of another type than they should be: what serde says of them shows nothing.

use oauth_proto::{Event, Login, SavedLogin, SavedSession, Secret, Session, Tokens};
use serde_json::{json, Value};

use super::{id_token, request, secret_client, watch, ACCESS, NEXT_ACCESS, REFRESH};
use crate::support::{at, entropy};

/// Every secret there is, where it may come to lie.
fn session() -> Value {
    let tokens = Tokens::from_parts(Secret::new(ACCESS), Some(Secret::new(REFRESH)), Some(at(100)), "read write");
    let mut form = serde_json::to_value(Session::new(secret_client(false), tokens).save()).unwrap();
    form["others"] = json!([{
        "resource": "urn:a:b", "audience": null, "target_scope": null, "checks_audience": false,
        "access_token": NEXT_ACCESS, "scope": "read", "obtained_at": null, "expires_at": null,
    }]);
    if cfg!(feature = "openid") {
        form["id_token"] = id_token().into();
    }
    form
}

fn login() -> Value {
    let mut login = Login::new(secret_client(false), request()).unwrap();
    assert!(login.handle(Event::Start(entropy(1)), at(0)).is_ok());
    serde_json::to_value(login.save()).unwrap()
}

/// A path to every value in a form, the form itself too.
fn paths(value: &Value) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| (format!("/{name}"), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, value)| (format!("/{index}"), value)).collect(),
        _ => Vec::new(),
    };
    let deeper = inner.iter().flat_map(|(step, value)| paths(value).into_iter().map(move |rest| step.clone() + &rest));
    std::iter::once(String::new()).chain(deeper).collect()
}

/// Errors for what each value of a form is not; gives how many there were.
fn damage<T: serde::de::DeserializeOwned>(form: &Value, secrets: &[&str]) -> usize {
    let watch = watch();
    assert!(serde_json::from_value::<T>(form.clone()).is_ok(), "the form is whole");
    let mut errors = 0;
    let mut read = |text: &str| {
        if let Err(error) = serde_json::from_str::<T>(text) {
            watch.error("what serde says", &error);
            errors += 1;
        }
    };
    for path in paths(form) {
        for secret in secrets {
            for wrong in [json!(secret), json!([secret]), json!({ *secret: secret }), json!([[secret, secret]])] {
                let mut damaged = form.clone();
                *damaged.pointer_mut(&path).unwrap() = wrong;
                read(&damaged.to_string());
            }
            // A member that nobody knows, and one that comes twice.
            let mut damaged = form.clone();
            if let Some(members) = damaged.pointer_mut(&path).and_then(Value::as_object_mut) {
                members.insert((*secret).into(), (*secret).into());
                read(&damaged.to_string());
            }
        }
    }
    let text = form.to_string();
    for end in 0..text.len() {
        read(&text[..end]);
    }
    for (name, _) in form.as_object().unwrap() {
        for secret in secrets {
            read(&format!("{},\"{name}\":\"{secret}\"}}", &text[..text.len() - 1]));
        }
    }
    errors
}

#[test]
fn what_is_wrong_with_a_damaged_session_is_not_shown() {
    let id_token = id_token();
    let errors = damage::<SavedSession>(&session(), &[ACCESS, REFRESH, &id_token]);
    assert!(errors > 500, "{errors}");
}

#[test]
fn what_is_wrong_with_a_damaged_login_is_not_shown() {
    let state = crate::support::state(1);
    let errors = damage::<SavedLogin>(&login(), &[&state, super::INVITATION]);
    assert!(errors > 300, "{errors}");
}

/// The value itself has a type of its own, of which serde says what it found.
#[test]
fn a_form_from_a_value_shows_nothing_either() {
    let watch = watch();
    for value in [json!(ACCESS), json!([ACCESS]), json!({ "version": REFRESH }), json!({ "access_token": [ACCESS] })] {
        watch.error("what serde says", &serde_json::from_value::<SavedSession>(value.clone()).unwrap_err());
        watch.error("what serde says", &serde_json::from_value::<SavedLogin>(value).unwrap_err());
    }
    // And no more does a format that is not JSON.
    let octets = postcard::to_allocvec(&serde_json::from_value::<SavedSession>(session()).unwrap()).unwrap();
    for end in 0..octets.len() {
        watch.error("what serde says", &postcard::from_bytes::<SavedSession>(&octets[..end]).unwrap_err());
    }
}
