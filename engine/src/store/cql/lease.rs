//! Leases: one row per partition, read serially, replaced by a lightweight transaction that compares the whole row.

use actors::metrics::StoreOperation;
use actors::port::store::{Cas, Error, Lease};
use schemas::ids::{Epoch, PartitionId, Position};

use super::Inner;
use super::answer::Answer;
use super::calls::rows;
use super::error::unreadable;

/// A lease as it is bound; numbers without a sign keep their bits.
type Bound = (i64, [u8; 16], i64, i64, i64, i16);

fn bound(lease: Lease) -> Bound {
    let Lease { epoch, owner, written_at_max, position, timer_cursor, reads } = lease;
    let (epoch, position) = (epoch.0.cast_signed(), position.0.cast_signed());
    (epoch, owner.to_be_bytes(), written_at_max, position, timer_cursor, reads.into())
}

impl Inner {
    pub(super) async fn read_lease(&self, partition: PartitionId) -> Result<Lease, Error> {
        let key = (self.number(partition)?,);
        let found = self.calls.execute(StoreOperation::ReadLease, &self.statements.read_lease, key).await?;
        let row: Option<(i64, Vec<u8>, i64, i64, i64, i16)> =
            rows(found)?.maybe_first_row().map_err(unreadable)?;
        let Some((epoch, owner, written_at_max, position, timer_cursor, reads)) = row else {
            return Ok(Lease::default());
        };
        lease(epoch, &owner, written_at_max, (position, timer_cursor, reads))
    }

    /// The default stands for a row that is not there: it is what nobody holds, and nothing is ever replaced by it.
    pub(super) async fn cas_lease(
        &self,
        partition: PartitionId,
        expect: Lease,
        new: Lease,
    ) -> Result<Cas<Lease>, Error> {
        let number = self.number(partition)?;
        let (a, b, c, d, e, f) = bound(new);
        let result = if expect == Lease::default() {
            let values = (number, a, b, c, d, e, f);
            self.calls.execute(StoreOperation::CasLease, &self.statements.open_lease, values).await?
        } else {
            let (g, h, i, j, k, l) = bound(expect);
            let values = (a, b, c, d, e, f, number, g, h, i, j, k, l);
            self.calls.execute(StoreOperation::CasLease, &self.statements.replace_lease, values).await?
        };
        let answer = Answer::of(result)?;
        if answer.is_applied() {
            return Ok(Cas::Applied);
        }
        let Some(epoch) = answer.bigint("epoch") else { return Ok(Cas::Refused(Lease::default())) };
        let lacks = |what: &str| unreadable(format!("a lease without {what}"));
        let owner = answer.blob("owner").ok_or_else(|| lacks("an owner"))?;
        let written_at_max = answer.bigint("written_at_max").ok_or_else(|| lacks("a range"))?;
        let position = answer.bigint("position").ok_or_else(|| lacks("a position"))?;
        let timer_cursor = answer.bigint("timer_cursor").ok_or_else(|| lacks("a cursor"))?;
        let reads = answer.smallint("reads").ok_or_else(|| lacks("what its owner reads"))?;
        lease(epoch, owner, written_at_max, (position, timer_cursor, reads)).map(Cas::Refused)
    }
}

fn lease(
    epoch: i64,
    owner: &[u8],
    written_at_max: i64,
    (position, timer_cursor, reads): (i64, i64, i16),
) -> Result<Lease, Error> {
    let reads = reads.try_into().map_err(|_| unreadable("a lease whose owner reads what no number names"))?;
    let owner = owner.try_into().map_err(|_| unreadable("a lease whose owner has not 16 bytes"))?;
    Ok(Lease {
        epoch: Epoch(epoch.cast_unsigned()),
        owner: u128::from_be_bytes(owner),
        written_at_max,
        position: Position(position.cast_unsigned()),
        timer_cursor,
        reads,
    })
}
