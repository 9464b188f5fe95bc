//! Bad input to the real binary: each is named with what to do, and nothing else is lost.

use std::io::Write as _;
use std::path::Path;

use engine::embedded::directory::Directory;
use serde_json::{Value, json};

use crate::care::{self, Finished};
use crate::world::{World, in_both_worlds, text};

in_both_worlds! {
    rows_that_are_no_events_are_counted_by_reason_and_the_rest_is_applied,
    a_trigger_with_an_unknown_key_is_named_with_file_and_line_before_anything_is_read,
    who_is_not_there_is_answered_with_the_next_step,
    files_that_are_missing_or_of_another_format_are_named_before_anything_is_made,
    a_file_that_is_cut_off_is_no_fault_of_the_data,
    what_an_event_says_does_not_steer_the_terminal_and_names_of_all_scripts_are_shown,
    the_same_file_again_applies_nothing_and_another_goes_on_behind_it,
}

/// Writes lines to a file and replays it.
fn replay(world: &World, lines: &[String], options: &[&str]) -> Finished {
    let events = world.write("events.jsonl", lines.join("\n"));
    let words = ["replay", "--format", "segment-jsonl", "--json", &text(&events)];
    world.care(words.iter().chain(options))
}

/// Returns a good event of a customer.
fn event(user: &str, id: u32, at: &str) -> String {
    json!({"type": "track", "event": "Product Viewed", "userId": user, "messageId": format!("m{id}"), "timestamp": at,
        "properties": {"product_id": "p-1"}})
    .to_string()
}

#[track_caller]
fn refused(finished: &Finished, words: &[&str]) {
    assert!(!finished.success, "it succeeded: {}", finished.out);
    assert_eq!(
        finished.err.trim_end().lines().filter(|line| line.starts_with("care:")).count(),
        1,
        "{}",
        finished.err
    );
    for word in words {
        assert!(finished.err.contains(word), "{word:?} is missing in: {}", finished.err);
    }
}

fn rows_that_are_no_events_are_counted_by_reason_and_the_rest_is_applied(world: &World) {
    let huge = format!(
        r#"{{"type":"track","event":"X","userId":"42","properties":{{"text":"{}"}}}}"#,
        "x".repeat(1 << 20)
    );
    let lines = [
        event("42", 1, "2026-03-02T10:00:00Z"),
        r#"{"type":"track","#.to_owned(),
        r#"{"type":"track","event":{"a":1},"userId":"42"}"#.to_owned(),
        huge,
        r#"{"type":"track","event":"Product Viewed","userId":"null"}"#.to_owned(),
        event("42", 2, "1970-01-01T00:00:00Z"),
        event("43", 3, "2099-01-01T00:00:00Z"),
        event("42", 4, "2026-03-02T10:01:00Z"),
        event("42", 4, "2026-03-02T10:01:00Z"),
    ];
    let summary = replay(world, &lines, &[]).summary();
    let expected = json!({"malformed_json": 1, "wrong_type": 1, "too_large": 1, "no_customer": 1});
    assert_eq!(summary["rejected"], expected, "{summary}");
    assert_eq!(
        (&summary["rows_read"], &summary["lost"], &summary["doubled"]),
        (&json!(9), &json!(0), &json!(0))
    );
    let known = summary["events_applied"].as_u64().zip(summary["events_duplicate"].as_u64());
    assert_eq!(known, Some((4, 1)), "{summary}");
    let named = |reason: &str, line: u64| {
        let examples = summary["examples"].as_array().expect("a list");
        examples.iter().any(|example| example["reason"] == reason && example["line"] == line)
    };
    assert!(named("malformed_json", 2) && named("wrong_type", 3) && named("too_large", 4), "{summary}");
    let customer: Value = serde_json::from_str(&world.care(["customer", "42", "--json"]).out).expect("JSON");
    assert_eq!(customer["id"], "42");
}

fn a_trigger_with_an_unknown_key_is_named_with_file_and_line_before_anything_is_read(world: &World) {
    let triggers = world.file("triggers");
    std::fs::create_dir(&triggers).expect("a folder");
    let trigger = "apiVersion: care/v1\nkind: Trigger\nmetadata: {name: thanks, description: Says thanks}\nspec:\n  entry: {event: Order Completed}\n  polizy: {category: service}\n  action: {channel: log, template: thanks}\n";
    std::fs::write(triggers.join("thanks.yaml"), trigger).expect("written");
    let finished =
        replay(world, &[event("42", 1, "2026-03-02T10:00:00Z")], &["--triggers", &text(&triggers)]);
    refused(&finished, &["thanks.yaml:6", "polizy"]);
    assert!(world.is_untouched(), "something was made all the same");
    let lint = care::run(["trigger", "lint", &text(&triggers.join("thanks.yaml"))]);
    assert!(
        !lint.success && lint.out.contains("thanks.yaml:6") && lint.out.contains("polizy"),
        "{}",
        lint.out
    );
}

#[test]
fn a_data_folder_in_use_is_named_and_what_is_in_it_stays() {
    let world = &World::embedded();
    let lines = [event("42", 1, "2026-03-02T10:00:00Z")];
    assert!(replay(world, &lines, &[]).success);
    let held = Directory::open(&world.data()).expect("nobody uses it");
    refused(&replay(world, &lines, &[]), &["in use", "stop that process"]);
    refused(&world.care(["customer", "42"]), &["in use", "stop that process"]);
    drop(held);
    assert!(world.care(["customer", "42"]).success);
}

