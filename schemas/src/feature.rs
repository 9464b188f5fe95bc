//! The feature table: one for serving and training. A model reads the row `extract` makes, in the order of [`TABLE`].

use crate::profile::{Heads, Profile};
use crate::time::Timestamp;

/// One input of the models.
#[derive(Debug)]
pub struct Feature {
    /// Name in model manifests and explanations.
    pub name: &'static str,
    /// Unit of the value.
    pub unit: &'static str,
    /// Heads for which it says something.
    pub heads: Heads,
    /// Reads it.
    pub read: fn(&Profile, Timestamp) -> f32,
}

/// Every feature. New ones are added at the end: manifests name features and their order.
pub const TABLE: &[Feature] = &[];

/// Returns every feature of a profile at `now`.
///
/// Shape: [`TABLE`]`.len()`, in its order; each finite, whatever the profile holds.
pub fn extract(profile: &Profile, now: Timestamp) -> Vec<f32> {
    TABLE
        .iter()
        .map(|feature| (feature.read)(profile, now))
        .map(|value| if value.is_finite() { value } else { 0.0 })
        .collect()
}
