//! The bundled file of the demonstration.

use std::collections::BTreeMap;
use std::path::Path;

use engine::replay::Format;

use super::read;

#[test]
fn every_line_of_the_demonstration_that_names_somebody_is_an_event_as_it_stands() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/demo-data/shop.jsonl");
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    let text = std::fs::read_to_string(&file).expect("the bundled file");
    for line in text.lines().filter(|line| line.contains("\"userId\"") || line.contains("\"anonymousId\"")) {
        *expected.entry(line.to_owned()).or_default() += 1;
    }
    let somebody: usize = expected.values().sum();
    let tally = read(Format::SegmentJsonl, &[file], |record| {
        let body = std::str::from_utf8(&record.body).expect("UTF-8");
        let call: serde_json::Value = serde_json::from_str(body).expect("JSON");
        let key = match (call["userId"].as_str(), call["anonymousId"].as_str()) {
            (Some(user), _) => user.to_owned(),
            (None, anonymous) => format!("anon:{}", anonymous.expect("somebody")),
        };
        assert_eq!(record.key, key);
        let left = expected.get_mut(body).expect("a line of the file");
        *left -= 1;
    });
    assert_eq!((tally.rows_read, tally.appended), (text.lines().count() as u64, somebody as u64));
    assert_eq!(tally.rejected["no_customer"].rows, tally.rows_read - tally.appended);
    assert!(expected.values().all(|left| *left == 0));
}
