//! Bringing a roll-out of the row codec to its end: rows are written in the newest version once every engine reads it.

use actors::port::agreement::Agreement;
use actors::port::store::{Cas, Error, Store};
use schemas::customer::codec::{CODEC_VERSION, Codec};
use schemas::ids::PartitionId;
use schemas::time::Timestamp;
use serde::Serialize;

/// What a lease of before engines said what they read stands for.
const UNSAID: u8 = 3;

/// Where a roll-out stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Version that rows are written in.
    pub written: u8,
    /// Newest version that this engine reads and writes.
    pub known: u8,
    /// Partitions whose owner is alive, or was until a moment ago.
    pub owned: Vec<Owned>,
}

/// A partition, and what its owner reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Owned {
    /// Which.
    pub partition: PartitionId,
    /// Newest version of the codec that its owner reads.
    pub reads: u8,
}

/// How finalizing ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finalized {
    /// Rows are written in the newest version from now on.
    Done(Standing),
    /// They were already.
    Already(Standing),
    /// Owners are alive that would not read them.
    OlderEngines(Standing),
}

/// Whether engines may be at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engines {
    /// Leases tell.
    Unknown,
    /// None: the store is held by this process alone.
    None,
}

impl Standing {
    /// Reads where a roll-out stands at `now`, by the wall clock.
    pub async fn read(
        store: &dyn Store,
        partitions: u32,
        engines: Engines,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let agreement = store.read_agreement().await?;
        let mut owned = Vec::new();
        if engines == Engines::Unknown {
            for partition in (0..partitions).map(PartitionId) {
                let lease = store.read_lease(partition).await?;
                if lease.owner != 0 && lease.written_at_max > now.0.saturating_mul(1_000) {
                    let reads = if lease.reads == 0 { UNSAID } else { lease.reads };
                    owned.push(Owned { partition, reads });
                }
            }
        }
        Ok(Self { written: written(&agreement), known: CODEC_VERSION, owned })
    }

    /// Returns the partitions whose owners would not read what this engine would write.
    pub fn older(&self) -> impl Iterator<Item = &Owned> {
        self.owned.iter().filter(|owned| owned.reads < self.known)
    }
}

fn written(agreement: &Agreement) -> u8 {
    agreement.codec.unwrap_or(Codec::OLDEST.number())
}

/// Has rows written in the newest version from now on. Engines follow within seconds; there is no way back.
///
/// Errors: the store does not answer; whether it was done is told by the next look.
pub async fn finalize(
    store: &dyn Store,
    partitions: u32,
    engines: Engines,
    now: Timestamp,
) -> Result<Finalized, Error> {
    loop {
        let standing = Standing::read(store, partitions, engines, now).await?;
        if standing.written >= CODEC_VERSION {
            return Ok(Finalized::Already(standing));
        }
        if standing.older().next().is_some() {
            return Ok(Finalized::OlderEngines(standing));
        }
        let agreement = store.read_agreement().await?;
        let new = Agreement { codec: Some(CODEC_VERSION), ..agreement.clone() };
        match store.cas_agreement(agreement, new).await? {
            Cas::Applied => return Ok(Finalized::Done(Standing { written: CODEC_VERSION, ..standing })),
            // Somebody else changed it meanwhile: look again.
            Cas::Refused(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use actors::kit::memory::MemoryStore;
    use actors::port::store::Lease;
    use schemas::ids::Epoch;

    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    /// Returns a store in which a partition is owned until `until_ms` by an engine that reads so far.
    async fn owned(until_ms: i64, reads: u8) -> MemoryStore {
        let store = MemoryStore::new();
        let lease =
            Lease { epoch: Epoch(1), owner: 7, written_at_max: until_ms * 1_000, reads, ..Lease::default() };
        store.cas_lease(PartitionId(1), Lease::default(), lease).await.expect("memory");
        // Written in an older version, as it is until the end of a roll-out.
        let old = Agreement { codec: Some(CODEC_VERSION - 1), ..Agreement::default() };
        store.cas_agreement(Agreement::default(), old).await.expect("memory");
        store
    }

    #[tokio::test]
    async fn an_older_engine_that_is_alive_forbids_the_end_and_one_that_is_gone_does_not() {
        for (until, reads, allowed) in [
            (NOW.0 + 1, CODEC_VERSION, true),
            (NOW.0 + 1, CODEC_VERSION - 1, false),
            (NOW.0 + 1, 0, CODEC_VERSION == UNSAID),
            (NOW.0 - 1, CODEC_VERSION - 1, true),
        ] {
            let store = owned(until, reads).await;
            let ended = finalize(&store, 3, Engines::Unknown, NOW).await.expect("memory");
            let written = store.read_agreement().await.expect("memory").codec;
            match allowed {
                true => assert!(matches!(ended, Finalized::Done(_)), "{until} {reads}: {ended:?}"),
                false => assert!(matches!(ended, Finalized::OlderEngines(_)), "{until} {reads}: {ended:?}"),
            }
            assert_eq!(written == Some(CODEC_VERSION), allowed);
        }
    }

    #[tokio::test]
    async fn the_end_is_reached_once() {
        let store = owned(NOW.0 + 1, 1).await;
        let ended = finalize(&store, 3, Engines::None, NOW).await.expect("memory");
        assert!(matches!(ended, Finalized::Done(Standing { written: CODEC_VERSION, .. })));
        let again = finalize(&store, 3, Engines::None, NOW).await.expect("memory");
        assert!(matches!(again, Finalized::Already(_)));
    }
}
