//! What can go wrong with the servers: for people at the start, for the port afterwards.

use std::error::Error as Source;

use actors::port::store;
use scylla::errors::{DbError, ExecutionError, NewSessionError, RequestAttemptError};

/// Why the store cannot be opened or migrated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No server answers.
    #[error("failed to connect to {nodes} (cql.nodes)")]
    Connect {
        /// What was tried.
        nodes: String,
        /// Why not.
        #[source]
        source: Box<NewSessionError>,
    },
    /// The certificates of `cql.tls_ca` cannot be used.
    #[error("failed to read the certificates of cql.tls_ca ({path})")]
    Tls {
        /// The file.
        path: String,
        /// Why not.
        #[source]
        source: openssl::error::ErrorStack,
    },
    /// The system gives no thread.
    #[error("failed to start the thread of the CQL driver")]
    Thread(#[source] std::io::Error),
    /// The thread ended; only a panic there, which is logged, can be the reason.
    #[error("the thread of the CQL driver has ended")]
    Ended,
    /// It is not clear, or not true, in which data centre the servers are.
    #[error("cql.datacenter is {asked:?}; the servers are in {found}")]
    Datacenter {
        /// As set.
        asked: String,
        /// What there is.
        found: String,
    },
    /// There is no keyspace, or its tables are older than this program.
    #[error(
        "keyspace {keyspace} has schema version {found}, this program needs {needed}: run `care migrate`"
    )]
    NotMigrated {
        /// The keyspace.
        keyspace: String,
        /// 0 = there are no tables.
        found: i32,
        /// What this program needs.
        needed: i32,
    },
    /// A newer program made the tables.
    #[error(
        "keyspace {keyspace} has schema version {found}, this program knows {known} at most: run the newer program"
    )]
    Newer {
        /// The keyspace.
        keyspace: String,
        /// What it is.
        found: i32,
        /// The latest that is known.
        known: i32,
    },
    /// What is fixed for the life of a keyspace is set otherwise.
    #[error(
        "keyspace {keyspace} was made with {key} = {recorded}, fixed for its life, and the settings say {asked}: \
         set {key} = {recorded}, or name a new keyspace and move to it with `care export` and `care import`"
    )]
    Fixed {
        /// The keyspace.
        keyspace: String,
        /// The key of the settings.
        key: &'static str,
        /// As it was made.
        recorded: String,
        /// As set.
        asked: String,
    },
    /// A server acknowledges before it has synced.
    #[error("node {node} acknowledges writes before they are synced (commitlog_sync is {sync}): {remedy}")]
    NotSynced {
        /// Which one.
        node: String,
        /// How it syncs.
        sync: String,
        /// What to do.
        remedy: &'static str,
    },
    /// Another migration has been at work too long.
    #[error("another migration of keyspace {keyspace} is at work; run this one again when it is done")]
    Busy {
        /// The keyspace.
        keyspace: String,
    },
    /// This migration was held up so long that another one may have taken its place.
    #[error("the migration of keyspace {keyspace} was held up and another took over; run it again")]
    Overtaken {
        /// The keyspace.
        keyspace: String,
    },
    /// The keyspace cannot be made by this user.
    #[error("failed to make keyspace {keyspace}; somebody who may can run: {statement}")]
    Keyspace {
        /// The keyspace.
        keyspace: String,
        /// What makes it.
        statement: String,
        /// Why not.
        #[source]
        source: Box<ExecutionError>,
    },
    /// A statement was refused or not answered.
    #[error("failed to {what}")]
    Statement {
        /// What it was to do.
        what: String,
        /// Why not.
        #[source]
        source: Box<dyn Source + Send + Sync>,
    },
}

/// Returns an error of the driver as the port tells it: what a later try may mend, and what none will.
pub(super) fn of_execution(error: &ExecutionError) -> store::Error {
    match error {
        ExecutionError::LastAttemptError(attempt) => of_attempt(attempt),
        ExecutionError::BadQuery(_) => store::Error::Failed(error.to_string()),
        // Unreachable, timed out, not agreed upon: it may have happened.
        other => store::Error::Unavailable(other.to_string()),
    }
}

fn of_attempt(error: &RequestAttemptError) -> store::Error {
    match error {
        RequestAttemptError::DbError(answer, _) if is_final(answer) => {
            store::Error::Failed(error.to_string())
        }
        RequestAttemptError::SerializationError(_) | RequestAttemptError::CqlRequestSerialization(_) => {
            store::Error::Failed(error.to_string())
        }
        other => store::Error::Unavailable(other.to_string()),
    }
}

/// Returns true when the server refused a statement for what it is: the next try would be refused as well, and nothing happened.
fn is_final(answer: &DbError) -> bool {
    matches!(
        answer,
        DbError::SyntaxError
            | DbError::Invalid
            | DbError::AlreadyExists { .. }
            | DbError::FunctionFailure { .. }
            | DbError::AuthenticationError
            | DbError::Unauthorized
            | DbError::ConfigError
            | DbError::ProtocolError
    )
}

/// Returns the error of an answer that does not have the shape of what was asked for.
pub(super) fn unreadable(error: impl ToString) -> store::Error {
    store::Error::Corrupt(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actors::port::Kind;
    use scylla::statement::Consistency;

    use super::*;

    #[track_caller]
    fn check(error: impl Into<ExecutionError>, expected: Kind) {
        let error = error.into();
        assert_eq!(of_execution(&error).kind(), expected, "{error}");
    }

    #[test]
    fn what_may_have_happened_is_to_be_tried_again_and_what_is_wrong_is_not() {
        let answered = |answer| RequestAttemptError::DbError(answer, "because".to_owned());
        let (consistency, required) = (Consistency::LocalQuorum, 2);
        check(ExecutionError::RequestTimeout(Duration::from_secs(1)), Kind::Retry);
        check(answered(DbError::Unavailable { consistency, required, alive: 1 }), Kind::Retry);
        check(answered(DbError::Overloaded), Kind::Retry);
        check(answered(DbError::ServerError), Kind::Retry);
        // What a server says of a conditional write whose outcome it does not know, under a code that the driver has no name for.
        check(answered(DbError::Other(0x1700)), Kind::Retry);
        check(answered(DbError::Invalid), Kind::Fatal);
        check(answered(DbError::Unauthorized), Kind::Fatal);
        check(answered(DbError::SyntaxError), Kind::Fatal);
    }
}
