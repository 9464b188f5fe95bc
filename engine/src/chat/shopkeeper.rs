//! What a shop does for its pages: it signs who reads them. For shops that are simulated; a real one signs with a library of its own.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use schemas::time::Timestamp;
use serde::Serialize;

use super::{settings, signature};

/// A token is good for so long. Units: seconds.
const LIFE_S: i64 = 3_600;

/// Signs tokens with the secret that shop and engine share.
#[derive(Clone)]
pub struct Shopkeeper {
    key: EncodingKey,
    audience: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    aud: &'a str,
    jti: &'a str,
    iat: i64,
    exp: i64,
}

impl Shopkeeper {
    /// Returns who signs as the settings say; `None` where the shop does not sign by a shared secret.
    pub fn of(settings: &settings::Settings) -> Option<Self> {
        signature::install();
        (settings.token_algorithm == settings::Algorithm::HS256).then(|| Self {
            key: EncodingKey::from_secret(settings.token_secret.reveal().as_bytes()),
            audience: settings.token_audience.clone(),
        })
    }

    /// Returns a token that says that a customer reads a page, until an hour after `now`. `id` is that of no other token.
    pub fn token(&self, customer: &str, id: &str, now: Timestamp) -> String {
        let iat = now.0 / 1_000;
        let claims = Claims { sub: customer, aud: &self.audience, jti: id, iat, exp: iat + LIFE_S };
        encode(&Header::new(Algorithm::HS256), &claims, &self.key).expect("texts and numbers are JSON")
    }
}
