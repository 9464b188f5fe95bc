//! Wiring: from settings to the rulebook, the ports and the node's bounds.

mod answering;
mod bounds;
mod folder;
mod playing;
mod rules;
mod servers;
mod world;

pub use answering::{Answering, answering};
pub use bounds::{replay_node, serve_node, served_replay_node};
pub use folder::Opened;
pub use playing::PlayedWorld;
pub use rules::{border, profile_of_files, replay_rulebook, rulebook, rulebook_of_files};
pub use servers::import_target;
pub use world::OpenWorld;
