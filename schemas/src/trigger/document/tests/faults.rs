//! What is wrong, with its line.

use super::{SHORTEST, parse, with};
use crate::trigger::document::DOCUMENT_MAX;

/// Returns the faults of a document, a line each.
fn faults(text: &str) -> String {
    parse(text).map_or_else(|faults| faults.to_string(), |parsed| format!("legal: {:?}", parsed.trigger))
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let told = faults(text);
    assert_eq!(told.lines().collect::<Vec<_>>(), expected, "\n{told}\n---\n{text}");
}

/// Checks a line put in place of the one that begins so, or behind the last.
#[track_caller]
fn check_line(replaced: &str, line: &str, expected: &[&str]) {
    check(&with(replaced, line), expected);
}

#[test]
fn all_faults_of_a_document_are_told_at_once_by_line() {
    check(
        "apiVersion: care/v2
kind: Trigger
metadata: {name: Cart Idle, version: 0, mode: draft}
spec:
  entry: {event: Product Added, key: cart, reentry: {mode: sometimes}}
  wait: {for: soon}
  exit: [{event: Order Completed, match: order}]
  when:
    all:
      - {profile: cart.value, gte: forty}
      - {profile: cart.vlaue, gte: 40}
      - {profile: country, gte: 40}
  polcy: {priority: 101}
  policy: {priority: 101}
",
        &[
            "1:13 apiVersion: \"care/v2\" is another format; legal: care/v1",
            "3:18 metadata.name: \"Cart Idle\" is no name; legal: small letters, digits, - and _, a letter or digit first, up to 64",
            "3:38 metadata.version: 0 is out of range; legal: 1 to 4294967295",
            "3:47 metadata.mode: \"draft\" is none of them; legal: live, shadow, paused",
            "5:3 spec.action: is missing",
            "5:60 spec.entry.reentry.mode: \"sometimes\" is none of them; legal: always, cooldown, once",
            "6:15 spec.wait.for: \"soon\" is no duration; legal: an ISO 8601 duration such as PT30M or P1D, 1 s to 366 days",
            "10:36 spec.when.all[0].gte: \"forty\" is no number; legal: a number",
            "11:19 spec.when.all[1].profile: \"cart.vlaue\" is no field, nearest is cart.value; legal: a field of the profile, or traits. and a name",
            "12:28 spec.when.all[2].gte: does not fit a text; legal: eq, ne, in, exists",
            "13:3 spec.polcy: no such key, nearest is policy; legal: entry, wait, exit, when, policy, test, action, goal",
            "14:22 spec.policy.priority: 101 is out of range; legal: 0 to 100",
        ],
    );
}

#[test]
fn what_is_not_in_this_version_is_refused_by_its_name() {
    for (line, path, word) in [
        ("  steps: []", "spec.steps", "steps"),
        ("  test: {holdout: 0.1, variants: []}", "spec.test.variants", "variants"),
        ("  schedule: {cron: x}", "spec.schedule", "schedule"),
        ("  list: vip", "spec.list", "list"),
    ] {
        let told = faults(&with("", line));
        assert!(told.contains(&format!("{path}: {word}: not in this version")), "{told}");
    }
    for (line, path, word) in [
        ("  action: {channel: log, template: a, generate: {}}", "spec.action.generate", "generate"),
        ("  action: {channel: log, template: a, liquid: hi}", "spec.action.liquid", "liquid"),
        ("  action: {channel: log, template: \"Hi {{name}}\"}", "spec.action.template", "liquid"),
    ] {
        let told = faults(&with("action:", line));
        assert!(told.contains(&format!("{path}: {word}: not in this version")), "{told}");
    }
    for word in ["schedule", "list"] {
        let told = faults(&with("entry:", &format!("  entry: {{{word}: x}}")));
        assert!(told.contains(&format!("spec.entry.{word}: {word}: not in this version")), "{told}");
    }
}

#[test]
fn an_entry_has_one_way_to_start_and_what_goes_with_it() {
    check_line(
        "entry:",
        "  entry: {}",
        &["5:10 spec.entry: says no way to start; legal: one of event, score, becomes, ceases"],
    );
    check_line(
        "entry:",
        "  entry: {event: Order Completed, rises_above: 0.5, score: churn}",
        &[
            "5:35 spec.entry.rises_above: does not go with event; legal: where",
            "5:53 spec.entry.score: a second way to start beside event; legal: one",
        ],
    );
    check_line(
        "entry:",
        "  entry: {score: chrun, rises_above: 0.5, rearms_below: 0.6}",
        &[
            "5:18 spec.entry.score: \"chrun\" is none of them; legal: cart_abandonment, purchase_intent, churn, return, complaint",
            "5:57 spec.entry.rearms_below: 0.6 is above the other threshold; legal: at most rises_above, 0.5",
        ],
    );
    check_line(
        "entry:",
        "  entry: {score: churn, rises_above: 0.5, key: order}",
        &["5:48 spec.entry.key: \"order\" stands in an event, and none starts this; legal: customer, cart"],
    );
    check_line(
        "entry:",
        "  entry: {becomes: {event: rating, eq: 1}}",
        &[
            "5:21 spec.entry.becomes.event: no event starts this; legal: all, any, not, count, profile, score, open_case, consent",
        ],
    );
    check_line(
        "entry:",
        "  entry: {event: Order Completed, where: {profile: cart.value, gte: 1}}",
        &["5:43 spec.entry.where.profile: a filter looks at the event alone; legal: all, any, not, event"],
    );
}

