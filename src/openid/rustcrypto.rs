//! Signature checks with the crates of the `RustCrypto` project, so that an app needs no cryptography of its own. `no_std`.
//!
//! Everything here uses public keys only: nothing is secret, so nothing needs constant time. For the same reason
//! RUSTSEC-2023-0071, a timing attack on RSA *private* keys in the crate `rsa`, does not apply.

use rsa::pkcs1v15::VerifyingKey as Pkcs1;
use rsa::pss::VerifyingKey as Pss;
use rsa::sha2::{Sha256, Sha384, Sha512};
use rsa::signature::Verifier;
use rsa::{BigUint, RsaPublicKey};

use super::jwk::{MAX_RSA_BITS, MIN_RSA_BITS};
use super::signature::{Algorithm, Curve, PublicKey, SignatureVerifier};

/// Checks signatures with the crates `rsa`, `p256`, `p384` and `ed25519-dalek` (feature `rustcrypto`): all algorithms except
/// [`Algorithm::Es512`].
///
/// RSA exponents may have at most 33 bits, as in `rsa`. (Nearly all keys have 65,537.)
#[derive(Clone, Copy, Debug, Default)]
pub struct RustCrypto;

const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::EdDsa,
];

impl SignatureVerifier for RustCrypto {
    fn algorithms(&self) -> &[Algorithm] {
        &ALGORITHMS
    }

    fn verify(&self, algorithm: Algorithm, key: &PublicKey<'_>, message: &[u8], signature: &[u8]) -> bool {
        match (algorithm, *key) {
            (_, PublicKey::Rsa { modulus, exponent }) => {
                rsa_key(modulus, exponent).is_some_and(|key| rsa(algorithm, key, message, signature))
            }
            (Algorithm::Es256, PublicKey::Ec { curve: Curve::P256, x, y }) => es256(x, y, message, signature),
            (Algorithm::Es384, PublicKey::Ec { curve: Curve::P384, x, y }) => es384(x, y, message, signature),
            (Algorithm::EdDsa, PublicKey::Ed25519 { x }) => ed25519(x, message, signature),
            _ => false,
        }
    }
}

/// Makes a key if [`PublicKey::Rsa`] allows it: it need not come from a key set. `rsa` checks the exponent and its size, and that
/// the modulus is odd.
fn rsa_key(modulus: &[u8], exponent: &[u8]) -> Option<RsaPublicKey> {
    let modulus = BigUint::from_bytes_be(modulus);
    if modulus.bits() < MIN_RSA_BITS {
        return None;
    }
    RsaPublicKey::new_with_max_size(modulus, BigUint::from_bytes_be(exponent), MAX_RSA_BITS).ok()
}

fn rsa(algorithm: Algorithm, key: RsaPublicKey, message: &[u8], signature: &[u8]) -> bool {
    match algorithm {
        Algorithm::Rs256 => verifies(&Pkcs1::<Sha256>::new(key), message, signature),
        Algorithm::Rs384 => verifies(&Pkcs1::<Sha384>::new(key), message, signature),
        Algorithm::Rs512 => verifies(&Pkcs1::<Sha512>::new(key), message, signature),
        // The salt has the size of the hash (RFC 7518 section 3.5), the default here.
        Algorithm::Ps256 => verifies(&Pss::<Sha256>::new(key), message, signature),
        Algorithm::Ps384 => verifies(&Pss::<Sha384>::new(key), message, signature),
        Algorithm::Ps512 => verifies(&Pss::<Sha512>::new(key), message, signature),
        _ => false,
    }
}

