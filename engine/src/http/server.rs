//! The server: what listens, what answers every request, how it ends.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::Method;
use actix_web::http::header::{HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use actors::metrics::Metrics;
use actors::port::Ports;
use actors::port::clock::Clock;
use schemas::event::Border;
use schemas::ids::PartitionId;
use schemas::rulebook::Rulebook;
use tokio::task::JoinHandle;
use tracing::Instrument;

use super::chat::{Around, Chat, Talking};
use super::collect::Collector;
use super::console;
use super::cors::{self, Origins};
use super::problem::Refusal;
use super::room::Room;
use super::route::{Handler, Place};
use super::settings::Settings;
use super::trace::{self, RequestId};
use super::view::{Known, Views};
use crate::keys::{KeyFile, Keys};
use crate::model::Registry;
use crate::observe::HTTP;
use crate::serve::Health;

/// How often the file of keys is looked at: what is revoked opens nothing within a second.
const KEYS_LOOK: Duration = Duration::from_secs(1);

/// The head of a request has to be there within this time.
const HEAD_PATIENCE: Duration = Duration::from_secs(5);

/// A connection without a request is closed after this time. Above what clients and proxies keep theirs for, half a minute for most.
const IDLE_PATIENCE: Duration = Duration::from_secs(75);

/// An address that is held: taken before anything else is opened, answered at when the rest is ready.
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    keys: Arc<Keys>,
    settings: Settings,
}

/// What the server works with beside its settings.
pub struct Parts {
    /// Log, store and time.
    pub ports: Ports,
    /// What decides beside the rows.
    pub book: Arc<Rulebook>,
    /// Models that scores are of.
    pub models: Registry,
    /// How the process fares.
    pub health: Health,
    /// What an event must be.
    pub border: Border,
    /// What is counted in.
    pub metrics: Metrics,
    /// What conversations are held with.
    pub talking: Talking,
    /// The longest that answers under way are waited for at the end. Whole seconds count.
    pub stop: Duration,
}

/// A running server.
pub struct Front {
    server: ServerHandle,
    is_stopping: Arc<AtomicBool>,
    door: web::Data<Door>,
    /// What goes on beside requests.
    beside: Vec<JoinHandle<()>>,
}

impl Bound {
    /// Takes the address of the settings and reads the keys.
    ///
    /// Errors: the address is taken, or not this machine's · the keys cannot be read.
    pub fn new(settings: &Settings, address: SocketAddr, keys: KeyFile) -> anyhow::Result<Self> {
        let keys = Arc::new(Keys::open(keys)?);
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, keys, settings: settings.clone() })
    }

    /// Returns the address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins to answer, on threads of its own.
    ///
    /// Errors: the system refuses.
    pub fn answer(self, parts: Parts) -> io::Result<Front> {
        let Self { listener, keys, settings, .. } = self;
        let is_stopping = Arc::new(AtomicBool::new(false));
        let looking = actix::spawn(look(keys.clone(), parts.ports.clock.clone()));
        let stop_s = parts.stop.as_secs().max(1);
        let (door, mut beside) = Door::new(&settings, keys, (parts, is_stopping.clone()));
        let door = web::Data::new(door);
        beside.push(looking);
        let answering = door.clone();
        let server = HttpServer::new(move || {
            App::new().app_data(answering.clone()).default_service(web::to(
                |request: HttpRequest, payload: web::Payload, door: web::Data<Door>| async move {
                    door.answer(request, payload).await
                },
            ))
        })
        .workers(settings.threads)
        .max_connections(settings.connections_max.div_ceil(settings.threads))
        .client_request_timeout(HEAD_PATIENCE)
        .keep_alive(IDLE_PATIENCE)
        .shutdown_timeout(stop_s)
        .disable_signals()
        .listen(listener)?
        .run();
        let handle = server.handle();
        actix::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the HTTP server has ended");
            }
        });
        Ok(Front { server: handle, is_stopping, door, beside })
    }
}

impl Front {
    /// Ends it: new requests are refused, those under way are answered, within the bound that was given at the start.
    pub async fn stop(self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        // What is open without an end would be waited for: pages that listen go elsewhere, or come again after the restart.
        self.door.views.stop();
        self.door.chat.stop();
        self.server.stop(true).await;
        self.beside.iter().for_each(JoinHandle::abort);
    }
}

