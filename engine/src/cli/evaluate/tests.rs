//! Tests of `care evaluate`: the answer to the letter, its borders in time, and every refusal.

use std::fmt::Write as _;

use schemas::feature;
use schemas::time::Timestamp;
use serde_json::Value;

use super::*;
use crate::learn::{Dataset, FitSettings, Row, fit};

/// Writes a model into a folder: the longer ago the last order, the likelier.
fn write_model(head: Head, folder: &Path) {
    let recency = feature::place("order_recency").expect("a feature");
    let row = |number: u64| {
        let mut features = vec![0.0; feature::TABLE.len()].into_boxed_slice();
        features[recency] = (number % 180) as f32;
        let label = (number * 7_919 % 180) < number % 180;
        let customer = xxhash_rust::xxh3::xxh3_64(&number.to_le_bytes());
        Row { customer, at: Timestamp(0), features, label, weight: 1.0 }
    };
    let horizon = Some(schemas::time::Span::days(90));
    let data = Dataset { head, horizon, rows: (0..600).map(row).collect() };
    let settings = FitSettings { members: 1, hidden: vec![4], epochs_max: 15, ..FitSettings::default() };
    let (artefact, _) = fit(&data, &settings, &mut |_| {}).expect("rows to learn from");
    artefact.save(folder).expect("a writable folder");
}

/// A line of an invoice, or of a credit note.
fn line(customer: u32, invoice: &str, date: &str) -> String {
    format!("{invoice},A,B,1,{date},1.5,{customer},Spain")
}

/// Returns a shop of 40 customers: all buy in spring, those with even numbers early; in summer those with odd numbers come back,
/// and customers 1, 5, 9, … return what they buy then.
fn shop() -> Vec<String> {
    let mut lines = Vec::new();
    for customer in 0..40_u32 {
        let (month, day) = if customer % 2 == 0 { (3, 1 + customer / 2) } else { (5, 1 + customer / 2) };
        lines.push(line(
            100 + customer,
            &format!("1{customer}"),
            &format!("2011-{month:02}-{day:02} 10:00:00"),
        ));
        if customer % 2 == 1 {
            lines.push(line(100 + customer, &format!("2{customer}"), "2011-07-01 10:00:00"));
        }
        if customer % 4 == 1 {
            lines.push(line(100 + customer, &format!("C2{customer}"), "2011-07-02 10:00:00"));
        }
    }
    lines.push(line(500, "9", "2010-06-01 10:00:00"));
    lines.push(line(600, "8", "2011-06-01 00:00:00"));
    lines.push(line(0, "7", "2011-09-02 10:00:00"));
    lines.push(line(700, "6", "2011-09-02 10:00:00"));
    lines
}

struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new(head: Head) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write_model(head, &folder.path().join("model"));
        Self { folder }
    }

    fn write(&self, name: &str, lines: &[String]) -> PathBuf {
        let mut text =
            "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n".to_owned();
        lines.iter().for_each(|line| writeln!(text, "{line}").expect("a text takes all"));
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("a writable folder");
        path
    }

    fn evaluate(&self, files: Vec<PathBuf>, as_of: &str, output: Output) -> Result<String> {
        let arguments = Arguments {
            files,
            model: self.folder.path().join("model").display().to_string(),
            dataset: Format::UciOnlineRetail,
            as_of: as_of.parse().expect("a date"),
            data: DataDir { data_dir: Some(self.folder.path().join("data")) },
        };
        let mut out = Vec::new();
        run(&arguments, Overrides { config: None, options: Vec::new() }, output, &mut out)?;
        Ok(String::from_utf8(out).expect("text"))
    }

    fn refused(&self, lines: &[String], as_of: &str) -> String {
        let file = self.write("refused.csv", lines);
        format!("{:#}", self.evaluate(vec![file], as_of, Output::Json).expect_err("not to be judged"))
    }
}

#[test]
fn amounts_are_of_the_shop_s_own_currency() {
    let world = World::new(Head::Churn);
    let file = world.write("all.csv", &shop());
    let settings = Overrides { config: None, options: Vec::new() }.load().expect("the defaults").settings;
    let sources =
        replay::check(&[file], Format::UciOnlineRetail, &app::border(&settings)).expect("a file of it");
    let horizon = schemas::time::Span::days(90);
    let at =
        Timestamp("2011-06-01T00:00:00Z".parse::<jiff::Timestamp>().expect("an instant").as_millisecond());
    let question = Question { head: Head::Churn, at, horizon };
    let answered =
        as_of::rows(sources, (Format::UciOnlineRetail, &settings), question, &Progress::new(false));
    let value = feature::place("order_value").expect("a feature");
    let rows = answered.expect("customers").data.rows;
    assert!(rows.iter().all(|row| row.features[value] == 1.5), "each bought one thing for 1.50 pounds");
}

