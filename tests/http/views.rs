//! The reading side: what it shows of a shop, and how it refuses.

use serde_json::{Value, json};

use super::client::{Answer, Ask, Client};
use super::routes::problem;
use super::{Shop, made};

/// A shop with a key that opens everything people do.
struct Looked {
    shop: Shop,
    key: String,
}

impl Looked {
    fn open() -> Self {
        let shop = Shop::open(&[]);
        let key = made(&shop.dir, "admin", "people");
        let looked = Self { shop, key };
        looked.until("the key is in force", || looked.get("/api/v1/overview").status == 200);
        looked
    }

    #[track_caller]
    fn get(&self, path: &str) -> Answer {
        self.shop.send(&Ask::new("GET", path).key(&self.key))
    }

    #[track_caller]
    fn post(&self, path: &str, body: Value) -> Answer {
        self.shop.send(&Ask::json(path, body).key(&self.key))
    }

    #[track_caller]
    fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        self.shop.served.wait_until(what, |_| is_so());
    }

    /// Sends events of one customer, and waits until its row is stored.
    #[track_caller]
    fn happened(&self, customer: &str, events: &[Value]) {
        let answer = self.shop.send_with_key(Ask::json("/v1/batch", json!({"batch": events})));
        assert_eq!((answer.status, &answer.json()["accepted"]), (200, &json!(events.len())), "{answer:?}");
        let path = format!("/api/v1/customers/{customer}");
        self.until("the row is stored", || {
            let shown = self.get(&path);
            shown.status == 200 && shown.json()["events"]["count"].as_u64() >= Some(events.len() as u64)
        });
    }
}

/// Returns a track call about a cart.
fn added(user: &str, n: usize) -> Value {
    json!({"type": "track", "userId": user, "event": "Product Added", "messageId": format!("{user} {n}"), "properties": {"cart_id": "c-1", "product_id": format!("p-{n}"), "price": 19.5, "quantity": 2}})
}

/// Returns an order.
fn ordered(user: &str) -> Value {
    json!({"type": "track", "userId": user, "event": "Order Completed", "messageId": format!("{user} order"), "properties": {"order_id": "o-77", "total": 120, "currency": "EUR"}})
}

/// Returns a call that says who a customer is.
fn named(user: &str) -> Value {
    json!({"type": "identify", "userId": user, "messageId": format!("{user} named"), "traits": {"email": "Ada@Example.com", "phone": "+41 44 000"}})
}

#[test]
fn triggers_in_force_are_told_in_plain_words() {
    let looked = Looked::open();
    let all = looked.get("/api/v1/triggers").json();
    let names = all["triggers"].as_array().expect("a list").iter().map(|one| one["name"].as_str());
    let ready: Vec<_> = engine::triggers::READY.iter().map(|(file, _)| file.strip_suffix(".yaml")).collect();
    assert_eq!(names.collect::<Vec<_>>(), ready);
    let one = looked.get("/api/v1/triggers/cart-idle").json();
    assert_eq!((&one["mode"], &one["category"]), (&json!("live"), &json!("marketing")));
    assert!(one["words"].as_str().is_some_and(|words| words.contains("Product Added")), "{one}");
    assert_eq!(problem(&looked.get("/api/v1/triggers/nothing"), 404, "unknown")["field"], "trigger");
    let method = looked.post("/api/v1/triggers", json!({}));
    assert_eq!(method.header("Allow"), Some("GET, OPTIONS"));
    problem(&method, 405, "method-not-allowed");
}

#[test]
fn a_customer_is_shown_whole_and_found_by_what_leads_to_it() {
    let looked = Looked::open();
    looked.happened("ada", &[named("ada"), ordered("ada"), added("ada", 1), added("ada", 2)]);
    let shown = looked.get("/api/v1/customers/ada").json();
    assert_eq!(
        (&shown["id"], &shown["identified"], &shown["erased"]),
        (&json!("ada"), &json!(true), &json!(false))
    );
    assert_eq!(shown["carts"][0]["items"], 4);
    assert_eq!(shown["orders"]["latest"][0]["value"], json!({"minor": 12_000, "currency": "EUR"}));
    assert_eq!(shown["events"]["by_name"]["Product Added"], 2);
    let heads: Vec<_> =
        shown["scores"].as_array().expect("a list").iter().map(|one| one["head"].clone()).collect();
    assert_eq!(heads.len(), 5, "{heads:?}");
    looked.until("the cart is scored", || {
        let scores = looked.get("/api/v1/customers/ada").json()["scores"].clone();
        scores[0]["score"]["value"].is_f64() && scores[0]["reasons"][0]["words"].is_string()
    });
    for (by, value) in
        [("id", "ada"), ("email", " ada@example.COM"), ("phone", "+41 44 000"), ("order", "O-77")]
    {
        let found = looked.post("/api/v1/lookup", json!({"by": by, "value": value}));
        assert_eq!(found.json()["customers"][0]["id"], "ada", "{by} {found:?}");
    }
    let nobody = looked.post("/api/v1/lookup", json!({"by": "email", "value": "nobody@example.com"}));
    assert_eq!(nobody.json(), json!({"customers": []}));
    let refused = looked.post("/api/v1/lookup", json!({"by": "name", "value": "ada"}));
    assert!(problem(&refused, 400, "malformed")["detail"].to_string().contains("email"), "{refused:?}");
    assert_eq!(problem(&looked.get("/api/v1/customers/nobody"), 404, "unknown")["field"], "customer");
    assert_eq!(problem(&looked.get("/api/v1/customers/%FF"), 400, "malformed")["field"], "customer");
    assert_eq!(looked.get("/api/v1/customers/ada").header("Cache-Control"), Some("no-store"));
}

