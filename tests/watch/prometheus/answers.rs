//! A process that answers in words and is scraped: a real pool on back ends that do what they are told.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actors::generation::{Backend, Pool, Priority, Rung, Said, Settings, Work};
use actors::kit::contract::generator::request;
use actors::kit::memory::{ScriptedGenerator, Step};
use actors::metrics::Metrics;
use actors::port::clock::Clock;
use actors::port::generator::{Error, Generator};
use engine::clock::SystemClock;

/// The process. It answers one question before each look at its metrics.
pub struct Answers {
    /// HOST:PORT.
    pub address: String,
    is_broken: Arc<AtomicBool>,
}

impl Answers {
    /// Starts it; its thread ends with the test.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let is_broken = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&is_broken);
        std::thread::spawn(move || serve(&listener, &told));
        Self { address, is_broken }
    }

    /// From now on no back end answers.
    pub fn break_down(&self) {
        self.is_broken.store(true, Ordering::SeqCst);
    }
}

fn serve(listener: &TcpListener, is_broken: &AtomicBool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let (metrics, clock, writer) = (Metrics::new(), Arc::new(SystemClock), ScriptedGenerator::new());
    metrics.ready(true);
    let backend = Backend { name: "writer".into(), rungs: vec![Rung::Full, Rung::Short], permits: 2 };
    let settings = Settings { backoff: Duration::from_millis(1), breaker_failures: 2, ..Settings::default() };
    let pool = runtime.block_on(async {
        let backends: Vec<(Backend, Arc<dyn Generator>)> = vec![(backend, Arc::new(writer.clone()))];
        Pool::start(backends, settings, (&metrics, clock.clone()))
    });
    for stream in listener.incoming().map_while(Result::ok) {
        if is_broken.load(Ordering::SeqCst) {
            for _ in 0..3 {
                writer.then(vec![Step::Fail(Error::Cut)]);
            }
        }
        let request = request(clock.boot() + Duration::from_millis(200));
        let work = Work { request, priority: Priority::Shopper, customer: None, template: None };
        runtime.block_on(async {
            let mut reply = pool.ask(work);
            while !matches!(reply.next().await, Some(Said::End(_)) | None) {}
        });
        // Whoever asked may be gone.
        drop(tell(stream, &metrics.render()));
    }
}

fn tell(mut stream: TcpStream, body: &str) -> std::io::Result<()> {
    let mut head = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    while head.read_line(&mut line)? > 2 {
        line.clear();
    }
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}
