//! Scopes as sets of tokens (RFC 6749 §3.3).
//!
//! Some servers write what they granted with commas (GitHub, Facebook: `repo,gist`), though a token may have one in it. So a token
//! with commas is what it is where it was asked for so, and else the tokens between its commas.

use alloc::collections::BTreeSet;

/// Tokens to be looked up.
pub(crate) struct Scope<'a>(BTreeSet<&'a str>);

impl<'a> Scope<'a> {
    /// The tokens that were asked for.
    pub(crate) fn asked(scope: &'a str) -> Self {
        Self(set(tokens(scope)))
    }

    /// What was granted, in the server's words.
    pub(crate) fn granted(scope: &'a str, asked: &str) -> Self {
        Self(set(granted(scope, asked)))
    }

    /// These and those.
    pub(crate) fn and(mut self, scope: &'a str) -> Self {
        self.0.extend(tokens(scope));
        self
    }

    /// What stands between the commas of a token counts too: an app may write them as its server does.
    pub(crate) fn with_parts(mut self) -> Self {
        let parts = set(self.0.iter().flat_map(|token| token.split(',')));
        self.0.extend(parts);
        self
    }

    /// Whether a token is among these, as it is or by all that stands between its commas.
    pub(crate) fn has(&self, token: &str) -> bool {
        let mut parts = token.split(',').filter(|part| !part.is_empty()).peekable();
        self.0.contains(token) || parts.peek().is_some() && parts.all(|part| self.0.contains(part))
    }

    /// Whether every token of a scope is.
    pub(crate) fn covers(&self, scope: &str) -> bool {
        tokens(scope).all(|token| self.has(token))
    }
}

/// The tokens of a scope as the server wrote it, which was asked for these.
pub(crate) fn granted<'a>(scope: &'a str, asked: &str) -> impl Iterator<Item = &'a str> {
    let asked = set(tokens(asked));
    let whole = set(tokens(scope).filter(|token| asked.contains(token)));
    // No token has a space to be split at.
    let apart = move |token: &'a str| token.split(if whole.contains(token) { ' ' } else { ',' });
    tokens(scope).flat_map(apart).filter(|token| !token.is_empty())
}

pub(crate) fn tokens(scope: &str) -> impl Iterator<Item = &str> {
    scope.split(' ').filter(|token| !token.is_empty())
}

/// One by one: to collect them would sort them first, which is much code for few tokens.
pub(crate) fn set<'a>(tokens: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let mut set = BTreeSet::new();
    for token in tokens {
        set.insert(token);
    }
    set
}
