//! What a shop may set about profiles.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::money::Currency;
use crate::time::Span;

/// Settings of the fold. Changing one never changes what was folded before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProfilePolicy {
    /// A session ends after this long without activity, by log time.
    pub session_idle: Span,
    /// Message ids kept for deduplication; the ring grows as needed up to this size. Bounds: 1 to 4,096.
    pub message_ring: usize,
    /// An open cart that nothing touched for this long is dropped.
    pub cart_idle_max: Span,
    /// Currency of a bare number.
    pub base_currency: Currency,
    /// IANA zone of a customer of whom nothing better is known.
    pub default_zone: SmolStr,
    /// BCP 47 locale of a customer of whom nothing better is known.
    pub default_locale: SmolStr,
}

impl Default for ProfilePolicy {
    fn default() -> Self {
        Self {
            session_idle: Span::minutes(30),
            message_ring: 64,
            cart_idle_max: Span::days(30),
            base_currency: Currency(*b"EUR"),
            default_zone: SmolStr::new_static("UTC"),
            default_locale: SmolStr::new_static("en"),
        }
    }
}
