//! `oauth2`, as its own examples use it, without an HTTP stack: the response is made beforehand.

use std::cell::Cell;
use std::hint::black_box;

use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::http::header::CONTENT_TYPE;
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, CsrfToken, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, Scope, TokenUrl,
};

use crate::inputs::{AUDIENCE, AUTHORIZE, CLIENT_ID, REDIRECT_URI, SCOPES, TOKEN};

/// What all logins of an app share.
pub type App = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// What an app keeps while the user is in the browser.
pub struct Pending {
    /// The `state` to compare with the redirect's.
    pub state: CsrfToken,
    /// The verifier to send with the code.
    pub verifier: PkceCodeVerifier,
}

/// Configures it.
pub fn app() -> App {
    BasicClient::new(ClientId::new(CLIENT_ID.to_owned()))
        .set_auth_uri(AuthUrl::new(AUTHORIZE.to_owned()).expect("the endpoint is fine"))
        .set_token_uri(TokenUrl::new(TOKEN.to_owned()).expect("the endpoint is fine"))
        .set_redirect_uri(RedirectUrl::new(REDIRECT_URI.to_owned()).expect("the redirect URI is fine"))
}

/// The URL to open, and what to keep. No `nonce`: OpenID Connect is in another crate.
pub fn start(app: &App) -> (oauth2::url::Url, Pending) {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let scopes = SCOPES.iter().map(|scope| Scope::new((*scope).to_owned()));
    let (url, state) = app
        .authorize_url(CsrfToken::new_random)
        .add_scopes(scopes)
        .add_extra_param("audience", AUDIENCE)
        .set_pkce_challenge(challenge)
        .url();
    (url, Pending { state, verifier })
}

/// Takes the code out of the redirect, after comparing `state`.
pub fn redirect(url: &str, pending: &Pending) -> AuthorizationCode {
    let url = oauth2::url::Url::parse(url).expect("the redirect is a URL");
    let find = |wanted: &str| url.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned());
    let code = find("code").map(AuthorizationCode::new).expect("there is a code");
    let state = find("state").map(CsrfToken::new).expect("there is a state");
    assert!(state.secret() == pending.state.secret(), "the state is another");
    code
}

/// An HTTP response that was made beforehand.
pub fn response(body: &str) -> HttpResponse {
    let mut response = HttpResponse::new(body.as_bytes().to_vec());
    let json = oauth2::http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

/// The token request and its response.
pub fn exchange(
    app: &App,
    code: AuthorizationCode,
    verifier: PkceCodeVerifier,
    response: &mut Option<HttpResponse>,
) -> BasicTokenResponse {
    let response = Cell::new(response.take());
    let http = |request: HttpRequest| Ok::<_, std::io::Error>(answer(&request, &response));
    app.exchange_code(code).set_pkce_verifier(verifier).request(&http).expect("the response is fine")
}

/// The same for a refresh.
pub fn refresh(app: &App, refresh_token: &RefreshToken, response: &mut Option<HttpResponse>) -> BasicTokenResponse {
    let response = Cell::new(response.take());
    let http = |request: HttpRequest| Ok::<_, std::io::Error>(answer(&request, &response));
    app.exchange_refresh_token(refresh_token).request(&http).expect("the response is fine")
}

fn answer(request: &HttpRequest, response: &Cell<Option<HttpResponse>>) -> HttpResponse {
    black_box((request.uri(), request.headers(), request.body()));
    response.take().expect("each request gets one answer")
}
