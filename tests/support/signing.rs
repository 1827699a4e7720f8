//! Keys of a server, made for these tests and thrown away, and tokens that they sign. It is not the library's own cryptography that
//! signs, but that of the crate `jsonwebtoken`.
#![allow(dead_code)] // not every test uses all of it

use base64ct::{Base64UrlUnpadded, Encoding};
use jsonwebtoken::crypto;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{json, Value};

/// What a key is for, by the name of the algorithm. RS256 and PS256 have one key.
pub const ALGORITHMS: [&str; 5] = ["RS256", "PS256", "ES256", "ES384", "EdDSA"];

/// A token with this header and these claims.
pub fn signed(algorithm: &str, header: &Value, claims: &Value) -> String {
    signed_text(algorithm, &header.to_string(), &claims.to_string())
}

/// A token of any text.
pub fn signed_text(algorithm: &str, header: &str, payload: &str) -> String {
    let encode = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let message = [encode(header), encode(payload)].join(".");
    let signature = sign(algorithm, message.as_bytes());
    [message, signature].join(".")
}

/// The signature of a message, in base64url.
pub fn sign(algorithm: &str, message: &[u8]) -> String {
    let der = |text: &str| Base64UrlUnpadded::decode_vec(text).unwrap();
    let (key, algorithm) = match algorithm {
        "RS256" => (EncodingKey::from_rsa_der(&der(RSA)), Algorithm::RS256),
        "PS256" => (EncodingKey::from_rsa_der(&der(RSA)), Algorithm::PS256),
        "ES256" => (EncodingKey::from_ec_der(&der(P256)), Algorithm::ES256),
        "ES384" => (EncodingKey::from_ec_der(&der(P384)), Algorithm::ES384),
        "EdDSA" => (EncodingKey::from_ed_der(&der(ED25519)), Algorithm::EdDSA),
        other => panic!("there is no key for {other}"),
    };
    crypto::sign(message, &key, algorithm).unwrap()
}

/// The public key for an algorithm, as a JWK with this `kid`.
pub fn jwk(algorithm: &str, kid: &str) -> Value {
    let mut jwk = match algorithm {
        "RS256" | "PS256" => json!({ "kty": "RSA", "n": RSA_N, "e": "AQAB" }),
        "ES256" => json!({ "kty": "EC", "crv": "P-256", "x": P256_X, "y": P256_Y }),
        "ES384" => json!({ "kty": "EC", "crv": "P-384", "x": P384_X, "y": P384_Y }),
        "EdDSA" => json!({ "kty": "OKP", "crv": "Ed25519", "x": ED25519_X }),
        other => panic!("there is no key for {other}"),
    };
    jwk["kid"] = kid.into();
    jwk["use"] = "sig".into();
    jwk
}