async fn look(keys: Arc<Keys>, clock: Arc<dyn Clock>) {
    loop {
        clock.sleep(KEYS_LOOK).await;
        keys.look();
    }
}

/// What every request comes through.
struct Door {
    collector: Collector,
    views: Views,
    chat: Chat,
    origins: Origins,
    is_stopping: Arc<AtomicBool>,
}

impl Door {
    /// Returns the door, and what goes on beside requests.
    fn new(
        settings: &Settings,
        keys: Arc<Keys>,
        (parts, is_stopping): (Parts, Arc<AtomicBool>),
    ) -> (Self, Vec<JoinHandle<()>>) {
        let Parts { ports, book, models, health, border, metrics, talking, stop: _ } = parts;
        let (sink, clock, partitions) = (ports.sink.clone(), ports.clock.clone(), ports.source.partitions());
        let room = Room::new(settings.under_way_max(), metrics.collector().clone());
        let tail = talking.tail(&clock, metrics.collector());
        let around = Around { keys: keys.clone(), sink: sink.clone(), partitions, room: room.clone() };
        let chat = Chat::new(talking, around, settings.request(), &tail);
        let bounds = (room.clone(), settings.body_max(), settings.request());
        let known = Known { ports, book, models, health, metrics: metrics.clone() };
        let (views, mut beside) = Views::new(known, keys.clone(), bounds);
        let tails = (0..partitions).map(PartitionId);
        beside.extend(tails.map(|partition| actix::spawn(tail.clone().follow(partition))));
        let metrics = metrics.collector().clone();
        let collector = Collector {
            sink,
            partitions,
            clock,
            border,
            keys,
            room,
            metrics,
            body_max: settings.body_max(),
            request: settings.request(),
        };
        let origins = Origins::of(&settings.cors_origins);
        (Self { collector, views, chat, origins, is_stopping }, beside)
    }

    async fn answer(&self, request: HttpRequest, payload: web::Payload) -> HttpResponse {
        let id = RequestId::of(request.headers());
        if let Some(mut answer) = console::answer(&request) {
            id.mark(answer.headers_mut());
            self.collector.metrics.answered(console::PATH, answer.status().as_u16());
            return answer;
        }
        let place = Place::at(request.path());
        let span = trace::span(&request, place.as_ref(), &id);
        let mut answer = self.answer_at(place.as_ref(), &request, payload).instrument(span.clone()).await;
        trace::answered(&span, answer.status());
        tracing::debug!(target: HTTP, parent: &span, status = answer.status().as_u16(), "answered");
        let headers = answer.headers_mut();
        id.mark(headers);
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if place.as_ref().is_some_and(Place::is_for_pages) {
            self.origins.mark(request.headers(), headers);
        }
        let named = place.map_or("other", |place| place.path);
        self.collector.metrics.answered(named, answer.status().as_u16());
        answer
    }

    async fn answer_at(
        &self,
        place: Option<&Place>,
        request: &HttpRequest,
        payload: web::Payload,
    ) -> HttpResponse {
        match place {
            _ if self.is_stopping.load(Ordering::Relaxed) => self.refuse(&Refusal::Stopping),
            None => self.refuse(&Refusal::NoRoute),
            Some(place) if request.method() == Method::OPTIONS => cors::options(place),
            Some(place) => self.at(place, request, payload).await,
        }
    }

    /// Answers at a place of the table.
    async fn at(&self, place: &Place, request: &HttpRequest, payload: web::Payload) -> HttpResponse {
        let Some(route) = place.route(request.method()) else {
            return self.refuse(&Refusal::Method(place.path));
        };
        let answer = match route.handler {
            // Its dialects tell refusals in forms of their own.
            Handler::Collects(dialect) => {
                return self.collector.answer(request, payload, (route, dialect)).await;
            }
            Handler::Views(view) => self.views.answer((request, payload), place, (route, view)).await,
            Handler::Talks(talks) => self.chat.answer((request, payload), place, (route, talks)).await,
        };
        answer.unwrap_or_else(|refusal| self.refuse(&refusal))
    }

    fn refuse(&self, refusal: &Refusal) -> HttpResponse {
        self.collector.metrics.refused(refusal.as_str());
        refusal.problem()
    }
}
