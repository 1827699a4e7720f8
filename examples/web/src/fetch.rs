//! Requests by `fetch`. The documentation of `oauth_proto::http` has the contract, and what is special about `fetch`.

use js_sys::{Reflect, Uint8Array};
use oauth_proto::{Delivered, Request, Response};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortSignal, Headers, ReadableStreamDefaultReader, ReferrerPolicy, RequestCache, RequestCredentials, RequestInit,
    RequestRedirect, ResponseType,
};

/// How long a request may take, answer included.
const TIMEOUT_MILLISECONDS: u32 = 30_000;

#[wasm_bindgen]
extern "C" {
    /// The same function in pages, workers and Node.
    #[wasm_bindgen(catch)]
    async fn fetch(request: &web_sys::Request) -> Result<JsValue, JsValue>;
}

/// An answer with all that a page may see of it.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn response(&self) -> Response<'_> {
        Response::new(self.status, self.headers.as_slice(), &self.body)
    }
}

/// Sends a request of a machine.
pub async fn send(request: &Request) -> Result<Answer, Delivered> {
    let body = Some(request.body()).filter(|_| request.method() != "GET");
    call(request.method(), request.url(), request.headers(), body, request.max_response_bytes()).await
}

/// Sends any request.
pub async fn call<'a>(
    method: &str,
    url: &str,
    headers: impl IntoIterator<Item = (&'static str, &'a str)>,
    body: Option<&[u8]>,
    most: usize,
) -> Result<Answer, Delivered> {
    // The only case in which a page knows that nothing is sent. A worker has no window, Node has neither.
    if web_sys::window().is_some_and(|window| !window.navigator().on_line()) {
        return Err(Delivered::No);
    }
    // Everything else that can go wrong looks the same to a page: no connection, a broken one, CORS.
    exchange(method, url, headers, body, most).await.map_err(|_| Delivered::Maybe)
}

async fn exchange<'a>(
    method: &str,
    url: &str,
    headers: impl IntoIterator<Item = (&'static str, &'a str)>,
    body: Option<&[u8]>,
    most: usize,
) -> Result<Answer, JsValue> {
    let sent_headers = Headers::new()?;
    for (name, value) in headers {
        sent_headers.set(name, value)?;
    }
    let init = RequestInit::new();
    init.set_method(method);
    init.set_headers(&sent_headers);
    if let Some(body) = body {
        init.set_body(&Uint8Array::from(body));
    }
    init.set_redirect(RequestRedirect::Manual);
    init.set_credentials(RequestCredentials::Omit); // no cookies: the tokens are all that counts
    init.set_cache(RequestCache::NoStore);
    init.set_referrer_policy(ReferrerPolicy::NoReferrer);
    init.set_signal(Some(&AbortSignal::timeout_with_u32(TIMEOUT_MILLISECONDS)));
    let request = web_sys::Request::new_with_str_and_init(url, &init)?;

    let response: web_sys::Response = fetch(&request).await?.unchecked_into();
    // A redirect that was not followed: status and location are hidden, but a redirect it is.
    if response.type_() == ResponseType::Opaqueredirect {
        return Ok(Answer { status: 302, headers: vec![("location".into(), String::new())], body: Vec::new() });
    }
    let body = read(&response, most).await?;
    Ok(Answer { status: response.status(), headers: received_headers(&response)?, body })
}

/// The headers that the other origin lets this page see: `Content-Type` always, others if it says so.
fn received_headers(response: &web_sys::Response) -> Result<Vec<(String, String)>, JsValue> {
    js_sys::try_iter(&response.headers())?
        .into_iter()
        .flatten()
        .map(|entry| {
            let pair: js_sys::Array = entry?.unchecked_into();
            let text = |index| pair.get(index).as_string().unwrap_or_default();
            Ok((text(0), text(1)))
        })
        .collect()
}

/// Reads the body, up to the first chunk that makes it too long.
async fn read(response: &web_sys::Response, most: usize) -> Result<Vec<u8>, JsValue> {
    let mut body = Vec::new();
    let Some(stream) = response.body() else { return Ok(body) };
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    while body.len() <= most {
        let chunk = JsFuture::from(reader.read()).await?;
        if Reflect::get(&chunk, &"done".into())?.is_truthy() {
            return Ok(body);
        }
        let chunk: Uint8Array = Reflect::get(&chunk, &"value".into())?.unchecked_into();
        body.extend(chunk.to_vec());
    }
    // One byte too many is enough to have it refused, and the rest is not wanted.
    body.truncate(most + 1);
    let _ = JsFuture::from(reader.cancel()).await;
    Ok(body)
}
