//! Who a shopper's page speaks for, and what reaches it.
//!
//! A page opens a [`Session`] once: with a token of the shop it speaks for the customer whom the token names, without one for an anonymous
//! shopper whom the server invents. From then on the session proves it, to every process that has the same secret. What is told in threads
//! reaches the pages through the [`Hub`].
//!
//! | file | holds |
//! |---|---|
//! | `settings` | section `chat` of the settings |
//! | `token` | what the shop signs: who a page's reader is |
//! | `shopkeeper` | signs as a shop does, for shops that are simulated |
//! | `once` | which tokens have opened a session |
//! | `session` | what the server signs |
//! | `signature` | the arithmetic of both, by the TLS library that is linked already |
//! | `pace` | how often one customer may send |
//! | `tail` | reads `care.replies` |
//! | `hub` | where what is told waits for the pages that are open |
//! | `recent` | threads in which something was said lately |

pub mod settings;

mod hub;
mod once;
mod pace;
mod recent;
mod session;
mod shopkeeper;
mod signature;
mod tail;
mod token;

pub use hub::{Hub, Seat, Told};
pub use once::{Once, Refused};
pub use pace::Pace;
pub use recent::{Recent, Thread};
pub use session::{Session, Sessions, Who};
pub use settings::{Algorithm, KEYS, Settings};
pub use shopkeeper::Shopkeeper;
pub use tail::Tail;
pub use token::{Proof, Tokens, Untrue};
