//! Does what a dispatcher's core asks, through the ports. Decides nothing: every reply, also a failure, goes back as an [`Input`].

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{self, Either};
use schemas::decision::Outreach;
use schemas::ids::PartitionId;
use tracing::Instrument;

use super::protocol::{Done, Failure, Input, Io};
use crate::port::channel::Delivery;
use crate::port::log::Topic;
use crate::port::store::LedgerChange;
use crate::port::{BoxFuture, Ports};
use crate::trace;

/// Returns the future of one call of the core of `partition`. It may be dropped; what was begun may happen all the same.
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
    let (source, sink, store) = (&ports.source, &ports.sink, &ports.store);
    Ok(match io {
        Io::ReadCommit => Done::Commit(source.committed(Topic::Outreach, partition).await?),
        Io::Fetch { from, max } => {
            Done::Fetched { from, fetched: source.fetch(Topic::Outreach, partition, from, max).await? }
        }
        Io::Commit(commit) => {
            source.commit(Topic::Outreach, partition, commit).await?;
            Done::Committed(commit)
        }
        Io::DeadLetter { position, letter } => {
            sink.append(Topic::DeadLetter, vec![letter]).await?;
            Done::DeadLettered(position)
        }
        Io::ReadLedger { position, origin, id } => {
            Done::Ledger { position, entry: store.read_ledger(origin, id).await?.map(Box::new) }
        }
        Io::Change { position, change } => {
            let cas = store.cas_ledger(LedgerChange::clone(&change)).await?;
            Done::Changed { position, change, cas }
        }
        Io::ReadRow { position, partition, customer } => {
            let row = store.read_row(partition, customer.clone()).await?;
            Done::Row { position, customer, row }
        }
        Io::Call { position, outreach, deadline } => {
            Done::Called { position, answer: call(*outreach, deadline, ports).await }
        }
        Io::Report { position, record } => {
            sink.append(Topic::Events, vec![record]).await?;
            Done::Reported(position)
        }
    })
}

/// Makes one channel call, and traces it.
async fn call(outreach: Outreach, deadline: Duration, ports: &Ports) -> Option<Delivery> {
    let span = trace::call(&outreach);
    let answer = answer(outreach, deadline, ports).instrument(span.clone()).await;
    trace::called(&span, answer.as_ref());
    answer
}

/// Returns what a channel answers; one that panics has not answered either.
async fn answer(outreach: Outreach, deadline: Duration, ports: &Ports) -> Option<Delivery> {
    let channel = ports.channels.get(&outreach.channel)?.clone();
    let id = outreach.id;
    let delivery = AssertUnwindSafe(async move { channel.deliver(outreach).await }).catch_unwind();
    match future::select(Box::pin(delivery), ports.clock.sleep(deadline)).await {
        Either::Left((Ok(delivery), _)) => Some(delivery),
        Either::Left((Err(_), _)) => {
            tracing::error!(%id, "the channel panicked");
            None
        }
        Either::Right(((), _)) => {
            tracing::warn!(%id, "the channel did not answer in time");
            None
        }
    }
}
