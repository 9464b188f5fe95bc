//! What a replay of the real retail history leaves in the customers' rows, against counts of the files that share no code with it.

mod real_data {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::PathBuf;

    use serde_json::Value;

    use super::super::real_data::{rows, text, thousandths};
    use crate::world::{World, in_both_worlds, text as word};
    use crate::{care, data};

    in_both_worlds! { every_row_with_a_customer_becomes_state_and_a_second_run_adds_nothing }

    /// What the files say of one customer. Values in hundredths, each unit price rounded to them.
    #[derive(Debug, Default, PartialEq)]
    struct Totals {
        orders: u64,
        items: u64,
        value: i64,
        cancellations: u64,
        cancelled_value: i64,
        /// Events counted under their names: every line of an order, every cancellation once.
        events: u64,
    }

    fn files() -> Vec<PathBuf> {
        let folder = data::folder("uci_online_retail");
        let names = ["transactions_2009-12_2010-11.csv.gz", "transactions_2010-12_2011-09.csv.gz"];
        names.iter().map(|name| folder.join(name)).collect()
    }

    /// Counts the files by themselves: rows with a customer, and what each did.
    fn counted(files: &[PathBuf]) -> (u64, BTreeMap<String, Totals>) {
        let mut lines = 0;
        let mut invoices: BTreeSet<(String, String)> = BTreeSet::new();
        let mut totals: BTreeMap<String, Totals> = BTreeMap::new();
        for row in files.iter().flat_map(|file| rows(&text(file))) {
            let [invoice, _, _, quantity, _, price, customer, _] = row.as_slice() else { panic!("{row:?}") };
            if customer.is_empty() {
                continue;
            }
            let quantity = quantity.parse::<i64>().expect("a whole number").abs();
            let value = (thousandths(price) + 5) / 10 * quantity;
            let new = u64::from(invoices.insert((customer.clone(), invoice.clone())));
            let of = totals.entry(customer.clone()).or_default();
            lines += 1;
            if invoice.starts_with('C') {
                of.events += new;
                of.cancellations += new;
                of.cancelled_value += value;
            } else {
                of.events += 1;
                of.orders += new;
                of.items += quantity.unsigned_abs();
                of.value += value;
            }
        }
        (lines, totals)
    }

    fn replay(files: &[PathBuf], world: &World) -> Value {
        let words =
            ["replay", "--format", "uci-online-retail", "--speed", "max", "--json"].map(str::to_owned);
        world.care(words.into_iter().chain(files.iter().map(|file| word(file)))).summary()
    }

    /// Reads what the rows hold.
    fn held(world: &World) -> BTreeMap<String, Totals> {
        let mut totals = BTreeMap::new();
        for line in world.dump() {
            let line: Value = serde_json::from_str(&line).expect("a dump is lines of JSON");
            let Some(customer) = line.get("customer") else { continue };
            let profile = &customer["profile"];
            let number = |value: &Value| value.as_u64().unwrap_or_default();
            let sum = |value: &Value| value["by_currency"][0][1].as_i64().unwrap_or_default();
            let names = profile["counters"]["series"].as_array().expect("a list");
            let ours = names.iter().filter(|series| series["name"][0] != SESSION_ENDED);
            let (orders, undone) = (&profile["orders"], &profile["orders"]["undone"]);
            let of = Totals {
                orders: number(&orders["count"]),
                items: number(&orders["items"]),
                value: sum(&orders["value"]),
                cancellations: number(&undone["cancellations"]),
                cancelled_value: sum(&undone["cancellation_value"]),
                events: ours.map(|series| number(&series["total"])).sum(),
            };
            totals.insert(customer["id"].as_str().expect("a text").to_owned(), of);
        }
        totals
    }

    /// Number of `Session Ended` among the names of counters: the engine's own event, no line of a file.
    const SESSION_ENDED: u64 = 14;

    fn every_row_with_a_customer_becomes_state_and_a_second_run_adds_nothing(world: &World) {
        let files = files();
        let first = replay(&files, world);
        let (lines, expected) = counted(&files);
        for (name, value) in [("events_applied", lines), ("customers", expected.len() as u64)] {
            assert_eq!(first[name], value, "{name}: {first}");
        }
        assert_eq!((&first["lost"], &first["doubled"]), (&Value::from(0), &Value::from(0)));
        let found = held(world);
        let differ = |(id, totals): &(&String, &Totals)| found.get(*id) != Some(*totals);
        let differing: Vec<_> = expected.iter().filter(differ).take(3).collect();
        let first_found = differing.first().and_then(|(id, _)| found.get(*id));
        assert!(differing.is_empty(), "the files say {differing:?}\nthe rows say {first_found:?}");
        assert_eq!(found.len(), expected.len());
        let before = world.dump();
        let second = replay(&files, world);
        assert_eq!(
            (&second["events_applied"], &second["outreach"]["sent"]),
            (&Value::from(0), &Value::from(0))
        );
        assert_eq!(second["events_duplicate"], lines);
        assert_eq!(care::difference(&before, &world.dump()), None);
    }
}
