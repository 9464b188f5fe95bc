//! The endpoint: `/metrics` for Prometheus, `/livez` and `/readyz` for whoever watches the process. It reads what others have written down
//! and asks nothing of log or store, so a scrape costs the same whatever happens to them.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::header::{CONTENT_TYPE, ContentType};
use actix_web::{App, HttpResponse, HttpServer, web};
use actors::metrics::Metrics;
use serde::Serialize;

use super::health::Health;
use super::process;

/// The text format of Prometheus.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Connections at a time; more wait.
const CONNECTIONS_MAX: usize = 64;

/// A request has to be there within this time, and a connection without one is closed.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the endpoint tells of.
#[derive(Clone)]
pub(super) struct Told {
    /// Served as `/livez` and `/readyz`.
    pub(super) health: Health,
    /// Served as `/metrics`.
    pub(super) metrics: Metrics,
    /// Whose disk is shown; `None` where everything durable is on servers.
    pub(super) folder: Option<Arc<Path>>,
}

/// A listening endpoint.
pub(super) struct Endpoint {
    address: SocketAddr,
    server: ServerHandle,
}

impl Endpoint {
    /// Begins to listen, on a thread of its own.
    ///
    /// Errors: the address is taken, or not this machine's.
    pub(super) fn start(listen: SocketAddr, told: Told) -> io::Result<Self> {
        let server = HttpServer::new(move || {
            let answer = |path| web::resource(path);
            App::new()
                .app_data(web::Data::new(told.clone()))
                .service(answer("/metrics").get(metrics).route(web::head().to(metrics)))
                .service(answer("/livez").get(livez).route(web::head().to(livez)))
                .service(answer("/readyz").get(readyz).route(web::head().to(readyz)))
                .default_service(web::to(elsewhere))
        })
        .workers(1)
        .max_connections(CONNECTIONS_MAX)
        .client_request_timeout(PATIENCE)
        .keep_alive(PATIENCE)
        .shutdown_timeout(1)
        .disable_signals()
        .bind(listen)?;
        let address = server.addrs().first().copied().unwrap_or(listen);
        let running = server.run();
        let server = running.handle();
        actix::spawn(async move {
            if let Err(error) = running.await {
                tracing::error!(%error, "the endpoint of metrics and health has ended");
            }
        });
        Ok(Self { address, server })
    }

    /// Returns where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it; requests under way are answered, for a second at most.
    pub(super) async fn stop(self) {
        self.server.stop(true).await;
    }
}

async fn metrics(told: web::Data<Told>) -> HttpResponse {
    told.metrics.process(&process::sample());
    if let Some(disk) = told.folder.as_deref().and_then(process::disk) {
        told.metrics.disk(&disk);
    }
    HttpResponse::Ok().insert_header((CONTENT_TYPE, PROMETHEUS)).body(told.metrics.render())
}

async fn livez(told: web::Data<Told>) -> HttpResponse {
    let liveness = told.health.liveness();
    json(liveness.live, &liveness)
}

async fn readyz(told: web::Data<Told>) -> HttpResponse {
    let readiness = told.health.readiness();
    json(readiness.ready, &readiness)
}

async fn elsewhere() -> HttpResponse {
    HttpResponse::NotFound()
        .content_type(ContentType::plaintext())
        .body("there are /metrics, /livez and /readyz\n")
}

fn json(is_good: bool, body: &impl Serialize) -> HttpResponse {
    let mut answer = if is_good { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    let text = serde_json::to_string(body).expect("texts, numbers and truth values are JSON");
    answer.content_type(ContentType::json()).body(text + "\n")
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::sync::Arc;

    use actors::kit::memory::ManualClock;
    use schemas::time::Timestamp;

    use super::super::Settings;
    use super::super::health::Found;
    use super::*;

    /// Asks as a stranger would: over the wire, from another thread.
    async fn ask(address: SocketAddr, request: &'static str) -> (u16, String) {
        let asked = actix_web::rt::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).expect("it listens");
            write!(stream, "{request} HTTP/1.1\r\nHost: care\r\nConnection: close\r\n\r\n").expect("asked");
            let mut text = String::new();
            stream.read_to_string(&mut text).expect("answered");
            text
        });
        let text = asked.await.expect("a thread");
        let (head, body) = text.split_once("\r\n\r\n").expect("head and body");
        (head.split(' ').nth(1).expect("a status").parse().expect("a number"), body.to_owned())
    }

    #[test]
    fn readiness_is_told_while_it_starts_serves_and_drains() {
        actix::System::new().block_on(async {
            let listen = "127.0.0.1:0".parse().expect("an address");
            let settings = Settings { listen, stop_ms: 1_000, look_ms: 1_000, answer_ms: 1_000 };
            let health = Health::new(Arc::new(ManualClock::at(Timestamp(0))), &settings);
            let told = Told { health: health.clone(), metrics: Metrics::new(), folder: None };
            let endpoint = Endpoint::start(listen, told).expect("a free port");
            let address = endpoint.address();
            let (status, body) = ask(address, "GET /readyz").await;
            assert!(status == 503 && body.contains(r#""phase":"starting""#), "{status} {body}");
            health.looked(Found { assigned: 1, at_work: 1, ..Found::default() });
            let (status, body) = ask(address, "GET /readyz").await;
            assert!(status == 200 && body.contains(r#""ready":true"#), "{status} {body}");
            assert_eq!(ask(address, "HEAD /readyz").await, (200, String::new()));
            health.drain();
            let (status, body) = ask(address, "GET /readyz").await;
            assert!(status == 503 && body.contains(r#""phase":"draining""#), "{status} {body}");
            assert_eq!(ask(address, "GET /livez").await.0, 200, "what drains is alive");
            assert_eq!(ask(address, "POST /metrics").await.0, 405);
            let (status, body) = ask(address, "GET /metrics").await;
            assert!(status == 200 && body.contains("process_resident_memory_bytes"), "{status}");
            assert!(
                Endpoint::start(address, Told { health, metrics: Metrics::new(), folder: None }).is_err(),
                "it is taken"
            );
            endpoint.stop().await;
        });
    }
}