/// PKCS #1, and for the others PKCS #8.
const RSA: &str = "MIIEowIBAAKCAQEAz1vxN88hIK5RJzt_696eA5IvbNE1IXVGKIYquLK6giQmyHxbxX82bbFm4Gc2zMbwuLhqaQQ6sAIQgtGNuATAv97oIzq0ef-lmb_2nPp6LqX5Vh1ngUGnfdK9SfnQIt_O6lK9Fc59xUjiTNATLnpIe8r_4jvtTJd7X8OlB179LON1LhZE-45V3S_49GIrYpngJby6S-QzNQFK_be5hkjf4GWj2L6n8aP1h6lJrl6cTR-UaW7cj_lWFKEx7h33-gGDoyXQl4F_GrzEXKnva6m43Elu_iVHBdLFrLIWCkmHOrc7QQaOQqDe9KqAZ_YZj9_W-iouNWaEuFW5Nd_KLfflzwIDAQABAoIBAGF5l4WEJU7_EqAOLL6cugv0sr2FBORTBCV1mGyVe-5Ef0S8jMlk2RmsjK9NZanSlQNIkaEHP21QsyFDz8pi1Zb8eoRhCsjUv6xsXEoDxt7Z38E29lqBGfKgV6IIQGq8acCmH0O6e037yoGQSIwPKLakwS_AuvbHuNPWHOQ_p2TrOEyxuB_0SdD2z6SsQoJN6Nux1087V1ISjDXkemJNzjASY4UW9AbSIVBe9RXxQ54dWJl7lh3_-xxV_Y1Lf91Fa9KcAwRTvAz-2n61cqyJK5WiurarFjJZ1bsbB8nfp6t9HUHOzNVzau5L6A0oxgBliYuPVJbwoJEty-2_Iq6LrRUCgYEA-5f0f3JS5pyhEsaH-cxK69Ag2wH7N_lK02V3zVfeRNzf2ViErxpUiWA9_xlJTI2XYtojua_YHTqwaQkcbTi5VpJefvZXiCBJ0UC1VylVw9oKP2XGD7UPphjEn8QkXVhH4okza2IMijGXw0Ak9rABkVx32XeJFopfArvclDZuXd0CgYEA0v2oYJJ7RoZAE7D3mI9amV0NfG-zgQx08F8-a57B4tsiAw-QchKYIHPy6Npsq6dxTYb_uJX7WIAN2DYHa3Z0hzEhJkIy8LG9gQiaS2t1O2weHm2kIia6PVkDmH524nhVtH2bVN26JBx9nnrYK0Ud9jujsks01vY9gH8lutDyxZsCgYAUXJ_1EJOVBmgi1N58YQRPQXDnSKnERfDAWx3vCIV8nUOgm4Fhiof89kUOOEWuZGc0IONzS7_53Z4ZYhti24xkbUQokldTNQnEXbBPdZDzYNojd2EoNEcn8ik3pPAsfdCTjPcUYcMSDCF0M-TJ8kSuNwWcHAiEQn6eAgZAGIemIQKBgHhBPPu14W9Dyzet8KDSa_fnUm1vGOdfmzL5hhE-zhEnho4qC9EIig5NJ9DR1YhMikZ-wDeLvFMnwTxPJxF31VjMhrFQn8oR9AmcRpzf5VR1_gCnyxnv6sxWdLcwtT_FCEw0HxlSuuokFvEB4T1gSoByY42WUcqHVGxti6qbtxMrAoGBALjGfiU68bcVVynLkPzY9Of1mcT_6HzLLIGSj6E6EwyWQkpLhvqT6Q7VmWGWWpPOAC59h45ZbznrsNM7PWYLk9rhifvFXFXrTVFF2_G3vbHV0DlPblzM-iRVgIcil39md6VhMipUVX89Oe_T7Ep5mh4d2c6SSGdEbX-BzpusNVSL";
const RSA_N: &str = "z1vxN88hIK5RJzt_696eA5IvbNE1IXVGKIYquLK6giQmyHxbxX82bbFm4Gc2zMbwuLhqaQQ6sAIQgtGNuATAv97oIzq0ef-lmb_2nPp6LqX5Vh1ngUGnfdK9SfnQIt_O6lK9Fc59xUjiTNATLnpIe8r_4jvtTJd7X8OlB179LON1LhZE-45V3S_49GIrYpngJby6S-QzNQFK_be5hkjf4GWj2L6n8aP1h6lJrl6cTR-UaW7cj_lWFKEx7h33-gGDoyXQl4F_GrzEXKnva6m43Elu_iVHBdLFrLIWCkmHOrc7QQaOQqDe9KqAZ_YZj9_W-iouNWaEuFW5Nd_KLfflzw";
const P256: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgT59s7McNdZQwGoe1inTLT9JYjIG8tcUzXc0i6CChA2OhRANCAASGh1oJUAp1JKT490o3-xrCatdE7HvrWUgo6LVQYFm61Y5QoxIqCDZAIqJZSq_S4RBtCK4bbEFroILI8cVAkVlN";
const P256_X: &str = "hodaCVAKdSSk-PdKN_sawmrXROx761lIKOi1UGBZutU";
const P256_Y: &str = "jlCjEioINkAiollKr9LhEG0IrhtsQWuggsjxxUCRWU0";
const P384: &str = "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDCM-aurwlPXdKz3iuw3wAumGP6LwnVDkc4jiYvc9AM-rERkIMHjiQr3mX91vs2cgoqhZANiAARjjbIHTuM7KYdKZlfmUvl_7gcXqt7hZoIuduxXNMtxNuzt1Qhq2yihgoqINEu6MP7CM8hYXpuMmhRFou2oqQHX9BQ1-q7LY1pieB3L5EcR_88RKoJ8XRcne1KFL-_Fqlo";
const P384_X: &str = "Y42yB07jOymHSmZX5lL5f-4HF6re4WaCLnbsVzTLcTbs7dUIatsooYKKiDRLujD-";
const P384_Y: &str = "wjPIWF6bjJoURaLtqKkB1_QUNfquy2NaYngdy-RHEf_PESqCfF0XJ3tShS_vxapa";
const ED25519: &str = "MC4CAQAwBQYDK2VwBCIEIIJ548zRJo410rix_Y9QwjD2yvQp1vWUby27ThetSnrp";
const ED25519_X: &str = "v-FpQR97WshmbHj1ZjT_KAdU5XyWSPjYemTv0UT1NUU";
