//! In-memory doubles: plain, correct, without faults. Each is a cheap handle; clones share what they hold.

mod channel;
mod clock;
mod generator;
mod log;
mod predictor;
mod store;

pub use channel::RecordingChannel;
pub use clock::ManualClock;
pub use generator::{ScriptedGenerator, Step};
pub use log::MemoryLog;
pub use predictor::ScriptedPredictor;
pub use store::MemoryStore;
