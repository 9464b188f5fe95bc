//! Sessions: what a page shows with everything it asks. Signed by the server, so that no process has to remember them.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use openssl::rand::rand_bytes;
use schemas::ids::CustomerId;
use schemas::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::signature;
use super::token::Proof;

/// For whom sessions are: what the shop signs with the same secret by mistake is none.
const AUDIENCE: &str = "care-chat-session";

/// What the invented id of an anonymous shopper begins with: ids of other sources are none of these.
const INVENTED: &str = "chat-";

/// What the page of a session may speak for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose thread it is.
    pub customer: CustomerId,
    /// Who that is.
    pub who: Who,
    /// When it ends.
    pub ends: Timestamp,
}

/// Who the reader of a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// A customer, proved by the shop.
    Known,
    /// Somebody.
    Anonymous,
}

/// Signs sessions and reads them.
pub struct Sessions {
    writes: EncodingKey,
    reads: DecodingKey,
    validation: Validation,
    anonymous: Span,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: String,
    aud: String,
    who: Who,
    /// In milliseconds, as everything here.
    ends: i64,
}

impl Sessions {
    /// Returns what signs with a secret; sessions of anonymous shoppers last so many days.
    pub fn new(secret: &[u8], anonymous_days: i64) -> Self {
        signature::install();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["aud", "sub"]);
        validation.validate_exp = false;
        Self {
            writes: EncodingKey::from_secret(secret),
            reads: DecodingKey::from_secret(secret),
            validation,
            anonymous: Span::days(anonymous_days),
        }
    }

    /// Returns the session that a token opens: it lasts as long as the token.
    pub fn known(&self, proof: &Proof) -> Session {
        Session { customer: proof.customer.clone(), who: Who::Known, ends: proof.ends }
    }

    /// Returns a session for an anonymous shopper: the one of an earlier session that is still good, else a new one whom nobody can guess.
    pub fn anonymous(&self, earlier: Option<&str>, now: Timestamp) -> Session {
        let earlier = earlier.and_then(|text| self.read(text, now));
        let earlier = earlier.filter(|session| session.who == Who::Anonymous);
        let customer = earlier.map_or_else(invented, |session| session.customer);
        Session { customer, who: Who::Anonymous, ends: now + self.anonymous }
    }

    /// Returns the text of a session.
    pub fn write(&self, session: &Session) -> String {
        let Session { customer, who, ends } = session;
        let claims =
            Claims { sub: customer.as_str().to_owned(), aud: AUDIENCE.to_owned(), who: *who, ends: ends.0 };
        encode(&Header::new(Algorithm::HS256), &claims, &self.writes)
            .expect("claims are JSON, and the key is one for this algorithm")
    }

    /// Returns the session of a text, if this server signed it and it has not ended.
    pub fn read(&self, text: &str, now: Timestamp) -> Option<Session> {
        let Claims { sub, who, ends, .. } = decode(text, &self.reads, &self.validation).ok()?.claims;
        let session = Session { customer: CustomerId::user(&sub), who, ends: Timestamp(ends) };
        (now < session.ends).then_some(session)
    }
}

fn invented() -> CustomerId {
    let mut random = [0; 16];
    rand_bytes(&mut random).expect("a system that has made keys has randomness");
    CustomerId::anonymous(&format!("{INVENTED}{:032x}", u128::from_le_bytes(random)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn sessions(secret: u8) -> Sessions {
        Sessions::new(&[secret; 32], 30)
    }

    #[test]
    fn a_session_is_read_as_it_was_written_until_it_ends_and_by_nobody_else() {
        let proof =
            Proof { customer: CustomerId::user("ada"), id: "t".into(), made: NOW, ends: NOW + Span(5) };
        let session = sessions(1).known(&proof);
        let text = sessions(1).write(&session);
        assert_eq!(sessions(1).read(&text, NOW), Some(session));
        assert_eq!(sessions(1).read(&text, NOW + Span(5)), None, "it has ended");
        assert_eq!(sessions(2).read(&text, NOW), None, "another secret");
        assert_eq!(sessions(1).read(&text[1..], NOW), None);
        assert_eq!(sessions(1).read("", NOW), None);
    }

    #[test]
    fn an_anonymous_shopper_stays_the_same_while_the_session_is_shown_and_is_nobody_elses() {
        let sessions = sessions(1);
        let first = sessions.anonymous(None, NOW);
        assert!(first.customer.as_str().starts_with("anon:chat-"), "{first:?}");
        let text = sessions.write(&first);
        let later = NOW + Span::days(29);
        let again = sessions.anonymous(Some(&text), later);
        assert_eq!((&again.customer, again.ends), (&first.customer, later + Span::days(30)));
        assert_ne!(sessions.anonymous(Some(&text), NOW + Span::days(31)).customer, first.customer);
        assert_ne!(sessions.anonymous(Some("forged"), NOW).customer, first.customer);
        let known = Session { customer: CustomerId::user("ada"), who: Who::Known, ends: later };
        let fallen = sessions.anonymous(Some(&sessions.write(&known)), NOW);
        assert!(fallen.customer.is_anonymous(), "a known session never becomes an anonymous one");
    }
}
