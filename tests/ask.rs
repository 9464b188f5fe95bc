//! `care ask` as it is run: quoted, cited, in two languages, and plain where there is nothing to answer from.

use crate::care::{Finished, run, run_with};

const KNOWLEDGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ops/demo-data/knowledge");

fn ask(question: &str) -> Finished {
    run(["ask", question, "--knowledge", KNOWLEDGE, "--json"])
}

#[test]
fn a_question_is_answered_with_its_source_in_its_language() {
    for (question, said, source) in [
        ("Within how many days can I return an article?", "within 30 days", "en/returns.md"),
        ("退货期限是多少天？", "30 天", "zh/退货.md"),
    ] {
        let answer = ask(question).summary();
        assert!(
            answer["text"].as_str().is_some_and(|text| text.contains(said) && text.contains("[1]")),
            "{answer}"
        );
        assert_eq!(answer["citations"][0]["source"], source);
        assert_eq!(answer["rung"], "extractive");
        assert_eq!(answer["end"], "stop");
    }
}

#[test]
fn what_nobody_knows_is_handed_to_a_human_and_said_as_such() {
    assert_eq!(ask("Who won the football match yesterday?").summary()["end"], "offers_human");
}

#[test]
fn without_anything_to_answer_from_it_says_what_to_name() {
    let finished = run(["ask", "hello?"]);
    assert!(!finished.success && finished.err.contains("--knowledge"), "{}", finished.err);
}

#[test]
fn a_server_that_is_not_there_is_stood_in_for() {
    let set = |key, value: &str| (key, value.to_owned());
    let answer = run_with(
        ["ask", "Do you deliver to Switzerland?", "--knowledge", KNOWLEDGE, "--json"],
        &[
            set("CARE__GENERATION__BACKENDS__A__KIND", "openai"),
            set("CARE__GENERATION__BACKENDS__A__BASE_URL", "http://127.0.0.1:9/v1"),
            set("CARE__GENERATION__BACKENDS__A__MODEL", "none"),
            set("CARE__GENERATION__BACKENDS__A__KEY", "sk-hush"),
            set("CARE__GENERATION__BACKOFF_MS", "1"),
        ],
    );
    assert!(!format!("{answer:?}").contains("sk-hush"), "{answer:?}");
    let answer = answer.summary();
    assert_eq!(answer["rung"], "extractive", "{answer}");
    assert_eq!(answer["lowered"], "failed", "{answer}");
}
