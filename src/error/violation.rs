//! The rules that a server can break, and what to do about each.

use alloc::boxed::Box;
use core::fmt;

use super::config::ConfigError;
#[cfg(feature = "openid")]
use super::id_token::IdTokenError;
use super::server_text::ServerText;

/// A rule that the server broke.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// The authorization response has no `iss` although the server announced it (RFC 9207 §2.4).
    IssuerMissing,
    /// `iss` names another server (RFC 9207 §2.4).
    IssuerMismatch,
    /// The authorization response has an `iss`, and the client's server has no issuer (RFC 9207 §2.4). Set it with
    /// [`AuthorizationServer::issuer`](crate::AuthorizationServer::issuer).
    IssuerUnknown,
    /// The authorization response has a parameter twice (RFC 6749 §3.1), and the right `state`, so it comes from the server.
    /// With any other `state`, it is [`Ignored::DuplicateParameter`](crate::Ignored::DuplicateParameter).
    DuplicateParameter,
    /// `code` or `error` cannot be decoded or has characters that are not allowed (RFC 6749 Appendix A).
    RedirectMalformed,
    /// The authorization response has neither `code` nor `error` (RFC 6749 §4.1.2).
    CodeMissing,
    /// The body is longer than [`MAX_RESPONSE_BYTES`](crate::http::MAX_RESPONSE_BYTES) or nested deeper than 32, or a token in
    /// it is longer than [`MAX_TOKEN_BYTES`](crate::token::MAX_TOKEN_BYTES).
    ResponseTooLarge,
    /// The response is a redirect with this status. Tokens must come from the endpoint itself (RFC 6749 §5.1): following a
    /// redirect would send the code, verifier or refresh token elsewhere.
    RedirectedResponse(u16),
    /// The response's `Content-Type` is not read as JSON (RFC 6749 §5.1). It may be a web page.
    ContentType,
    /// The body is not a JSON object as required, or has a member twice (RFC 6749 §5.1, RFC 8259 §4).
    ResponseMalformed,
    /// This member of the response has a wrong type, or characters that are not allowed (RFC 6749 §5.1, Appendix A).
    MemberMalformed(&'static str),
    /// The response has no `access_token` (RFC 6749 §5.1).
    AccessTokenMissing,
    /// The response has no `token_type` (RFC 6749 §5.1).
    TokenTypeMissing,
    /// The response has a `token_type` that this client must not use (RFC 6749 §7.1).
    TokenTypeUnsupported(ServerText),
    /// The access token is a JWT for another API than the requested one (RFC 9068 §3): see
    /// [`Target::check_jwt_audience`](crate::Target::check_jwt_audience).
    AccessTokenAudience,
    /// `openid` was asked for and the response has no `id_token` (OpenID Connect Core §3.1.3.3).
    IdTokenMissing,
    /// The ID token broke a rule (OpenID Connect Core §3.1.3.7).
    #[cfg(feature = "openid")]
    IdToken(IdTokenError),
    /// The metadata of the server or of an API cannot be used. The error names the member (RFC 8414 §2, RFC 9728 §2).
    Metadata(Box<ConfigError>),
    /// The userinfo is about another user than the ID token (OpenID Connect Core §5.3.2).
    #[cfg(feature = "openid")]
    UserInfoSubject,
    /// The userinfo is signed or encrypted (OpenID Connect Core §5.3.2), which is not supported.
    #[cfg(feature = "openid")]
    UserInfoSigned,
}

