//! What a row costs on a CQL server, through the store as the engine uses it: rows per second and processor time of this process, by the
//! rows of a batch. Needs a server that syncs before it acknowledges, and makes a keyspace of its own there, which it drops at the end:
//! `cargo bench --package care-engine --bench cql -- --servers 127.0.0.1:9042`.

use std::time::Duration;

use actors::metrics::Metrics;
use actors::port::clock::Clock;
use actors::port::store::{Cas, Lease, Row, Store};
use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use engine::clock::{SystemClock, process_cpu};
use engine::settings;
use engine::store::cql::{self, CqlStore, Mode, Settings};
use futures_util::{StreamExt, stream};
use schemas::ids::{CustomerId, Epoch, PartitionId};
use scylla::client::session_builder::SessionBuilder;

/// Bytes of a row.
const ROW_BYTES: usize = 1_024;

/// Customers whose rows are written, over and over, in one partition of sixteen buckets.
const CUSTOMERS: usize = 20_000;

/// Rows of one call of the port, as a flush makes them.
const GROUP_ROWS: usize = 1_024;

/// How long each figure is measured.
const SPAN: Duration = Duration::from_secs(5);

const BATCHES: [usize; 6] = [1, 5, 10, 30, 50, 100];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let [flag, servers] = &arguments[..] else {
        println!("nothing measured: name servers with --servers HOST:PORT,...");
        return Ok(());
    };
    if flag != "--servers" {
        bail!("unknown option {flag}; legal: --servers HOST:PORT,...");
    }
    let settings = Settings {
        nodes: servers.clone(),
        keyspace: format!("care_bench_{}", std::process::id()),
        replication: 1,
        ..settings::Settings::defaults().cql
    };
    actix::System::new().block_on(async {
        cql::migrate(&settings, 1, Mode::Apply).await.context("failed to make a keyspace")?;
        let measured = measure(&settings).await;
        let session = SessionBuilder::new().known_nodes(settings.servers()).build().await?;
        session.query_unpaged(format!("DROP KEYSPACE {}", settings.keyspace), ()).await?;
        measured
    })
}

async fn measure(settings: &Settings) -> Result<()> {
    println!("| rows of a batch | rows/s | client µs of processor time per row |");
    println!("|---|---|---|");
    let mut written_at = 0;
    for batch_rows_max in BATCHES {
        let settings = Settings { batch_rows_max, ..settings.clone() };
        let metrics = Metrics::new();
        let store = CqlStore::connect(&settings, 1, &metrics).await?;
        let (began, cpu) = (SystemClock.boot(), process_cpu());
        let mut rows = 0;
        let groups = stream::iter(std::iter::from_fn(|| {
            written_at += 1;
            (SystemClock.boot() < began + SPAN).then(|| group(written_at))
        }));
        let mut writing = groups.map(|rows| write(&store, rows)).buffer_unordered(16);
        while let Some(written) = writing.next().await {
            rows += written?;
        }
        let (took, cpu) = (SystemClock.boot() - began, process_cpu() - cpu);
        let (per_s, per_row) = (rows as f64 / took.as_secs_f64(), cpu.as_secs_f64() * 1e6 / rows as f64);
        println!("| {batch_rows_max} | {per_s:.0} | {per_row:.1} |");
    }
    leases(settings).await
}

async fn write(store: &CqlStore, rows: Vec<Row>) -> Result<usize> {
    let count = rows.len();
    store.write_rows(PartitionId(0), rows).await?;
    Ok(count)
}

/// Returns the rows of one flush: customers in turn, a timestamp that was never used.
fn group(written_at: i64) -> Vec<Row> {
    let state = Bytes::from(vec![written_at as u8; ROW_BYTES]);
    let first = written_at as usize * GROUP_ROWS;
    let customer = |nth: usize| CustomerId::user(&format!("customer-{:06}", (first + nth) % CUSTOMERS));
    let row = |nth| Row { customer: customer(nth), written_at, epoch: Epoch(1), state: state.clone() };
    (0..GROUP_ROWS).map(row).collect()
}

/// Measures compare-and-set: one lease, confirmed again and again.
async fn leases(settings: &Settings) -> Result<()> {
    let store = CqlStore::connect(settings, 1, &Metrics::new()).await?;
    let began = SystemClock.boot();
    let (mut held, mut confirmed) = (Lease::default(), 0_u32);
    while SystemClock.boot() < began + SPAN {
        let new = Lease { epoch: Epoch(1), owner: 1, timer_cursor: held.timer_cursor + 1, ..held };
        let answer = store.cas_lease(PartitionId(0), held, new).await?;
        ensure!(answer == Cas::Applied, "somebody else is at work in this keyspace");
        (held, confirmed) = (new, confirmed + 1);
    }
    let took = SystemClock.boot() - began;
    println!("\ncompare-and-set, one after the other: {:.0}/s", f64::from(confirmed) / took.as_secs_f64());
    Ok(())
}
