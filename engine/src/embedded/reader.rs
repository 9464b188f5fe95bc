//! Threads that read what is not in memory, so that no arbiter waits for a disk.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use actors::port::Reply;
use tokio::sync::oneshot;

use super::group::Failure;
use super::queue::Queue;
use super::tables::Tables;

/// Reads that wait for one thread; above it callers wait.
const QUEUE_LEN_MAX: usize = 4_096;

type Job = Box<dyn FnOnce(&Tables) + Send>;

/// The reading threads. Reads of one lane happen in order.
pub struct Readers {
    lanes: Vec<Arc<Queue<Job>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// Starts `count` threads, at least one.
    pub fn start(count: usize, tables: &Arc<Tables>) -> std::io::Result<Self> {
        let mut readers = Self { lanes: Vec::new(), threads: Vec::new() };
        for nth in 0..count.max(1) {
            let (lane, tables) = (Queue::new(QUEUE_LEN_MAX), tables.clone());
            readers.lanes.push(lane.clone());
            let thread = thread::Builder::new().name(format!("care-read-{nth}"));
            readers.threads.push(thread.spawn(move || run(&lane, &tables))?);
        }
        Ok(readers)
    }

    /// Returns what `read` finds. The lane is any number: equal ones are served by one thread.
    pub fn read<T: Send + 'static>(
        &self,
        lane: u32,
        read: impl FnOnce(&Tables) -> Result<T, Failure> + Send + 'static,
    ) -> Reply<T, Failure> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |tables| {
            // The caller may have gone: then nobody wants the answer.
            drop(reply.send(read(tables)));
        });
        let queue = self.lanes[lane as usize % self.lanes.len()].clone();
        let refused = queue.try_push(job).err();
        Box::pin(async move {
            if let Some(job) = refused {
                queue.push(job).await.map_err(|_| closed())?;
            }
            answer.await.unwrap_or_else(|_| Err(closed()))
        })
    }

    /// Returns how many reads wait.
    pub fn len(&self) -> usize {
        self.lanes.iter().map(|lane| lane.len()).sum()
    }

    /// Ends the threads once they have read what waits.
    pub fn close(&mut self) {
        self.lanes.iter().for_each(|lane| lane.close());
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a reading thread of the embedded database panicked");
            }
        }
    }
}

fn run(lane: &Queue<Job>, tables: &Tables) {
    let mut jobs = VecDeque::new();
    while lane.take_all(&mut jobs) {
        jobs.drain(..).for_each(|job| job(tables));
    }
}

/// Returns what a caller hears when the database is closed.
pub fn closed() -> Failure {
    Failure::Failed("the embedded database is closed".to_owned())
}
