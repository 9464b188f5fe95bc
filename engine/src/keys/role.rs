//! What a key may be for.

use serde::{Deserialize, Serialize};

/// What the holder of a key is. Which routes that opens stands in the table of routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sends events of shoppers and reads nothing: the one key that may stand in a page
    Ingest,
    /// Makes triggers and reads what they did
    Marketer,
    /// Talks to shoppers
    Agent,
    /// Reads, and changes nothing
    Analyst,
    /// Runs the engine: dead letters, models, health
    Operator,
    /// Everything that people do
    Admin,
}

impl Role {
    /// Every role, in the order of the enum.
    pub const ALL: [Role; 6] =
        [Role::Ingest, Role::Marketer, Role::Agent, Role::Analyst, Role::Operator, Role::Admin];

    /// Returns the name used in keys, files and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Ingest => "ingest",
            Role::Marketer => "marketer",
            Role::Agent => "agent",
            Role::Analyst => "analyst",
            Role::Operator => "operator",
            Role::Admin => "admin",
        }
    }
}
