//! What ends the log for this process: told once, heard by every call after it.

use std::sync::OnceLock;

use actors::port::log::Error;

/// Why the log is of no use any more, once it is.
#[derive(Debug, Default)]
pub(super) struct Failure {
    reason: OnceLock<String>,
}

impl Failure {
    /// Ends the log. The first reason counts.
    pub(super) fn fail(&self, reason: String) {
        if self.reason.set(reason).is_ok() {
            tracing::error!(reason = self.reason.get(), "the Kafka log cannot go on");
        }
    }

    /// Returns an error once the log has ended.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.reason.get().map_or(Ok(()), |reason| Err(Error::Failed(reason.clone())))
    }

    /// Returns the reason.
    pub(super) fn reason(&self) -> Option<&str> {
        self.reason.get().map(String::as_str)
    }
}
