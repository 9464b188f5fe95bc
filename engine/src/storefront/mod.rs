//! A simulated shop in front of a running engine, as a real one stands there: its platform streams events to the collector, its shoppers'
//! pages listen, ask and read what the engine says first. Nothing of the engine is called but over HTTP.
//!
//! Time is that of the wall: the shop has been open for a while when it begins, what happened by then comes first, and then everything
//! as it happens. What a shopper reads changes what the shopper does next.
//!
//! | file | holds |
//! |---|---|
//! | `link` | the engine's HTTP server, asked until it answers |
//! | `platform` | sends events in their order |
//! | `floor` | who has a page open, and what is asked there |
//! | `page` | one page: session, stream, questions, what was read |
//! | `applied` | from the engine's metrics: whether what was accepted is applied |
//! | `tally` | what came of it all |

mod applied;
mod floor;
mod link;
mod page;
mod platform;
mod tally;

use std::time::Duration;

use actors::port::clock::Clock;
use anyhow::Result;
use schemas::time::Timestamp;

use crate::chat::Shopkeeper;
use crate::clock::SystemClock;
use crate::shop::{Event, Moment, Shop, ShopSettings};

use applied::Metrics;
use floor::Floor;
use link::Link;
use platform::Platform;

pub use applied::Applied;
pub use floor::Habits;
pub use tally::{Came, Tally};

/// How often the shop is asked what has happened.
const LOOK: Duration = Duration::from_millis(100);

/// Events of one request, at most.
const BATCH: usize = 200;

/// Questions that are open when the shop closes are waited for so long.
const LAST_ANSWERS: Duration = Duration::from_secs(30);

/// Where the engine is and what the shop is like.
pub struct Course {
    /// The shop; its first instant is in the past.
    pub shop: ShopSettings,
    /// Address of the engine's HTTP server, without a slash at the end.
    pub url: String,
    /// Key of role `ingest`.
    pub key: String,
    /// Address of the engine's metrics, when what was accepted is to be followed until it is applied.
    pub metrics: Option<String>,
    /// What shoppers do beside shopping.
    pub habits: Habits,
    /// Says who reads a page; none: every page is anonymous.
    pub keeper: Option<Shopkeeper>,
}

/// A shop at its engine.
pub struct Storefront {
    shop: Shop,
    platform: Platform,
    floor: Floor,
    metrics: Option<Metrics>,
    tally: Tally,
}

impl Storefront {
    /// Returns the shop before its first event.
    ///
    /// Errors: the key holds what no header may.
    pub fn new(course: Course) -> Result<Self> {
        let Course { shop, url, key, metrics, habits, keeper } = course;
        let tally = Tally::default();
        let link = Link::new(&url, tally.clone())?;
        let floor = Floor::new((link.clone(), key.clone()), habits, (keeper, shop.seed));
        let platform = Platform::new(link.clone(), key);
        let metrics = metrics.map(|url| Metrics::new(link.clone(), &url));
        Ok(Self { shop: Shop::new(shop), platform, floor, metrics, tally })
    }

    /// Returns what has come of it so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Sends what has happened since the last look, and waits a moment.
    ///
    /// Errors: the engine does not answer, or refuses the key.
    pub async fn look(&mut self) -> Result<()> {
        let now = SystemClock.now();
        loop {
            let events = self.gather(now);
            if events.is_empty() {
                break;
            }
            self.platform.send(&events, now).await?;
            for event in &events {
                self.floor.note(event, now);
            }
        }
        for customer in self.floor.tend(now) {
            let _ = self.shop.contact(&customer, now);
        }
        SystemClock.sleep(LOOK).await;
        Ok(())
    }

    /// Closes the shop: nobody asks anything more, what is open is waited for, pages are left. Returns whether everything that was accepted is
    /// applied, where that can be known.
    ///
    /// Errors: the engine's metrics cannot be read.
    pub async fn close(self) -> Result<Option<Applied>> {
        self.floor.close(LAST_ANSWERS).await;
        match &self.metrics {
            Some(metrics) => metrics.wait_until_applied(self.tally.counted().outreach_seen).await.map(Some),
            None => Ok(None),
        }
    }

    fn gather(&mut self, now: Timestamp) -> Vec<Event> {
        let mut events = Vec::new();
        while events.len() < BATCH {
            match self.shop.moment_before(now) {
                Some(Moment::Event(event)) => events.push(event),
                Some(Moment::Silence { .. }) => {}
                None => break,
            }
        }
        events
    }
}
