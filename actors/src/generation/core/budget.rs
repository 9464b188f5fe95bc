//! Tokens per customer and hour: a bucket that fills at an even rate and holds an hour's worth.

use std::collections::BTreeMap;
use std::time::Duration;

use schemas::ids::CustomerId;

/// Time in which an empty bucket fills.
const HOUR: Duration = Duration::from_secs(3_600);

/// Buckets above which full ones are forgotten: they say no more than no bucket does.
const SWEPT_FROM: usize = 1_024;

/// What is left of a bucket, as of a time.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Units: tokens; below zero where more was spent than was reserved.
    left: f64,
    as_of: Duration,
}

/// The buckets of all customers who cost something within the last hour.
#[derive(Debug)]
pub struct Budgets {
    tokens_max: f64,
    buckets: BTreeMap<CustomerId, Bucket>,
    /// Number of buckets at which the next sweep is worth its while.
    sweep_at: usize,
}

impl Budgets {
    /// Returns budgets of so many tokens an hour.
    pub fn new(tokens_max: u32) -> Self {
        Self { tokens_max: f64::from(tokens_max), buckets: BTreeMap::new(), sweep_at: SWEPT_FROM }
    }

    /// Returns true when a customer has so many tokens left.
    pub fn affords(&self, customer: &CustomerId, tokens: u32, now: Duration) -> bool {
        self.left(customer, now) >= f64::from(tokens)
    }

    /// Takes tokens out.
    pub fn take(&mut self, customer: &CustomerId, tokens: u32, now: Duration) {
        let left = self.left(customer, now) - f64::from(tokens);
        self.buckets.insert(customer.clone(), Bucket { left, as_of: now });
        self.sweep(now);
    }

    /// Replaces what was reserved by what was used.
    pub fn settle(&mut self, customer: &CustomerId, (reserved, used): (u32, u32), now: Duration) {
        let left = self.left(customer, now) + f64::from(reserved) - f64::from(used);
        self.buckets.insert(customer.clone(), Bucket { left: left.min(self.tokens_max), as_of: now });
    }

    fn left(&self, customer: &CustomerId, now: Duration) -> f64 {
        self.buckets.get(customer).map_or(self.tokens_max, |bucket| self.filled(bucket, now))
    }

    fn filled(&self, bucket: &Bucket, now: Duration) -> f64 {
        let share = now.saturating_sub(bucket.as_of).as_secs_f64() / HOUR.as_secs_f64();
        (bucket.left + self.tokens_max * share).min(self.tokens_max)
    }

    fn sweep(&mut self, now: Duration) {
        if self.buckets.len() < self.sweep_at {
            return;
        }
        let mut buckets = std::mem::take(&mut self.buckets);
        buckets.retain(|_, bucket| self.filled(bucket, now) < self.tokens_max);
        self.sweep_at = (buckets.len() * 2).max(SWEPT_FROM);
        self.buckets = buckets;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(n: u64) -> Duration {
        Duration::from_secs(60 * n)
    }

    #[test]
    fn what_is_spent_comes_back_within_the_hour_and_not_beyond_an_hours_worth() {
        let (mut budgets, anna) = (Budgets::new(600), CustomerId::user("anna"));
        budgets.take(&anna, 600, minutes(0));
        assert!(!budgets.affords(&anna, 301, minutes(30)) && budgets.affords(&anna, 300, minutes(30)));
        assert!(budgets.affords(&CustomerId::user("bo"), 600, minutes(0)), "each his own");
        assert!(!budgets.affords(&anna, 601, minutes(600)));
    }

    #[test]
    fn what_was_reserved_and_not_used_is_given_back_and_what_was_used_beyond_is_owed() {
        let (mut budgets, anna) = (Budgets::new(600), CustomerId::user("anna"));
        budgets.take(&anna, 500, minutes(0));
        budgets.settle(&anna, (500, 100), minutes(0));
        assert!(budgets.affords(&anna, 500, minutes(0)) && !budgets.affords(&anna, 501, minutes(0)));
        budgets.take(&anna, 500, minutes(0));
        budgets.settle(&anna, (500, 800), minutes(0));
        assert!(!budgets.affords(&anna, 1, minutes(30)), "300 are owed, and 300 came");
        assert!(budgets.affords(&anna, 300, minutes(60)));
    }

    #[test]
    fn customers_who_cost_nothing_any_more_are_forgotten() {
        let mut budgets = Budgets::new(600);
        for n in 0..10_000_u64 {
            budgets.take(&CustomerId::user(&n.to_string()), 100, minutes(n));
        }
        assert!(budgets.buckets.len() <= 2 * SWEPT_FROM, "{} buckets", budgets.buckets.len());
    }
}
