//! What is known of a customer, for whoever shows it: the command line and the HTTP server. It reads log and store by their ports, changes
//! nothing, and says nothing of how it is shown.
//!
//! | file | holds |
//! |---|---|
//! | `find` | the customer that an id leads to |
//! | `heads` | what the engine says of its risk |
//! | `reasons` | what moves a score |
//! | `why` | why a trigger did or did not reach it |
//! | `words` | where instances and outreach stand, in words |

mod find;
mod heads;
mod reasons;
mod why;
mod words;

pub use find::{Found, Led, find, read};
pub use heads::{OfHead, Standing, of as heads};
pub use reasons::{Because, reasons};
pub use why::Why;
pub use words::{outreach_of, stage, state_of};
