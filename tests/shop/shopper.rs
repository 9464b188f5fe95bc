//! One shopper's days: arrives, browses, fills a cart, perhaps buys, and lives with what follows.

use serde_json::{Map, Value, json};

use super::catalogue::{CHINESE_NAMES, ENGLISH_NAMES, PRODUCTS, Product};
use super::{DAY_MS, Event, HOUR_MS, MINUTE_MS, OPENS_AT_MS, Random, Shop, rfc3339};

/// A line of a cart.
type Line = (&'static Product, i64);

/// Writes down everything that shopper `number` does.
pub fn visit(shop: Shop, number: u32, random: &mut Random, events: &mut Vec<Event>) {
    let mut shopper = Shopper::arrive(shop, number, random, events);
    let visits = 1 + shopper.random.below(3);
    for _ in 0..visits {
        shopper.browse();
        if shopper.random.chance(62) {
            shopper.fill_cart();
            if shopper.random.chance(52) {
                shopper.buy();
            }
        }
        shopper.cart.clear();
        let pause = shopper.random.between(5 * HOUR_MS, 40 * HOUR_MS);
        shopper.now_ms += pause;
        if shopper.now_ms >= shopper.closes_at_ms {
            break;
        }
    }
}

/// A shopper on the way through the shop.
struct Shopper<'a> {
    random: &'a mut Random,
    events: &'a mut Vec<Event>,
    number: u32,
    seed: u64,
    now_ms: i64,
    closes_at_ms: i64,
    /// Counts this shopper's events, for message ids.
    sent: u32,
    carts: u32,
    /// True once the shop knows who this is.
    known: bool,
    reads_chinese: bool,
    zone: &'static str,
    cart: Vec<Line>,
}

impl<'a> Shopper<'a> {
    fn arrive(shop: Shop, number: u32, random: &'a mut Random, events: &'a mut Vec<Event>) -> Self {
        let span_ms = i64::from(shop.days) * DAY_MS;
        let reads_chinese = random.chance(40);
        let zone = if reads_chinese {
            "Asia/Shanghai"
        } else {
            *random.pick(&["Europe/London", "Europe/Berlin", "America/New_York"])
        };
        let now_ms = OPENS_AT_MS + random.between(0, span_ms * 3 / 4);
        let known = random.chance(35);
        let closes_at_ms = OPENS_AT_MS + span_ms;
        let mut shopper = Self {
            random,
            events,
            number,
            seed: shop.seed,
            now_ms,
            closes_at_ms,
            sent: 0,
            carts: 0,
            known,
            reads_chinese,
            zone,
            cart: Vec::new(),
        };
        if known {
            shopper.identify();
        }
        shopper
    }

    fn browse(&mut self) {
        self.page(if self.reads_chinese { "首页" } else { "Home" });
        if self.random.chance(30) {
            let product = self.random_product();
            let query = self.name_of(product);
            self.track("Products Searched", json!({ "query": query }));
        }
        for _ in 0..1 + self.random.below(3) {
            let product = self.random_product();
            let properties = self.describe(product, 1);
            self.track("Product Viewed", properties);
        }
    }

    fn fill_cart(&mut self) {
        self.carts += 1;
        for _ in 0..1 + self.random.below(2) {
            let product = self.random_product();
            let quantity = self.random.between(1, 2);
            self.cart.push((product, quantity));
            let mut properties = self.describe(product, quantity);
            properties["cart_id"] = json!(self.cart_id());
            self.track("Product Added", properties);
        }
        if self.cart.len() > 1 && self.random.chance(20) {
            let (product, quantity) = self.cart.remove(0);
            let mut properties = self.describe(product, quantity);
            properties["cart_id"] = json!(self.cart_id());
            self.track("Product Removed", properties);
        }
        if self.random.chance(50) {
            let products = self.lines();
            self.track("Cart Viewed", json!({ "cart_id": self.cart_id(), "products": products }));
        }
        if self.random.chance(25) {
            // Leaves, and comes back to the filled cart while its trigger may already have fired.
            self.now_ms += self.random.between(20 * MINUTE_MS, 5 * HOUR_MS);
        }
    }

    fn buy(&mut self) {
        if !self.known {
            self.known = true;
            self.identify();
        }
        let order = format!("o-{}-{}", self.number, self.carts);
        let value = self.value();
        self.track("Checkout Started", json!({ "order_id": order, "value": value, "currency": "EUR" }));
        if self.random.chance(18) {
            self.track(
                "Payment Failed",
                json!({ "order_id": order, "value": value, "reason": "card_declined" }),
            );
            if self.random.chance(45) {
                return;
            }
        }
        let products = self.lines();
        let properties =
            json!({ "order_id": order, "total": value, "currency": "EUR", "products": products });
        self.track("Order Completed", properties);
        let bought_at_ms = self.now_ms;
        self.live_with(&order, value);
        self.now_ms = bought_at_ms;
    }

