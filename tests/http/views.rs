//! The reading side: what it shows of a shop, and how it refuses.

use super::Shop;
use super::client::{Answer, Ask};
use super::made;

/// A shop with a key that reads.
struct Looked {
    shop: Shop,
    key: String,
}

impl Looked {
    fn open() -> Self {
        let shop = Shop::open(&[]);
        let key = made(&shop.dir, "analyst", "reader");
        shop.served.wait_for_log("keys read again");
        Self { shop, key }
    }

    #[track_caller]
    fn get(&self, path: &str) -> Answer {
        self.shop.send(&Ask::new("GET", path).key(&self.key))
    }
}

#[test]
fn triggers_in_force_are_told_in_plain_words() {
    let looked = Looked::open();
    let all = looked.get("/api/v1/triggers").json();
    let names = all["triggers"].as_array().expect("a list").iter().map(|one| one["name"].as_str());
    let ready: Vec<_> = engine::triggers::READY.iter().map(|(file, _)| file.strip_suffix(".yaml")).collect();
    assert_eq!(names.collect::<Vec<_>>(), ready);
    let one = looked.get("/api/v1/triggers/cart-idle").json();
    assert_eq!((&one["mode"].as_str(), &one["category"].as_str()), (&Some("live"), &Some("marketing")));
    assert!(one["words"].as_str().is_some_and(|words| words.contains("Product Added")), "{one}");
    let unknown = looked.get("/api/v1/triggers/nothing");
    let problem = super::routes::problem(&unknown, 404, "unknown");
    assert_eq!(problem["field"], "trigger");
    let method = looked.shop.send(&Ask::json("/api/v1/triggers", "{}").key(&looked.key));
    assert_eq!(method.header("Allow"), Some("GET, OPTIONS"));
    super::routes::problem(&method, 405, "method-not-allowed");
}
