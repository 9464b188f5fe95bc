//! A back end that writes what it is told to write.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::watch;

use crate::port::generator::{Counted, Error, Finish, Generator, Piece, Pieces, Request, Usage};

/// What happens next in a scripted answer.
#[derive(Clone, Debug)]
pub enum Step {
    /// This comes.
    Say(Piece),
    /// It fails.
    Fail(Error),
    /// Nothing comes for ever.
    Hang,
    /// The back end panics.
    Panic,
}

/// A back end that follows a script per call, and says "scripted" where it has none.
#[derive(Clone, Default)]
pub struct ScriptedGenerator {
    state: Arc<Mutex<State>>,
    /// Streams that are alive.
    alive: Arc<watch::Sender<usize>>,
}

#[derive(Default)]
struct State {
    scripts: VecDeque<Vec<Step>>,
    requests: Vec<Arc<Request>>,
}

/// Counts a stream as long as it lives.
struct Alive(Arc<watch::Sender<usize>>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.send_modify(|alive| *alive -= 1);
    }
}

impl ScriptedGenerator {
    /// Returns a back end without scripts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the script of the next call that has none yet.
    pub fn then(&self, script: Vec<Step>) -> &Self {
        self.with(|state| state.scripts.push_back(script));
        self
    }

    /// Returns every request in order.
    pub fn requests(&self) -> Vec<Arc<Request>> {
        self.with(|state| state.requests.clone())
    }

    /// Returns how many answers are being written.
    pub fn alive(&self) -> usize {
        *self.alive.borrow()
    }

    /// Resolves when so many answers are being written.
    pub async fn until_alive(&self, streams: usize) {
        let mut alive = self.alive.subscribe();
        alive.wait_for(|alive| *alive == streams).await.expect("the sender is held here");
    }

    /// Returns the end of an answer of so many tokens, as counted by the back end.
    pub fn end(completion: u32) -> Step {
        Step::Say(Piece::End(Finish::Stop, Usage { prompt: 10, completion, counted: Counted::Counted }))
    }

    /// Returns a step that says a text.
    pub fn text(text: &str) -> Step {
        Step::Say(Piece::Text(text.to_owned()))
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Generator for ScriptedGenerator {
    fn generate(&self, request: Arc<Request>) -> Pieces {
        let script = self.with(|state| {
            state.requests.push(request);
            state.scripts.pop_front()
        });
        self.alive.send_modify(|alive| *alive += 1);
        let steps = script.unwrap_or_else(|| vec![Self::text("scripted"), Self::end(1)]);
        let held = (VecDeque::from(steps), Alive(Arc::clone(&self.alive)));
        let pieces = stream::unfold(held, |(mut steps, alive)| async move {
            match steps.pop_front()? {
                Step::Say(piece) => Some((Ok(piece), (steps, alive))),
                Step::Fail(error) => Some((Err(error), (steps, alive))),
                Step::Hang => std::future::pending().await,
                Step::Panic => panic!("scripted panic"),
            }
        });
        pieces.boxed()
    }
}