#[test]
fn reentry_is_checked_as_a_whole() {
    let entry = |reentry: &str| format!("  entry: {{event: Order Completed, reentry: {reentry}}}");
    check_line("entry:", &entry("{mode: cooldown}"), &["5:44 spec.entry.reentry.cooldown: is missing"]);
    check_line(
        "entry:",
        &entry("{mode: always, cooldown: P1D}"),
        &["5:69 spec.entry.reentry.cooldown: goes with mode: cooldown alone"],
    );
    check_line(
        "entry:",
        &entry("{mode: once, max: 2}"),
        &["5:62 spec.entry.reentry.max: does not go with mode: once"],
    );
}

#[test]
fn a_match_fits_the_key() {
    for (key, word, legal) in [
        ("customer", "key", "any"),
        ("customer", "cart", "any"),
        ("cart", "order", "any, key, cart"),
        ("order", "cart", "any, key, order"),
        ("sku", "order", "any, key"),
    ] {
        let text = with("entry:", &format!("  entry: {{event: Order Completed, key: {key}}}"));
        let told = faults(&format!("{text}  exit: [{{event: Case Opened, match: {word}}}]\n"));
        let expected =
            format!("7:38 spec.exit[0].match: \"{word}\" does not fit the trigger's key; legal: {legal}");
        assert_eq!(told, expected);
    }
}

#[test]
fn a_duration_says_why_it_is_refused() {
    for (said, expected) in [
        ("30", "30 is no duration; legal: an ISO"),
        ("30m", "\"30m\" is no duration; legal: an ISO"),
        ("1 hour", "\"1 hour\" is no duration; legal: an ISO"),
        ("-PT1H", "\"-PT1H\" is no duration; legal: an ISO"),
        ("P", "\"P\" is no duration; legal: an ISO"),
        ("P1M", "\"P1M\" has months or years, whose length varies; legal: days instead, such as P30D"),
        ("P1Y", "\"P1Y\" has months or years, whose length varies; legal: days instead, such as P30D"),
        ("PT0S", "\"PT0S\" is out of range; legal: an ISO"),
        ("PT1.5S", "\"PT1.5S\" has fractions of a second; legal: an ISO"),
        ("P367D", "\"P367D\" is out of range; legal: an ISO"),
        ("PT99999999999999999999S", "\"PT99999999999999999999S\" is no duration; legal: an ISO"),
    ] {
        let told = faults(&with("", &format!("  wait: {{for: {said}}}")));
        assert!(told.starts_with(&format!("7:15 spec.wait.for: {expected}")), "{told}");
    }
}

#[test]
fn a_condition_says_what_it_is_about_and_how_it_compares() {
    let heads = "all, any, not, count, profile, event, score, open_case, consent";
    for (when, expected) in [
        ("yes", format!("7:9 spec.when: \"yes\" is no condition; legal: a map with one of {heads}")),
        ("{}", format!("7:9 spec.when: does not say what it is about; legal: one of {heads}")),
        ("{gte: 3}", format!("7:9 spec.when: does not say what it is about; legal: one of {heads}")),
        ("{al: []}", format!("7:10 spec.when.al: no such key, nearest is all; legal: {heads}")),
        ("{all: []}", "7:15 spec.when.all: is empty; legal: one condition or more".to_owned()),
        ("{all: 3}", "7:15 spec.when.all: 3 is no list; legal: a list: [ … ]".to_owned()),
        (
            "{profile: cart.value, event: x}",
            "7:31 spec.when.event: a second condition beside profile; legal: one; two stand in a list under all or any"
                .to_owned(),
        ),
        (
            "{profile: cart.value}",
            "7:9 spec.when: has no comparison; legal: one of gt, gte, lt, lte, eq, ne, in, exists".to_owned(),
        ),
        (
            "{profile: cart.value, gt: 1, lt: 2}",
            "7:38 spec.when.lt: a second comparison beside gt; legal: one; two stand in a list under all".to_owned(),
        ),
        ("{profile: cart.value, eq: \"1\"}", "7:35 spec.when.eq: \"1\" is no number; legal: a number".to_owned()),
        (
            "{profile: open_case, eq: 1}",
            "7:34 spec.when.eq: 1 is neither true nor false; legal: true, false".to_owned(),
        ),
        (
            "{profile: open_case, in: [true]}",
            "7:30 spec.when.in: does not fit a yes or no; legal: eq, ne, exists".to_owned(),
        ),
        ("{event: x, in: []}", "7:24 spec.when.in: is empty; legal: one value or more".to_owned()),
        (
            "{event: x, eq: [1]}",
            "7:24 spec.when.eq: a list is no value to compare with; legal: a text, a number, true, false".to_owned(),
        ),
        ("{event: x, gt: .nan}", "7:24 spec.when.gt: \".nan\" is no number; legal: a finite number".to_owned()),
        ("{event: x, gt: 1e999}", "7:24 spec.when.gt: \"1e999\" is not finite; legal: a finite number".to_owned()),
        (
            "{count: {event: Search, within: P91D}, gte: 1}",
            "7:41 spec.when.count.within: \"P91D\" is out of range; legal: an ISO 8601 duration such as PT30M or P1D, 1 s to 90 days"
                .to_owned(),
        ),
        (
            "{count: {event: Search, within: P1D}, gte: 1.5}",
            "7:52 spec.when.gte: 1.5 is not whole; legal: a whole number, 0 to 1000000".to_owned(),
        ),
        ("{score: churn, gte: 2}", "7:29 spec.when.gte: 2 is out of range; legal: 0 to 1".to_owned()),
        (
            "{score: churn, rises_above: 0.5, gt: 0.5}",
            "7:42 spec.when.gt: does not go with rises_above; legal: one of the two".to_owned(),
        ),
        ("{consent: yes}", "7:19 spec.when.consent: \"yes\" is none of them; legal: granted, denied, unknown".to_owned()),
    ] {
        let told = faults(&with("", &format!("  when: {when}")));
        assert_eq!(told, expected);
    }
}

