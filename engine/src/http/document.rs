//! The document of the API: OpenAPI 3.1, made of the table of routes and of the types that answers have, so that it says neither more nor
//! less than what is routed.
//!
//! Source: OpenAPI Specification 3.1.1; JSON Schema 2020-12.

mod talks;
mod views;

use std::sync::LazyLock;

use actix_web::http::Method;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::route::{Handler, Open, ROUTES, Route};

static DOCUMENT: LazyLock<Value> = LazyLock::new(write);

/// Returns the document.
pub fn document() -> &'static Value {
    &DOCUMENT
}

/// How a request is answered that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Good {
    pub(super) status: u16,
    /// Type of the body, where there is one.
    pub(super) media: Option<&'static str>,
}

impl Good {
    pub(super) const JSON: Self = Self { status: 200, media: Some("application/json") };
}

/// Statuses of problems.
const BAD: [u16; 12] = [400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 503];

/// Schemas of what is sent and of what is answered: what may be left out in one is always there in the other.
struct Schemas {
    sent: SchemaGenerator,
    answered: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12()
                .with(|settings| settings.definitions_path = "/components/schemas".into())
        };
        let answered = settings().for_serialize().into_generator();
        Self { sent: settings().for_deserialize().into_generator(), answered }
    }

    fn sent<T: JsonSchema>(&mut self) -> Value {
        self.sent.subschema_for::<T>().to_value()
    }

    fn answered<T: JsonSchema>(&mut self) -> Value {
        self.answered.subschema_for::<T>().to_value()
    }

    /// Returns all, by name.
    fn all(mut self) -> Map<String, Value> {
        let mut all = self.answered.take_definitions(true);
        all.extend(self.sent.take_definitions(true));
        all.insert("Problem".to_owned(), problem());
        all
    }
}

/// What is said of an operation beside its route.
struct Operation {
    id: String,
    tag: &'static str,
    summary: String,
    /// Parameters of the query and headers.
    parameters: Vec<Value>,
    body: Option<Value>,
    /// Status and media type of a good answer, and its schema.
    good: (Good, Value),
    /// Statuses of problems.
    bad: Vec<u16>,
}

fn write() -> Value {
    let mut schemas = Schemas::new();
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let operation = operation(route, &mut schemas);
        let here = paths.entry(route.path).or_insert_with(|| json!({}));
        here[route.method.as_str().to_lowercase()] = told(route, operation);
    }
    let bad = BAD.map(|status| (format!("Problem{status}"), refused(status)));
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Care Engine",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Events come in by the collector; pages of the shop talk below /chat; what the engine knows and decides is read below /api/v1. Problems are told by RFC 9457.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas.all(),
            "responses": Map::from_iter(bad),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A key of `care keys create`"},
                "basic": {"type": "http", "scheme": "basic", "description": "The key as user name"},
                "session": {"type": "http", "scheme": "bearer", "description": "A session of POST /chat/session"},
            },
        },
    })
}

/// Returns the schema of problem details.
fn problem() -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": text("Name of the problem, a URN"),
            "title": text("The problem in a line"),
            "status": {"type": "integer", "description": "The status of the answer"},
            "detail": text("What is wrong, and what would be legal"),
            "field": text("The part of the request that is wrong, where it is one"),
        },
    })
}

/// Returns an operation as the document has it.
fn told(route: &Route, of: Operation) -> Value {
    let mut parameters: Vec<Value> = route.parameters().map(in_path).collect();
    parameters.extend(of.parameters);
    let mut responses = Map::new();
    let (Good { status, media }, schema) = of.good;
    let mut answer = json!({"description": "Done"});
    if let Some(media) = media {
        answer["content"] = json!({media: {"schema": schema}});
    }
    responses.insert(status.to_string(), answer);
    for status in of.bad {
        let answer = json!({"$ref": format!("#/components/responses/Problem{status}")});
        responses.insert(status.to_string(), answer);
    }
    let mut operation = json!({
        "operationId": of.id,
        "tags": [of.tag],
        "summary": of.summary,
        "responses": responses,
    });
    if !parameters.is_empty() {
        operation["parameters"] = json!(parameters);
    }
    if let Some(body) = of.body {
        operation["requestBody"] = body;
    }
    match route.open {
        Open::Everybody => operation["security"] = json!([]),
        Open::Session => operation["security"] = json!([{"session": []}]),
        Open::Keys(roles) => {
            operation["security"] = json!([{"bearer": []}, {"basic": []}]);
            let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
            operation["description"] = json!(format!("For keys of role {}.", roles.join(", ")));
        }
    }
    operation
}

