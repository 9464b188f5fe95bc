//! Questions side by side.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::feature::TABLE;
use schemas::score::{Ask, Head};
use schemas::time::Timestamp;

/// When somebody was asked about, who, and what.
type Key = (Timestamp, String, Head);

/// Features of every question in the order of asking.
#[derive(Clone, Debug, Default)]
pub struct Asks(BTreeMap<Key, Vec<Arc<[f32]>>>);

impl Asks {
    /// Adds a question, after those of the same customer that were asked before.
    pub fn add(&mut self, customer: &str, ask: &Ask) {
        let key = (ask.at, customer.to_owned(), ask.head);
        self.0.entry(key).or_default().push(Arc::clone(&ask.features));
    }

    /// Returns the number of questions.
    pub fn count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// Returns the number of questions about a head.
    pub fn of(&self, head: Head) -> usize {
        self.0.iter().filter(|((.., of), _)| *of == head).map(|(_, asks)| asks.len()).sum()
    }

    /// Returns the same questions where it is not known whose they are: those of one instant in the order of their features.
    pub fn without_customers(self) -> Asks {
        let mut asks: BTreeMap<Key, Vec<Arc<[f32]>>> = BTreeMap::new();
        for ((at, _, head), features) in self.0 {
            asks.entry((at, String::new(), head)).or_default().extend(features);
        }
        asks.values_mut().for_each(|features| features.sort_by_cached_key(|features| bits(features)));
        Asks(asks)
    }
}

/// Returns the first difference in words, `None` where there is none.
pub fn difference(served: &Asks, trained: &Asks) -> Option<String> {
    let keys = served.0.keys().chain(trained.0.keys());
    let differs = |key: &&Key| of(served, key).map(bits).ne(of(trained, key).map(bits));
    let mut differing: Vec<&Key> = keys.filter(differs).collect();
    differing.sort_unstable();
    differing.dedup();
    let first = differing.first()?;
    let (at, customer, head) = first;
    let counts = (of(served, first).count(), of(trained, first).count());
    let what = match of(served, first)
        .zip(of(trained, first))
        .find_map(|(served, trained)| feature(served, trained))
    {
        Some(what) if counts.0 == counts.1 => what,
        Some(_) | None => format!("served asked {} times, training {} times", counts.0, counts.1),
    };
    let (all, served, trained) = (differing.len(), served.count(), trained.count());
    Some(format!(
        "{customer} {} at {at}: {what} ({all} such differences among {served} questions served, {trained} trained)",
        head.as_str()
    ))
}

fn of<'a>(asks: &'a Asks, key: &Key) -> impl Iterator<Item = &'a [f32]> {
    asks.0.get(key).into_iter().flatten().map(|features| &**features)
}

fn bits(features: &[f32]) -> Vec<u32> {
    features.iter().map(|value| value.to_bits()).collect()
}

/// Returns the first feature in which two questions differ.
fn feature(served: &[f32], trained: &[f32]) -> Option<String> {
    let place = bits(served).iter().zip(bits(trained)).position(|(served, trained)| *served != trained)?;
    let name = TABLE.get(place).map_or("beyond the table", |feature| feature.name);
    Some(format!("{name} is {:?} served, {:?} trained", served[place], trained[place]))
}
