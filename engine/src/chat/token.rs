//! Tokens of the shop: JSON web tokens by which it says who reads a page.
//!
//! A token names the customer (`sub`), says for whom it is (`aud`), when it was made and when it ends (`iat`, `exp`, an hour apart at most)
//! and has an id of its own (`jti`), since it opens one session ([`super::Once`]). It is signed by the one algorithm of the settings; what
//! its own head says of that is believed only where it says the same. Source: RFC 7519, RFC 8725.

use anyhow::{Result, bail};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use openssl::pkey::PKey;
use schemas::event::{ID_MAX, names_nobody};
use schemas::ids::CustomerId;
use schemas::time::{Span, Timestamp};
use serde::Deserialize;

use super::{settings, signature};

/// The longest that a token may be good for. Units: seconds.
const LIFE_MAX_S: f64 = 3_600.0;

/// How far the clocks of shop and engine may be apart. Units: seconds.
const SKEW_S: f64 = 60.0;

/// Longest token that is looked at. Units: bytes.
pub const TOKEN_MAX: usize = 4_096;

/// Longest `jti`. Units: bytes.
const ID_OF_TOKEN_MAX: usize = 128;

/// Reads tokens of the shop.
#[derive(Clone)]
pub struct Tokens(Option<Reader>);

#[derive(Clone)]
struct Reader {
    key: DecodingKey,
    validation: Validation,
}

/// What a token proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Who reads the page.
    pub customer: CustomerId,
    /// The token's own id.
    pub id: String,
    /// When it was made.
    pub made: Timestamp,
    /// When it ends.
    pub ends: Timestamp,
}

/// Why a token proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untrue {
    /// The shop signs none.
    #[error("is not wanted: chat.token_algorithm is none, so every page is anonymous; leave it out")]
    NotWanted,
    /// It is no token.
    #[error("is no JSON web token: {0}")]
    Malformed(String),
    /// It is signed in another way than the settings say.
    #[error("is not signed as chat.token_algorithm says")]
    Algorithm,
    /// Its signature is another's.
    #[error("is not signed by the key of the settings")]
    Signature,
    /// It is for somebody else.
    #[error("is not for this: aud must be what chat.token_audience says")]
    Audience,
    /// It has ended.
    #[error("has expired; ask the shop for a new one")]
    Expired,
    /// It is not in force yet.
    #[error("is not in force yet: iat or nbf lies more than 60 s ahead")]
    Early,
    /// A claim says what it must not, or is missing.
    #[error("is wrong at {claim}: it {message}")]
    Claim {
        /// Which claim.
        claim: &'static str,
        /// What is wrong, and what would be legal.
        message: String,
    },
}

/// The claims that are read. Dates are numbers that need not be whole.
#[derive(Debug, Deserialize)]
struct Claims {
    sub: Option<String>,
    jti: Option<String>,
    iat: Option<f64>,
    exp: Option<f64>,
    nbf: Option<f64>,
}

impl Tokens {
    /// Returns what takes no token.
    pub fn none() -> Self {
        Self(None)
    }

    /// Returns what takes tokens that were signed with a shared secret, by HS256.
    pub fn of_secret(secret: &[u8], audience: &str) -> Self {
        Self::new(Algorithm::HS256, DecodingKey::from_secret(secret), audience)
    }

    /// Returns what takes tokens that were signed with the private key to this public one.
    ///
    /// Errors: the text is no public key in PEM, or none for the algorithm.
    pub fn of_public_key(by: settings::Algorithm, pem: &[u8], audience: &str) -> Result<Self> {
        let der = PKey::public_key_from_pem(pem)?.public_key_to_der()?;
        let (algorithm, key) = match by {
            settings::Algorithm::RS256 => (Algorithm::RS256, DecodingKey::from_rsa_der(&der)),
            settings::Algorithm::ES256 => (Algorithm::ES256, DecodingKey::from_ec_der(&der)),
            settings::Algorithm::None | settings::Algorithm::HS256 => bail!("{by:?} has no public key"),
        };
        if !signature::is_key_of(algorithm, &der) {
            bail!("it is no key for {by:?}; legal are RSA keys for RS256 and keys on P-256 for ES256");
        }
        Ok(Self::new(algorithm, key, audience))
    }

