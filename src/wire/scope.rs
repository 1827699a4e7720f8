//! Scopes as sets of tokens (RFC 6749 §3.3).
//!
//! Some servers separate granted scope tokens by commas (GitHub, Facebook: `repo,gist`), though a token may contain a comma. So a
//! token with commas is kept whole if it was requested like that, and split at its commas otherwise.

use alloc::collections::BTreeSet;

/// A set of scope tokens.
pub(crate) struct Scope<'a>(BTreeSet<&'a str>);

impl<'a> Scope<'a> {
    /// The requested tokens.
    pub(crate) fn asked(scope: &'a str) -> Self {
        Self(set(tokens(scope)))
    }

    /// The granted tokens, as the server wrote them.
    pub(crate) fn granted(scope: &'a str, asked: &str) -> Self {
        Self(set(granted(scope, asked)))
    }

    /// Adds the tokens of another scope.
    pub(crate) fn and(mut self, scope: &'a str) -> Self {
        self.0.extend(tokens(scope));
        self
    }

    /// Adds the parts between commas too: an app may write tokens as its server does.
    pub(crate) fn with_parts(mut self) -> Self {
        let parts = set(self.0.iter().flat_map(|token| token.split(',')));
        self.0.extend(parts);
        self
    }

    /// Whether the set has a token, as it is or each part between its commas.
    pub(crate) fn has(&self, token: &str) -> bool {
        let mut parts = token.split(',').filter(|part| !part.is_empty()).peekable();
        self.0.contains(token) || parts.peek().is_some() && parts.all(|part| self.0.contains(part))
    }

    /// Whether the set has every token of a scope.
    pub(crate) fn covers(&self, scope: &str) -> bool {
        tokens(scope).all(|token| self.has(token))
    }
}

/// The tokens of a scope as the server wrote it, given the requested scope.
pub(crate) fn granted<'a>(scope: &'a str, asked: &str) -> impl Iterator<Item = &'a str> {
    let asked = set(tokens(asked));
    let whole = set(tokens(scope).filter(|token| asked.contains(token)));
    // No token has a space, so splitting at one leaves it whole.
    let apart = move |token: &'a str| token.split(if whole.contains(token) { ' ' } else { ',' });
    tokens(scope).flat_map(apart).filter(|token| !token.is_empty())
}

pub(crate) fn tokens(scope: &str) -> impl Iterator<Item = &str> {
    scope.split(' ').filter(|token| !token.is_empty())
}

/// Inserts one by one: `collect` would sort first, which is much code for few tokens.
pub(crate) fn set<'a>(tokens: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let mut set = BTreeSet::new();
    for token in tokens {
        set.insert(token);
    }
    set
}
