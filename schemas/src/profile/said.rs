//! What an event says to the profile: ids, lines and amounts, read leniently and bounded before anything keeps them.

use std::borrow::Cow;
use std::fmt::Write;

use smol_str::SmolStr;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::customer::{Link, LinkKind};
use crate::money::{Currency, Money};
use crate::value::{Properties, Value};

/// Longest text that a profile keeps, in bytes; of a longer one it keeps the beginning and a hash.
pub const TEXT_MAX: usize = 64;

/// Lines that are read of one event.
const LINES_MAX: usize = 200;

/// Largest amount that is believed, in hundredths: ten million million units.
const MINOR_MAX: f64 = 1e15;

/// Largest quantity of one line that is believed.
const QUANTITY_MAX: f64 = 1e9;

/// One product line.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The product's id, else its SKU or name.
    pub product: SmolStr,
    /// How many; at least 1.
    pub quantity: u32,
    /// Price of one; 0 when the event names none.
    pub price: Money,
}

impl Item {
    /// Returns quantity times price.
    ///
    /// Units: hundredths of the price's currency.
    pub fn value(&self) -> i64 {
        self.price.minor.saturating_mul(i64::from(self.quantity))
    }
}

/// Returns the text if it is short enough to keep, else its beginning and a hash of all of it.
pub fn bounded(text: &str) -> Cow<'_, str> {
    if text.len() <= TEXT_MAX {
        return Cow::Borrowed(text);
    }
    let kept = text.floor_char_boundary(TEXT_MAX - 17);
    Cow::Owned(format!("{}:{:016x}", &text[..kept], xxh3_64(text.as_bytes())))
}

/// Returns a property as text: a string that is not blank, or a number as people write it.
pub fn text(properties: &Properties, name: &str) -> Option<SmolStr> {
    match properties.get(name)? {
        Value::Text(text) => {
            let text = text.trim();
            (!text.is_empty()).then(|| SmolStr::new(&*bounded(text)))
        }
        Value::Number(number) => {
            let mut digits = String::new();
            write!(digits, "{number}").ok()?;
            Some(SmolStr::new(&*bounded(&digits)))
        }
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => None,
    }
}

/// Returns the first of these properties that is a text.
pub fn first_text(properties: &Properties, names: &[&str]) -> Option<SmolStr> {
    names.iter().find_map(|name| text(properties, name))
}

/// Returns a property as a finite number; a string is read as one.
pub fn number(properties: &Properties, name: &str) -> Option<f64> {
    let number = match properties.get(name)? {
        Value::Number(number) => *number,
        Value::Text(text) => text.trim().parse().ok()?,
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => return None,
    };
    number.is_finite().then_some(number)
}

/// Returns the event's currency, `base` where it names none.
pub fn currency(properties: &Properties, base: Currency) -> Currency {
    let Some(Value::Text(text)) = properties.get("currency") else { return base };
    match *text.trim().as_bytes() {
        [a, b, c] if [a, b, c].iter().all(u8::is_ascii_alphabetic) => {
            Currency([a, b, c].map(|letter| letter.to_ascii_uppercase()))
        }
        _ => base,
    }
}

/// Returns the first of these properties that is a number, as an amount.
pub fn amount(properties: &Properties, names: &[&str], base: Currency) -> Option<Money> {
    let units = names.iter().find_map(|name| number(properties, name))?;
    Some(Money { minor: minor(units), currency: currency(properties, base) })
}

/// Returns the lines of an event: its `products`, else the one product that it names itself.
pub fn items(properties: &Properties, base: Currency) -> Vec<Item> {
    let currency = currency(properties, base);
    match properties.get("products") {
        Some(Value::List(products)) => products
            .iter()
            .take(LINES_MAX)
            .filter_map(|product| match product {
                Value::Map(product) => item(product, currency),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) => None,
            })
            .collect(),
        Some(_) | None => item(properties, currency).into_iter().collect(),
    }
}

fn item(properties: &Properties, currency: Currency) -> Option<Item> {
    let product = first_text(properties, &["product_id", "sku", "name"])?;
    let quantity = number(properties, "quantity").unwrap_or(1.0).abs().round().clamp(1.0, QUANTITY_MAX);
    let price = number(properties, "price").map_or(0, minor);
    Some(Item { product, quantity: quantity as u32, price: Money { minor: price, currency } })
}

fn minor(units: f64) -> i64 {
    (units * 100.0).round().clamp(-MINOR_MAX, MINOR_MAX) as i64
}

/// Returns the hash under which a profile remembers an id.
pub fn hash(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

/// Returns the link of a value to its customer.
pub fn link(kind: LinkKind, value: &str) -> Link {
    Link { kind, hash: xxh3_128(value.trim().to_lowercase().as_bytes()) }
}
