//! Does what a core asks, through the ports. Decides nothing: every reply, also a failure, goes back as an [`Input`].

use futures_util::future::{self, Either, TryFutureExt};
use schemas::ids::{Epoch, PartitionId};
use schemas::record::RecordKind;
use schemas::score::{Answer, Ask, Score, ScoreSource};
use smol_str::SmolStr;

use super::protocol::{Done, Failure, Forgotten, Input, Io};
use super::turn::CellId;
use crate::port::log::{Commit, NewRecord, Topic};
use crate::port::predictor::Predictor;
use crate::port::store::{Links, WakeUp};
use crate::port::{BoxFuture, Ports};

/// Returns the future of one call of the core of `partition`. It may be dropped; a write that was begun may happen all the same.
pub fn perform(io: Io, partition: PartitionId, ports: &Ports) -> BoxFuture<'static, Input> {
    let ports = ports.clone();
    Box::pin(async move {
        let again = io.clone();
        match run(io, partition, &ports).await {
            Ok(done) => Input::Done(done),
            Err(failure) => Input::Failed(Box::new(again), failure),
        }
    })
}

async fn run(io: Io, partition: PartitionId, ports: &Ports) -> Result<Done, Failure> {
    let store = &ports.store;
    Ok(match io {
        Io::ReadLease => Done::Lease(store.read_lease(partition).await?),
        Io::CasLease { expect, new } => {
            Done::LeaseCas { new, cas: store.cas_lease(partition, expect, new).await? }
        }
        Io::ReadGeneration => Done::Generation(store.write_rows(partition, Vec::new()).await?.generation),
        Io::AppendEpochRecords(epoch) => {
            let append = |topic| ports.sink.append(topic, vec![epoch_record(partition, epoch)]);
            let topics = [Topic::Outreach, Topic::Decisions, Topic::Replies];
            future::try_join_all(topics.map(append)).await?;
            Done::EpochRecords
        }
        Io::Fetch { from, max } => {
            Done::Fetched { from, fetched: ports.source.fetch(Topic::Events, partition, from, max).await? }
        }
        Io::LoadRow { cell, customer } => {
            let row = store.read_row(partition, customer.clone()).await?;
            Done::Row { cell, customer, row }
        }
        Io::Index { group, wake_ups, links } => index(group, wake_ups, links, partition, ports).await?,
        Io::WriteRows { group, rows } => {
            let written = store.write_rows(partition, rows).await?;
            Done::RowsWritten { group, generation: written.generation }
        }
        Io::ScanWakeUps { from, to } => {
            Done::WakeUps { to, wake_ups: store.scan_wake_ups(partition, from, to).await? }
        }
        Io::Relay { topic, records, decisions, .. } => {
            let appended = ports.sink.append(topic, records);
            let generation = match decisions.is_empty() {
                true => appended.await.map(|_| None)?,
                // Both are repeated together, and mean the same however often: neither waits for the other.
                false => {
                    let written = ports.store.write_decisions(decisions).map_err(Failure::from);
                    let (written, _) = future::try_join(written, appended.map_err(Failure::from)).await?;
                    Some(written.generation)
                }
            };
            Done::Relayed { topic, generation }
        }
        Io::Tell { records, turns, forgotten } => {
            let appended = ports.sink.append(Topic::Replies, records).map_err(Failure::from);
            let erase = |of: Forgotten| store.erase_turns(of.customer, of.below, of.at);
            let erased = future::try_join_all(forgotten.into_iter().map(erase)).map_err(Failure::from);
            let written = match turns.is_empty() {
                true => Either::Left(future::ok(None)),
                false => Either::Right(store.write_turns(turns).map_ok(Some).map_err(Failure::from)),
            };
            let (written, erased, _) = future::try_join3(written, erased, appended).await?;
            let generation = written.into_iter().chain(erased).map(|written| written.generation).max();
            Done::Relayed { topic: Topic::Replies, generation }
        }
        Io::RelayStrays { records } => {
            ports.sink.append(Topic::Events, records).await?;
            Done::StraysRelayed
        }
        Io::Score { cell, ask, deadline } => score(cell, ask, ports, deadline).await,
        Io::DeadLetter { position, record, .. } => {
            ports.sink.append(Topic::DeadLetter, vec![record]).await?;
            Done::DeadLettered(position)
        }
        Io::ReadCommit => Done::Commit(ports.source.committed(Topic::Events, partition).await?),
        Io::Commit(position) => {
            ports.source.commit(Topic::Events, partition, Commit { position, epoch: Epoch(0) }).await?;
            Done::Committed
        }
    })
}

fn epoch_record(partition: PartitionId, epoch: Epoch) -> NewRecord {
    NewRecord {
        partition,
        key: SmolStr::default(),
        kind: RecordKind::Epoch,
        epoch: Some(epoch),
        stamp: None,
        body: bytes::Bytes::new(),
    }
}

async fn index(
    group: u64,
    wake_ups: Vec<WakeUp>,
    links: Vec<Links>,
    partition: PartitionId,
    ports: &Ports,
) -> Result<Done, Failure> {
    let mut generation = None;
    if !wake_ups.is_empty() {
        generation = Some(ports.store.add_wake_ups(partition, wake_ups).await?.generation);
    }
    if !links.is_empty() {
        let written = ports.store.add_links(links).await?;
        generation = generation.max(Some(written.generation));
    }
    Ok(Done::Indexed { group, generation })
}

async fn score(cell: CellId, ask: Ask, ports: &Ports, deadline: std::time::Duration) -> Done {
    let asked = ports.predictor.score(ask.clone());
    let answer = match future::select(asked, ports.clock.sleep(deadline)).await {
        Either::Left((Ok(answer), _)) => answer,
        Either::Left((Err(error), _)) => {
            tracing::debug!(head = ask.head.as_str(), %error, "no score, the prior stands in");
            fallback(&ask, ports.predictor.as_ref())
        }
        Either::Right(((), _)) => fallback(&ask, ports.predictor.as_ref()),
    };
    Done::Scored { cell, answer }
}

/// Returns the answer that stands in for one that did not come.
fn fallback(ask: &Ask, predictor: &dyn Predictor) -> Answer {
    Answer {
        id: ask.id,
        head: ask.head,
        score: Score {
            value: predictor.prior(ask.head),
            model: SmolStr::new_static("prior"),
            source: ScoreSource::Fallback,
            at: ask.at,
        },
    }
}
