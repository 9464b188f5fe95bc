//! Bytes per live customer: what more customers add to the memory of the process, profile, actor and bookkeeping included.

use actors::partition::settings::Settings;
use anyhow::Result;

use crate::events::Order;
use crate::world::{World, bounds, run};
use crate::{Given, Measurement, Part, book, machine};

/// The table of memory.
pub const MEMORY: Measurement = Measurement {
    name: "memory",
    head: "### Memory per live customer\n\n\
        | customers | events of each | resident bytes per customer | of these the row, as the engine weighs it | bytes of a row as written |\n\
        |---|---|---|---|---|",
    parts: &[
        Part::new("memory-young", |given| memory(given, 2)),
        Part::new("memory-grown", |given| memory(given, 12)),
    ],
};

/// Customers before the measurement: caches and buffers have their size then.
const BEFORE: u64 = 100_000;

/// Customers that are added.
const ADDED: u64 = 200_000;

fn memory(given: &Given, events_each: u64) -> Result<()> {
    let dir = tempfile::tempdir()?;
    run(async {
        let partition = Settings { memory_max_bytes: usize::MAX, ..bounds() };
        let mut world = World::plain(dir.path(), book::deciding(), partition)?;
        let (before, added) = (given.of(BEFORE), given.of(ADDED));
        let mut events = world.events(before, Order::Rounds);
        world.feed(&mut events, before * events_each).await?;
        let begin = world.used().await;
        let (resident, weight) = (machine::resident_bytes(), weight(&world));
        let mut events = world.events(added, Order::Rounds).after(before);
        world.feed(&mut events, added * events_each).await?;
        let more = machine::resident_bytes().saturating_sub(resident);
        let heavier = self::weight(&world) - weight;
        let used = world.used().await.since(&begin);
        let row = used.row_bytes / used.rows.max(1);
        println!("| {added} | {events_each} | **{}** | {} | {row} |", more / added, heavier as u64 / added);
        world.node.stop().await?;
        Ok(())
    })
}

fn weight(world: &World) -> usize {
    world.node.levels().iter().map(|(_, levels)| levels.weight).sum()
}