#[test]
fn policy_test_action_and_goal_are_checked() {
    for (line, expected) in [
        (
            "  policy: {quiet_hours: {start: \"24:00\", end: \"7:00\"}}",
            &[
                "7:33 spec.policy.quiet_hours.start: \"24:00\" is no time of day; legal: \"HH:MM\", \"00:00\" to \"23:59\"",
                "7:47 spec.policy.quiet_hours.end: \"7:00\" is no time of day; legal: \"HH:MM\", \"00:00\" to \"23:59\"",
            ][..],
        ),
        (
            "  policy: {quiet_hours: {start: 08:00, end: 08:00}}",
            &[
                "7:25 spec.policy.quiet_hours: begins and ends at the same time; legal: two times; mode: paused sends nothing at all",
            ],
        ),
        (
            "  policy: {max_age: P31D}",
            &[
                "7:21 spec.policy.max_age: \"P31D\" is out of range; legal: an ISO 8601 duration such as PT30M or P1D, 1 s to 30 days",
            ],
        ),
        (
            "  test: {holdout: 1}",
            &["7:19 spec.test.holdout: 1 is out of range; legal: 0 up to, but not including, 1"],
        ),
        ("  test: {}", &["7:9 spec.test.holdout: is missing"]),
        ("  goal: {event: Order Completed}", &["7:9 spec.goal.within: is missing"]),
        ("  wait:", &["7:3 spec.wait: nothing is no map; legal: a map of for, reset_on"]),
    ] {
        check_line("", line, expected);
    }
    check_line(
        "action:",
        "  action: {channel: log, facts: [cart.value, cart.value, 3]}",
        &[
            "6:11 spec.action.template: is missing",
            "6:46 spec.action.facts[1]: \"cart.value\" stands there twice; legal: once",
            "6:58 spec.action.facts[2]: 3 is no text; legal: a text; quote it if it is one",
        ],
    );
}

#[test]
fn what_yaml_can_and_a_trigger_cannot_is_refused() {
    check("", &["1:1 empty; legal: a trigger document, which begins with apiVersion: care/v1"]);
    check(
        "# only a comment\n",
        &["1:1 empty; legal: a trigger document, which begins with apiVersion: care/v1"],
    );
    check("care", &["1:1 \"care\" is no map; legal: a map of apiVersion, kind, metadata, spec"]);
    let two = format!("{SHORTEST}---\n{SHORTEST}");
    check(&two, &["7:1 a second document; legal: one trigger per file"]);
    check_line(
        "kind:",
        "kind: Trigger\nkind: Trigger",
        &["3:1 kind: stands here for the second time, the first is on line 2; legal: once"],
    );
    check_line(
        "metadata:",
        "metadata: &m {name: shortest}",
        &["3:11 metadata: anchors and tags: not in a trigger; legal: plain values"],
    );
    let told = faults(&with("metadata:", "metadata: *m"));
    assert!(told.contains("not YAML"), "{told}");
    let long = format!("# {}\n", "x".repeat(DOCUMENT_MAX));
    check(&long, &[&format!("1:1 {} bytes are too many; legal: up to {DOCUMENT_MAX} bytes", long.len())]);
    let told = faults("a: [1, 2");
    assert!(told.contains("not YAML"), "{told}");
}

#[test]
fn many_faults_are_told_up_to_a_bound_and_then_counted() {
    let keys: String = (0..500).map(|n| format!("k{n}: 1\n")).collect();
    let told = faults(&format!("{keys}{SHORTEST}"));
    assert_eq!(told.lines().count(), 101);
    assert!(told.ends_with("and 400 faults more"), "{told}");
}