#[test]
fn timeline_and_decisions_are_followed_by_cursors_without_gap_or_repetition() {
    let looked = Looked::open();
    looked.happened("ada", &[named("ada"), ordered("ada"), added("ada", 1)]);
    looked.until("what waits is scored", || {
        looked.get("/api/v1/customers/ada").json()["scores"][0]["score"].is_object()
    });
    let whole = looked.get("/api/v1/customers/ada/timeline?limit=100").json();
    assert_eq!((&whole["next"], &whole["complete"]), (&Value::Null, &json!(true)));
    let whole = whole["entries"].as_array().expect("a list").clone();
    for kind in ["order", "cart", "session", "score", "first_seen"] {
        assert!(whole.iter().any(|entry| entry["kind"] == kind), "{kind} is not in {whole:?}");
    }
    let (mut pages, mut path) = (Vec::new(), "/api/v1/customers/ada/timeline?limit=2".to_owned());
    loop {
        let page = looked.get(&path).json();
        pages.extend(page["entries"].as_array().expect("a list").clone());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/customers/ada/timeline?limit=2&cursor={}", next.replace(' ', "%20"));
    }
    assert_eq!(pages, whole);
    let strange = looked.get("/api/v1/customers/ada/timeline?cursor=yesterday");
    assert_eq!(problem(&strange, 400, "malformed")["field"], "cursor");
    let strange = looked.get("/api/v1/customers/ada/timeline?limit=1000");
    assert_eq!(problem(&strange, 400, "malformed")["field"], "limit");
    let decisions = looked.get("/api/v1/customers/ada/decisions?trigger=cart-idle").json();
    assert_eq!(decisions, json!({"decisions": [], "next": null, "complete": true}));
    let why = looked.get("/api/v1/customers/ada/why/cart-idle").json();
    assert!(why["notes"][0].as_str().is_some_and(|note| note.contains("waits until")), "{why}");
    assert_eq!(problem(&looked.get("/api/v1/customers/ada/why/nothing"), 404, "unknown")["field"], "trigger");
}

#[test]
fn customers_at_risk_are_listed_with_reasons_and_with_what_the_list_covers() {
    let looked = Looked::open();
    for user in ["ada", "bob"] {
        looked.happened(user, &[named(user), added(user, 1)]);
    }
    looked.until("a round has seen both", || {
        let list = looked.get("/api/v1/at-risk?head=cart_abandonment").json();
        list["covers"]["complete"] == true && list["customers"].as_array().map(Vec::len) == Some(2)
    });
    let list = looked.get("/api/v1/at-risk?head=cart_abandonment").json();
    assert_eq!(list["covers"]["customers"], 2, "{list}");
    let first = &list["customers"][0];
    assert!(first["score"]["value"].as_f64().is_some_and(|value| (0.0..=1.0).contains(&value)), "{first}");
    assert!(first["reasons"][0]["words"].is_string() && first["cart"]["minor"] == 3_900, "{first}");
    let page = looked.get("/api/v1/at-risk?head=cart_abandonment&limit=1").json();
    let next = page["next"].as_str().expect("there are two");
    let rest = looked.get(&format!("/api/v1/at-risk?head=cart_abandonment&limit=1&cursor={next}")).json();
    assert_eq!((&page["customers"][0]["customer"], &rest["next"]), (&first["customer"], &Value::Null));
    assert_ne!(page["customers"][0]["customer"], rest["customers"][0]["customer"]);
    let purchase = looked.get("/api/v1/at-risk?head=purchase_intent");
    assert!(problem(&purchase, 400, "malformed")["detail"].to_string().contains("churn"), "{purchase:?}");
}

#[test]
fn the_feed_tells_the_pulse_and_ends_with_the_server() {
    let looked = Looked::open();
    let mut client = Client::connect(&looked.shop.address()).expect("it listens");
    let (head, _) = Ask::new("GET", "/api/v1/feed").key(&looked.key).wire();
    client.write(head.as_bytes()).expect("sent");
    let heard = client.hear_until("events_per_second").expect("it is told");
    assert!(heard.contains("text/event-stream") && heard.contains("retry: 2000"), "{heard}");
    assert!(heard.contains("\"events_per_second\"") && heard.contains("\nid: "), "{heard}");
    let Looked { shop, .. } = looked;
    shop.close();
    assert!(client.ends(), "a stop ends what has no end");
}
