//! The queries of the dashboards, as Grafana would send them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::server::Prometheus;
use crate::watch::in_repository;

/// What `$__rate_interval` stands for: a dozen looks of the tests' Prometheus.
const RATE_INTERVAL: &str = "12s";

/// A query of a panel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Dashboard, panel, letter.
    pub place: String,
    /// What is asked, without variables.
    pub text: String,
}

/// Returns every dashboard by the name of its file.
pub fn all() -> BTreeMap<String, Value> {
    let folder = in_repository("ops/deploy/grafana/dashboards");
    let files = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path).expect("text");
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        (name.clone(), serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}")))
    };
    files.map(read).collect()
}

/// Returns the queries of a dashboard, its variables replaced by all their values.
///
/// Panics: a variable has no value, or is none that this knows.
pub fn queries(name: &str, dashboard: &Value, prometheus: &Prometheus) -> Vec<Query> {
    let mut variables = BTreeMap::from([("__rate_interval".to_owned(), RATE_INTERVAL.to_owned())]);
    for variable in list(&dashboard["templating"]["list"]) {
        let query = variable["query"].as_str().expect("a query");
        let asked = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
        let (metric, label) =
            asked.and_then(|asked| asked.split_once(", ")).expect("label_values(METRIC, LABEL)");
        let values = prometheus.label_values(metric, label);
        assert!(!values.is_empty(), "{name}: {query} has no value");
        let escaped: Vec<String> = values.iter().map(|value| value.replace('.', "\\\\.")).collect();
        variables.insert(
            variable["name"].as_str().expect("a name").to_owned(),
            format!("({})", escaped.join("|")),
        );
    }
    let panels = list(&dashboard["panels"]).iter().filter(|panel| panel["type"] != "row");
    let of_panel = |panel: &Value| {
        let targets = list(&panel["targets"]);
        let place = format!("{name}, {}", panel["title"].as_str().expect("a title"));
        let query = |target: &Value| Query {
            place: format!("{place}, {}", target["refId"].as_str().expect("a letter")),
            text: replaced(target["expr"].as_str().expect("a query"), &variables),
        };
        targets.iter().map(query).collect::<Vec<_>>()
    };
    panels.flat_map(of_panel).collect()
}

fn replaced(query: &str, variables: &BTreeMap<String, String>) -> String {
    let with = |text: String, (name, value): (&String, &String)| text.replace(&format!("${name}"), value);
    let text = variables.iter().fold(query.to_owned(), with);
    assert!(!text.contains('$'), "an unknown variable in {query}");
    text
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}
