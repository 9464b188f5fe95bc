//! Leases on a real server: one winner per epoch, whoever races.

use std::collections::BTreeMap;
use std::sync::Arc;

use actors::port::store::{Cas, Lease, Store};
use engine::store::cql::CqlStore;
use futures_util::future;
use schemas::ids::{Epoch, PartitionId};

use super::{open, partitions, run, shared};

/// How often each rival wants the lease.
const WINS: usize = 4;
const RIVALS: u128 = 6;

/// Takes the lease so many times; returns each epoch that was won, with the owner that it was won from.
async fn race(store: Arc<CqlStore>, partition: PartitionId, rival: u128) -> Vec<(Epoch, u128, u128)> {
    let mut won = Vec::new();
    let mut held = store.read_lease(partition).await.expect("a read");
    for attempt in 0.. {
        if won.len() == WINS {
            break;
        }
        let owner = (rival << 64) | (attempt + 1);
        let new =
            Lease { epoch: Epoch(held.epoch.0 + 1), owner, written_at_max: held.written_at_max + 10, ..held };
        match store.cas_lease(partition, held, new).await.expect("an answer") {
            Cas::Applied => {
                won.push((new.epoch, owner, held.owner));
                held = new;
            }
            Cas::Refused(found) => {
                assert_ne!(found, held, "a refusal tells what is there");
                held = found;
            }
        }
    }
    won
}

#[test]
fn every_epoch_has_one_winner_who_took_it_from_the_one_before() {
    run(async {
        let [partition] = partitions();
        let stores = future::join_all((0..2).map(|_| open(shared()))).await;
        let rivals = (1..=RIVALS).map(|rival| race(stores[rival as usize % 2].clone(), partition, rival));
        let won = future::join_all(rivals).await.concat();
        let by_epoch: BTreeMap<Epoch, (u128, u128)> =
            won.iter().map(|(epoch, owner, from)| (*epoch, (*owner, *from))).collect();
        assert_eq!(by_epoch.len(), won.len(), "two won one epoch: {won:?}");
        assert_eq!(by_epoch.len(), WINS * RIVALS as usize);
        let mut before = 0;
        for (nth, (epoch, (owner, from))) in by_epoch.into_iter().enumerate() {
            assert_eq!((epoch.0 as usize, from), (nth + 1, before), "epochs follow one another");
            before = owner;
        }
        let held = stores[0].read_lease(partition).await.expect("a read");
        assert_eq!(held.owner, before);
    });
}
