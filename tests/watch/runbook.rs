//! Every alert has a page that says what it means and what to do, and there is no page without an alert.

use std::collections::BTreeSet;

use super::{in_repository, text_of};

/// What a page has to say, in this order.
const SECTIONS: [&str; 5] = [
    "## What it means",
    "## Who is hurt",
    "## Look first",
    "## What to do",
    "## How to tell that it is over",
];

/// An alert as its file has it.
pub struct Alert {
    /// Its name.
    pub name: String,
    /// Lines of its rule.
    rule: String,
}

/// Returns every alert of the rules.
pub fn alerts() -> Vec<Alert> {
    let text = text_of("ops/deploy/prometheus/alerts.yml");
    let rules = text.split("\n      - ").filter_map(|rule| rule.strip_prefix("alert: "));
    let alert = |rule: &str| {
        let (name, rule) = rule.split_once('\n').expect("an alert has more than a name");
        Alert { name: name.trim().to_owned(), rule: rule.to_owned() }
    };
    let alerts: Vec<Alert> = rules.map(alert).collect();
    assert!(alerts.len() > 20, "{} alerts were read: the file is read wrongly", alerts.len());
    alerts
}

#[test]
fn every_alert_leads_to_a_page_that_says_what_to_do_and_no_page_is_left_over() {
    let mut violations = Vec::new();
    let mut pages = BTreeSet::from(["README.md".to_owned()]);
    let index = text_of("ops/docs/runbook/README.md");
    for Alert { name, rule } in alerts() {
        let page = format!("{name}.md");
        for words in
            ["severity: ", "summary: ", "action: ", &format!("runbook_url: ops/docs/runbook/{page}\n")]
        {
            if !format!("{rule}\n").contains(words) {
                violations.push(format!("{name}: its rule lacks {words}"));
            }
        }
        let path = in_repository(&format!("ops/docs/runbook/{page}"));
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if !text.starts_with(&format!("# {name}\n")) {
            violations.push(format!("{page}: does not begin with its name"));
        }
        let mut rest = text.as_str();
        for section in SECTIONS {
            match rest.split_once(section) {
                Some((_, behind)) if behind.trim_start().starts_with(|c: char| c != '#') => rest = behind,
                Some(_) | None => {
                    violations.push(format!("{page}: lacks {section}, in its place and filled"))
                }
            }
        }
        if !index.contains(&format!("[{name}]({page})")) {
            violations.push(format!("README.md of the runbook does not name {name}"));
        }
        pages.insert(page);
    }
    let folder = std::fs::read_dir(in_repository("ops/docs/runbook")).expect("a folder");
    let found = folder.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    violations.extend(found.filter(|name| !pages.contains(name)).map(|name| format!("{name}: of no alert")));
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}
