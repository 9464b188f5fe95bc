//! Tests of the report: what it says to people and to machines.

use super::*;

/// Returns a judgement of so many rows, of which one in `wrong` is told the opposite.
fn judgement(rows: usize, wrong: usize) -> Judgement {
    let labels: Vec<bool> = (0..rows).map(|row| row.is_multiple_of(2)).collect();
    let said = |row: usize| if labels[row] == row.is_multiple_of(wrong) { 0.3 } else { 0.8 };
    let probabilities: Vec<f32> = (0..rows).map(said).collect();
    Judgement::of(&probabilities, &labels, None).expect("rows of both classes")
}

fn part(rows: usize) -> Part {
    let until = Timestamp(0) + Span::days(30);
    Part { rows, customers: rows / 2, positives: rows / 2, from: Timestamp(0), until }
}

fn report(train: usize, test: Option<usize>) -> Report {
    let mut report = Report {
        head: Head::Churn,
        horizon: Some(Span::days(90)),
        version: "churn-1".into(),
        data_fingerprint: "00ff".to_owned(),
        cut: test.map(|_| Timestamp(0) + Span::days(20)),
        train: part(train),
        validation: part(400),
        test: test.map(part),
        features: vec!["order_recency".to_owned(), "order_count".to_owned()],
        constant: vec!["case_open".to_owned()],
        members: vec![Member { epochs: 9, best_epoch: 4, train_loss: 0.5, validation_loss: 0.6 }],
        calibration: Calibration { slope: 0.9, intercept: -0.1 },
        network: judgement(400, 7),
        baseline: judgement(400, 5),
        warnings: Vec::new(),
    };
    report.warn();
    report
}

#[test]
fn a_report_survives_json() {
    let report = report(2_000, Some(400));
    let text = serde_json::to_string(&report).expect("a report is JSON");
    assert_eq!(serde_json::from_str::<Report>(&text).expect("the same shape"), report);
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
}

#[test]
fn people_read_the_network_beside_the_baseline_with_intervals_and_pictures() {
    let report = report(2_000, Some(400));
    let text = report.to_string();
    for expected in [
        "churn within 90 d: churn-1",
        "train      2000 rows of 1000 customers, 50.0 % came to pass, 1970-01-01 00:00:00Z to 1970-01-31",
        &format!("auROC                       {:.4} (", report.network.measures.auroc),
        "1 network of 2 features, best after epoch 4",
        "calibrated log-odds = 0.900 × log-odds − 0.100",
        "left out, since they never changed: case_open",
        "█",
        "●",
    ] {
        assert!(text.contains(expected), "no {expected:?} in\n{text}");
    }
    assert!(!text.contains("careful"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
}

#[test]
fn too_little_to_learn_from_or_to_judge_by_is_said() {
    let few = report(300, None);
    let all = few.warnings.join("\n");
    for expected in ["150 training rows", "150 customers", "no test part", "no cut in time"] {
        assert!(all.contains(expected), "no {expected:?} in {all}");
    }
    assert!(few.to_string().contains("careful: no test part"));
    let judged_by_few = report(2_000, Some(60));
    assert_eq!(judged_by_few.warnings.len(), 1, "{:?}", judged_by_few.warnings);
    let mut worse = report(2_000, Some(400));
    std::mem::swap(&mut worse.network, &mut worse.baseline);
    worse.warn();
    assert!(worse.warnings[0].contains("no better than the logistic"), "{:?}", worse.warnings);
}

#[test]
fn a_judgement_alone_is_a_table_and_pictures() {
    let text = judgement(400, 7).to_string();
    assert!(text.starts_with("auROC   ") && text.contains('█') && text.contains('●'), "{text}");
}
