//! The engine as a service: a long-running process in either world.
//!
//! [`run`] tells the whole story: the endpoint listens, the world is opened, the node follows the log's assignments, the HTTP server takes
//! events; looks at it (`look`) make its `health`; a signal (`signals`) or a reason to stop ends it: the last requests are answered,
//! partitions drain, positions are confirmed, leases released, the group is left. It decides nothing about customers.

mod endpoint;
mod feed;
mod health;
mod look;
mod process;
mod signals;
mod systemd;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actors::metrics::Metrics;
use actors::node::{Left, Node, NodeRules, NodeSettings};
use actors::port::Ports;
use actors::port::clock::Clock;
use anyhow::{Context, Result, anyhow};
use futures_util::future::{self, Either};
use schemas::rulebook::Rulebook;
use schemas::trigger::spec::Mode;
use serde::Deserialize;

use self::endpoint::{Endpoint, Told};
use self::feed::{Feeding, ShopFeed};
use self::look::Looker;
use crate::app::{self, OpenWorld, Opened};
use crate::clock::{SystemClock, within};
use crate::http::{Bound, Front, Parts, Talking};
use crate::settings::World;
use crate::settings::legal::Legal;
use crate::shop::Shop;

pub use feed::{Feed, Files};
pub use health::Health;
pub use signals::{Asked, Stop};

/// Section `serve` of the settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where metrics and health are answered.
    pub listen: SocketAddr,
    /// Bound of a graceful stop.
    pub stop_ms: u64,
    /// Time between two looks at the engine.
    pub look_ms: u64,
    /// Wait for the answer of log or store to a look.
    pub answer_ms: u64,
}

/// The keys of the section.
pub const KEYS: &[(&str, Legal)] = &[
    ("serve.listen", Legal::Listen),
    ("serve.stop_ms", Legal::Count(1_000, 600_000, "ms")),
    ("serve.look_ms", Legal::Count(100, 60_000, "ms")),
    ("serve.answer_ms", Legal::Count(100, 60_000, "ms")),
];

/// The HTTP server has this part of a stop for its last answers; partitions, which go on meanwhile, have the rest.
const FRONT_SHARE: u32 = 5;

/// What ports go through before the node has them.
pub type Through = Box<dyn FnOnce(Ports) -> Ports>;

/// What is to be served.
pub struct Service<'a> {
    /// Settings.
    pub settings: &'a crate::settings::Settings,
    /// What decides beside the rows.
    pub book: Arc<Rulebook>,
    /// What feeds it.
    pub feed: Feed,
    /// Rules of the protocol, all on in the product.
    pub rules: NodeRules,
    /// What the ports go through before the node has them: nothing in the product.
    pub through: Through,
}

/// What a service says of its life, for whoever started it.
#[derive(Debug)]
pub enum Said<'a> {
    /// The world is open and the endpoint listens.
    Started {
        /// Where the world is.
        place: &'a str,
        /// Partitions of every topic.
        partitions: u32,
        /// Where metrics and health are answered.
        endpoint: SocketAddr,
        /// Where the HTTP server listens, when it does.
        http: Option<SocketAddr>,
    },
    /// Everything is well, the first time.
    Ready {
        /// Partitions at work.
        partitions: usize,
    },
    /// It stops.
    Stopping {
        /// Why.
        why: &'a str,
        /// Bound of what is left to do.
        at_most: Duration,
    },
}

/// How a service ended.
#[derive(Debug)]
pub struct Stopped {
    /// What was not safe; a successor reads it again from the log.
    pub left: Left,
    /// How long it took to stop.
    pub took: Duration,
}

/// Why a service stops.
enum Why {
    Asked(Asked),
    /// It cannot go on.
    Failed(anyhow::Error),
}

/// Serves until it is told to stop, or cannot go on.
///
/// Errors: an address is taken · the keys of the HTTP server cannot be read · the world cannot be opened · a partition stopped for a person
/// to look at; the others are drained then.
pub async fn run(service: Service<'_>, mut stop: Stop, say: &mut dyn FnMut(Said<'_>)) -> Result<Stopped> {
    process::allow_open_files();
    let of = &service.settings.serve;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (metrics, health) = (Metrics::new(), Health::new(clock.clone(), of));
    let folder = match service.settings.world() {
        Ok(World::Embedded) => Some(service.settings.data.dir.as_path().into()),
        Ok(World::Servers) | Err(_) => None,
    };
    let told = Told { health: health.clone(), metrics: metrics.clone(), folder };
    let endpoint = Endpoint::start(of.listen, told);
    let endpoint = endpoint.with_context(|| format!("failed to listen on {} (serve.listen)", of.listen))?;
    let http = bind(service.settings)?;
    let around = Around { settings: of, clock, health, endpoint: endpoint.address() };
    let ended = serve(service, (metrics, http, &around), &mut stop, say).await;
    endpoint.stop().await;
    ended
}

/// Takes the address of the HTTP server, when it is to listen.
fn bind(settings: &crate::settings::Settings) -> Result<Option<Bound>> {
    let of = &settings.http;
    let Some(address) = of.address() else { return Ok(None) };
    let bound = Bound::new(of, address, of.key_file(&settings.data.dir));
    bound.map(Some).with_context(|| format!("failed to listen on {address} (http.listen)"))
}

/// Returns what conversations are held with.
///
/// Errors: a key of section `chat` cannot be read.
fn talking(settings: &crate::settings::Settings, ports: &Ports, wall: Arc<dyn Clock>) -> Result<Talking> {
    let of = &settings.chat;
    let (tokens, sessions) = (of.tokens()?, of.sessions(&settings.data.dir)?);
    let (source, store) = (ports.source.clone(), ports.store.clone());
    Ok(Talking { settings: of.clone(), tokens, sessions, source, store, wall })
}