impl Violation {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::IssuerMissing => "issuer_missing",
            Self::IssuerMismatch => "issuer_mismatch",
            Self::IssuerUnknown => "issuer_unknown",
            Self::DuplicateParameter => "duplicate_parameter",
            Self::RedirectMalformed => "redirect_malformed",
            Self::CodeMissing => "missing_code",
            Self::ResponseTooLarge => "response_too_large",
            Self::RedirectedResponse(_) => "redirect_refused",
            Self::ContentType => "unexpected_content_type",
            Self::ResponseMalformed | Self::MemberMalformed(_) => "response_malformed",
            Self::AccessTokenMissing => "missing_access_token",
            Self::TokenTypeMissing => "missing_token_type",
            Self::TokenTypeUnsupported(_) => "unsupported_token_type",
            Self::AccessTokenAudience => "access_token_audience",
            Self::IdTokenMissing => "missing_id_token",
            #[cfg(feature = "openid")]
            Self::IdToken(error) => error.code(),
            Self::Metadata(_) => "bad_metadata",
            #[cfg(feature = "openid")]
            Self::UserInfoSubject => "userinfo_sub_mismatch",
            #[cfg(feature = "openid")]
            Self::UserInfoSigned => "userinfo_signed",
        }
    }

    pub(crate) fn fmt_message(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IssuerMissing => {
                "the redirect has no iss though the server promised it (RFC 9207 section 2.4): start a new login; if this stays so, \
                 tell the server's operator"
            }
            Self::IssuerMismatch => {
                "the redirect's iss is another server's (RFC 9207 section 2.4): start a new login; if this stays so, write the issuer \
                 exactly as the server does"
            }
            Self::IssuerUnknown => {
                "the redirect names its server, and this client does not know its server's issuer: set it with \
                 AuthorizationServer::issuer (RFC 9207 section 2.4)"
            }
            Self::DuplicateParameter => {
                "the server sent a redirect that has a parameter twice (RFC 6749 section 3.1): tell its operator"
            }
            Self::RedirectMalformed => {
                "the redirect's code or error is malformed (RFC 6749 appendix A): start a new login; if this stays so, tell the server's operator"
            }
            Self::CodeMissing => {
                "the redirect has neither code nor error (RFC 6749 section 4.1.2): is the client registered for the code flow, with \
                 the answer in the query?"
            }
            Self::ResponseTooLarge => {
                "the response, or a token in it, is too large, or it is too deeply nested: ask for fewer scopes or claims, or tell \
                 the server's operator"
            }
            Self::RedirectedResponse(_) => {
                "the endpoint answered with a redirect, which is never followed (RFC 6749 section 5.1): configure the \
                 endpoint's final URL"
            }
            Self::ContentType => {
                "the response is not JSON (RFC 6749 section 5.1): is the endpoint's URL right, and is it the server that answers, not \
                 a page of the network's?"
            }
            Self::ResponseMalformed => {
                "the response is malformed (RFC 6749 section 5.1; metadata: RFC 8414 section 3.2; keys: RFC 7517 section 5): is the \
                 endpoint's URL right? Then tell the server's operator"
            }
            Self::MemberMalformed(name) => {
                return write!(
                    f,
                    "the response's {name} is malformed, of a wrong type or with characters that it must not have (RFC 6749 section \
                     5.1): tell the server's operator"
                )
            }
            Self::AccessTokenMissing => {
                "the response has no access_token (RFC 6749 section 5.1): is the URL that of the token endpoint? Then tell the server's operator"
            }
            Self::TokenTypeMissing => {
                "the response has no token_type (RFC 6749 section 5.1): if the server is known to send none, set \
                 ClientBuilder::missing_token_type_is_bearer"
            }
            Self::TokenTypeUnsupported(_) => {
                "the token_type is not Bearer (RFC 6749 section 7.1): register the client for Bearer tokens, bound to no key; if it \
                 stands for Bearer at this server, set ClientBuilder::token_type_as_bearer"
            }
            Self::AccessTokenAudience => {
                "the access token is for another API (RFC 9068 section 3): allow this one in the application's refresh token \
                 policies at the server, or do without Target::check_jwt_audience"
            }
            Self::IdTokenMissing => {
                "openid was asked for and the response has no id_token (OpenID Connect Core section 3.1.3.3): allow the client \
                 OpenID Connect at the server, or do not ask for the scope openid"
            }
            #[cfg(feature = "openid")]
            Self::IdToken(error) => return fmt::Display::fmt(error, f),
            Self::Metadata(error) => return write!(f, "the metadata cannot be used: {error}"),
            #[cfg(feature = "openid")]
            Self::UserInfoSubject => {
                "the userinfo endpoint answered for another user (OpenID Connect Core section 5.3.2): use nothing of it, and ask with the \
                 access token that came with the ID token"
            }
            #[cfg(feature = "openid")]
            Self::UserInfoSigned => {
                "the userinfo is signed or encrypted (OpenID Connect Core section 5.3.2), which is not read: register the client without \
                 userinfo_signed_response_alg, or ask for the claims in the ID token"
            }
        })
    }
}
