//! Typed readers: what the properties of an event say, leniently in their form, never guessed.
//!
//! A number may come as a number or as a string that spells one. An amount in a currency that does not exist is no amount.

use smol_str::{SmolStr, ToSmolStr};

use super::{Event, vocabulary};
use crate::money::{Currency, Money};
use crate::value::{Properties, Value};

/// Lines that are read of one event.
pub const LINES_MAX: usize = 200;

/// Largest quantity of one line that is believed.
pub const QUANTITY_MAX: u32 = 1_000_000_000;

/// Properties that state the value of a whole order or cart, best first.
const WHOLE: [&str; 4] = ["total", "revenue", "value", "subtotal"];

/// One product of an event.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductLine<'a> {
    /// The product's id, else its SKU.
    pub product_id: Option<SmolStr>,
    /// Its name.
    pub name: Option<&'a str>,
    /// Its category.
    pub category: Option<&'a str>,
    /// Price of one.
    pub price: Option<Money>,
    /// How many; at least 1, also where the event counts returned ones below zero.
    pub quantity: u32,
}

impl ProductLine<'_> {
    /// Returns what the line is worth: price times quantity.
    pub fn value(&self) -> Option<Money> {
        self.price.map(|price| price.times(i64::from(self.quantity)))
    }
}

impl Event {
    /// Returns the id of the order that the event names.
    pub fn order_id(&self) -> Option<SmolStr> {
        text(&self.properties, "order_id")
    }

    /// Returns the id of the cart that the event names.
    pub fn cart_id(&self) -> Option<SmolStr> {
        text(&self.properties, "cart_id")
    }

    /// Returns the products of the event: its `products`, else the one that it names itself. A bare price is in `base`.
    pub fn products(&self, base: Currency) -> impl Iterator<Item = ProductLine<'_>> {
        products(&self.properties, base)
    }

    /// Returns what the whole order or cart of the event is worth, as it states itself. A bare number is in `base`.
    pub fn value(&self, base: Currency) -> Option<Money> {
        amount(&self.properties, &WHOLE, base)
    }

    /// Returns what was searched for.
    pub fn query(&self) -> Option<SmolStr> {
        text(&self.properties, "query")
    }

    /// Returns the rating of a review, on whatever scale the shop uses.
    pub fn rating(&self) -> Option<f64> {
        self.properties.get("rating")?.as_number()
    }

    /// Returns the property at a dotted path, in this vocabulary's words or those of the sender's dialect.
    pub fn property(&self, path: &str) -> Option<&Value> {
        if let Some(value) = self.properties.at(path) {
            return Some(value);
        }
        let (head, rest) = path.split_once('.').unwrap_or((path, ""));
        let ours = self.properties.get(vocabulary::property(head)?)?;
        match ours {
            _ if rest.is_empty() => Some(ours),
            Value::Map(inner) => inner.at(rest),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) => None,
        }
    }
}

/// Returns a property as text: a string that is not blank, or a number as people write it.
pub fn text(properties: &Properties, name: &str) -> Option<SmolStr> {
    match properties.get(name)? {
        Value::Text(text) => Some(text.trim()).filter(|text| !text.is_empty()).map(SmolStr::new),
        Value::Number(number) => Some(number.to_smolstr()),
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => None,
    }
}

/// Returns the currency of an event's amounts: `base` where it names none, `None` where it names what is none.
pub fn currency(properties: &Properties, base: Currency) -> Option<Currency> {
    match properties.get("currency") {
        None | Some(Value::Null) => Some(base),
        Some(Value::Text(code)) if code.trim().is_empty() => Some(base),
        Some(Value::Text(code)) => Currency::parse(code),
        Some(Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Map(_)) => None,
    }
}

/// Returns the first of these properties that is an amount. A bare number is in `base`.
pub fn amount(properties: &Properties, names: &[&str], base: Currency) -> Option<Money> {
    let currency = currency(properties, base)?;
    names.iter().find_map(|name| money(properties, name, currency))
}

/// Returns the products of an event: its `products`, else the one that it names itself. A bare price is in `base`.
pub fn products(properties: &Properties, base: Currency) -> impl Iterator<Item = ProductLine<'_>> {
    let currency = currency(properties, base);
    let (list, itself) = match properties.get("products") {
        Some(Value::List(products)) => (products.as_slice(), None),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Map(_)) | None => {
            ([].as_slice(), Some(properties))
        }
    };
    let listed = list.iter().take(LINES_MAX).filter_map(|product| match product {
        Value::Map(product) => Some(product),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) => None,
    });
    listed.chain(itself).filter_map(move |product| line(product, currency))
}

/// Returns the line that these properties are; none without id, SKU or name.
fn line(product: &Properties, currency: Option<Currency>) -> Option<ProductLine<'_>> {
    let product_id = text(product, "product_id").or_else(|| text(product, "sku"));
    let name = word(product, "name");
    if product_id.is_none() && name.is_none() {
        return None;
    }
    Some(ProductLine {
        product_id,
        name,
        category: word(product, "category"),
        price: currency.and_then(|currency| money(product, "price", currency)),
        quantity: quantity(product),
    })
}

