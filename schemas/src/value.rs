//! Property values: what a sender may put under any name. Owned, ordered, cheap to look up in small maps.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A JSON value. Numbers are `f64`: a larger integer keeps its text form only where the sender quotes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// JSON null.
    #[default]
    Null,
    /// JSON true or false.
    Bool(bool),
    /// JSON number, always finite.
    Number(f64),
    /// JSON string.
    Text(SmolStr),
    /// JSON array.
    List(Vec<Value>),
    /// JSON object.
    Map(Properties),
}

/// A JSON object in the sender's order; of a name that occurs twice the last one counts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Properties(pub Vec<(SmolStr, Value)>);

impl Properties {
    /// Returns the value under `name`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}
