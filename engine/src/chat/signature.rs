//! Signatures of tokens and sessions: HS256, RS256, ES256, computed by the TLS library that is linked already.
//!
//! Form and claims are read by the library of JSON web tokens; it asks here for the arithmetic, and for no algorithm beyond these three.
//! Source: RFC 7518, sections 3.2 to 3.4.

use std::sync::Once;

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind, new_error};
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};
use openssl::bn::BigNum;
use openssl::ec::EcKey;
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::memcmp;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private, Public};
use openssl::sha::sha256;
use openssl::sign;

/// Bytes of each half of a signature on P-256.
const HALF: usize = 32;

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

static INSTALLED: Once = Once::new();

/// Makes the library compute by this file.
pub(super) fn install() {
    INSTALLED
        .call_once(|| PROVIDER.install_default().expect("nobody else in the program signs by this library"));
}

/// Returns true when a key in DER is one for the algorithm.
pub(super) fn is_key_of(algorithm: Algorithm, der: &[u8]) -> bool {
    match algorithm {
        Algorithm::RS256 => PKey::public_key_from_der(der).is_ok_and(|key| key.rsa().is_ok()),
        Algorithm::ES256 => curve(der).is_ok(),
        _ => false,
    }
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    match (algorithm, key.family()) {
        (Algorithm::HS256, AlgorithmFamily::Hmac) => Ok(Box::new(Secret::new(key.as_bytes())?)),
        _ => Err(new_error(ErrorKind::UnsupportedAlgorithm)),
    }
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    let bytes = key.try_get_as_bytes()?;
    match (algorithm, key.family()) {
        (Algorithm::HS256, AlgorithmFamily::Hmac) => Ok(Box::new(Secret::new(bytes)?)),
        (Algorithm::RS256, AlgorithmFamily::Rsa) => {
            Ok(Box::new(Rsa(PKey::public_key_from_der(bytes).map_err(|_| no_key())?)))
        }
        (Algorithm::ES256, AlgorithmFamily::Ec) => Ok(Box::new(Curve(curve(bytes).map_err(|_| no_key())?))),
        _ => Err(new_error(ErrorKind::UnsupportedAlgorithm)),
    }
}

fn no_key() -> Error {
    new_error(ErrorKind::InvalidKeyFormat)
}

/// Returns the key of a curve, if the curve is P-256.
fn curve(der: &[u8]) -> Result<EcKey<Public>, ErrorStack> {
    let key = EcKey::public_key_from_der(der)?;
    match key.group().curve_name() {
        Some(Nid::X9_62_PRIME256V1) => Ok(key),
        Some(_) | None => Err(ErrorStack::get()),
    }
}

/// HMAC with SHA-256.
struct Secret(PKey<Private>);

impl Secret {
    fn new(secret: &[u8]) -> Result<Self, Error> {
        PKey::hmac(secret).map(Self).map_err(|_| no_key())
    }

    fn sum(&self, message: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        sign::Signer::new(MessageDigest::sha256(), &self.0)?.sign_oneshot_to_vec(message)
    }
}

impl Signer<Vec<u8>> for Secret {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        self.sum(message).map_err(signature::Error::from_source)
    }
}

impl JwtSigner for Secret {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl Verifier<Vec<u8>> for Secret {
    fn verify(&self, message: &[u8], shown: &Vec<u8>) -> Result<(), signature::Error> {
        let sum = self.sum(message).map_err(signature::Error::from_source)?;
        is_true(sum.len() == shown.len() && memcmp::eq(&sum, shown))
    }
}

impl JwtVerifier for Secret {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

/// RSASSA-PKCS1-v1_5 with SHA-256.
struct Rsa(PKey<Public>);

impl Verifier<Vec<u8>> for Rsa {
    fn verify(&self, message: &[u8], shown: &Vec<u8>) -> Result<(), signature::Error> {
        let checked = sign::Verifier::new(MessageDigest::sha256(), &self.0)
            .and_then(|mut verifier| verifier.verify_oneshot(shown, message));
        is_true(checked.map_err(signature::Error::from_source)?)
    }
}

impl JwtVerifier for Rsa {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
}

/// ECDSA on P-256 with SHA-256.
struct Curve(EcKey<Public>);

impl Curve {
    fn check(&self, message: &[u8], shown: &[u8]) -> Result<bool, ErrorStack> {
        let Some((r, s)) = shown.split_at_checked(HALF).filter(|(_, s)| s.len() == HALF) else {
            return Ok(false);
        };
        let signature = EcdsaSig::from_private_components(BigNum::from_slice(r)?, BigNum::from_slice(s)?)?;
        signature.verify(&sha256(message), &self.0)
    }
}

impl Verifier<Vec<u8>> for Curve {
    fn verify(&self, message: &[u8], shown: &Vec<u8>) -> Result<(), signature::Error> {
        is_true(self.check(message, shown).map_err(signature::Error::from_source)?)
    }
}

impl JwtVerifier for Curve {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }
}

fn is_true(checked: bool) -> Result<(), signature::Error> {
    if checked { Ok(()) } else { Err(signature::Error::new()) }
}