#[test]
fn machines_get_exactly_eight_figures() {
    let world = World::new(Head::Churn);
    let file = world.write("all.csv", &shop());
    let text = world.evaluate(vec![file], "2011-06-01", Output::Json).expect("customers of both kinds");
    let answer: Value = serde_json::from_str(&text).expect("one line of JSON");
    let keys: Vec<&str> = answer.as_object().expect("an object").keys().map(String::as_str).collect();
    let mut expected = ["n", "positives", "auroc", "auroc_ci", "auprc", "auprc_ci", "ece", "brier"];
    expected.sort_unstable();
    let mut found = keys.clone();
    found.sort_unstable();
    assert_eq!(found, expected);
    // Of the 40 the even ones do not come back. Who bought a year ago, at the first instant of the date, later or without a number is
    // not judged.
    assert_eq!((answer["n"].as_u64(), answer["positives"].as_u64()), (Some(40), Some(20)));
    // Who bought in March has been away longer than who bought in May.
    assert_eq!(answer["auroc"].as_f64(), Some(1.0));
    assert_eq!(answer["auroc_ci"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_return_is_a_credit_note_within_the_horizon() {
    let world = World::new(Head::Return);
    let mut lines = shop();
    lines.push(line(100, "C10", "2011-05-30 10:00:00"));
    lines.push(line(102, "C12", "2011-08-30 10:00:00"));
    let file = world.write("all.csv", &lines);
    let text = world.evaluate(vec![file], "2011-06-01", Output::Json).expect("customers of both kinds");
    let answer: Value = serde_json::from_str(&text).expect("one line of JSON");
    assert_eq!((answer["n"].as_u64(), answer["positives"].as_u64()), (Some(40), Some(10)));
}

#[test]
fn files_in_any_order_and_cut_anywhere_give_the_same_answer() {
    let world = World::new(Head::Churn);
    let mut lines = shop();
    lines.sort_by_key(|line| line.split(',').nth(4).map(str::to_owned));
    let whole =
        world.evaluate(vec![world.write("whole.csv", &lines)], "2011-06-01", Output::Json).expect("good");
    lines.reverse();
    let parts: Vec<PathBuf> = lines
        .chunks(17)
        .enumerate()
        .map(|(number, part)| world.write(&format!("{number}.csv"), part))
        .collect();
    assert_eq!(world.evaluate(parts, "2011-06-01", Output::Json).expect("good"), whole);
}

#[test]
fn people_read_who_was_judged_and_how_well() {
    let world = World::new(Head::Churn);
    let file = world.write("all.csv", &shop());
    let text = world.evaluate(vec![file], "2011-06-01", Output::Text).expect("customers of both kinds");
    for expected in [
        "churn churn-",
        "as of 2011-05-31 23:00:00Z: 40 customers, 20 came to pass within 90 d",
        "auROC",
        "█",
        "●",
    ] {
        assert!(text.contains(expected), "no {expected:?} in\n{text}");
    }
}

#[test]
fn a_date_that_the_files_do_not_cover_is_refused_with_one_that_they_do() {
    let world = World::new(Head::Churn);
    let late = world.refused(&shop(), "2011-08-01");
    assert!(
        late.contains("the files end at 2011-09-02") && late.contains("take a date up to 2011-06-11"),
        "{late}"
    );
    let early = world.refused(&shop(), "2010-05-01");
    assert!(
        early.contains("the files begin at 2010-06-01") && early.contains("take a later date"),
        "{early}"
    );
    // Some days short of the horizon are taken as days on which nobody came.
    let file = world.write("short.csv", &shop());
    assert!(world.evaluate(vec![file], "2011-06-08", Output::Json).is_ok());
}

#[test]
fn nothing_to_judge_by_is_said() {
    let world = World::new(Head::Churn);
    assert!(world.refused(&[], "2011-06-01").contains("no event of any customer"));
    let all_stay: Vec<String> = shop().into_iter().filter(|line| !line.contains("2011-03")).collect();
    let one_class = world.refused(&all_stay, "2011-06-01");
    assert!(
        one_class.contains("failed to judge churn as of 2011-06-01") && one_class.contains("0 of 20 rows"),
        "{one_class}"
    );
    let nobody = world
        .refused(&[line(1, "1", "2010-01-01 10:00:00"), line(1, "2", "2011-09-01 10:00:00")], "2011-06-01");
    assert!(nobody.contains("nobody is in the population of churn"), "{nobody}");
}

#[test]
fn a_model_that_is_not_asked_as_of_a_date_or_is_none_is_refused() {
    let world = World::new(Head::PurchaseIntent);
    let refused = world.refused(&shop(), "2011-06-01");
    assert!(refused.contains("purchase_intent") && refused.contains("churn or return is legal"), "{refused}");
    let settings = Overrides { config: None, options: Vec::new() }.load().expect("the defaults").settings;
    let unknown = model("chrun", &settings).expect_err("no such model").to_string();
    assert!(unknown.contains("--model chrun") && unknown.contains("churn, return"), "{unknown}");
    let none = model("complaint", &settings).expect_err("none is shipped").to_string();
    assert!(none.contains("no model is active for complaint"), "{none}");
}
