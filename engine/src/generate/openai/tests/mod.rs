//! Tests of the back end against a scripted server: the contract of the port, and every way in which servers deviate.

mod failures;
mod server;
mod streams;

use std::time::Duration;

use actors::kit::contract::generator::{request, suite};
use actors::kit::memory::ManualClock;
use actors::port::generator::{Counted, Error, Finish, Piece, Usage, Wait};
use schemas::time::Timestamp;

use super::*;

use server::{Act, Scripted};

/// No test waits longer for anything, by the wall.
const BOUND: Duration = Duration::from_secs(60);

const WAITS: Waits = Waits {
    connect: Duration::from_secs(5),
    first_token: Duration::from_secs(20),
    next_token: Duration::from_secs(10),
    total: Duration::from_secs(120),
};

const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

/// A back end with its server and its clock.
struct Rig {
    server: Scripted,
    clock: Arc<ManualClock>,
    backend: Arc<dyn Generator>,
}

async fn rig(acts: Vec<Act>) -> Rig {
    let server = Scripted::start(acts).await;
    let clock = Arc::new(ManualClock::at(Timestamp(1_700_000_000_000)));
    let at = format!("http://{}/v1/", server.address);
    let backend = Arc::new(backend(&at, Arc::clone(&clock)));
    Rig { server, clock, backend }
}

fn backend(base_url: &str, clock: Arc<ManualClock>) -> OpenAi {
    let (base_url, model, key) = (base_url.to_owned(), "tiny".to_owned(), Secret::new("sk-hush"));
    OpenAi::new(Server { base_url, model, key, waits: WAITS }, clock).expect("a back end")
}

/// What came: pieces, and why no more.
type Heard = (Vec<Piece>, Option<Error>);

impl Rig {
    async fn hear(&self) -> Heard {
        let heard = hear(self.backend.generate(Arc::new(request(self.clock.boot() + BOUND))));
        tokio::time::timeout(BOUND, heard).await.expect("nothing hangs")
    }
}

async fn hear(mut stream: Pieces) -> Heard {
    let mut pieces = Vec::new();
    while let Some(piece) = stream.next().await {
        match piece {
            Ok(piece) => pieces.push(piece),
            Err(error) => {
                assert!(stream.next().await.is_none(), "nothing comes behind an error");
                return (pieces, Some(error));
            }
        }
    }
    (pieces, None)
}

fn send(text: impl AsRef<[u8]>) -> Act {
    Act::Send(text.as_ref().to_vec())
}

/// Returns the acts of a stream of these events, each by itself.
fn stream_of(events: &[&str]) -> Vec<Act> {
    let events = events.iter().map(|event| send(format!("data: {event}\n\n")));
    std::iter::once(send(STREAM)).chain(events).collect()
}

fn says(text: &str) -> String {
    format!(r#"{{"choices":[{{"index":0,"delta":{{"content":{}}}}}]}}"#, serde_json::json!(text))
}

const STOPS: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
const USAGE: &str = r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}"#;
const DONE: &str = "[DONE]";
const COUNTED: Usage = Usage { prompt: 9, completion: 3, counted: Counted::Counted };

fn text(text: &str) -> Piece {
    Piece::Text(text.to_owned())
}

/// Returns the end of an answer of so many tokens that nobody counted.
fn estimated(finish: Finish, completion: u32) -> Piece {
    let deadline = Duration::ZERO;
    Piece::End(
        finish,
        Usage { prompt: request(deadline).prompt_tokens(), completion, counted: Counted::Estimated },
    )
}

#[tokio::test]
async fn back_end_keeps_the_contract_of_the_port() {
    let rig = rig(stream_of(&[&says("Within 30 days [1]."), STOPS, USAGE, DONE])).await;
    let clock = Arc::clone(&rig.clock);
    let suite = suite(|| Arc::clone(&rig.backend), move || clock.boot());
    tokio::time::timeout(BOUND, suite).await.expect("nothing hangs");
}
