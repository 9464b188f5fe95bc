//! From SIGKILL to the first decision: a process with 100,000 customers is killed in the middle of its work, and started again.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use actors::port::clock::Clock;
use anyhow::{Context, Result, ensure};
use engine::clock::SystemClock;

use crate::events::Order;
use crate::tap::{Decisions, Tap};
use crate::world::{World, bounds, run};
use crate::{Given, Measurement, Part, book};

/// The table of restarts.
pub const RESTART: Measurement = Measurement {
    name: "restart",
    head: "### Restart after SIGKILL\n\n\
        Seconds since the process was started again.\n\n\
        | customers | database open | first decision | all read again | records read again | of these applied already |\n\
        |---|---|---|---|---|---|",
    parts: &[
        Part::new("restart", restart),
        Part::inner("restart-first", first),
        Part::inner("restart-again", again),
    ],
};

const CUSTOMERS: u64 = 100_000;

/// How long the first process works on before it is killed.
const WORK: Duration = Duration::from_millis(2_500);

fn restart(given: &Given) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let command = |part: &str| -> Result<_> {
        let mut command = given.command(part)?;
        command.arg("--dir").arg(dir.path()).stdout(Stdio::piped());
        Ok(command)
    };
    let mut first = command("restart-first")?.spawn()?;
    let out = first.stdout.take().context("the first process has an output")?;
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line)?;
    ensure!(line == FILLED, "the first process says {line:?}");
    run(async {
        SystemClock.sleep(WORK).await;
        Ok(())
    })?;
    first.kill()?;
    first.wait()?;
    let begin = SystemClock.boot();
    let again = command("restart-again")?.output()?;
    ensure!(again.status.success(), "the second process failed: {}", String::from_utf8_lossy(&again.stderr));
    let told: Vec<u64> =
        String::from_utf8(again.stdout)?.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [opened, decided, done, read, replayed] = told[..] else {
        anyhow::bail!("the second process says {told:?}")
    };
    let after = |micros| Duration::from_micros(micros).saturating_sub(begin).as_secs_f64();
    let customers = given.of(CUSTOMERS);
    let (opened, decided, done) = (after(opened), after(decided), after(done));
    println!("| {customers} | {opened:.2} | **{decided:.2}** | {done:.2} | {read} | {replayed} |");
    Ok(())
}

/// What the first process says when every customer has a row.
const FILLED: &str = "filled\n";

/// Gives every customer a row, then works until it is killed.
fn first(given: &Given) -> Result<()> {
    run(async {
        let mut world = World::plain(dir(given)?, book::deciding(), bounds())?;
        let mut events = world.events(given.of(CUSTOMERS), Order::Rounds);
        world.feed(&mut events, given.of(CUSTOMERS) * 3).await?;
        print!("{FILLED}");
        std::io::stdout().flush()?;
        loop {
            world.push(&mut events, given.of(CUSTOMERS)).await?;
        }
    })
}

/// Starts again; says when the database was open, when the first decision was on its topic, and when all was read. Units: µs since boot.
fn again(given: &Given) -> Result<()> {
    run(async {
        let left = Decisions::default();
        let tapped = left.clone();
        let world = World::start(dir(given)?, book::deciding(), bounds(), Tap::around(tapped))?;
        let opened = SystemClock.boot();
        // One more event that leads to a decision, in case that none is among those to be read again.
        let mut events = world.events(given.of(CUSTOMERS), Order::Random);
        let batch = events.batch(crate::events::DECIDED_EVERY as usize, SystemClock.now());
        world.append(batch).await?;
        let decided = loop {
            if let Some(one) = left.take().first() {
                break one.on_topic;
            }
            SystemClock.sleep(Duration::from_millis(1)).await;
        };
        world.node.quiet().await?;
        let done = SystemClock.boot();
        let counts = world.node.counts();
        let micros = [opened, decided, done].map(|at| at.as_micros());
        println!("{} {} {} {} {}", micros[0], micros[1], micros[2], counts.read, counts.replayed);
        world.node.stop().await?;
        Ok(())
    })
}

fn dir(given: &Given) -> Result<&Path> {
    given.dir.as_deref().context("this part shares a data directory")
}
