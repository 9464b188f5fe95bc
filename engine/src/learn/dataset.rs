//! What is learnt from: one row per question about a customer, as the profile stood when it was asked, with what came of it.

use schemas::feature;
use schemas::score::Head;
use schemas::time::{Span, Timestamp};
use xxhash_rust::xxh3::Xxh3;

use super::error::Error;

/// Rows of one head.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// What is predicted.
    pub head: Head,
    /// How far ahead the labels look; none where they end by themselves, as a session does.
    pub horizon: Option<Span>,
    /// The rows, in any order.
    pub rows: Vec<Row>,
}

/// One question about one customer, and what came of it.
#[derive(Clone, Debug)]
pub struct Row {
    /// Hash (xxh3) of the customer's id.
    pub customer: u64,
    /// When it was asked.
    pub at: Timestamp,
    /// What was known then, in the order of [`feature::TABLE`].
    pub features: Box<[f32]>,
    /// Whether it came to pass within the horizon.
    pub label: bool,
    /// How much the row counts; 1 unless rows stand for more or fewer like them.
    pub weight: f32,
}

impl Dataset {
    /// Checks what every user of the rows relies on.
    ///
    /// Errors: there is no row; a row has another number of features than the table, a value that is no number, or no weight.
    pub fn check(&self) -> Result<(), Error> {
        if self.rows.is_empty() {
            return Err(Error::NoRows);
        }
        for (number, row) in self.rows.iter().enumerate() {
            if row.features.len() != feature::TABLE.len() {
                let (found, legal) = (row.features.len(), feature::TABLE.len());
                return Err(Error::WrongShape { row: number, found, legal });
            }
            if let Some(place) = row.features.iter().position(|value| !value.is_finite()) {
                return Err(Error::NotFinite { row: number, feature: feature::TABLE[place].name });
            }
            if !(row.weight.is_finite() && row.weight > 0.0) {
                return Err(Error::BadWeight { row: number, weight: row.weight });
            }
        }
        Ok(())
    }

    /// Returns how many rows came to pass.
    pub fn positives(&self) -> usize {
        self.rows.iter().filter(|row| row.label).count()
    }

    /// Returns the times of the first and of the last row.
    pub fn window(&self) -> Option<(Timestamp, Timestamp)> {
        let times = || self.rows.iter().map(|row| row.at);
        times().min().zip(times().max())
    }

    /// Names the content: head, horizon and every row in its place.
    pub fn fingerprint(&self) -> u64 {
        let mut hash = Xxh3::new();
        hash.update(self.head.as_str().as_bytes());
        hash.update(&self.horizon.map_or(0, |horizon| horizon.0).to_le_bytes());
        for row in &self.rows {
            hash.update(&row.customer.to_le_bytes());
            hash.update(&row.at.0.to_le_bytes());
            row.features.iter().for_each(|value| hash.update(&value.to_le_bytes()));
            hash.update(&[u8::from(row.label)]);
            hash.update(&row.weight.to_le_bytes());
        }
        hash.digest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fill: f32) -> Row {
        let features = vec![fill; feature::TABLE.len()].into_boxed_slice();
        Row { customer: 1, at: Timestamp(5), features, label: true, weight: 1.0 }
    }

    fn of(rows: Vec<Row>) -> Dataset {
        Dataset { head: Head::Churn, horizon: Some(Span::days(90)), rows }
    }

    #[test]
    fn rows_that_cannot_be_learnt_from_are_named() {
        assert!(of(vec![row(0.0)]).check().is_ok());
        assert!(matches!(of(Vec::new()).check(), Err(Error::NoRows)));
        let short = Row { features: vec![1.0].into(), ..row(0.0) };
        assert!(matches!(of(vec![row(0.0), short]).check(), Err(Error::WrongShape { row: 1, found: 1, .. })));
        let nan = of(vec![row(f32::NAN)]).check();
        assert!(matches!(nan, Err(Error::NotFinite { row: 0, feature: "order_recency" })));
        for weight in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            let refused = of(vec![Row { weight, ..row(0.0) }]).check();
            assert!(matches!(refused, Err(Error::BadWeight { row: 0, .. })), "{weight}");
        }
    }

    #[test]
    fn a_fingerprint_tells_every_part_of_a_dataset_apart() {
        let base = of(vec![row(0.0), row(1.0)]);
        let variants = [
            base.clone(),
            Dataset { head: Head::Return, ..base.clone() },
            Dataset { horizon: Some(Span::days(30)), ..base.clone() },
            Dataset { horizon: None, ..base.clone() },
            of(vec![row(1.0), row(0.0)]),
            of(vec![row(0.0), Row { label: false, ..row(1.0) }]),
            of(vec![row(0.0), Row { weight: 2.0, ..row(1.0) }]),
            of(vec![row(0.0), Row { at: Timestamp(6), ..row(1.0) }]),
            of(vec![row(0.0), Row { customer: 2, ..row(1.0) }]),
        ];
        let names: std::collections::BTreeSet<u64> = variants.iter().map(Dataset::fingerprint).collect();
        assert_eq!(names.len(), variants.len());
        assert_eq!(base.fingerprint(), base.clone().fingerprint());
    }
}