    /// What follows an order: cancelled, shipped, late, reviewed, sent back.
    fn live_with(&mut self, order: &str, value: f64) {
        if self.random.chance(10) {
            self.now_ms += self.random.between(10 * MINUTE_MS, 6 * HOUR_MS);
            self.track("Order Cancelled", json!({ "order_id": order, "total": value, "currency": "EUR" }));
            return;
        }
        self.now_ms += self.random.between(4 * HOUR_MS, 20 * HOUR_MS);
        self.track("Order Shipped", json!({ "order_id": order, "carrier": "Swift Parcel" }));
        self.now_ms += self.random.between(8 * HOUR_MS, 24 * HOUR_MS);
        if self.random.chance(20) {
            let expected = rfc3339(self.now_ms + DAY_MS);
            self.track("Delivery Delayed", json!({ "order_id": order, "expected_at": expected }));
            let complains = self.random.chance(40);
            if complains {
                self.now_ms += self.random.between(2 * HOUR_MS, 6 * HOUR_MS);
                self.track("Case Opened", json!({ "case_id": format!("case-{order}"), "order_id": order }));
            }
            self.now_ms += self.random.between(6 * HOUR_MS, 20 * HOUR_MS);
            if complains {
                self.track("Case Closed", json!({ "case_id": format!("case-{order}") }));
            }
        }
        self.track("Order Delivered", json!({ "order_id": order }));
        self.now_ms += self.random.between(2 * HOUR_MS, 12 * HOUR_MS);
        if self.random.chance(25) {
            self.review();
        } else if self.random.chance(10) {
            let properties = json!({ "order_id": order, "total": value, "currency": "EUR" });
            self.track("Order Refunded", properties);
        }
    }

    fn review(&mut self) {
        let Some((product, _)) = self.cart.first().copied() else { return };
        let happy = self.random.chance(70);
        let text = match (self.reads_chinese, happy) {
            (true, true) => "质量很好，物流也快",
            (true, false) => "和描述不太一样，有点失望",
            (false, true) => "Just as described, and quick to arrive",
            (false, false) => "Not what the picture promised",
        };
        let rating = if happy { self.random.between(4, 5) } else { self.random.between(1, 2) };
        let properties = json!({ "product_id": product.id, "rating": rating, "review_body": text });
        self.track("Product Reviewed", properties);
    }

    /// Says who the shopper is. Together with the anonymous id, it asks for a merge.
    fn identify(&mut self) {
        let name = self.name();
        let mut traits = json!({
            "firstName": name,
            "email": format!("shopper{}@example.com", self.number),
        });
        traits["language"] = json!(if self.reads_chinese { "zh" } else { "en" });
        let answer = self.random.below(100);
        if answer < 80 {
            // 65 in 100 agree to marketing, 15 refuse, the rest say nothing.
            traits["consent"] = json!({ "marketing": answer < 65 });
        }
        let mut body = self.envelope("identify");
        body.insert("traits".into(), traits);
        self.send(body);
    }

    fn page(&mut self, name: &str) {
        let mut body = self.envelope("page");
        body.insert("name".into(), json!(name));
        self.send(body);
    }

    fn track(&mut self, event: &str, properties: Value) {
        let mut body = self.envelope("track");
        body.insert("event".into(), json!(event));
        body.insert("properties".into(), properties);
        self.send(body);
    }

    fn envelope(&mut self, call: &str) -> Map<String, Value> {
        self.now_ms += self.random.between(4_000, 3 * MINUTE_MS);
        self.sent += 1;
        let mut body = Map::new();
        body.insert("type".into(), json!(call));
        body.insert("messageId".into(), json!(format!("m{}-{}-{}", self.seed, self.number, self.sent)));
        body.insert("timestamp".into(), json!(rfc3339(self.now_ms)));
        body.insert("anonymousId".into(), json!(format!("visitor-{}", self.number)));
        if self.known {
            body.insert("userId".into(), json!(format!("shopper-{}", self.number)));
        }
        let locale = if self.reads_chinese { "zh-CN" } else { "en-GB" };
        body.insert("context".into(), json!({ "locale": locale, "timezone": self.zone }));
        body
    }

    /// Keeps what happens before the last day is over: the file ends there.
    fn send(&mut self, body: Map<String, Value>) {
        if self.now_ms < self.closes_at_ms {
            self.events.push(Event { at_ms: self.now_ms, body: Value::Object(body) });
        }
    }

    fn random_product(&mut self) -> &'static Product {
        self.random.pick(&PRODUCTS)
    }

    fn name(&self) -> &'static str {
        let names = if self.reads_chinese { &CHINESE_NAMES } else { &ENGLISH_NAMES };
        names[self.number as usize % names.len()]
    }

    fn name_of(&self, product: &Product) -> &'static str {
        if self.reads_chinese { product.chinese } else { product.english }
    }

    fn describe(&self, product: &Product, quantity: i64) -> Value {
        json!({
            "product_id": product.id,
            "name": self.name_of(product),
            "category": product.category,
            "price": product.price,
            "quantity": quantity,
            "currency": "EUR",
        })
    }

    fn lines(&self) -> Vec<Value> {
        let line = |(product, quantity): &Line| json!({ "product_id": product.id, "price": product.price, "quantity": quantity });
        self.cart.iter().map(line).collect()
    }

    fn value(&self) -> f64 {
        let cents: f64 =
            self.cart.iter().map(|(product, quantity)| product.price * 100.0 * *quantity as f64).sum();
        cents.round() / 100.0
    }

    fn cart_id(&self) -> String {
        format!("c-{}-{}", self.number, self.carts)
    }
}