    fn new(algorithm: Algorithm, key: DecodingKey, audience: &str) -> Self {
        signature::install();
        let mut validation = Validation::new(algorithm);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["aud"]);
        // Dates are compared below: the library asks the system for the time.
        validation.validate_exp = false;
        Self(Some(Reader { key, validation }))
    }

    /// Returns what a token proves at a time.
    pub fn read(&self, token: &str, now: Timestamp) -> Result<Proof, Untrue> {
        let Reader { key, validation } = self.0.as_ref().ok_or(Untrue::NotWanted)?;
        if token.len() > TOKEN_MAX {
            return Err(Untrue::Malformed(format!("it has more than {TOKEN_MAX} bytes")));
        }
        let claims = decode::<Claims>(token, key, validation).map_err(|error| untrue(&error))?.claims;
        claims.prove(now)
    }
}

impl Claims {
    fn prove(self, now: Timestamp) -> Result<Proof, Untrue> {
        let now_s = now.0 as f64 / 1_000.0;
        let (iat, exp) = (needed("iat", self.iat)?, needed("exp", self.exp)?);
        if exp - iat > LIFE_MAX_S || exp <= iat {
            let message = format!("lies {} s behind iat; legal are up to {LIFE_MAX_S}", exp - iat);
            return Err(Untrue::Claim { claim: "exp", message });
        }
        if now_s >= exp + SKEW_S {
            return Err(Untrue::Expired);
        }
        if iat.max(self.nbf.unwrap_or(iat)) > now_s + SKEW_S {
            return Err(Untrue::Early);
        }
        let id = text("jti", self.jti, ID_OF_TOKEN_MAX)?;
        let customer = CustomerId::user(&text("sub", self.sub, ID_MAX)?);
        if names_nobody(customer.as_str()) || customer.is_anonymous() {
            let message = format!("is {customer}, which names no customer whom the shop knows");
            return Err(Untrue::Claim { claim: "sub", message });
        }
        Ok(Proof { customer, id, made: stamp(iat), ends: stamp(exp) })
    }
}

fn stamp(seconds: f64) -> Timestamp {
    Timestamp(0) + Span((seconds * 1_000.0) as i64)
}

fn needed<T>(claim: &'static str, value: Option<T>) -> Result<T, Untrue> {
    value.ok_or_else(|| Untrue::Claim { claim, message: "is missing".to_owned() })
}

fn text(claim: &'static str, value: Option<String>, max: usize) -> Result<String, Untrue> {
    let text = needed(claim, value)?;
    match text.len() {
        1.. if text.len() <= max => Ok(text),
        length => {
            let message = format!("has {length} bytes; legal are 1 to {max}");
            Err(Untrue::Claim { claim, message })
        }
    }
}

