//! Signatures of ID tokens by `SubtleCrypto`, which pages and Node have: no cryptography is compiled into the module.

use js_sys::{Array, Object, Reflect, Uint8Array, JSON};
use oauth_proto::{Algorithm, SignatureCheck};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, SubtleCrypto};

/// The algorithms that `verify` knows. `SubtleCrypto` has more.
pub const ALGORITHMS: [Algorithm; 3] = [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256];

#[wasm_bindgen]
extern "C" {
    /// It is `undefined`, and its functions throw, in a page that is neither https nor on loopback.
    #[wasm_bindgen(thread_local_v2, js_namespace = crypto, js_name = subtle)]
    static SUBTLE: SubtleCrypto;
}

/// Whether the signature is valid; it is not if the browser refuses the key or cannot do it.
pub async fn is_valid(check: &SignatureCheck) -> bool {
    verify(check).await.is_ok_and(|valid| valid.is_truthy())
}

async fn verify(check: &SignatureCheck) -> Result<JsValue, JsValue> {
    // One object for both functions: each reads the members that it knows.
    let parameters: &[(&str, JsValue)] = match check.algorithm() {
        Algorithm::Rs256 => &[("name", "RSASSA-PKCS1-v1_5".into()), ("hash", "SHA-256".into())],
        Algorithm::Ps256 => &[("name", "RSA-PSS".into()), ("hash", "SHA-256".into()), ("saltLength", 32.into())],
        Algorithm::Es256 => &[("name", "ECDSA".into()), ("namedCurve", "P-256".into()), ("hash", "SHA-256".into())],
        _ => return Ok(JsValue::FALSE),
    };
    let algorithm = Object::new();
    for (name, value) in parameters {
        Reflect::set(&algorithm, &(*name).into(), value)?;
    }
    let (jwk, usages) = (JSON::parse(&check.jwk())?.unchecked_into(), Array::of1(&"verify".into()));
    let key = SUBTLE.with(|subtle| subtle.import_key_with_object("jwk", &jwk, &algorithm, false, &usages))?;
    let key: CryptoKey = JsFuture::from(key).await?.unchecked_into();
    let verdict = SUBTLE.with(|subtle| {
        let [signature, message] = [check.signature(), check.message()].map(Uint8Array::from);
        subtle.verify_with_object_and_js_u8_array_and_js_u8_array(&algorithm, &key, &signature, &message)
    })?;
    JsFuture::from(verdict).await
}
