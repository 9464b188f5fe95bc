//! How small values stand in a row: hashes as eight bytes, stamps as differences to the one before.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Hashes are even over all 64 bits, so a variable-length integer would need ten bytes.
pub(super) mod fixed_list {
    use super::*;

    pub fn serialize<S: Serializer>(hashes: &[u64], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(hashes.iter().map(|hash| hash.to_le_bytes()))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
        let bytes = Vec::<[u8; 8]>::deserialize(deserializer)?;
        Ok(bytes.into_iter().map(u64::from_le_bytes).collect())
    }
}

/// Writes rising numbers, each with a companion, as the differences between neighbours.
pub(super) fn write_rising<S: Serializer, C: Serialize>(
    serializer: S,
    items: impl ExactSizeIterator<Item = (u64, C)>,
) -> Result<S::Ok, S::Error> {
    let mut before = 0;
    serializer.collect_seq(items.map(|(at, companion)| {
        let step = at.wrapping_sub(before);
        before = at;
        (step, companion)
    }))
}

/// Reads what [`write_rising`] wrote; bytes that another hand changed give other numbers, never a panic.
pub(super) fn read_rising<'de, D: Deserializer<'de>, C: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<(u64, C)>, D::Error> {
    let mut items = Vec::<(u64, C)>::deserialize(deserializer)?;
    let mut at = 0_u64;
    for item in &mut items {
        at = at.saturating_add(item.0);
        item.0 = at;
    }
    Ok(items)
}