fn in_path(name: &str) -> Value {
    let (of, example) = match name {
        "customer" => {
            ("Customer id: a userId as the shop sends it, or anon: and an anonymousId", "shopper-1")
        }
        "trigger" => ("Name of a trigger", "cart-idle"),
        _ => ("Part of the path", ""),
    };
    let schema = json!({"type": "string", "minLength": 1});
    json!({"name": name, "in": "path", "required": true, "description": of, "schema": schema, "example": example})
}

/// Returns the answer of a problem.
fn refused(status: u16) -> Value {
    let schema = json!({"$ref": "#/components/schemas/Problem"});
    let content = json!({"application/problem+json": {"schema": schema}});
    let mut answer = json!({"description": meaning(status), "content": content});
    if matches!(status, 429 | 503) {
        let seconds = json!({"description": "Seconds to wait", "schema": {"type": "integer"}});
        answer["headers"] = json!({"Retry-After": seconds});
    }
    answer
}

/// Returns what a status of a problem means.
fn meaning(status: u16) -> &'static str {
    match status {
        400 => "The request cannot be read, or nothing of it was accepted",
        401 => "No key that is in force is shown, or no session that has not ended",
        403 => "The key is of another role",
        404 => "There is nothing of this name",
        405 => "This method is not for this path",
        408 => "The request was not complete in time",
        409 => "A request with this key is under way",
        413 => "The request is too large",
        415 => "A body of this type, or packed like this, is not read",
        422 => "Another request was sent with this key",
        429 => "Too much is under way, or too much is sent",
        503 => "Log or store do not answer, or the process stops",
        _ => "See the problem",
    }
}

fn operation(route: &Route, schemas: &mut Schemas) -> Operation {
    match route.handler {
        Handler::Collects(dialect) => {
            let path = route.path.trim_start_matches('/').replace('/', "_");
            let is_post = route.method == Method::POST;
            Operation {
                id: format!("{}_{path}", route.method.as_str().to_lowercase()),
                tag: "collector",
                summary: format!("Takes events as dialect {} says them, durably", dialect.as_str()),
                parameters: Vec::new(),
                body: is_post.then(|| json!({"content": {"application/json": {"schema": {}}}})),
                good: (dialect.good(), json!({})),
                bad: vec![400, 401, 403, 405, 408, 413, 415, 429, 503],
            }
        }
        Handler::Views(view) => views::operation(route, view, schemas),
        Handler::Talks(talks) => talks::operation(route, talks, schemas),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_documented_and_none_beyond() {
        let document = document();
        let mut told = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().expect("paths") {
            for method in methods.as_object().expect("methods").keys() {
                told.insert((path.clone(), method.to_uppercase()));
            }
        }
        let routed = ROUTES.iter().map(|route| (route.path.to_owned(), route.method.to_string()));
        assert_eq!(told, routed.collect());
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_operation_has_a_name_of_its_own() {
        let document = document();
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().expect("it ends");
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
        let operations = document["paths"].as_object().expect("paths").values();
        let names: Vec<_> = operations
            .flat_map(|methods| methods.as_object().expect("methods").values())
            .map(|operation| operation["operationId"].as_str().expect("a name"))
            .collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    }

    #[test]
    fn the_document_that_is_committed_is_the_one_that_is_served() {
        let committed = include_str!("../../openapi.json");
        let served = serde_json::to_string_pretty(document()).expect("it is JSON") + "\n";
        assert!(committed == served, "`care openapi > engine/openapi.json` writes it anew");
    }
}