#[test]
fn a_data_folder_of_a_newer_version_is_named_with_both_versions() {
    let world = &World::embedded();
    let lines = [event("42", 1, "2026-03-02T10:00:00Z")];
    assert!(replay(world, &lines, &[]).success);
    let marker = world.data().join("care.format");
    let ours = std::fs::read_to_string(&marker).expect("a marker");
    std::fs::write(&marker, "care data format 99\n").expect("written");
    refused(&world.care(["customer", "42"]), &["format 99", "newer"]);
    std::fs::write(&marker, ours).expect("written");
    assert!(world.care(["customer", "42"]).success);
}

#[test]
fn who_looks_before_anything_was_played_is_told_the_next_step_and_makes_nothing() {
    let world = World::embedded();
    refused(&world.care(["customer", "42"]), &["no data", "care replay"]);
    assert!(world.is_untouched(), "looking made a folder");
}

fn who_is_not_there_is_answered_with_the_next_step(world: &World) {
    let anonymous = r#"{"type":"page","name":"Home","anonymousId":"visitor-7","messageId":"m9","timestamp":"2026-03-02T10:00:00Z"}"#;
    let lines = [event("shopper-42", 1, "2026-03-02T10:00:00Z"), anonymous.to_owned()];
    assert!(replay(world, &lines, &[]).success);
    refused(&world.care(["customer", "shopper-43"]), &["nearest", "shopper-42"]);
    refused(&world.care(["customer", "visitor-7"]), &["anon:visitor-7"]);
    refused(&world.care(["why", "shopper-42", "cart-idel"]), &["nearest is cart-idle"]);
    let why = world.care(["why", "shopper-42", "cart-idle"]);
    assert!(why.success && why.out.contains("Product Added"), "{} {}", why.out, why.err);
}

fn files_that_are_missing_or_of_another_format_are_named_before_anything_is_made(world: &World) {
    let events = text(&world.write("events.jsonl", event("42", 1, "2026-03-02T10:00:00Z")));
    let replay =
        |files: &[&str], format: &str| world.care(["replay", "--format", format].iter().chain(files));
    refused(&replay(&[&events, "nowhere.jsonl"], "segment-jsonl"), &["nowhere.jsonl cannot be opened"]);
    refused(
        &replay(&[&events], "otto"),
        &["events.jsonl is no otto file", "It looks like --format segment-jsonl"],
    );
    assert!(world.is_untouched(), "something was made all the same");
}

fn a_file_that_is_cut_off_is_no_fault_of_the_data(world: &World) {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let lines: String = (0..1_000).map(|n| event("42", n, "2026-03-02T10:00:00Z") + "\n").collect();
    packed.write_all(lines.as_bytes()).expect("memory takes every byte");
    let packed = packed.finish().expect("memory takes every byte");
    let events = world.write("events.jsonl.gz", &packed[..packed.len() / 2]);
    let finished = world.care(["replay", &text(&events), "--format", "segment-jsonl"]);
    refused(&finished, &["is cut off", "behind line", "into a new data folder"]);
    assert!(!finished.err.contains("goes on where it stopped"), "{}", finished.err);
}

fn what_an_event_says_does_not_steer_the_terminal_and_names_of_all_scripts_are_shown(world: &World) {
    let call = r#"{"type":"identify","userId":"王小明","traits":{"name":"\u001b[2J李雷\u009b"},"messageId":"m1","timestamp":"2026-03-02T10:00:00Z"}"#;
    assert!(replay(world, &[call.to_owned()], &[]).success);
    let shown = world.care(["customer", "王小明"]);
    assert!(shown.out.contains(r"name: \u{1b}[2J李雷\u{9b}"), "{}", shown.out);
    refused(&world.care(["customer", "王小"]), &["nearest: 王小明"]);
}

#[test]
fn lint_takes_folders_and_check_config_tells_machines_of_faults() {
    let world = World::embedded();
    let ready = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/triggers");
    let lint = care::run(["trigger", "lint", &text(&ready)]);
    assert!(lint.success && lint.out.contains("cart-idle is in order"), "{} {}", lint.out, lint.err);
    let settings = world.write("care.toml", "[policy]\nzone = \"Mars\"\n[partition\n");
    let checked = care::run(["check-config", "--json", "--config", &text(&settings)]);
    let answer: Value = serde_json::from_str(&checked.out).expect("JSON");
    let fault = answer["faults"][0].as_str().expect("a text");
    assert!(!checked.success && fault.contains("line 3") && !fault.contains(" | "), "{fault}");
}

fn the_same_file_again_applies_nothing_and_another_goes_on_behind_it(world: &World) {
    let first = [event("42", 1, "2026-03-02T10:00:00Z"), event("43", 2, "2026-03-02T10:01:00Z")];
    assert_eq!(replay(world, &first, &[]).summary()["events_applied"], 2);
    let again = replay(world, &first, &[]).summary();
    assert_eq!((&again["events_applied"], &again["events_duplicate"]), (&json!(0), &json!(2)), "{again}");
    let other = replay(world, &[event("42", 3, "2026-03-02T10:02:00Z")], &[]).summary();
    assert_eq!(
        (&other["events_applied"], &other["lost"], &other["doubled"]),
        (&json!(1), &json!(0), &json!(0)),
        "{other}"
    );
}
