//! Who is learnt from and who judges: by customer, and by time where the dates allow.
//!
//! A customer belongs to one part by a hash of its id, the same in every dataset, so that nobody is judged by what was learnt from
//! itself. The rows of training lie before a cut in time, those of the other two parts at or behind it, so that the judgement is of the
//! future. Rows on the wrong side of the cut are left out. Labels of training may look beyond the cut, at other customers than those
//! that judge.

use schemas::time::Timestamp;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::dataset::{Dataset, Row};
use super::error::Error;
use super::settings::FitSettings;

/// Sets this hash apart from the one that puts customers into the control group.
const SEED: u64 = 0x0053_706C_6974;

/// Rows by part, as their places in the dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The weights and the scales come from these.
    pub train: Vec<usize>,
    /// These stop the learning and calibrate.
    pub validation: Vec<usize>,
    /// These judge; empty where the settings leave nobody for it.
    pub test: Vec<usize>,
    /// Training lies before this instant, the rest behind it; `None` where all parts have all times.
    pub cut: Option<Timestamp>,
}

/// What a customer's rows serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Train,
    Validation,
    Test,
}

impl Split {
    /// Splits rows.
    ///
    /// Errors: a part that is wanted has rows of one class only, even with all times in all parts.
    pub fn of(data: &Dataset, settings: &FitSettings) -> Result<Self, Error> {
        let cut = cut(data, settings.later_share);
        let by_time = Self::at(data, settings, cut);
        match by_time.check(data, settings) {
            Ok(()) => Ok(by_time),
            Err(error) if cut.is_none() => Err(error),
            Err(_) => {
                let by_customer = Self::at(data, settings, None);
                by_customer.check(data, settings)?;
                Ok(by_customer)
            }
        }
    }

    fn at(data: &Dataset, settings: &FitSettings, cut: Option<Timestamp>) -> Self {
        let (mut train, mut validation, mut test) = (Vec::new(), Vec::new(), Vec::new());
        for (place, row) in data.rows.iter().enumerate() {
            let (part, is_later) = match part(row, settings) {
                Part::Train => (&mut train, false),
                Part::Validation => (&mut validation, true),
                Part::Test => (&mut test, true),
            };
            if cut.is_none_or(|cut| is_later == (row.at >= cut)) {
                part.push(place);
            }
        }
        Self { train, validation, test, cut }
    }

    /// Checks that each part has rows of both classes.
    fn check(&self, data: &Dataset, settings: &FitSettings) -> Result<(), Error> {
        let test = if settings.test_share > 0.0 { Some(("for the test ", &self.test)) } else { None };
        let parts = [("for training ", &self.train), ("for validation ", &self.validation)];
        for (part, places) in parts.into_iter().chain(test) {
            let positives = places.iter().filter(|place| data.rows[**place].label).count();
            if positives == 0 || positives == places.len() {
                return Err(Error::OneClass { part, positives, rows: places.len() });
            }
        }
        Ok(())
    }
}

fn part(row: &Row, settings: &FitSettings) -> Part {
    // 53 bits are a whole number for a double.
    let hash = xxh3_64_with_seed(&row.customer.to_le_bytes(), SEED) >> 11;
    let share = hash as f64 / (1_u64 << 53) as f64;
    if share < settings.test_share {
        Part::Test
    } else if share < settings.test_share + settings.validation_share {
        Part::Validation
    } else {
        Part::Train
    }
}

/// Returns the instant at which the later share of the rows begins, unless there is nothing before it.
fn cut(data: &Dataset, later_share: f64) -> Option<Timestamp> {
    if later_share <= 0.0 {
        return None;
    }
    let mut times: Vec<Timestamp> = data.rows.iter().map(|row| row.at).collect();
    times.sort_unstable();
    let place = (times.len() as f64 * (1.0 - later_share)) as usize;
    let cut = times.get(place.min(times.len().saturating_sub(1)))?;
    (times.first() < Some(cut)).then_some(*cut)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use schemas::score::Head;
    use schemas::time::Span;

    use super::*;

    /// Returns rows of so many customers on so many days, every third of which came to pass.
    fn rows(customers: u64, days: i64) -> Dataset {
        let row = |customer: u64, day: i64| Row {
            customer: customer * 7_919,
            at: Timestamp(0) + Span::days(day),
            features: Box::default(),
            label: (customer + day as u64).is_multiple_of(3),
            weight: 1.0,
        };
        let rows = (0..customers).flat_map(|customer| (0..days).map(move |day| row(customer, day))).collect();
        Dataset { head: Head::Churn, horizon: Some(Span::days(90)), rows }
    }

    fn customers(data: &Dataset, places: &[usize]) -> BTreeSet<u64> {
        places.iter().map(|place| data.rows[*place].customer).collect()
    }

    #[test]
    fn no_customer_is_in_two_parts_and_the_judges_are_later() {
        let data = rows(400, 10);
        let split = Split::of(&data, &FitSettings::default()).expect("rows enough");
        let parts = [&split.train, &split.validation, &split.test].map(|part| customers(&data, part));
        assert!(parts.iter().all(|part| part.len() > 40), "{:?}", parts.map(|part| part.len()));
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            assert!(parts[one].is_disjoint(&parts[other]));
        }
        let cut = split.cut.expect("ten days can be cut");
        assert_eq!(cut, Timestamp(0) + Span::days(7));
        assert!(split.train.iter().all(|place| data.rows[*place].at < cut));
        assert!(split.validation.iter().chain(&split.test).all(|place| data.rows[*place].at >= cut));
    }

    #[test]
    fn a_customer_stays_in_its_part_whatever_else_there_is() {
        let (few, many) = (rows(300, 4), rows(500, 9));
        let of = |data: &Dataset| Split::of(data, &FitSettings::default()).expect("rows enough");
        let (few_split, many_split) = (of(&few), of(&many));
        let of_many = customers(&many, &many_split.test);
        assert!(customers(&few, &few_split.test).is_subset(&of_many));
        assert!(customers(&few, &few_split.train).is_disjoint(&of_many));
    }

    #[test]
    fn a_single_date_splits_by_customer_only() {
        let data = rows(300, 1);
        let split = Split::of(&data, &FitSettings::default()).expect("rows enough");
        assert_eq!(split.cut, None);
        assert_eq!(split.train.len() + split.validation.len() + split.test.len(), data.rows.len());
    }

    #[test]
    fn a_cut_that_leaves_a_part_without_a_class_is_not_made() {
        let mut data = rows(300, 10);
        for row in &mut data.rows {
            row.label &= row.at < Timestamp(0) + Span::days(6);
        }
        let split = Split::of(&data, &FitSettings::default()).expect("rows enough");
        assert_eq!(split.cut, None);
        data.rows.iter_mut().for_each(|row| row.label = false);
        let refused = Split::of(&data, &FitSettings::default()).expect_err("nothing came to pass");
        assert!(refused.to_string().contains("for training"), "{refused}");
    }

    #[test]
    fn who_wants_no_test_part_gets_none() {
        let data = rows(300, 10);
        let settings = FitSettings { test_share: 0.0, later_share: 0.0, ..FitSettings::default() };
        let split = Split::of(&data, &settings).expect("rows enough");
        assert_eq!((split.test.len(), split.cut), (0, None));
        assert_eq!(split.train.len() + split.validation.len(), data.rows.len());
    }
}
