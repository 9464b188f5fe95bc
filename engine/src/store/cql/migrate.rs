//! `care migrate`: brings a keyspace to the schema of this program, once, whoever else tries at the same time.
//!
//! Statements that change tables all go through one node, the same for every migration, which puts them in order; above that a lock
//! lets one migration work at a time, and a version is recorded when all of its statements are done. A migration that is cut off is
//! run again from its first statement: every statement can be run twice.

use std::time::Duration;

use actors::port::clock::Clock;
use scylla::client::session::Session;
use scylla::errors::{DbError, ExecutionError, RequestAttemptError};
use scylla::policies::load_balancing::{NodeIdentifier, SingleTargetLoadBalancingPolicy};
use scylla::response::query_result::QueryResult;
use scylla::serialize::row::SerializeRow;
use scylla::statement::{Consistency, SerialConsistency, Statement};
use scylla::value::CqlTimestamp;
use serde::Serialize;

use super::answer::Answer;
use super::error::Error;
use super::schema::{GROUND, MIGRATIONS, Migration, latest};
use super::session;
use super::settings::Settings;
use crate::clock::SystemClock;

/// How long a migration holds the lock without renewing it. Units: s.
const LOCK_S: i32 = 60;

/// How long a migration waits for another, and how often it looks.
const LOCK_LOOKS: u32 = 300;
const LOCK_LOOK: Duration = Duration::from_millis(500);

/// How long a statement that changes tables may take.
const STATEMENT_MAX: Duration = Duration::from_secs(60);

/// Whether a migration does what it finds to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It does.
    Apply,
    /// It tells what it would do and changes nothing.
    DryRun,
}

/// What a migration did, or would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Migrated {
    /// The keyspace.
    pub keyspace: String,
    /// The schema version before.
    pub from: i32,
    /// The schema version afterwards.
    pub to: i32,
    /// What is applied: names in order.
    pub steps: Vec<Step>,
    /// What is fixed for the keyspace's life.
    pub partitions: u32,
    /// Likewise: buckets of a partition.
    pub buckets: u16,
}

/// One migration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its number; 0 = the keyspace and the tables of migrations themselves.
    pub version: i32,
    /// What it brings.
    pub name: String,
    /// What it runs.
    pub statements: Vec<String>,
}

/// Brings the keyspace of the settings to the schema of this program.
///
/// Errors: no server answers, the keyspace is of a newer schema, was made with other numbers of partitions or buckets, cannot be made by
/// this user, or another migration is at work and does not end.
pub async fn migrate(settings: &Settings, partitions: u32, mode: Mode) -> Result<Migrated, Error> {
    let session = session::connect(settings).await?;
    let work = Work { session: &session, settings, keyspace: &settings.keyspace, partitions };
    let found = work.version().await?;
    if found.is_some() {
        work.check(found.unwrap_or(0)).await?;
    }
    let steps = work.steps(found)?;
    if mode == Mode::Apply && !steps.is_empty() {
        work.prepare_ground(&steps).await?;
        // Random, and of this session alone.
        let owner = session.session_id().into_bytes();
        work.lock(owner).await?;
        let applied = work.apply(owner).await;
        let unlocked = work.unlock(owner).await;
        applied.and(unlocked)?;
    }
    let from = found.unwrap_or(0);
    let (keyspace, buckets) = (settings.keyspace.clone(), settings.buckets);
    Ok(Migrated { keyspace, from, to: latest().max(from), steps, partitions, buckets })
}

/// Checks that a keyspace is of this program's schema and of these settings.
///
/// Errors: it is not.
pub(super) async fn verify(session: &Session, settings: &Settings, partitions: u32) -> Result<(), Error> {
    let work = Work { session, settings, keyspace: &settings.keyspace, partitions };
    let found = work.version().await?.unwrap_or(0);
    if found < latest() {
        return Err(Error::NotMigrated { keyspace: settings.keyspace.clone(), found, needed: latest() });
    }
    work.check(found).await
}

struct Work<'a> {
    session: &'a Session,
    settings: &'a Settings,
    keyspace: &'a str,
    partitions: u32,
}