fn untrue(error: &jsonwebtoken::errors::Error) -> Untrue {
    match error.kind() {
        ErrorKind::InvalidSignature => Untrue::Signature,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName | ErrorKind::UnsupportedAlgorithm => {
            Untrue::Algorithm
        }
        ErrorKind::InvalidAudience => Untrue::Audience,
        ErrorKind::MissingRequiredClaim(_) => {
            Untrue::Claim { claim: "aud", message: "is missing".to_owned() }
        }
        _ => Untrue::Malformed(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use openssl::base64::encode_block;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::ecdsa::EcdsaSig;
    use openssl::hash::MessageDigest;
    use openssl::nid::Nid;
    use openssl::pkey::{PKey, Private};
    use openssl::rsa::Rsa;
    use openssl::sha::sha256;
    use openssl::sign::Signer;
    use serde_json::{Value, json};

    use super::*;

    const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

    /// Now, in seconds.
    const NOW: i64 = 1_800_000_000;

    fn part(bytes: &[u8]) -> String {
        encode_block(bytes).replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned()
    }

    /// Returns a token as a shop makes it.
    fn token(head: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
        let message =
            format!("{}.{}", part(head.to_string().as_bytes()), part(claims.to_string().as_bytes()));
        format!("{message}.{}", part(&sign(message.as_bytes())))
    }

    fn by_secret(secret: &[u8]) -> impl FnOnce(&[u8]) -> Vec<u8> {
        let key = PKey::hmac(secret).expect("a key");
        by_key(key)
    }

    fn by_key(key: PKey<Private>) -> impl FnOnce(&[u8]) -> Vec<u8> {
        move |message| {
            let mut signer = Signer::new(MessageDigest::sha256(), &key).expect("a signer");
            signer.sign_oneshot_to_vec(message).expect("signed")
        }
    }

    fn claims() -> Value {
        json!({"sub": "ada", "aud": "care", "jti": "t-1", "iat": NOW - 10, "exp": NOW + 3_590})
    }

    fn with(claim: &str, value: impl Into<Value>) -> Value {
        let mut claims = claims();
        claims[claim] = value.into();
        claims
    }

    fn read(head: &Value, claims: &Value, secret: &[u8]) -> Result<Proof, Untrue> {
        let tokens = Tokens::of_secret(SECRET, "care");
        tokens.read(&token(head, claims, by_secret(secret)), Timestamp(NOW * 1_000))
    }

    #[track_caller]
    fn check(claims: &Value, expected: Result<&str, &str>) {
        let read = read(&json!({"alg": "HS256", "typ": "JWT"}), claims, SECRET);
        match (read, expected) {
            (Ok(proof), Ok(customer)) => assert_eq!(proof.customer.as_str(), customer),
            (Err(untrue), Err(words)) => assert!(untrue.to_string().contains(words), "{untrue}"),
            (read, expected) => panic!("{read:?}, not {expected:?}, of {claims}"),
        }
    }

    #[test]
    fn a_token_of_the_shop_proves_its_customer() {
        check(&claims(), Ok("ada"));
        check(&with("aud", json!(["other", "care"])), Ok("ada"));
        check(&with("iat", NOW as f64 - 9.5), Ok("ada"));
        check(&with("sub", "王小明"), Ok("王小明"));
    }

    #[test]
    fn dates_count_with_a_minute_for_clocks_and_a_life_of_an_hour() {
        let life = |iat: i64, exp: i64| {
            let mut claims = with("iat", iat);
            claims["exp"] = exp.into();
            claims
        };
        check(&life(NOW - 600, NOW - 59), Ok("ada"));
        check(&life(NOW - 600, NOW - 60), Err("has expired"));
        check(&life(NOW + 60, NOW + 600), Ok("ada"));
        check(&life(NOW + 61, NOW + 600), Err("not in force yet"));
        check(&life(NOW, NOW + 3_600), Ok("ada"));
        check(&life(NOW, NOW + 3_601), Err("wrong at exp"));
        check(&life(NOW, NOW), Err("wrong at exp"));
        check(&with("nbf", NOW + 61), Err("not in force yet"));
    }

    #[test]
    fn what_a_claim_may_not_say_is_named() {
        check(&with("aud", "other"), Err("chat.token_audience"));
        for claim in ["sub", "aud", "jti", "iat", "exp"] {
            check(&with(claim, Value::Null), Err(claim));
        }
        for nobody in ["", "null", "anon:1", "x".repeat(257).as_str()] {
            check(&with("sub", nobody), Err("wrong at sub"));
        }
        check(&with("jti", "x".repeat(129)), Err("wrong at jti"));
        check(&with("exp", "tomorrow"), Err("no JSON web token"));
    }

    #[test]
    fn another_key_another_algorithm_and_none_prove_nothing() {
        let head = |alg: &str| json!({"alg": alg, "typ": "JWT"});
        let other = read(&head("HS256"), &claims(), b"another secret of another shop..");
        assert_eq!(other, Err(Untrue::Signature));
        for alg in ["HS384", "HS512", "RS256", "ES256"] {
            assert_eq!(read(&head(alg), &claims(), SECRET), Err(Untrue::Algorithm), "{alg}");
        }
        let tokens = Tokens::of_secret(SECRET, "care");
        let now = Timestamp(NOW * 1_000);
        for alg in ["none", "None", "NONE", ""] {
            let unsigned = token(&head(alg), &claims(), |_| Vec::new());
            let signed = token(&head(alg), &claims(), by_secret(SECRET));
            for text in [unsigned, signed] {
                assert!(matches!(tokens.read(&text, now), Err(Untrue::Malformed(_))), "{alg} {text}");
            }
        }
        let unsigned = token(&head("HS256"), &claims(), |_| Vec::new());
        assert_eq!(tokens.read(&unsigned, now), Err(Untrue::Signature));
        for text in ["", ".", "..", "a.b", "a.b.c", "a.b.c.d", &"x".repeat(5_000)] {
            assert!(matches!(tokens.read(text, now), Err(Untrue::Malformed(_))), "{text}");
        }
        assert_eq!(Tokens::none().read("a.b.c", now), Err(Untrue::NotWanted));
    }

    #[test]
    fn public_keys_prove_what_their_private_ones_signed_and_are_no_secret() {
        let now = Timestamp(NOW * 1_000);
        let rsa = PKey::from_rsa(Rsa::generate(2_048).expect("made")).expect("a key");
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("known");
        let curve = EcKey::generate(&group).expect("made");
        let by_curve = |message: &[u8]| {
            let signature = EcdsaSig::sign(&sha256(message), &curve).expect("signed");
            let half = |number: &openssl::bn::BigNumRef| number.to_vec_padded(32).expect("32 bytes");
            [half(signature.r()), half(signature.s())].concat()
        };
        let rsa_pem = rsa.public_key_to_pem().expect("written");
        let curve_pem = curve.public_key_to_pem().expect("written");
        let (rs, es) = (settings::Algorithm::RS256, settings::Algorithm::ES256);
        let of_rsa = Tokens::of_public_key(rs, &rsa_pem, "care").expect("a key");
        let of_curve = Tokens::of_public_key(es, &curve_pem, "care").expect("a key");
        let signed_rsa = token(&json!({"alg": "RS256"}), &claims(), by_key(rsa));
        let signed_curve = token(&json!({"alg": "ES256"}), &claims(), by_curve);
        assert_eq!(of_rsa.read(&signed_rsa, now).expect("true").customer.as_str(), "ada");
        assert_eq!(of_curve.read(&signed_curve, now).expect("true").customer.as_str(), "ada");
        // The public key, which everybody has, as the secret of HS256.
        for (tokens, pem) in [(&of_rsa, &rsa_pem), (&of_curve, &curve_pem)] {
            let forged = token(&json!({"alg": "HS256"}), &claims(), by_secret(pem));
            assert_eq!(tokens.read(&forged, now), Err(Untrue::Algorithm));
        }
        assert_eq!(of_rsa.read(&signed_curve, now), Err(Untrue::Algorithm));
        let changed = token(&json!({"alg": "ES256"}), &with("sub", "eve"), |_| vec![1; 64]);
        assert_eq!(of_curve.read(&changed, now), Err(Untrue::Signature));
        let short = token(&json!({"alg": "ES256"}), &claims(), |_| vec![1; 63]);
        assert_eq!(of_curve.read(&short, now), Err(Untrue::Signature));
        assert!(Tokens::of_public_key(rs, &curve_pem, "care").is_err());
        assert!(Tokens::of_public_key(es, &rsa_pem, "care").is_err());
        assert!(Tokens::of_public_key(es, b"no key", "care").is_err());
    }
}
