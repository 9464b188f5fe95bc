//! The models that come with the engine, judged by what customers did later.

mod real_data {
    use crate::{care, data};

    /// Below this a model is broken, not unlucky: what was measured is in `engine/models/HEAD/CARD.md`.
    const AUROC_MIN: f64 = 0.74;

    #[track_caller]
    fn check(head: &str) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let retail = data::folder("uci_online_retail");
        let files = ["transactions_2009-12_2010-11.csv.gz", "transactions_2010-12_2011-09.csv.gz"];
        let asked = ["evaluate", "--model", head, "--dataset", "uci-online-retail", "--as-of", "2011-06-01"];
        let at = ["--data-dir", &dir.path().display().to_string(), "--json"].map(str::to_owned);
        let files = files.map(|file| retail.join(file).display().to_string());
        let judged = care::run(asked.map(str::to_owned).into_iter().chain(at).chain(files)).summary();
        let auroc = judged["auroc"].as_f64().expect("a figure");
        assert!(auroc > AUROC_MIN, "{head}: {judged}");
    }

    #[test]
    fn churn_ranks_customers_of_a_time_that_it_has_not_seen() {
        check("churn");
    }

    #[test]
    fn return_ranks_customers_of_a_time_that_it_has_not_seen() {
        check("return");
    }
}
