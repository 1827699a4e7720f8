//! What other processes do, and what becomes of this one: restarts, stored forms, new logins.

use oauth_proto::{Adopted, RestoreError, Session};

use super::session::{Outcome, Theirs};
use super::session_grant::{Asked, Grant, Patience, Slot, Token};
use super::session_run::{saved, Run};
use super::session_saved::Model;
use super::session_wire::{form, log_in};
use super::START;

impl Run {
    /// 0 is what would be saved now; else what was stored so many before the last.
    pub fn restore(&mut self, before_last: u8) {
        let grant = match (&self.model, before_last.checked_sub(1)) {
            (Model::Grant(grant), None) => grant.stored(),
            (Model::Grant(_) | Model::Over(_), Some(index)) => self.stored_at(index).stored(),
            _ => return,
        };
        let saved = serde_json::from_value(form(&grant, &self.fingerprint)).unwrap();
        self.session = Session::restore(self.client.clone(), saved).unwrap();
        self.model = Model::Grant(Box::new(grant));
    }

    fn stored_at(&self, before_last: u8) -> Grant {
        let index = self.stored.len().saturating_sub(1 + usize::from(before_last));
        self.stored[index].clone()
    }

    pub fn adopt(&mut self, theirs: Theirs) -> Outcome {
        let mut grant = match (theirs, &self.model) {
            (Theirs::Stored(before_last), _) => self.stored_at(before_last),
            (Theirs::Lost { .. }, Model::Grant(grant) | Model::Over(grant)) => grant.stored(),
            _ => self.stored_at(0),
        };
        let (access_token, refresh_token) = self.issue();
        let renewed = |grant: &mut Grant| {
            let token = Token::new(&access_token, "read", Some(self.now), Some(self.now.saturating_add(3600)));
            grant.slots[0].token = Some(token);
            grant.refresh_token = Some(refresh_token);
        };
        match theirs {
            Theirs::Renewed { losses } => {
                renewed(&mut grant);
                (grant.generation, grant.renewals, grant.losses) = (grant.generation + 1, 0, losses);
            }
            Theirs::Lost { losses } => grant.losses = losses,
            Theirs::OtherLogin { later, losses } => {
                renewed(&mut grant);
                grant.login = format!("login {}", self.issued);
                grant.logged_in_at = Some(if later { self.now } else { START - 1000 });
                (grant.generation, grant.renewals, grant.losses) = (0, 0, losses);
            }
            _ => {}
        }
        let mut json = form(&grant, &self.fingerprint);
        let refusal = match theirs {
            Theirs::OtherClient => {
                json["client"] = "another".into();
                Some(RestoreError::OtherClient)
            }
            Theirs::OtherVersion => {
                json["version"] = 2.into();
                Some(RestoreError::UnknownVersion)
            }
            Theirs::Damaged => {
                json["refresh_token"] = "R\nT".into();
                Some(RestoreError::Malformed)
            }
            _ => None,
        };
        let before = self.snapshot();
        let result = self.session.adopt(serde_json::from_value(json).unwrap());
        let outcome = match result {
            Ok(Adopted::Newer) => Outcome::Newer,
            Ok(Adopted::NotNewer) => Outcome::NotNewer,
            Err(error) => {
                assert_eq!((Some(error), self.snapshot()), (refusal, before), "{theirs:?}");
                return Outcome::Refused(error.code());
            }
        };
        assert_eq!(refusal, None, "{theirs:?} was adopted");
        assert_eq!(outcome, self.model.adopt(&grant), "{theirs:?}");
        if !matches!(theirs, Theirs::Lost { .. }) {
            self.stored.push(grant);
        }
        outcome
    }

    pub fn log_in(&mut self) -> Outcome {
        // With a resource of its own, the login's API would have two names.
        let Some((request, asked)) = self.wanted.take().filter(|(_, asked)| !asked.resource) else {
            return Outcome::Nothing;
        };
        let (access_token, refresh_token) = self.issue();
        let body = format!(
            "{{\"access_token\":\"{access_token}\",\"token_type\":\"Bearer\",\"expires_in\":3600,\"refresh_token\":\"{refresh_token}\"}}"
        );
        self.session = Session::new(self.client.clone(), log_in(&self.client, &request, &body, self.time()));
        let token = Token::new(&access_token, &asked.scope, Some(self.now), Some(self.now.saturating_add(3600)));
        let grant = new_grant(&self.session, asked, token, Some(&refresh_token), Some(self.now));
        self.stored.push(grant.clone());
        self.model = Model::Grant(Box::new(grant));
        // Another session's requests are none of this one's.
        self.ids.clear();
        self.signed_out = false;
        Outcome::Nothing
    }
}

pub fn new_grant(
    session: &Session,
    asked: Asked,
    token: Token,
    refresh_token: Option<&str>,
    logged_in_at: Option<u64>,
) -> Grant {
    let slots =
        [Slot { token: Some(token.clone()), ..Slot::default() }, Slot::default(), Slot::default(), Slot::default()];
    Grant {
        login: saved(session)["login"].as_str().unwrap().to_owned(),
        logged_in_at,
        before: Vec::new(),
        generation: 0,
        renewals: 0,
        asked,
        granted_scope: token.scope,
        slots,
        refresh_token: refresh_token.map(Into::into),
        narrowed: String::new(),
        flight: None,
        lost: Vec::new(),
        losses: 0,
        forgiven: 0,
        overlooked: 0,
        reusable: false,
        patience: Patience::default(),
    }
}
