//! Processor time per durable event: of the whole process, whoever appends the events included, over the second half of a run.

use anyhow::Result;
use std::time::Duration;

use actors::metrics::Stage;

use crate::events::Order;
use crate::world::{Used, World, bounds, run};
use crate::{Given, Measurement, Part, book, machine};

/// The table of costs.
pub const COST: Measurement = Measurement {
    name: "cost",
    head: "### Processor time per durable event\n\n\
        µs per event. `make` makes and appends the events, `commit` is the thread that writes log and store, `rest` is what no stage \
        counts: threads of the database, the runtime.\n\n\
        | customers | rows | all | make | fetch | decode | route | fold | encode | persist | relay | commit | rest | rows per event | events per turn | events/s | resident |\n\
        |---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    parts: &[
        Part::new("cost-10k", |given| cost(given, &TEN_THOUSAND)),
        Part::new("cost-10k-each", |given| {
            cost(given, &Shape { events: 400_000, rows: Rows::Each, ..TEN_THOUSAND })
        }),
        Part::new("cost-1m", |given| cost(given, &MILLION)),
        Part::new("cost-1m-each", |given| cost(given, &Shape { rows: Rows::Each, ..MILLION })),
    ],
};

const TEN_THOUSAND: Shape =
    Shape { customers: 10_000, events: 1_000_000, order: Order::Random, rows: Rows::Coalesce };

/// Everybody has an event in the first half, and another one in the second.
const MILLION: Shape =
    Shape { customers: 1_000_000, events: 2_000_000, order: Order::Rounds, rows: Rows::Coalesce };

/// What a run is like.
struct Shape {
    customers: u64,
    events: u64,
    order: Order,
    rows: Rows,
}

/// How often rows are written.
#[derive(Clone, Copy)]
enum Rows {
    /// As the settings say: many events are one row.
    Coalesce,
    /// As soon as they changed.
    Each,
}

fn cost(given: &Given, shape: &Shape) -> Result<()> {
    let dir = tempfile::tempdir()?;
    run(async {
        let mut partition = bounds();
        let mut order = shape.order;
        // Everybody stays live; with less memory each event of a round would bring a customer back to life.
        partition.memory_max_bytes = usize::MAX;
        if matches!(shape.rows, Rows::Each) {
            // Rows are written as soon as they changed, and no more is read while so many are not durable that somebody's next event
            // could be among it: a partition has 1,250 of the ten thousand.
            partition.flush_quiet = Duration::ZERO;
            partition.timer_grid = Duration::from_millis(2);
            (partition.dirty_max, partition.waiting_max, partition.fetch_max) = (384, 384, 256);
            order = Order::Rounds;
        }
        // Fewer of the many, so that each still has its two events; of the few all, so that what is ahead holds nobody twice.
        let customers = if shape.customers > TEN_THOUSAND.customers {
            given.of(shape.customers)
        } else {
            shape.customers
        };
        let mut world = World::plain(dir.path(), book::deciding(), partition)?;
        let mut events = world.events(customers, order);
        let half = given.of(shape.events) / 2;
        world.feed(&mut events, half).await?;
        let begin = world.used().await;
        world.feed(&mut events, half).await?;
        print(shape, customers, &world.used().await.since(&begin));
        world.node.stop().await?;
        Ok(())
    })
}

fn print(shape: &Shape, customers: u64, used: &Used) {
    let rows = match shape.rows {
        Rows::Coalesce => "coalesce",
        Rows::Each => "each event",
    };
    let counted = used.feeder + used.commit + used.stages.iter().sum::<Duration>();
    let stages: Vec<String> =
        Stage::ALL.iter().map(|stage| format!("{:.2}", used.each(used.stages[*stage as usize]))).collect();
    println!(
        "| {customers} | {rows} | **{:.2}** | {:.2} | {} | {:.2} | {:.2} | {:.3} | {:.2} | {:.0} | {} MB |",
        used.each(used.process),
        used.each(used.feeder),
        stages.join(" | "),
        used.each(used.commit),
        used.each(used.process.saturating_sub(counted)),
        used.rows as f64 / used.applied.max(1) as f64,
        used.applied as f64 / used.turns.max(1) as f64,
        used.rate(),
        machine::resident_bytes() / 1_000_000,
    );
}
