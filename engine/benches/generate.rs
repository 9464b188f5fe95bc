//! What the pool and the back end of kind openai add to a server: time between the sending of a token and its reading, processor time per token.
//!
//! The server is a thread beside it that writes each token by itself and notes when. Aim: 5 ms at the median over the server's first token.
//! Measured on 2 cores, 2026-11, in the profile of the tests: 0.05 ms added to the first token, 4.4 µs of processor time per token.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use actors::generation::{Delta, Pool, Priority, Said, Work};
use actors::metrics::Metrics;
use actors::port::clock::Clock;
use actors::port::generator::{Message, Request, Role};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::clock::{SystemClock, thread_cpu};
use engine::generate::{self, Around};
use engine::settings::{Layers, load};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Tokens of an answer whose processor time is measured.
const TOKENS: u64 = 2_000;

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
const TOKEN: &str = "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\
\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n";
const END: &[u8] =
    b"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

/// Serves answers of so many tokens on a thread of its own; tells its address, and when it sent each first token.
fn serve(tokens: u64) -> (String, Receiver<Duration>) {
    let (address_of, address) = sync_channel(1);
    let (sent, sent_at) = sync_channel(16);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            address_of
                .send(listener.local_addr().expect("an address").to_string())
                .expect("the benchmark lives");
            while let Ok((stream, _)) = listener.accept().await {
                // Whoever stopped reading ends his own answer only.
                drop(answer(stream, tokens, &sent).await);
            }
        });
    });
    (address.recv().expect("the server lives"), sent_at)
}

async fn answer(mut stream: TcpStream, tokens: u64, sent: &SyncSender<Duration>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut request = Vec::new();
    while !request.ends_with(b"}") {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    stream.write_all(HEAD).await?;
    // The headers leave by themselves, as they do where a model thinks before its first token.
    tokio::task::yield_now().await;
    sent.send(SystemClock.boot()).map_err(std::io::Error::other)?;
    for _ in 0..tokens {
        stream.write_all(TOKEN.as_bytes()).await?;
    }
    stream.write_all(END).await
}

fn pool(address: &str) -> Pool {
    let set = |key: &str, value: String| (format!("CARE__GENERATION__BACKENDS__A__{key}"), value);
    let environment = [
        set("KIND", "openai".to_owned()),
        set("BASE_URL", format!("http://{address}/v1")),
        set("MODEL", "m".to_owned()),
    ];
    let layers = Layers { environment: environment.into_iter().collect(), ..Layers::default() };
    let settings = load(&layers).expect("legal").settings.generation;
    let (metrics, clock) = (Metrics::new(), Arc::new(SystemClock));
    generate::build(&settings, Around { metrics: &metrics, clock, knowledge: None }).expect("a pool")
}

fn work() -> Work {
    let request = Request {
        messages: vec![Message { role: Role::Customer, text: "Do you deliver to Switzerland?".to_owned() }],
        passages: Vec::new(),
        tokens_max: 4_000,
        temperature: 0.0,
        seed: 0,
        deadline: SystemClock.boot() + Duration::from_secs(60),
    };
    Work { request, priority: Priority::Shopper, customer: None, template: None }
}

/// Reads an answer to its end; tells when its first token was read, and how much text came.
async fn read(pool: &Pool) -> (Duration, usize) {
    let mut reply = pool.ask(work());
    let (mut first, mut bytes) = (None, 0);
    while let Some(said) = reply.next().await {
        if let Said::Delta(Delta::Text(text)) = said {
            first.get_or_insert_with(|| SystemClock.boot());
            bytes += text.len();
        }
    }
    (first.expect("a token"), bytes)
}

fn first_token(c: &mut Criterion) {
    let (address, sent_at) = serve(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let pool = runtime.block_on(async { pool(&address) });
    let mut group = c.benchmark_group("generate");
    group.bench_function("added_to_first_token", |bencher| {
        bencher.iter_custom(|times| {
            let mut added = Duration::ZERO;
            for _ in 0..times {
                let (read_at, _) = runtime.block_on(read(&pool));
                added += read_at.saturating_sub(sent_at.recv().expect("the server lives"));
            }
            added
        });
    });
    group.finish();
}

fn tokens(c: &mut Criterion) {
    let (address, sent_at) = serve(TOKENS);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let pool = runtime.block_on(async { pool(&address) });
    let mut group = c.benchmark_group("generate");
    group.throughput(Throughput::Elements(TOKENS)).sample_size(20);
    group.bench_function("processor_time_of_tokens", |bencher| {
        bencher.iter_custom(|times| {
            let before = thread_cpu();
            for _ in 0..times {
                let (_, bytes) = runtime.block_on(read(&pool));
                assert_eq!(bytes as u64, TOKENS * 5);
                sent_at.recv().expect("the server lives");
            }
            thread_cpu() - before
        });
    });
    group.finish();
}

criterion_group!(benches, first_token, tokens);
criterion_main!(benches);
