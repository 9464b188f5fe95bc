//! Keys as people make them, and as a running server takes them; and what never reaches its log.

use serde_json::json;

use super::client::Ask;
use super::{Shop, data, made, serve, track};
use crate::care;

fn ask(key: &str) -> Ask {
    Ask::json("/v1/track", track("u", "E", "m")).key(key)
}

#[test]
fn a_key_that_is_revoked_opens_nothing_within_seconds() {
    let shop = Shop::open(&[]);
    assert_eq!(shop.send(&ask(&shop.key)).status, 200);
    let other = made(&shop.dir, "ingest", "other");
    shop.served.wait_for_log("keys read again");
    assert_eq!(shop.send(&ask(&other)).status, 200, "what is made while it runs is taken");
    let revoked = care::run(["keys", "revoke", "web", "--json", "--data-dir", &data(&shop.dir)]).summary();
    assert_eq!(revoked["name"], "web");
    shop.served.wait_for_log("keys read again");
    assert_eq!(shop.send(&ask(&shop.key)).status, 401);
    assert_eq!(shop.send(&ask(&other)).status, 200, "the others stay");
    let listed = care::run(["keys", "list", "--json", "--data-dir", &data(&shop.dir)]).summary();
    assert_eq!((listed.as_array().map(Vec::len), &listed[0]["name"]), (Some(1), &json!("other")));
    assert!(!listed.to_string().contains(other.rsplit('_').next().expect("a secret")), "{listed}");
}

#[test]
fn what_keeps_keys_from_being_made_or_read_is_said() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    made(&dir, "ingest", "web");
    let again = care::run(["keys", "create", "--role", "agent", "--name", "web", "--data-dir", &data(&dir)]);
    assert!(!again.success && again.err.contains("a key named \"web\" already"), "{}", again.err);
    let nobody = care::run(["keys", "revoke", "app", "--data-dir", &data(&dir)]);
    assert!(
        !nobody.success && nobody.err.contains("\"app\"") && nobody.err.contains("web"),
        "{}",
        nobody.err
    );
    let shown = care::run(["keys", "list", "--data-dir", &data(&dir)]);
    assert!(shown.out.contains("ingest") && shown.out.contains("web"), "{}", shown.out);
    std::fs::write(dir.path().join("data/keys.json"), "{").expect("written");
    let refused =
        care::run(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data-dir", &data(&dir)]);
    assert!(!refused.success && refused.err.contains("keys.json is damaged"), "{}", refused.err);
}

#[test]
fn no_secret_and_no_event_reaches_the_log_however_much_is_logged() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let key = made(&dir, "ingest", "web");
    let mut served = serve(&dir, &[("CARE__OBSERVABILITY__LOG", "trace")]);
    let shop = super::address(&served);
    let send = |ask: &Ask| {
        super::Client::connect(&shop).and_then(|mut client| client.send(ask)).expect("an answer").status
    };
    assert_eq!(send(&ask(&key)), 200);
    let google = format!("/mp/collect?measurement_id=G-1&api_secret={key}&q=hidden-query");
    let body = r#"{"client_id":"hidden-client","events":[{"name":"hidden_event"}]}"#;
    assert_eq!(send(&Ask::new("POST", google).body(body)), 204);
    assert_eq!(send(&Ask::new("POST", "/mp/collect?api_secret=hidden-wrong").body(body)), 401);
    assert_eq!(send(&Ask::json("/v1/track", "{hidden-body").key(&key)), 400);
    assert_eq!(send(&Ask::json("/v1/track", json!({"userId": ["hidden-user"]})).key(&key)), 400);
    served.signal("TERM");
    let (status, log) = served.wait();
    assert!(status.success() && log.lines().count() > 10, "it logs: {log}");
    let secret = key.rsplit('_').next().expect("a secret");
    for line in log.lines() {
        assert!(!line.contains(secret) && !line.contains("hidden"), "{line}");
    }
}