impl Work<'_> {
    /// Returns the version of the keyspace's schema; `None` when it or its table of versions is missing.
    async fn version(&self) -> Result<Option<i32>, Error> {
        let table = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = 'migration'";
        let found = self.run("look for the keyspace", table, (self.keyspace,)).await?;
        if rows::<(String,)>(found, "look for the keyspace")?.is_empty() {
            return Ok(None);
        }
        let found =
            self.run("read the schema version", "SELECT version FROM {keyspace}.migration", ()).await?;
        let versions = rows::<(i32,)>(found, "read the schema version")?;
        Ok(Some(versions.into_iter().map(|(version,)| version).max().unwrap_or(0)))
    }

    /// Checks that the schema is not newer than this program and that what is fixed is as the settings say.
    async fn check(&self, found: i32) -> Result<(), Error> {
        if found > latest() {
            return Err(Error::Newer { keyspace: self.keyspace.to_owned(), found, known: latest() });
        }
        let what = "read what is fixed for the keyspace";
        let recorded = self.run(what, "SELECT name, value FROM {keyspace}.fixed", ()).await?;
        for (name, recorded) in rows::<(String, String)>(recorded, what)? {
            for (key, asked) in self.fixed().into_iter().filter(|(key, _)| *key == name) {
                if recorded != asked {
                    return Err(Error::Fixed { keyspace: self.keyspace.to_owned(), key, recorded, asked });
                }
            }
        }
        Ok(())
    }

    /// Returns what is fixed for the keyspace's life, by the keys of the settings.
    fn fixed(&self) -> [(&'static str, String); 2] {
        [("log.partitions", self.partitions.to_string()), ("cql.buckets", self.settings.buckets.to_string())]
    }

    /// Returns what is to be done.
    fn steps(&self, found: Option<i32>) -> Result<Vec<Step>, Error> {
        let mut steps = Vec::new();
        if found.is_none() {
            let mut statements = vec![self.create_keyspace()?];
            statements.extend(GROUND.iter().map(|statement| self.named(statement)));
            steps.push(Step { version: 0, name: "the keyspace".to_owned(), statements });
        }
        let pending = MIGRATIONS.iter().filter(|migration| migration.version > found.unwrap_or(0));
        steps.extend(pending.map(|Migration { version, name, statements }| Step {
            version: *version,
            name: (*name).to_owned(),
            statements: statements.iter().map(|statement| self.named(statement)).collect(),
        }));
        Ok(steps)
    }

    fn create_keyspace(&self) -> Result<String, Error> {
        let datacenter = session::datacenter(self.session, self.settings)?.replace('\'', "''");
        let (keyspace, copies) = (self.keyspace, self.settings.replication);
        let state = self.session.get_cluster_state();
        // Compare-and-set needs tables whose copies do not move by themselves.
        let is_scylla = state.get_nodes_info().iter().any(|node| node.sharder().is_some());
        let tablets = if is_scylla { " AND tablets = {'enabled': false}" } else { "" };
        Ok(format!(
            "CREATE KEYSPACE IF NOT EXISTS {keyspace} WITH replication = \
             {{'class': 'NetworkTopologyStrategy', '{datacenter}': {copies}}}{tablets}"
        ))
    }

    fn named(&self, statement: &str) -> String {
        statement.replace("{keyspace}", self.keyspace)
    }

    /// Makes keyspace and ground, where there is none.
    async fn prepare_ground(&self, steps: &[Step]) -> Result<(), Error> {
        let Some(ground) = steps.first().filter(|step| step.version == 0) else { return Ok(()) };
        let [create, tables @ ..] = ground.statements.as_slice() else { return Ok(()) };
        if !self.keyspace_exists().await? {
            self.change(create).await.map_err(|source| Error::Keyspace {
                keyspace: self.keyspace.to_owned(),
                statement: create.clone(),
                source: Box::new(source),
            })?;
        }
        for table in tables {
            self.change(table).await.map_err(failed("make the tables of migrations"))?;
        }
        Ok(())
    }

    async fn keyspace_exists(&self) -> Result<bool, Error> {
        let question = "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?";
        let found = self.run("look for the keyspace", question, (self.keyspace,)).await?;
        Ok(!rows::<(String,)>(found, "look for the keyspace")?.is_empty())
    }

    /// Waits for the lock. One whose holder is gone ends by itself.
    async fn lock(&self, owner: [u8; 16]) -> Result<(), Error> {
        let take = "INSERT INTO {keyspace}.migration_lock (name, owner) VALUES ('schema', ?) IF NOT EXISTS USING TTL ?";
        for _ in 0..LOCK_LOOKS {
            if self.is_applied("take the lock of migrations", take, (owner, LOCK_S)).await? {
                return Ok(());
            }
            SystemClock.sleep(LOCK_LOOK).await;
        }
        Err(Error::Busy { keyspace: self.keyspace.to_owned() })
    }

    async fn renew(&self, owner: [u8; 16]) -> Result<(), Error> {
        let renew =
            "UPDATE {keyspace}.migration_lock USING TTL ? SET owner = ? WHERE name = 'schema' IF owner = ?";
        match self.is_applied("renew the lock of migrations", renew, (LOCK_S, owner, owner)).await? {
            true => Ok(()),
            false => Err(Error::Overtaken { keyspace: self.keyspace.to_owned() }),
        }
    }

    async fn unlock(&self, owner: [u8; 16]) -> Result<(), Error> {
        let give = "DELETE FROM {keyspace}.migration_lock WHERE name = 'schema' IF owner = ?";
        self.is_applied("give the lock of migrations back", give, (owner,)).await.map(drop)
    }

    /// Applies what is still to be applied, now that nobody else does.
    async fn apply(&self, owner: [u8; 16]) -> Result<(), Error> {
        for (key, value) in self.fixed() {
            let fix = "INSERT INTO {keyspace}.fixed (name, value) VALUES (?, ?) IF NOT EXISTS";
            self.is_applied("fix what is fixed for the keyspace", fix, (key, value)).await?;
        }
        let found = self.version().await?.unwrap_or(0);
        self.check(found).await?;
        for migration in MIGRATIONS.iter().filter(|migration| migration.version > found) {
            for statement in migration.statements {
                self.renew(owner).await?;
                let what = format!("apply schema version {} ({})", migration.version, migration.name);
                self.change(&self.named(statement)).await.map_err(failed(what))?;
            }
            self.renew(owner).await?;
            let record = "INSERT INTO {keyspace}.migration (version, name, build, at) VALUES (?, ?, ?, ?) IF NOT EXISTS";
            let now = CqlTimestamp(SystemClock.now().0);
            let values = (migration.version, migration.name, env!("CARGO_PKG_VERSION"), now);
            self.is_applied("record the schema version", record, values).await?;
        }
        Ok(())
    }

    /// Runs a statement that changes tables, through the node that all of them go through, and waits until all nodes know.
    async fn change(&self, text: &str) -> Result<(), ExecutionError> {
        let mut statement = Statement::new(text);
        statement.set_request_timeout(Some(STATEMENT_MAX));
        let state = self.session.get_cluster_state();
        let first =
            state.get_nodes_info().iter().filter(|node| node.is_connected()).min_by_key(|node| node.host_id);
        if let Some(first) = first {
            let only = SingleTargetLoadBalancingPolicy::new(NodeIdentifier::HostId(first.host_id), None);
            statement.set_load_balancing_policy(Some(only));
        }
        match self.session.query_unpaged(statement, ()).await {
            Err(ExecutionError::LastAttemptError(RequestAttemptError::DbError(
                DbError::AlreadyExists { .. },
                _,
            ))) => Ok(()),
            changed => changed.map(drop),
        }
    }

    async fn run(&self, what: &str, text: &str, values: impl SerializeRow) -> Result<QueryResult, Error> {
        let mut statement = Statement::new(self.named(text));
        statement.set_consistency(Consistency::LocalQuorum);
        statement.set_serial_consistency(Some(SerialConsistency::LocalSerial));
        self.session.query_unpaged(statement, values).await.map_err(failed(what))
    }

    async fn is_applied(&self, what: &str, text: &str, values: impl SerializeRow) -> Result<bool, Error> {
        let answer = Answer::of(self.run(what, text, values).await?).map_err(failed(what))?;
        Ok(answer.is_applied())
    }
}

fn failed<E: std::error::Error + Send + Sync + 'static>(what: impl Into<String>) -> impl FnOnce(E) -> Error {
    let what = what.into();
    |source| Error::Statement { what, source: Box::new(source) }
}

fn rows<R: for<'f, 'm> scylla::deserialize::row::DeserializeRow<'f, 'm>>(
    result: QueryResult,
    what: &str,
) -> Result<Vec<R>, Error> {
    let result = result.into_rows_result().map_err(failed(what))?;
    let rows = result.rows::<R>().map_err(failed(what))?;
    rows.collect::<Result<_, _>>().map_err(failed(what))
}
