//! The matrix of roles and routes: every role at every route of the table, by the real server.

use engine::http::{Open, ROUTES, Route};
use engine::keys::Role;

use super::client::{Ask, Client};
use super::routes::{SESSION, collector, good};
use super::{Shop, made, track};

/// Who may do what, written down apart from the table.
fn may(role: Role, path: &str) -> bool {
    use Role::{Admin, Agent, Analyst, Ingest, Marketer, Operator};
    let roles: &[Role] = match path {
        // A key that may stand in a page sends events and opens sessions, nothing else.
        path if collector().contains(path) || path == SESSION => &[Ingest],
        "/api/v1/overview" => &[Marketer, Agent, Analyst, Operator, Admin],
        "/api/v1/lookup" | "/api/v1/at-risk" => &[Agent, Analyst, Admin],
        "/api/v1/customers/{customer}" | "/api/v1/customers/{customer}/timeline" => &[Agent, Analyst, Admin],
        "/api/v1/feed"
        | "/api/v1/customers/{customer}/decisions"
        | "/api/v1/customers/{customer}/why/{trigger}" => &[Marketer, Agent, Analyst, Admin],
        "/api/v1/triggers" | "/api/v1/triggers/{trigger}" => &[Marketer, Analyst, Admin],
        "/api/v1/dead-letters" | "/api/v1/dead-letters/replay" => &[Operator, Admin],
        path if path.starts_with("/api/v1/conversations") => &[Agent, Admin],
        other => panic!("nobody has said who may use {other}"),
    };
    roles.contains(&role)
}

/// A good request for a route.
fn ask(route: &Route, key: &str, role: Role) -> Ask {
    let path = route.path.replace("{customer}", "shopper").replace("{trigger}", "cart-idle");
    match route.path {
        of if collector().contains(of) => good(of, key, role.as_str()),
        "/api/v1/lookup" => Ask::json(path, r#"{"by":"id","value":"shopper"}"#).key(key),
        "/api/v1/dead-letters/replay" => {
            Ask::json(path, r#"{"all":true}"#).header("Idempotency-Key", role.as_str()).key(key)
        }
        SESSION => Ask::json(path, r#"{"page":"0123456789abcdef"}"#).key(key),
        "/chat/messages" => Ask::json(path, r#"{"id":"m","text":"Hello!"}"#).key(key),
        "/chat/seen" => Ask::json(path, r#"{"number":0}"#).key(key),
        "/api/v1/conversations/{customer}/messages" => {
            Ask::json(path, format!(r#"{{"id":"{}","agent":"Marie","text":"Hello!"}}"#, role.as_str()))
                .key(key)
        }
        "/api/v1/conversations/{customer}/take-over" | "/api/v1/conversations/{customer}/hand-back" => {
            Ask::json(path, r#"{"agent":"Marie"}"#).key(key)
        }
        _ => Ask::new("GET", path).key(key),
    }
}

#[test]
fn each_role_reaches_its_routes_and_no_others() {
    let shop = Shop::open(&[]);
    assert_eq!(shop.send_with_key(Ask::json("/v1/track", track("shopper", "Seen", "first"))).status, 200);
    shop.wait_for_events(1);
    let keys = Role::ALL.map(|role| (role, made(&shop.dir, role.as_str(), role.as_str())));
    for (role, key) in &keys {
        shop.served.wait_until("the key is in force", |served| {
            let overview = Ask::new("GET", "/api/v1/overview").key(key);
            let answer =
                Client::connect(&super::address(served)).and_then(|mut client| client.send(&overview));
            answer.expect("an answer").status != 401
        });
        for route in ROUTES {
            let of = format!("{} {} {}", role.as_str(), route.method, route.path);
            let answer = shop.send(&ask(route, key, *role));
            let roles = match route.open {
                Open::Keys(roles) => roles,
                Open::Everybody => {
                    // The demo page is off, as installed.
                    let status = if route.path == "/widget-demo" { 404 } else { 200 };
                    assert_eq!(answer.status, status, "{of}");
                    continue;
                }
                Open::Session => {
                    assert_eq!(answer.status, 401, "{of}: a key is no session");
                    continue;
                }
            };
            match may(*role, route.path) {
                true => assert!(answer.status < 300, "{of}: {answer:?}"),
                false => {
                    // Compatible routes tell it in the form that their clients expect.
                    assert_eq!(answer.status, 403, "{of}: {answer:?}");
                    assert!(roles.iter().all(|role| answer.body.contains(role.as_str())), "{of}: {answer:?}");
                }
            }
        }
    }
}

#[test]
fn without_a_key_nothing_is_open_but_what_is_for_everybody() {
    let shop = Shop::open(&[]);
    let open: Vec<&str> = ROUTES
        .iter()
        .filter(|route| {
            let answer = shop.send(&ask(route, "", Role::Admin).header("Authorization", ""));
            answer.status != 401
        })
        .map(|route| route.path)
        .collect();
    assert_eq!(open, ["/openapi.json", "/widget.js", "/widget-demo"]);
}
