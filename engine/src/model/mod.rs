//! What a trained head is: how it is described, stored, checked and asked.
//!
//! A model is a folder of two files, `model.json` and `weights.safetensors`. Whatever enters is checked down to the last tensor and has
//! to reproduce its golden pair; what disagrees is refused with the field and what would be legal. Nothing here serves questions: that
//! is the affair of [`crate::predict`]; nothing here learns: that is the affair of [`crate::learn`].
//!
//! | file | holds |
//! |---|---|
//! | `manifest` | `model.json`: everything that is said about a model |
//! | `input` | which features a model reads, and how each is made ready |
//! | `network` | the network as it is learnt |
//! | `exact` | the network as it answers: to the last bit the same in whatever batch |
//! | `weights` | `weights.safetensors` |
//! | `artefact` | a model with its weights: saved, loaded, asked |
//! | `explain` | why a score is what it is |
//! | `shipped` | the models within the program |
//! | `registry` | which models there are, and which one is active |
//! | `error` | why a model is refused |

pub mod manifest;

pub mod input;

pub mod network;

mod exact;
mod weights;

pub mod artefact;
pub mod explain;

pub mod shipped;

pub mod registry;

pub mod error;

#[cfg(test)]
pub(crate) mod tests;

pub use artefact::Artefact;
pub use error::Error;
pub use explain::Contribution;
pub use input::{Input, Inputs, Transform};
pub use manifest::{Calibration, Golden, Manifest, Training, Weights};
pub use network::{Activation, Architecture, Network, Skip, Start};
pub use registry::{Choice, Registry};
