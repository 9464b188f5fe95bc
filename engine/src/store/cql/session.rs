//! The driver's session: where it connects, and how each kind of request is tried.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actors::metrics::StoreCalls;
use openssl::ssl::{SslConnector, SslMethod};
use scylla::client::execution_profile::{ExecutionProfile, ExecutionProfileHandle};
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::policies::load_balancing::DefaultPolicy;
use scylla::policies::retry::{
    DefaultRetryPolicy, FallthroughRetryPolicy, RequestInfo, RetryDecision, RetryPolicy, RetrySession,
};
use scylla::policies::speculative_execution::SimpleSpeculativeExecutionPolicy;
use scylla::statement::{Consistency, SerialConsistency};

use super::error::Error;
use super::settings::Settings;

/// How often a quiet connection is tried, and how long it may be silent then: a cut that nobody tells of is found by it.
const KEEPALIVE: Duration = Duration::from_secs(5);

/// How long a migration waits for all servers to know the same tables.
const AGREEMENT_MAX: Duration = Duration::from_secs(60);

/// How requests are tried, by what they are.
pub(super) struct Profiles {
    /// Rows, wake-ups, decisions, links: a quorum of the data centre, repeated on another server where that cannot do harm.
    pub(super) write: ExecutionProfileHandle,
    /// Reads of them: likewise, and a second server is asked when the first is slow.
    pub(super) read: ExecutionProfileHandle,
    /// Compare-and-set: never repeated by the driver, since it may have been applied.
    pub(super) conditional: ExecutionProfileHandle,
    /// Reads that see every compare-and-set that was or may yet be applied.
    pub(super) serial: ExecutionProfileHandle,
}

impl Profiles {
    pub(super) fn new(settings: &Settings, datacenter: &str, calls: &StoreCalls) -> Self {
        let retry = Arc::new(Counted { policy: DefaultRetryPolicy::new(), calls: calls.clone() });
        let near =
            DefaultPolicy::builder().prefer_datacenter(datacenter.to_owned()).token_aware(true).build();
        let base = || {
            ExecutionProfile::builder()
                .request_timeout(Some(settings.request_timeout()))
                .load_balancing_policy(Arc::clone(&near))
                .consistency(Consistency::LocalQuorum)
                .serial_consistency(Some(SerialConsistency::LocalSerial))
        };
        let hedge = SimpleSpeculativeExecutionPolicy {
            max_retry_count: 1,
            retry_interval: Duration::from_millis(settings.speculative_ms),
        };
        let read = base().retry_policy(retry.clone()).speculative_execution_policy(Some(Arc::new(hedge)));
        let conditional = base().retry_policy(Arc::new(FallthroughRetryPolicy::new()));
        let serial = base().consistency(Consistency::LocalSerial).retry_policy(retry.clone());
        Self {
            write: base().retry_policy(retry).build().into_handle(),
            read: read.build().into_handle(),
            conditional: conditional.build().into_handle(),
            serial: serial.build().into_handle(),
        }
    }
}

/// Connects.
///
/// Errors: no server answers, or the certificates cannot be read.
pub(super) async fn connect(settings: &Settings) -> Result<Session, Error> {
    let mut builder = SessionBuilder::new()
        .known_nodes(settings.servers())
        .keepalive_interval(KEEPALIVE)
        .keepalive_timeout(KEEPALIVE)
        .connection_timeout(Duration::from_millis(settings.connect_timeout_ms))
        .keyspaces_to_fetch([settings.keyspace.as_str()])
        .fetch_full_schema_metadata(false)
        .schema_agreement_timeout(AGREEMENT_MAX);
    if !settings.username.is_empty() {
        builder = builder.user(&settings.username, settings.password.reveal());
    }
    if !settings.tls_ca.as_os_str().is_empty() {
        builder = builder.tls_context(Some(tls(settings)?));
    }
    let connected = builder.build().await;
    connected.map_err(|source| Error::Connect { nodes: settings.nodes.clone(), source: Box::new(source) })
}

/// Servers have to show a certificate for their address that one of the authorities of the file signed.
fn tls(settings: &Settings) -> Result<openssl::ssl::SslConnectorBuilder, Error> {
    let path = &settings.tls_ca;
    let failed = |source| Error::Tls { path: path.display().to_string(), source };
    let mut connector = SslConnector::builder(SslMethod::tls_client()).map_err(failed)?;
    connector.set_ca_file(path).map_err(failed)?;
    Ok(connector)
}

/// Returns the data centre that requests stay in: as set, else the one that there is.
///
/// Errors: it is not there, or there are several to choose from.
pub(super) fn datacenter(session: &Session, settings: &Settings) -> Result<String, Error> {
    let state = session.get_cluster_state();
    let mut found: Vec<&str> =
        state.get_nodes_info().iter().filter_map(|node| node.datacenter.as_deref()).collect();
    found.sort_unstable();
    found.dedup();
    let asked = settings.datacenter.as_str();
    match found[..] {
        [only] if asked.is_empty() => Ok(only.to_owned()),
        _ if found.contains(&asked) => Ok(asked.to_owned()),
        _ => Err(Error::Datacenter { asked: asked.to_owned(), found: found.join(", ") }),
    }
}

/// A retry policy whose retries are counted.
struct Counted {
    policy: DefaultRetryPolicy,
    calls: StoreCalls,
}

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.policy.fmt(f)
    }
}

struct CountedSession {
    session: Box<dyn RetrySession>,
    calls: StoreCalls,
}

impl RetryPolicy for Counted {
    fn new_session(&self) -> Box<dyn RetrySession> {
        Box::new(CountedSession { session: self.policy.new_session(), calls: self.calls.clone() })
    }
}

impl RetrySession for CountedSession {
    fn decide_should_retry(&mut self, request: RequestInfo<'_>) -> RetryDecision {
        let decision = self.session.decide_should_retry(request);
        if decision != RetryDecision::DontRetry {
            self.calls.retried();
        }
        decision
    }

    fn reset(&mut self) {
        self.session.reset();
    }
}