/// What goes on beside the node.
struct Around<'a> {
    settings: &'a Settings,
    clock: Arc<dyn Clock>,
    health: Health,
    endpoint: SocketAddr,
}

async fn serve(
    service: Service<'_>,
    (metrics, http, around): (Metrics, Option<Bound>, &Around<'_>),
    stop: &mut Stop,
    say: &mut dyn FnMut(Said<'_>),
) -> Result<Stopped> {
    let Service { settings, book, feed, rules, through } = service;
    let opening = std::pin::pin!(open(settings, feed, metrics));
    let opened = match future::select(opening, std::pin::pin!(stop.asked())).await {
        Either::Left((opened, _)) => opened?,
        Either::Right((_, _)) => return Ok(Stopped { left: Left::default(), took: Duration::ZERO }),
    };
    let (world, feeding, bounds) = opened;
    let bounds = NodeSettings { rules, ..bounds };
    let (place, partitions) = (world.place.as_str(), world.ports.source.partitions());
    let listens = http.as_ref().map(Bound::address);
    say(Said::Started { place, partitions, endpoint: around.endpoint, http: listens });
    let (ports, border) = (through(world.ports.clone()), app::border(settings));
    let metrics = world.metrics.clone();
    for trigger in book.triggers.iter().filter(|trigger| trigger.mode == Mode::Live) {
        metrics.live_trigger(&trigger.name);
    }
    let front = match http {
        Some(bound) => {
            let parts = Parts {
                ports: ports.clone(),
                book: book.clone(),
                models: settings.predictor.registry(&settings.data.dir),
                health: around.health.clone(),
                border,
                metrics: metrics.clone(),
                talking: talking(settings, &ports, around.clock.clone())?,
                stop: around.stop() / FRONT_SHARE,
            };
            Some((bound, parts))
        }
        None => None,
    };
    let (ports, answering) = app::answering(settings, ports, &metrics)?;
    let node = Node::start(ports, book, border, bounds, metrics).context("failed to start")?;
    let front = front.map(|(bound, parts)| bound.answer(parts)).transpose();
    let front = front.context("failed to answer (http.listen)")?;
    let looker = Looker::new(&node, &world, &around.health, around.settings);
    let why = tokio::select! {
        asked = stop.asked() => Why::Asked(asked),
        reason = looker.run(say) => Why::Failed(anyhow!("the engine stopped: {reason}")),
        error = feeding.run(&node) => Why::Failed(error),
    };
    let stopped = around.drain((front, node, world), why, say).await;
    drop(answering);
    stopped
}

/// Opens the world and connects what feeds it.
async fn open(
    settings: &crate::settings::Settings,
    feed: Feed,
    metrics: Metrics,
) -> Result<(OpenWorld, Feeding, NodeSettings)> {
    let border = app::border(settings);
    match feed {
        Feed::Others => {
            let world = OpenWorld::to_serve(settings, metrics).await?;
            Ok((world, Feeding::Others, app::serve_node(settings)))
        }
        Feed::Files(files) => {
            let (opened, clock) = Opened::for_counted_replay(settings, metrics)?;
            let replay = files.replay(settings, border, (opened.log.clone(), clock));
            let world = OpenWorld::of_folder(opened);
            Ok((world, Feeding::Files(replay), app::served_replay_node(settings)))
        }
        Feed::Shop(of) => {
            let world = OpenWorld::to_serve(settings, metrics).await?;
            let (shop, ports, settings_of) = (Shop::new(of), world.ports.clone(), settings.replay.clone());
            let feed = ShopFeed { shop, ports, border, settings: settings_of };
            Ok((world, Feeding::Shop(Box::new(feed)), app::serve_node(settings)))
        }
    }
}

impl Around<'_> {
    /// Returns the bound of a stop.
    fn stop(&self) -> Duration {
        Duration::from_millis(self.settings.stop_ms)
    }

    /// Gives everything up in order, within the bound of a stop.
    async fn drain(
        &self,
        (front, node, world): (Option<Front>, Node, OpenWorld),
        why: Why,
        say: &mut dyn FnMut(Said<'_>),
    ) -> Result<Stopped> {
        let (began, at_most) = (self.clock.boot(), self.stop());
        self.health.drain();
        world.metrics.ready(false);
        systemd::stopping(at_most);
        let reason = match &why {
            Why::Asked(asked) => asked.as_str().to_owned(),
            Why::Failed(error) => format!("{error:#}"),
        };
        tracing::info!(why = reason, "stopping");
        say(Said::Stopping { why: &reason, at_most });
        if let Some(front) = front {
            front.stop().await;
        }
        // Longer than partitions may take: one that hangs is not waited for.
        let (left, drained) = node.drain((at_most / 10 * 9).saturating_sub(self.since(began))).await;
        drop(node);
        if within(&*self.clock, at_most.saturating_sub(self.since(began)), world.leave()).await.is_none() {
            tracing::warn!("the group was not left in time: its broker finds out by itself");
        }
        let took = self.since(began);
        tracing::info!(took_ms = took.as_millis() as u64, rows = left.rows, sends = left.unsent, "stopped");
        match (why, drained) {
            (Why::Failed(error), _) => Err(error),
            (Why::Asked(_), Err(error)) => Err(anyhow!(error).context("failed while draining")),
            (Why::Asked(_), Ok(())) => Ok(Stopped { left, took }),
        }
    }

    fn since(&self, began: Duration) -> Duration {
        self.clock.boot().saturating_sub(began)
    }
}
