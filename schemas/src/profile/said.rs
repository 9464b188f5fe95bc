//! What an event says to the profile: ids and lines as [`crate::event::read`] finds them, bounded before anything keeps them.

use std::borrow::Cow;

use smol_str::SmolStr;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::customer::{Link, LinkKind};
use crate::event::read::{self, ProductLine};
use crate::money::{Currency, Money};
use crate::value::Properties;

/// Longest text that a profile keeps, in bytes; of a longer one it keeps the beginning and a hash.
pub const TEXT_MAX: usize = 64;

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

/// Returns the same as a text of its own.
pub fn bounded_text(text: &SmolStr) -> SmolStr {
    match bounded(text) {
        Cow::Borrowed(_) => text.clone(),
        Cow::Owned(kept) => SmolStr::new(kept),
    }
}

/// Returns a property as text that is short enough to keep.
pub fn text(properties: &Properties, name: &str) -> Option<SmolStr> {
    read::text(properties, name).map(|text| bounded_text(&text))
}

/// Returns the first of these properties that is a text.
pub fn first_text(properties: &Properties, names: &[&str]) -> Option<SmolStr> {
    names.iter().find_map(|name| text(properties, name))
}

/// Returns the lines of an event: its `products`, else the one product that it names itself.
pub fn items(properties: &Properties, base: Currency) -> Vec<Item> {
    let item = |line: ProductLine<'_>| {
        let product = line.product_id.or_else(|| line.name.map(SmolStr::new))?;
        let price = line.price.unwrap_or(Money { minor: 0, currency: base });
        Some(Item { product: SmolStr::new(bounded(&product)), quantity: line.quantity, price })
    };
    read::products(properties, base).filter_map(item).collect()
}

/// Returns the hash under which a profile remembers an id.
pub fn hash(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

/// Returns the link of a value to its customer.
pub fn link(kind: LinkKind, value: &str) -> Link {
    Link { kind, hash: xxh3_128(value.trim().to_lowercase().as_bytes()) }
}
