//! What stands in for a score, per head: written by whoever changes the model, read by whoever gets no answer.

use std::sync::atomic::{AtomicU32, Ordering};

use schemas::score::Head;

/// A probability per head.
#[derive(Debug)]
pub struct Priors([AtomicU32; Head::ALL.len()]);

impl Priors {
    /// Returns priors, each of its head.
    pub fn new(of: impl Fn(Head) -> f32) -> Self {
        Self(Head::ALL.map(|head| AtomicU32::new(of(head).to_bits())))
    }

    /// Returns the prior of a head.
    pub fn get(&self, head: Head) -> f32 {
        f32::from_bits(self.0[head as usize].load(Ordering::Relaxed))
    }

    /// Changes the prior of a head.
    pub fn set(&self, head: Head, prior: f32) {
        self.0[head as usize].store(prior.to_bits(), Ordering::Relaxed);
    }
}
