//! Turns text that the user copied from a browser, mail or chat into a redirect URL.

use alloc::string::String;

use crate::text::{chars, form};

/// Makes a redirect URL from text that the user pasted, for [`Event::RedirectReceived`](crate::Event::RedirectReceived). The
/// login checks it like any other redirect.
///
/// Accepts a whole URL, also without the `https://` that browsers hide; the query alone, with or without `?`; and `code#state`
/// as some servers show it, split at the last `#`. White space is removed everywhere, and quotes and `<…>` around the text (RFC
/// 3986 Appendix C). Any other text is taken as a bare code, whose URL has no `state`: a login ignores it
/// ([`Ignored::StateMissing`](crate::Ignored::StateMissing)), so ask for the whole URL, or see
/// [`Login::url_of_bare_code`](crate::Login::url_of_bare_code).
///
/// ```
/// use oauth_proto::redirect::from_pasted;
///
/// let url = "https://app.example.com/callback?code=SplxlOBeZQQYbYS6WxSbIA&state=af0ifjsldkj";
/// for pasted in [
///     "<https://app.example.com/callback?code=SplxlOBe\r\n  ZQQYbYS6WxSbIA&state=af0ifjsldkj>\n",
///     "app.example.com/callback?code=SplxlOBeZQQYbYS6WxSbIA&state=af0ifjsldkj",
///     "?code=SplxlOBeZQQYbYS6WxSbIA&state=af0ifjsldkj",
///     " SplxlOBeZQQYbYS6WxSbIA#af0ifjsldkj ",
/// ] {
///     assert_eq!(from_pasted("https://app.example.com/callback", pasted), url);
/// }
/// ```
pub fn from_pasted(redirect_uri: &str, pasted: &str) -> String {
    let text = tidy(pasted);
    match Pasted::of(redirect_uri, &text) {
        Pasted::Url => text,
        Pasted::UrlWithoutScheme(scheme) => [scheme, &text].concat(),
        Pasted::Query(query) => with_query(redirect_uri, query),
        Pasted::CodeAndState(code, state) => with_code(redirect_uri, code, state),
        Pasted::Code => with_code(redirect_uri, &text, ""),
    }
}

/// The pasted text, if it is only a code (RFC 6749 Appendix A.11, without blanks).
pub(crate) fn bare_code(redirect_uri: &str, pasted: &str) -> Option<String> {
    let text = tidy(pasted);
    let is_bare = matches!(Pasted::of(redirect_uri, &text), Pasted::Code) && chars::is_vschars(&text);
    is_bare.then_some(text)
}

/// The redirect URL with this decoded code and state; an empty `state` is left out.
pub(crate) fn with_code(redirect_uri: &str, code: &str, state: &str) -> String {
    let mut query = String::from("code=");
    form::push_url_encoded(&mut query, code);
    if !state.is_empty() {
        query.push_str("&state=");
        form::push_url_encoded(&mut query, state);
    }
    with_query(redirect_uri, &query)
}

fn with_query(redirect_uri: &str, query: &str) -> String {
    [redirect_uri, form::separator(redirect_uri), query].concat()
}

/// The kinds of pasted text, told apart by their form.
enum Pasted<'a> {
    Url,
    /// With the beginning that the browser hid.
    UrlWithoutScheme(&'a str),
    /// Without `?` and fragment.
    Query(&'a str),
    CodeAndState(&'a str, &'a str),
    Code,
}

impl<'a> Pasted<'a> {
    fn of(redirect_uri: &'a str, text: &'a str) -> Self {
        let own_scheme = redirect_uri.split_once(':').map_or("", |(scheme, _)| scheme);
        // A code may have a colon: it is a URL only with the redirect URI's scheme or with `scheme://`.
        if text.split_once(':').is_some_and(|(scheme, rest)| {
            scheme.eq_ignore_ascii_case(own_scheme) || rest.starts_with("//") && is_scheme(scheme)
        }) {
            return Self::Url;
        }
        if let Some(hidden) = hidden_scheme(redirect_uri, text) {
            return Self::UrlWithoutScheme(hidden);
        }
        let before_fragment = text.split_once('#').map_or(text, |(before, _)| before);
        // A query after other text: kept as a URL, which is then refused.
        if before_fragment.split('=').next().and_then(|start| start.find('?')).is_some_and(|index| index > 0) {
            return Self::Url;
        }
        if let Some(query) = before_fragment.strip_prefix('?') {
            return Self::Query(query);
        }
        let of_a_response = |pair: &str| ["code=", "error=", "state="].iter().any(|start| pair.starts_with(start));
        if before_fragment.split('&').any(of_a_response) {
            return Self::Query(before_fragment);
        }
        match text.rsplit_once('#') {
            Some((code, state)) => Self::CodeAndState(code, state),
            None => Self::Code,
        }
    }
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet))
}

/// `https://` or `http://` of the redirect URI, if the text has its host and port and then a path or query.
fn hidden_scheme<'a>(redirect_uri: &'a str, text: &str) -> Option<&'a str> {
    let (scheme, rest) = redirect_uri.split_at(redirect_uri.find("://")?.saturating_add("://".len()));
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let (start, behind) = text.split_at_checked(authority.len())?;
    let is_ours = scheme.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http"))
        && start.eq_ignore_ascii_case(authority)
        && behind.starts_with(['/', '?']);
    is_ours.then_some(scheme)
}

/// Removes white space, the invisible characters that copying adds, and the quotes and brackets around a URL in running text.
fn tidy(pasted: &str) -> String {
    let is_kept = |character: &char| {
        let invisible = matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
        !invisible && !character.is_whitespace() && !character.is_control()
    };
    let mut text: String = pasted.chars().filter(is_kept).collect();
    // None of them can be in a URL (RFC 3986 §2) except the apostrophe, which is removed in pairs.
    let is_round = |character: char| "\"`<>“”„«»‹›‘’‚".contains(character);
    let mut inner = text.trim_matches(is_round);
    if let Some(unquoted) = inner.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        inner = unquoted.trim_matches(is_round);
    }
    if inner.len() < text.len() {
        text = inner.into();
    }
    text
}
