//! Who a page speaks for: sessions and the tokens of the shop, by the real binary. What is said in threads is shown in `browser`.

use actors::port::clock::Clock;
use engine::clock::SystemClock;
use openssl::base64::encode_block;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use serde_json::{Value, json};

use super::client::{Answer, Ask};
use super::routes::problem;
use super::{Shop, address, serve};

/// What shop and engine share.
pub const SECRET: &str = "the shop's secret, of 32 bytes or more";

/// The settings of a shop that signs.
pub const SIGNED: [(&str, &str); 2] =
    [("CARE__CHAT__TOKEN_ALGORITHM", "HS256"), ("CARE__CHAT__TOKEN_SECRET", SECRET)];

/// Returns seconds since 1970.
pub fn now_s() -> u64 {
    SystemClock.now().0.unsigned_abs() / 1_000
}

/// Returns the claims of a token as a shop makes it now.
pub fn claims(customer: &str, id: &str) -> Value {
    json!({"sub": customer, "aud": "care", "jti": id, "iat": now_s(), "exp": now_s() + 600})
}

/// Signs claims.
pub fn signed(claims: &Value, secret: &str) -> String {
    let part = |bytes: &[u8]| {
        encode_block(bytes).replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned()
    };
    let message = format!("{}.{}", part(br#"{"alg":"HS256"}"#), part(claims.to_string().as_bytes()));
    let key = PKey::hmac(secret.as_bytes()).expect("a key");
    let mut signer = Signer::new(MessageDigest::sha256(), &key).expect("a signer");
    let signature = signer.sign_oneshot_to_vec(message.as_bytes()).expect("signed");
    format!("{message}.{}", part(&signature))
}

/// Opens a session for a page.
#[track_caller]
fn open(shop: &Shop, page: &str, token: &str) -> Answer {
    shop.send_with_key(Ask::json("/chat/session", json!({"page": page, "token": token})))
}

#[track_caller]
fn session(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["session"].as_str().expect("a session").to_owned()
}

const PAGES: [&str; 2] = ["page-1-0123456789", "page-2-0123456789"];

#[test]
fn a_token_opens_one_session_for_its_own_customer_and_a_replayed_expired_or_forged_one_opens_none() {
    let shop = Shop::open(&SIGNED);
    let token = signed(&claims("ada", "t-1"), SECRET);
    let opened = open(&shop, PAGES[0], &token);
    assert_eq!(opened.json()["known"], true);
    let ada = session(&opened);
    session(&open(&shop, PAGES[0], &token));
    let refused = |token: &str, words: &str| {
        let told = problem(&open(&shop, PAGES[1], token), 401, "token-refused");
        assert!(told["detail"].as_str().is_some_and(|detail| detail.contains(words)), "{words}: {told}");
        assert_eq!(told["field"], "token");
    };
    refused(&token, "another page");
    refused(
        &signed(&claims("ada", "t-2"), "another shop's secret, as long as it is"),
        "not signed by the key",
    );
    let mut expired = claims("ada", "t-3");
    (expired["iat"], expired["exp"]) = (json!(now_s() - 700), json!(now_s() - 61));
    refused(&signed(&expired, SECRET), "expired");
    let mut elsewhere = claims("ada", "t-4");
    elsewhere["aud"] = json!("another");
    refused(&signed(&elsewhere, SECRET), "chat.token_audience");
    refused(&signed(&claims("anon:1", "t-5"), SECRET), "wrong at sub");
    let mut earlier = claims("ada", "t-6");
    earlier["iat"] = json!(now_s() - 300);
    refused(&signed(&earlier, SECRET), "before this server started");
    let said = shop.send(&Ask::json("/chat/messages", json!({"id": "m", "text": "Hello"})).key(&ada));
    assert_eq!(said.status, 202, "{said:?}");
    let none = shop.send(&Ask::json("/chat/messages", json!({"id": "m", "text": "Hello"})).key(&token));
    problem(&none, 401, "no-session");
}

#[test]
fn without_a_token_a_page_is_anonymous_and_stays_the_same_over_a_restart() {
    let shop = Shop::open(&[]);
    let ask = |body: Value| Ask::json("/chat/session", body);
    let opened = shop.send_with_key(ask(json!({"page": PAGES[0]})));
    let first = session(&opened);
    assert_eq!(opened.json()["known"], false);
    let token = signed(&claims("ada", "t-1"), SECRET);
    let unwanted = problem(&open(&shop, PAGES[0], &token), 401, "token-refused");
    assert!(
        unwanted["detail"].as_str().is_some_and(|detail| detail.contains("token_algorithm")),
        "{unwanted}"
    );
    let said = shop.send(&Ask::json("/chat/messages", json!({"id": "m", "text": "Hello"})).key(&first));
    assert_eq!(said.status, 202, "{said:?}");
    let key = shop.key.clone();
    let dir = shop.close();
    let served = serve(&dir, &[]);
    let shop = Shop { dir, served, key };
    assert!(!address(&shop.served).is_empty());
    let again = shop.send_with_key(ask(json!({"page": PAGES[1], "session": first.clone()})));
    let subject = |session: &str| session.split('.').nth(1).map(str::to_owned).expect("claims");
    let (first, again) = (subject(&first), subject(&session(&again)));
    // The claims begin with the id: all that differs is when the sessions end.
    assert_eq!(first[..60], again[..60]);
    let other = session(&shop.send_with_key(ask(json!({"page": PAGES[1]}))));
    assert_ne!(first[..60], subject(&other)[..60]);
}

#[test]
fn the_script_is_there_for_every_page_and_the_page_to_try_it_only_where_it_is_wanted() {
    let shop = Shop::open(&[("CARE__HTTP__CORS_ORIGINS", "https://shop.example")]);
    let script = shop.send(&Ask::new("GET", "/widget.js"));
    assert_eq!((script.status, script.header("Content-Type")), (200, Some("text/javascript; charset=utf-8")));
    assert_eq!(script.header("Cross-Origin-Resource-Policy"), Some("cross-origin"));
    let tag = script.header("ETag").expect("a tag");
    assert_eq!(shop.send(&Ask::new("GET", "/widget.js").header("If-None-Match", tag)).status, 304);
    problem(&shop.send(&Ask::new("GET", "/widget-demo")), 404, "not-found");
    let asked = Ask::new("OPTIONS", "/chat/stream").header("Origin", "https://shop.example");
    let may = shop.send(&asked);
    assert_eq!(may.header("Access-Control-Allow-Origin"), Some("https://shop.example"), "{may:?}");
    assert!(may.header("Access-Control-Allow-Headers").is_some_and(|all| all.contains("Last-Event-ID")));
    let agents = Ask::new("OPTIONS", "/api/v1/conversations").header("Origin", "https://shop.example");
    assert_eq!(shop.send(&agents).header("Access-Control-Allow-Origin"), None);
    let shop = Shop::open(&[("CARE__CHAT__DEMO_PAGE", "on")]);
    let page = shop.send(&Ask::new("GET", "/widget-demo"));
    assert!(page.status == 200 && page.body.contains("/widget.js"), "{page:?}");
    assert!(
        page.header("Content-Security-Policy").is_some_and(|policy| policy.contains("connect-src 'self'"))
    );
}