/// Whether this is the key's signature of the message.
fn verifies<S>(key: &impl Verifier<S>, message: &[u8], signature: &[u8]) -> bool
where
    S: for<'a> TryFrom<&'a [u8]>,
{
    S::try_from(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
}

fn es256(x: &[u8], y: &[u8], message: &[u8], signature: &[u8]) -> bool {
    use p256::ecdsa::{Signature, VerifyingKey};
    let (Ok(x), Ok(y)) = (<[u8; 32]>::try_from(x), <[u8; 32]>::try_from(y)) else { return false };
    let point = p256::EncodedPoint::from_affine_coordinates(&x.into(), &y.into(), false);
    // Refuses a point that is not on the curve.
    VerifyingKey::from_encoded_point(&point).is_ok_and(|key| verifies::<Signature>(&key, message, signature))
}

fn es384(x: &[u8], y: &[u8], message: &[u8], signature: &[u8]) -> bool {
    use p384::ecdsa::{Signature, VerifyingKey};
    let (Ok(x), Ok(y)) = (<[u8; 48]>::try_from(x), <[u8; 48]>::try_from(y)) else { return false };
    let point = p384::EncodedPoint::from_affine_coordinates(&x.into(), &y.into(), false);
    VerifyingKey::from_encoded_point(&point).is_ok_and(|key| verifies::<Signature>(&key, message, signature))
}

/// Strict: neither the key nor `R` may be a point of small order. RFC 8032 section 5.1.7 allows them, but signers that follow the
/// RFC never make one; with such a key (all zeros, for example) anyone can sign. `S` is below the order in any case.
fn ed25519(x: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    use ed25519_dalek::{Signature, VerifyingKey};
    let (Ok(key), Ok(signature)) = (VerifyingKey::from_bytes(x), Signature::from_slice(signature)) else {
        return false;
    };
    key.verify_strict(message, &signature).is_ok()
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)] // the numbers are the tests' own
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use base64ct::{Base64UrlUnpadded, Encoding};
    use rsa::sha2::Digest;

    use super::*;

    /// The message of the vectors that were made with OpenSSL and are in no RFC.
    const MESSAGE: &str = "eyJhbGciOiJub25lIn0.e30";
    /// RFC 7515 A.2.
    const A2_MESSAGE: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    const A2_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    const A2_MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    /// RFC 7515 A.3.
    const A3_MESSAGE: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    const A3_SIGNATURE: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    const A3_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const A3_Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
    /// RFC 8037 A.4.
    const A4_MESSAGE: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    const A4_SIGNATURE: &str = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    const A4_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const MODULUS: &str = "h2rn7DP9VY8DmtR5e4eBYX7g7JRiPEYA-fQB7doaRASRC8I-Pc-bx2C6V8X4Wc5rnyHez46EVAcdw37Vg3tFfYFtsC9geTKcjeTQNBz6A4Le9Ii8nmfZQVE5RgezNjYsvfMh2-9ILvyXc_veQgqZwL1qS1DGErj008nYj5BLzgXyIpRdbmFPYbDIr4A4g4vpQ7Dp0WN2kLh2BwBIirKRRpYYYrj8tpAj4CESK_PmyD-u8CXwXOK0PrKwbRtVK1WpOoc1D169PFyEW1tpsN6piE_3YZ-S5z7NAaxTF2PCAWMU0IgN7ylLlbjF5mt0hNxZ5HqRSvoqAnRaakvB9mjz5w";
    const RS384: &str = "D1jmPB2TyIAfUB4nIccOqgDHZL-e_1ZDlO7if7Mz10YmTYZBa1US3mEWKTNfklcAhH_qrMG7XMrmZvHWEhdJpyjuw_hybKcKNh2L8vy-B0_KmRy2AVfVkaG8V9sDgZparHdNI68_S8AUxMj2tUiPODtSpNFEIXICmGMs6GWZuc0NATSh0UiTMYWbfODGvoApVUl5CkqSeDynlQ5JvSLxf88VxDsfdv5GoB_gO_6zBJ9wW8ugNoh4umBHQyF6u3VH0vFEYNGmCz7zgROinzl6H13EIe6jv8E75mES4PWPLg0j7gEef0R7k4QaYx8QQIVLxlJMaBCwGII6dBcB_UeIPQ";
    const RS512: &str = "RlNrsPJzQAlthKVvNTuhzOspCbwuswCNZCkD_cjQKFv7GaRTxwsyVbXRFaUU6mtQzPlXyAIRcnPIaho-lzCh2vQGnmovxC3TFvv63ZlVLIzZN1f-jUZn41tDzlTL1H9VwzzzsSXGlZ9NsA_LsAVazOvIgRjJ6OhPSOaQPVctSJW4kDyiyBYHxcBWWGatorE_4rTm93W7kmgWsAfNis0g6tY2g4Q9JZSMkDn92kdWiDll2qwBeLQFXkMM5fsgnyYdjmrW-esQ0GPI438gg6KBBaELX7GOJX5fHz4idpIaEfNrycHtgFLKKH17oYnkHRaqZ_khBBSbloSvdlrel9nq2A";
    const PS256: &str = "FTCoJfOLOxvsYydrZpZ2p_uTlF78a0dCGHzzyCH3QXuGJ6Wk7nh_PUO0tCKg-XMM2Kg8UOwrIzAz3mvciJOaZzp8FHS0A0e-2xEDzgm4UYgng-674zqnyEyU0i1rxyxOxtjEJq-lNMGeBGGSVa9Jnp9FFiUPeT_8TfNqxLjsiMFM6zPOQzRtX_XFSpCBZuAO_ww6G6hpIcexuPWCqdJ6Ob-nvVXdeR4iB4xqgGcl9uH6-7IFNxMvR8wmJn6GLGOdxjqOj2dfJAxMmObFIJ0tD2cELSaAVLjLarzUtMLuJaJOX9WIK3jnlyOQyZ_oIdVPKoJ2ASMkzgF0goB_vDXJag";
    const PS384: &str = "bpz3jtblP1MSaD6i2_g92tEZnyXxxfQCxcBeBMqyFr-hnUO9o_06NxVIkMkuP2RvPb5PjwbejnFP8JrV1okakNZDHx_Hpgf9JfgS8Tqbzfk5Pj9b1UVJ6d_ujMsmh805RDPcG-MqSRCHSC-0OQ2yiDPj70PmcKrKTmJ3u0dyGvrg_OhAOT0dPDNxzEcOgXCQbCWS2TMm4yk9ifGUvCS6dL7HV34G5Sn-PwcgB_p77VfN4iT04DNbDCxVixFdPKTa3zZEA3PscG2A8-WApPG_nwtXJ8YxWknAZLCQ1vZopqLSsei6llr2_V4gz9T2Zr-2LdTzq1AOhmHB4HEilaLTng";
    const PS512: &str = "IIhJiadpdkd9-iWwCE57XBR9nz_G0cPYYXwQR_59ZP4H_p7HzQvV6YDcdOt4ZuBJJTIiq4St8TXNDby3C2VYtjOONhr_X_J_IB4-VUH5qc9SUNwEa0qH1z04vjyx40yFXgLrNCsuwJ2c4eJHjH-7EVKwdYdA7EeY_mVOP5TjXDJOMqq_6jKCTAdalSxfskeMwtIy76hGogBe4SBiR_hsNdH1SHMHUCVQGySObgF-NQ-JFbJDcWilL6np7vnhy4btdIc8XJ8VoHpeeiPiGbTi186slF5OsSPgH970LadjDpyWBiQ57S8kp08H3pFQtjSf2XSjryTEzEP0jzlbGK1oOg";
    /// With a salt of 20 bytes.
    const PS256_SALT_20: &str = "fJl20c-T3Ve6gIu7ZycPDrTOqvQkgsYlEaQFjODbQGLyxoGZoGGkPPDXicDz99OtCcU-g3RNs1Brm5WNa4RfVvDFQ9g7PYoQAgXoKKopLZFDeHYUnv4EedaawfwVnlmnptX7Pmk-Nb15M90RMCQdVi63vHye3fi6-A1XcnWnnFFePXUyHzvH1prhoOC5lmaiUhRNI0pGVtoC5boWRMFftd_U33ZwNvdF4jkxIbRid9E7CLqDHqYInue9unXxRBrVlZfpmKJ0tTAQR8Xh28TFGrkOJcoZIQo2B5vAZvgsT8LS9FUHQh7zFAxJFn0oAsLDo44nXhJkC6iw4CltQ3eTYw";
    const P384_X: &str = "At6hReb3O3hp0CDfDkbpA8hOfovqH4bsG-n76WQ9LI8sh2JZf5aR0Xvn9zjbVqdI";
    const P384_Y: &str = "qgZURoiAedfvIyh6_Jb1vACX77BysLVPclKWwh1ahfjghYKUUPj2PKv-5BmUjH_i";
    const ES384: &str = "9fKQLj3uSYT_6oGnMI7sDlqCc2uMUyut2uKhCpY-vgwDaFm7p_OiubTUpYhP5iVqMI74Ew7XwA2oIpPsY0ATKtSLLtDoOAg3rI9rD9MzIp__M1aopy5a4HHo2tl0JXGE";
    const P256_ORDER: &str = "_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE";

    fn octets(text: &str) -> Vec<u8> {
        Base64UrlUnpadded::decode_vec(text).unwrap()
    }

    /// A key, as owned bytes.
    #[derive(Clone)]
    struct Key(Algorithm, Vec<u8>, Vec<u8>);

    impl Key {
        fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
            let Self(algorithm, one, other) = self;
            let ec = |curve| PublicKey::Ec { curve, x: one, y: other };
            let key = match algorithm {
                Algorithm::Es256 => ec(Curve::P256),
                Algorithm::Es384 => ec(Curve::P384),
                Algorithm::EdDsa => PublicKey::Ed25519 { x: one.as_slice().try_into().unwrap() },
                _ => PublicKey::Rsa { modulus: one, exponent: other },
            };
            RustCrypto.verify(*algorithm, &key, message, signature)
        }
    }

    /// A key of this algorithm, a message, and a signature that is valid.
    fn vectors() -> Vec<(Key, Vec<u8>, Vec<u8>)> {
        let vector = |algorithm, one, other, message: &str, signature| {
            (Key(algorithm, octets(one), octets(other)), message.as_bytes().to_vec(), octets(signature))
        };
        vec![
            vector(Algorithm::Rs256, A2_MODULUS, "AQAB", A2_MESSAGE, A2_SIGNATURE),
            vector(Algorithm::Rs384, MODULUS, "AQAB", MESSAGE, RS384),
            vector(Algorithm::Rs512, MODULUS, "AQAB", MESSAGE, RS512),
            vector(Algorithm::Ps256, MODULUS, "AQAB", MESSAGE, PS256),
            vector(Algorithm::Ps384, MODULUS, "AQAB", MESSAGE, PS384),
            vector(Algorithm::Ps512, MODULUS, "AQAB", MESSAGE, PS512),
            vector(Algorithm::Es256, A3_X, A3_Y, A3_MESSAGE, A3_SIGNATURE),
            vector(Algorithm::Es384, P384_X, P384_Y, MESSAGE, ES384),
            vector(Algorithm::EdDsa, A4_X, "", A4_MESSAGE, A4_SIGNATURE),
        ]
    }

    /// Flips bit `at`.
    fn flipped(octets: &[u8], at: usize) -> Vec<u8> {
        let mut octets = octets.to_vec();
        octets[at / 8] ^= 0x80 >> (at % 8);
        octets
    }

    /// Some bits of this many bytes, including the first and the last.
    fn bits(octets: usize) -> impl Iterator<Item = usize> {
        (0..octets * 8).step_by(octets + 3).chain((octets * 8).checked_sub(1))
    }

    #[test]
    fn every_algorithm_has_a_vector_that_verifies() {
        let vectors = vectors();
        let algorithms: Vec<_> = vectors.iter().map(|(key, ..)| key.0).collect();
        assert_eq!(algorithms, RustCrypto.algorithms());
        for (key, message, signature) in vectors {
            assert!(key.verifies(&message, &signature), "{:?}", key.0);
        }
    }

    #[test]
    fn a_bit_turned_over_anywhere_is_refused() {
        for (key, message, signature) in vectors() {
            let Key(algorithm, one, other) = &key;
            for at in bits(message.len()) {
                assert!(!key.verifies(&flipped(&message, at), &signature), "{algorithm:?}: message {at}");
            }
            for at in bits(signature.len()) {
                assert!(!key.verifies(&message, &flipped(&signature, at)), "{algorithm:?}: signature {at}");
            }
            for at in bits(one.len()) {
                let key = Key(*algorithm, flipped(one, at), other.clone());
                assert!(!key.verifies(&message, &signature), "{algorithm:?}: n or x {at}");
            }
            for at in bits(other.len()) {
                let key = Key(*algorithm, one.clone(), flipped(other, at));
                assert!(!key.verifies(&message, &signature), "{algorithm:?}: e or y {at}");
            }
        }
    }

    #[test]
    fn a_signature_of_another_length_is_refused() {
        for (key, message, signature) in vectors() {
            let longer = [&signature[..], &[0]].concat();
            let padded = [&[0], &signature[..]].concat();
            let shorter = &signature[..signature.len() - 1];
            for other in [&longer, &padded, shorter, &signature[1..], &signature[..signature.len() / 2], &[]] {
                assert!(!key.verifies(&message, other), "{:?}: {}", key.0, other.len());
            }
        }
    }

    #[test]
    fn the_algorithm_must_be_that_of_the_signature_and_fit_the_key() {
        let vectors = vectors();
        let mut algorithms = ALGORITHMS.to_vec();
        algorithms.push(Algorithm::Es512);
        for (Key(algorithm, one, other), message, signature) in &vectors {
            let curves = [Curve::P256, Curve::P384, Curve::P521];
            let mut keys: Vec<_> = curves.map(|curve| PublicKey::Ec { curve, x: one, y: other }).to_vec();
            keys.push(PublicKey::Rsa { modulus: one, exponent: other });
            keys.extend(one.as_slice().try_into().ok().map(|x| PublicKey::Ed25519 { x }));
            let verified = keys.iter().flat_map(|key| {
                algorithms.iter().filter(|algorithm| RustCrypto.verify(**algorithm, key, message, signature))
            });
            assert_eq!(verified.collect::<Vec<_>>(), [algorithm]);
        }
    }

    /// A modulus of `bits` bits, and an RS256 signature of MESSAGE for the exponent 2 or 3, made without a private key so that
    /// keys of any size and kind are possible: s^e - n is what PKCS #1 requires, and so is s^e mod n.
    fn modulus_and_signature(bits: usize, exponent: usize, odd: bool) -> (Vec<u8>, Vec<u8>) {
        let octets = bits.div_ceil(8);
        let wanted = BigUint::from_bytes_be(&pkcs1_encoded(octets));
        // The eighths give s^e `bits` bits.
        let eighths: &[u8] = if exponent == 2 { &[9, 12] } else { &[9, 11, 14] };
        let mut s = BigUint::from(eighths[(bits - 1) % exponent]) << ((bits - 1) / exponent - 3);
        if (wanted.to_bytes_le()[0] % 2 == 1) != odd {
            s += 1_u8;
        }
        let modulus = (1..exponent).fold(s.clone(), |power, _| power * &s) - wanted;
        assert_eq!((modulus.bits(), modulus.to_bytes_le()[0] % 2 == 1), (bits, odd));
        (modulus.to_bytes_be(), left_padded(&s.to_bytes_be(), octets))
    }

    fn left_padded(octets: &[u8], len: usize) -> Vec<u8> {
        [&vec![0; len - octets.len()], octets].concat()
    }

    /// EMSA-PKCS1-v1_5 of MESSAGE with SHA-256 (RFC 8017 section 9.2).
    fn pkcs1_encoded(octets: usize) -> Vec<u8> {
        let hash = Sha256::digest(MESSAGE);
        let info = [0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];
        let padding = vec![0xff; octets - 3 - info.len() - hash.len()];
        [&[0, 1], &padding[..], &[0], &info, &hash].concat()
    }

    fn rs256(modulus: &[u8], exponent: &[u8], signature: &[u8]) -> bool {
        Key(Algorithm::Rs256, modulus.to_vec(), exponent.to_vec()).verifies(MESSAGE.as_bytes(), signature)
    }

    #[test]
    fn a_modulus_has_2048_to_8192_bits_and_is_odd() {
        for (bits, is_fine) in [
            (512, false),
            (2047, false),
            (2048, true),
            (2049, true),
            (3072, true),
            (4096, true),
            (4097, true),
            (8191, true),
            (8192, true),
            (8193, false),
            (16_384, false),
        ] {
            let (modulus, signature) = modulus_and_signature(bits, 3, true);
            assert_eq!(rs256(&modulus, &[3], &signature), is_fine, "{bits} bits");
        }
        let (even, signature) = modulus_and_signature(2048, 3, false);
        assert!(!rs256(&even, &[3], &signature));
        for modulus in [&[][..], &[0], &[1], &[3], &[0; 256], &[0xff; 256]] {
            assert!(!rs256(modulus, &[3], &vec![1; modulus.len()]));
        }
    }

    #[test]
    fn an_exponent_is_odd_and_has_2_to_33_bits() {
        let (modulus, signature) = modulus_and_signature(2048, 3, true);
        assert!(rs256(&modulus, &[3], &signature));
        assert!(rs256(&modulus, &[0, 0, 3], &signature));
        let (square, signature) = modulus_and_signature(2048, 2, true);
        assert!(!rs256(&square, &[2], &signature), "2 is even");
        let signature = pkcs1_encoded(256);
        assert!(!rs256(&modulus, &[1], &signature), "with 1, the message signs itself");
        assert!(!rs256(&modulus, &[0], &signature));
        assert!(!rs256(&modulus, &[], &signature));
        let is_key = |exponent: u64| rsa_key(&modulus, &exponent.to_be_bytes()).is_some();
        for (exponent, is_fine) in [
            (2, false),
            (3, true),
            (65_537, true),
            (65_538, false),
            ((1 << 33) - 1, true),
            ((1 << 33) + 1, false),
            (u64::MAX, false),
        ] {
            assert_eq!(is_key(exponent), is_fine, "{exponent}");
        }
        assert!(rsa_key(&modulus, &modulus).is_none());
    }

    #[test]
    fn an_rsa_signature_is_below_the_modulus() {
        let (modulus, signature) = modulus_and_signature(2048, 3, true);
        for (algorithm, modulus, exponent, signature) in [
            (Algorithm::Rs256, modulus, vec![3], signature),
            (Algorithm::Ps256, octets(MODULUS), octets("AQAB"), octets(PS256)),
            (Algorithm::Ps384, octets(MODULUS), octets("AQAB"), octets(PS384)),
            (Algorithm::Ps512, octets(MODULUS), octets("AQAB"), octets(PS512)),
        ] {
            let sum = BigUint::from_bytes_be(&modulus) + BigUint::from_bytes_be(&signature);
            assert_eq!(sum.bits(), 2048, "the vectors leave room for it");
            let key = Key(algorithm, modulus, exponent);
            assert!(key.verifies(MESSAGE.as_bytes(), &signature), "{algorithm:?}");
            assert!(!key.verifies(MESSAGE.as_bytes(), &sum.to_bytes_be()), "{algorithm:?}");
        }
    }

    #[test]
    fn a_salt_has_the_size_of_the_hash() {
        let key = Key(Algorithm::Ps256, octets(MODULUS), octets("AQAB"));
        assert!(!key.verifies(MESSAGE.as_bytes(), &octets(PS256_SALT_20)));
    }

    #[test]
    fn r_and_s_are_above_zero_and_below_the_order() {
        let key = Key(Algorithm::Es256, octets(A3_X), octets(A3_Y));
        let signature = octets(A3_SIGNATURE);
        let (r, s) = signature.split_at(32);
        let verifies = |r: &[u8], s: &[u8]| key.verifies(A3_MESSAGE.as_bytes(), &[r, s].concat());
        assert!(verifies(r, s));
        let (zero, order) = ([0; 32], octets(P256_ORDER));
        for (r, s) in [(&zero[..], s), (r, &zero[..]), (&zero, &zero), (&order, s), (r, &order), (&order, &order)] {
            assert!(!verifies(r, s));
        }
        // RFC 7518 section 3.4 does not forbid the greater of the two S, so signers make both.
        let other_s = (BigUint::from_bytes_be(&order) - BigUint::from_bytes_be(s)).to_bytes_be();
        assert!(verifies(r, &left_padded(&other_s, 32)));
        let key = Key(Algorithm::Es384, octets(P384_X), octets(P384_Y));
        assert!(!key.verifies(MESSAGE.as_bytes(), &[0; 96]));
    }

    #[test]
    fn a_point_is_on_the_curve_and_has_the_octets_of_it() {
        let verifies = |x: &[u8], y: &[u8]| {
            Key(Algorithm::Es256, x.to_vec(), y.to_vec()).verifies(A3_MESSAGE.as_bytes(), &octets(A3_SIGNATURE))
        };
        let (x, y) = (octets(A3_X), octets(A3_Y));
        assert!(verifies(&x, &y));
        assert!(!verifies(&y, &x));
        assert!(!verifies(&[0; 32], &[0; 32]));
        assert!(!verifies(&[0xff; 32], &y));
        assert!(!verifies(&x[1..], &y));
        assert!(!verifies(&x, &left_padded(&y, 33)));
        assert!(!verifies(&[], &[]));
        let key = Key(Algorithm::Es384, octets(P384_X), octets(P384_X));
        assert!(!key.verifies(MESSAGE.as_bytes(), &octets(ES384)));
    }

    #[test]
    fn an_ed25519_key_that_anybody_can_sign_for_is_refused() {
        let p = BigUint::from_bytes_le(&[&[0xed], &[0xff; 30][..], &[0x7f]].concat());
        let le = |y: BigUint, sign: u8| {
            let mut octets = left_padded(&y.to_bytes_be(), 32);
            octets.reverse();
            octets[31] |= sign;
            octets
        };
        let small = |y: u8| BigUint::from(y);
        let of_order_8 = BigUint::from_bytes_le(&octets("JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgC-Ihtk-4")[..31]);
        let mut keys = Vec::new();
        for y in [small(0), small(1), &p - small(1), p.clone(), &p + small(1), of_order_8] {
            keys.extend([le(y.clone(), 0), le(y, 0x80)]);
        }
        // With such a key, S = 0 and an R of small order sign one message in eight, or more, or all.
        for x in &keys {
            for r in &keys {
                for message in 0..8_u8 {
                    let key = Key(Algorithm::EdDsa, x.clone(), Vec::new());
                    assert!(!key.verifies(&[message], &[&r[..], &[0; 32]].concat()), "{x:?}");
                }
            }
        }
    }

    #[test]
    fn an_ed25519_signature_cannot_be_written_in_another_way() {
        let key = Key(Algorithm::EdDsa, octets(A4_X), Vec::new());
        let signature = octets(A4_SIGNATURE);
        let order = octets("7dP1XBpjEljWnPei3vneFAAAAAAAAAAAAAAAAAAAABA");
        let s = BigUint::from_bytes_le(&signature[32..]) + BigUint::from_bytes_le(&order);
        let mut s = left_padded(&s.to_bytes_be(), 32);
        s.reverse();
        assert!(!key.verifies(A4_MESSAGE.as_bytes(), &[&signature[..32], &s].concat()));
    }
}
