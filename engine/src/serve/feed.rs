//! What feeds a service of the embedded world, in process: files that are replayed, or a simulated shop in real time.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actors::node::Node;
use actors::port::clock::Clock;
use actors::port::log::{NewRecord, Topic};
use actors::port::{Kind, Ports};
use anyhow::{Context, Result};
use schemas::event::Border;

use crate::clock::ReplayClock;
use crate::replay::gate::NodeGate;
use crate::replay::input::Source;
use crate::replay::run::ahead;
use crate::replay::{self, Format, Replay, Report, Speed, Target};
use crate::settings::Settings;
use crate::shop::{Moment, Shop, ShopSettings};
use crate::simulate::append;

/// How often the shop is asked what has happened.
const SHOP_LOOK: Duration = Duration::from_millis(100);

/// What feeds a service.
pub enum Feed {
    /// Whoever appends to the log.
    Others,
    /// Files, by the time that stands in them.
    Files(Files),
    /// A simulated shop, by the time on the wall.
    Shop(ShopSettings),
}

/// Files to be replayed.
pub struct Files {
    /// The files, in order, checked.
    pub sources: Vec<Source>,
    /// What they hold.
    pub format: Format,
    /// How fast their time passes.
    pub speed: Speed,
}

impl Files {
    /// Returns the replay of these files into a log.
    pub(super) fn replay(
        self,
        settings: &Settings,
        border: Border,
        (target, clock): (Arc<dyn Target>, Arc<ReplayClock>),
    ) -> Replay {
        let Files { sources, format, speed } = self;
        let (scratch, settings) = (settings.data.dir.join("scratch"), settings.replay.clone());
        Replay { sources, format, speed, target, clock, settings, border, scratch }
    }
}

/// A feed that is connected.
pub(super) enum Feeding {
    Others,
    Files(Replay),
    Shop(Box<ShopFeed>),
}

/// A shop and where its events go.
pub(super) struct ShopFeed {
    pub(super) shop: Shop,
    pub(super) ports: Ports,
    pub(super) border: Border,
    pub(super) settings: crate::settings::Replay,
}

impl Feeding {
    /// Feeds the engine; a feed that is at its end waits. Resolves with why it cannot go on.
    pub(super) async fn run(self, node: &Node) -> anyhow::Error {
        match self.feed(node).await {
            Ok(()) => std::future::pending().await,
            Err(error) => error,
        }
    }

    /// Feeds the engine to the feed's end.
    ///
    /// Errors: files cannot be read, or the log takes no more.
    async fn feed(self, node: &Node) -> Result<()> {
        match self {
            Feeding::Others => Ok(()),
            Feeding::Files(files) => {
                let clock = Arc::clone(&files.clock);
                let tally = replay::run(files, &NodeGate(node), &Lines).await.context("failed to replay")?;
                node.quiet_at(clock.now()).await.context("failed to finish what was replayed")?;
                node.settle().await.context("failed to finish what was replayed")?;
                tracing::info!(rows = tally.rows_read, "files replayed, everything is durable");
                Ok(())
            }
            Feeding::Shop(feed) => feed.run(node).await,
        }
    }
}

impl ShopFeed {
    /// Appends what happens in the shop, when it happens.
    async fn run(mut self, node: &Node) -> Result<()> {
        let clock = self.ports.clock.clone();
        loop {
            clock.sleep(SHOP_LOOK).await;
            // Without an answer nothing is ahead: the append will say what is wrong.
            while ahead(&*self.ports.source, &NodeGate(node)).await.unwrap_or(0) >= self.settings.ahead_max {
                clock.sleep(SHOP_LOOK).await;
            }
            self.append().await?;
        }
    }

    /// Appends what has happened since the last look.
    async fn append(&mut self) -> Result<()> {
        let (now, partitions) = (self.ports.clock.now(), self.ports.source.partitions());
        loop {
            let mut records = Vec::new();
            while records.len() < self.settings.batch_rows {
                match self.shop.moment_before(now) {
                    Some(Moment::Event(event)) => {
                        records.push(append::record(&event, partitions, &self.border)?.1);
                    }
                    Some(Moment::Silence { .. }) => {}
                    None => break,
                }
            }
            if records.is_empty() {
                return Ok(());
            }
            self.append_all(records).await?;
        }
    }

    /// Appends records; again when it is unknown whether they are there: their message ids make the second time a no-op.
    async fn append_all(&self, records: Vec<NewRecord>) -> Result<()> {
        loop {
            match self.ports.sink.append(Topic::Events, records.clone()).await {
                Err(error) if error.kind() == Kind::Retry => self.ports.clock.sleep(SHOP_LOOK).await,
                appended => return appended.map(drop).context("failed to append events"),
            }
        }
    }
}

/// Tells of files in the log.
struct Lines;

impl Report for Lines {
    fn begun(&self, file: &Path, bytes: u64) {
        tracing::info!(file = %file.display(), bytes, "file begun");
    }

    fn reached(&self, _bytes: u64, rows: u64) {
        tracing::debug!(rows, "rows replayed");
    }
}
