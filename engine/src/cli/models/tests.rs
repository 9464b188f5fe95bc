//! Tests of `care models`: a model of one's own is brought, chosen, shown and given up again.

use std::fs;
use std::path::Path;

use clap::Parser;
use serde_json::Value;

use super::*;
use crate::cli::{Cli, Command as Any};
use crate::model::artefact::WEIGHTS_FILE;
use crate::model::tests::model;

/// Runs `care models` with these words on a data folder; returns how it ended and what it said.
fn care(data: &Path, words: &str, output: Output) -> Result<(Outcome, String)> {
    let command = ["care", "models"].into_iter().chain(words.split(' '));
    let option = ["--data-dir", data.to_str().expect("a name")];
    let cli = Cli::try_parse_from(command.chain(option))?;
    let Any::Models(arguments) = cli.command else { panic!("{words} is no command of models") };
    let mut out = Vec::new();
    let set = Overrides { config: None, options: Vec::new() };
    let outcome = run(&arguments, set, output, &mut out)?;
    Ok((outcome, String::from_utf8(out).expect("text")))
}

#[track_caller]
fn check(data: &Path, words: &str, expected: &str) {
    let (outcome, said) = care(data, words, Output::Text).expect("done");
    assert!(outcome == Outcome::Good && said.contains(expected), "{words}: {said}\n  lacks: {expected}");
}

#[track_caller]
fn check_refused(data: &Path, words: &str, expected: &str) {
    let refused = format!("{:#}", care(data, words, Output::Text).expect_err("refused"));
    assert!(refused.contains(expected), "{words}: {refused}\n  lacks: {expected}");
}

#[test]
fn a_model_is_brought_chosen_shown_and_given_up() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let data = folder.path();
    check(data, "list complaint", "complaint         goes by the rule score\n");
    check(data, "show complaint", "complaint goes by the rule score");
    check_refused(data, "activate complaint shop-1", "complaint has no model \"shop-1\"; there are: rules");
    check_refused(
        data,
        "list complaints",
        "legal: cart_abandonment, purchase_intent, churn, return, complaint",
    );
    let of_model = data.join("models").join("complaint").join("shop-1");
    model(Head::Complaint, "shop-1", 4).save(&of_model).expect("saved");
    check(data, "activate complaint shop-1", "complaint goes by shop-1 from now on, by rules before");
    check(data, "activate complaint shop-1", "complaint goes by shop-1 already");
    check(data, "list complaint", "  * shop-1               in ");
    check(
        data,
        "show complaint",
        "network    the mean of 2 of 8 → 4 units (relu), a straight line beside it\n",
    );
    check(data, "show complaint shop-1", "inputs     order_recency in days, mean 0.000, scale 1.000\n");
    let (_, json) = care(data, "list", Output::Json).expect("listed");
    let json: Value = serde_json::from_str(&json).expect("one line of JSON");
    assert_eq!(json[4]["active"], "shop-1");
    assert_eq!(json[4]["models"][0]["manifest"]["architecture"]["members"], 2);
    check(data, "rollback complaint", "complaint goes by rules from now on, by shop-1 before");
    check_refused(data, "rollback complaint", "there is nothing to roll back");
}

#[test]
fn an_active_model_that_is_refused_is_a_fault() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let of_model = folder.path().join("models").join("complaint").join("shop-1");
    model(Head::Complaint, "shop-1", 4).save(&of_model).expect("saved");
    check(folder.path(), "activate complaint shop-1", "from now on");
    fs::write(of_model.join(WEIGHTS_FILE), "half").expect("written");
    let (outcome, said) = care(folder.path(), "list complaint", Output::Text).expect("listed");
    assert!(
        outcome == Outcome::Bad && said.contains("refused: model shop-1 of complaint is refused"),
        "{said}"
    );
}