fn word<'a>(properties: &'a Properties, name: &str) -> Option<&'a str> {
    properties.get(name)?.as_text().map(|text| text.trim()).filter(|text| !text.is_empty())
}

fn money(properties: &Properties, name: &str, currency: Currency) -> Option<Money> {
    match properties.get(name)? {
        Value::Number(units) => Money::of_units(*units, currency),
        Value::Text(text) => Money::parse(text, currency),
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => None,
    }
}

/// Returns how many of a product a line is about.
fn quantity(product: &Properties) -> u32 {
    let said = product.get("quantity").and_then(Value::as_number).unwrap_or(1.0);
    (said.abs().round() as u32).clamp(1, QUANTITY_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EUR: Currency = Currency(*b"EUR");

    fn event(properties: serde_json::Value) -> Event {
        let body = serde_json::json!({"userId": "u", "event": "purchase", "properties": properties});
        let body = serde_json::to_vec(&body).expect("a JSON value");
        let (stamp, border) = (crate::time::Timestamp(0), crate::event::Border::default());
        crate::event::decode("u", &body, stamp, &border).expect("a good call")
    }

    fn eur(minor: i64) -> Option<Money> {
        Some(Money { minor, currency: EUR })
    }

    #[test]
    fn an_order_says_its_id_value_and_lines() {
        let order = event(serde_json::json!({
            "transaction_id": 17, "cart_id": " c-1 ", "value": "59.85", "items": [
                {"item_id": "p-1", "item_name": "One", "price": 19.95, "quantity": 2},
                {"sku": "s-2", "item_category": "kitchen", "price": "19.95"},
                {"name": "Three", "quantity": -4},
                "no product", {"price": 5},
            ],
        }));
        assert_eq!((order.order_id().as_deref(), order.cart_id().as_deref()), (Some("17"), Some("c-1")));
        assert_eq!(order.value(EUR), eur(5_985));
        let lines: Vec<_> = order.products(EUR).collect();
        assert_eq!(lines.len(), 3, "what names no product is no line");
        assert_eq!(lines[0].product_id.as_deref(), Some("p-1"));
        assert_eq!((lines[0].name, lines[0].price, lines[0].value()), (Some("One"), eur(1_995), eur(3_990)));
        assert_eq!((lines[1].product_id.as_deref(), lines[1].category), (Some("s-2"), Some("kitchen")));
        assert_eq!((lines[2].name, lines[2].price, lines[2].quantity), (Some("Three"), None, 4));
    }

    #[test]
    fn an_event_without_a_list_is_its_own_line() {
        let view =
            event(serde_json::json!({"product_id": "p-1", "price": 5, "query": "kettle", "rating": "4.5"}));
        let lines: Vec<_> = view.products(EUR).collect();
        assert_eq!((lines.len(), lines[0].value()), (1, eur(500)));
        assert_eq!((view.query().as_deref(), view.rating()), (Some("kettle"), Some(4.5)));
        assert_eq!(event(serde_json::json!({"page": 2})).products(EUR).count(), 0);
    }

    #[test]
    fn an_amount_is_in_the_currency_that_the_event_names() {
        let value = |properties| event(properties).value(EUR);
        let usd = Some(Money { minor: 100, currency: Currency(*b"USD") });
        assert_eq!(value(serde_json::json!({"total": 1, "currency": "usd"})), usd);
        assert_eq!(value(serde_json::json!({"total": 1})), eur(100));
        assert_eq!(value(serde_json::json!({"total": 1, "currency": ""})), eur(100));
        assert_eq!(value(serde_json::json!({"total": 1, "currency": "dollars"})), None);
        assert_eq!(value(serde_json::json!({"total": 1, "currency": 840})), None);
        assert_eq!(value(serde_json::json!({"total": "free", "revenue": 2})), eur(200));
        assert_eq!(value(serde_json::json!({"total": "NaN"})), None);
    }

    #[test]
    fn hostile_numbers_stay_within_bounds() {
        let order = event(serde_json::json!({"product_id": "p", "price": 1e300, "quantity": 1e300}));
        let line = order.products(EUR).next().expect("a line");
        assert_eq!(line.quantity, QUANTITY_MAX);
        assert!(line.value().is_some());
    }

    #[test]
    fn a_property_is_found_in_either_dialect() {
        let order = event(serde_json::json!({"transaction_id": "o", "a.b": 1, "ship": {"city": {"zip": 5}}}));
        let of = |path| order.property(path).cloned();
        assert_eq!(of("order_id"), Some(Value::Text("o".into())));
        assert_eq!(of("transaction_id"), Some(Value::Text("o".into())));
        assert_eq!(of("a.b"), Some(Value::Number(1.0)));
        assert_eq!(of("ship.city.zip"), Some(Value::Number(5.0)));
        assert_eq!((of("ship.town"), of("transaction_id.x"), of(""), of(".")), (None, None, None, None));
    }
}
