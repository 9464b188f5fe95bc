//! Events as Segment JSON lines.

use schemas::conversation::words::Language;
use schemas::time::Timestamp;
use serde_json::{Map, Value, json};

use super::cart::{Cart, Line};
use super::catalogue::{PRODUCTS, Product};
use super::nature::Nature;
use super::phrases::{Situation, phrases};

/// The shop sells in one currency.
pub const CURRENCY: &str = "EUR";

/// Who an event names.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// The shopper.
    pub number: u32,
    /// Nature of the shopper.
    pub nature: &'a Nature,
    /// Whether the event carries the user id.
    pub signed_in: bool,
    /// Counts the shopper's events.
    pub sent: u32,
    /// Seed of the shop.
    pub seed: u64,
}

impl Who<'_> {
    /// Returns the user id.
    pub fn user(number: u32) -> String {
        format!("shopper-{number}")
    }

    /// Returns the anonymous id.
    pub fn visitor(number: u32) -> String {
        format!("visitor-{number}")
    }

    /// Returns the call as a line.
    pub fn line(&self, at: Timestamp, (call, rest): (&str, Map<String, Value>)) -> String {
        let mut body = rest;
        body.insert("type".into(), call.into());
        body.insert("messageId".into(), format!("s{}-{}-{}", self.seed, self.number, self.sent).into());
        body.insert("timestamp".into(), at.to_string().into());
        body.insert("anonymousId".into(), Self::visitor(self.number).into());
        if self.signed_in {
            body.insert("userId".into(), Self::user(self.number).into());
        }
        body.insert("context".into(), json!({"locale": self.nature.locale, "timezone": self.nature.zone}));
        Value::Object(body).to_string()
    }

    /// Returns a track call.
    pub fn track(&self, at: Timestamp, event: &str, properties: Value) -> String {
        let rest = Map::from_iter([("event".into(), event.into()), ("properties".into(), properties)]);
        self.line(at, ("track", rest))
    }

    /// Returns a page call.
    pub fn page(&self, at: Timestamp) -> String {
        let name = match self.nature.language {
            Language::Chinese => "首页",
            Language::English => "Home",
        };
        self.line(at, ("page", Map::from_iter([("name".into(), name.into())])))
    }

    /// Returns an identify call.
    pub fn identify(&self, at: Timestamp) -> String {
        let (names, language) = match self.nature.language {
            Language::Chinese => (&super::catalogue::CHINESE_NAMES, "zh"),
            Language::English => (&super::catalogue::ENGLISH_NAMES, "en"),
        };
        let traits = json!({
            "firstName": names[self.number as usize % names.len()],
            "email": format!("shopper{}@example.com", self.number),
            "language": language,
        });
        self.line(at, ("identify", Map::from_iter([("traits".into(), traits)])))
    }
}

/// Returns the name of a product in a language.
pub fn name(product: &Product, language: Language) -> &'static str {
    match language {
        Language::English => product.english,
        Language::Chinese => product.chinese,
    }
}

/// Returns a product as properties.
pub fn product((place, quantity): Line, language: Language) -> Value {
    let product = &PRODUCTS[usize::from(place)];
    json!({
        "product_id": product.id,
        "name": name(product, language),
        "category": product.category.as_str(),
        "price": units(product.price),
        "quantity": quantity,
        "currency": CURRENCY,
    })
}

/// Returns lines as properties.
pub fn lines(lines: &[Line]) -> Value {
    let line = |(place, quantity): &Line| {
        let product = &PRODUCTS[usize::from(*place)];
        json!({
            "product_id": product.id,
            "category": product.category.as_str(),
            "price": units(product.price),
            "quantity": quantity,
        })
    };
    lines.iter().map(line).collect()
}

/// Returns what lines are worth.
///
/// Units: euro cents.
pub fn value(lines: &[Line]) -> u32 {
    lines.iter().map(|(place, quantity)| PRODUCTS[usize::from(*place)].price * u32::from(*quantity)).sum()
}

/// Returns cents as units.
pub fn units(cents: u32) -> f64 {
    f64::from(cents) / 100.0
}

/// Returns a cart's id.
pub fn cart_id(shopper: u32, cart: &Cart) -> String {
    format!("c-{shopper}-{}", cart.number)
}

/// Returns the id of the order that a cart becomes.
pub fn order_id(shopper: u32, cart: u16) -> String {
    format!("o-{shopper}-{cart}")
}

/// Returns what is written in a situation about a product.
pub fn text(situation: Situation, pick: usize, (place, language): (u8, Language)) -> String {
    let phrases = phrases(situation, language);
    phrases[pick % phrases.len()].replace("{}", name(&PRODUCTS[usize::from(place)], language))
}
