//! A server that answers as it is told, over real sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Bytes of an answer that has no end, should nobody hang up.
const ENDLESS_MAX: u64 = 1 << 30;

/// What a server does with a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Answers with a status and headers.
    Status(u16, String),
    /// Says nothing and keeps the connection until the other end hangs up.
    Silent,
    /// Begins a body and never ends it, without a byte more.
    Stalls(u16),
    /// Sends a body as fast as it is taken.
    Endless(u16),
    /// Hangs up.
    Cut,
}

/// A request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// Returns a header.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }
}

/// What a receiver saw.
#[derive(Default)]
struct Seen {
    connections: AtomicU64,
    endless_bytes: AtomicU64,
    requests: Mutex<Vec<Request>>,
}

/// A server on a free port of this machine. Its threads end with the connections of the test.
pub struct Receiver {
    pub address: SocketAddr,
    seen: Arc<Seen>,
}

impl Receiver {
    /// Starts a server that answers the n-th request as `script` says.
    pub fn start(script: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let (seen, script) = (Arc::new(Seen::default()), Arc::new(script));
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                shared.connections.fetch_add(1, Ordering::AcqRel);
                let (seen, script) = (Arc::clone(&shared), Arc::clone(&script));
                std::thread::spawn(move || serve(stream, &seen, &*script));
            }
        });
        Self { address, seen }
    }

    /// Starts a server that always answers with a status.
    pub fn of(status: u16) -> Self {
        Self::start(move |_| Reply::Status(status, String::new()))
    }

    /// Returns its address for the settings.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Returns the requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.seen.requests.lock().expect("nobody panics with it").clone()
    }

    /// Returns how often somebody connected.
    pub fn connections(&self) -> u64 {
        self.seen.connections.load(Ordering::Acquire)
    }

    /// Returns how much of bodies without end was taken.
    pub fn endless_bytes(&self) -> u64 {
        self.seen.endless_bytes.load(Ordering::Acquire)
    }
}

fn serve(stream: TcpStream, seen: &Seen, script: &dyn Fn(usize) -> Reply) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream) {
        let place = {
            let mut requests = seen.requests.lock().expect("nobody panics with it");
            requests.push(request);
            requests.len() - 1
        };
        if !answer(stream.get_mut(), seen, script(place)) {
            return;
        }
    }
}

fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut request = Request::default();
    stream.read_line(&mut request.line).ok().filter(|read| *read > 0)?;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        request.headers.push((name.to_owned(), value.to_owned()));
    }
    request.body = vec![0; request.header("content-length").parse().ok()?];
    stream.read_exact(&mut request.body).ok()?;
    Some(request)
}

/// Answers; returns whether the connection stays.
fn answer(stream: &mut TcpStream, seen: &Seen, reply: Reply) -> bool {
    match reply {
        Reply::Status(status, headers) => {
            write!(stream, "HTTP/1.1 {status} So\r\n{headers}Content-Length: 2\r\n\r\nok").is_ok()
        }
        Reply::Silent => {
            wait_for_end(stream);
            false
        }
        Reply::Stalls(status) => {
            drop(write!(stream, "HTTP/1.1 {status} So\r\nContent-Length: 1000\r\n\r\nhalf"));
            wait_for_end(stream);
            false
        }
        Reply::Endless(status) => {
            drop(write!(stream, "HTTP/1.1 {status} So\r\nContent-Length: {ENDLESS_MAX}\r\n\r\n"));
            let chunk = [b'x'; 65_536];
            while seen.endless_bytes.load(Ordering::Acquire) < ENDLESS_MAX && stream.write_all(&chunk).is_ok()
            {
                seen.endless_bytes.fetch_add(chunk.len() as u64, Ordering::AcqRel);
            }
            false
        }
        Reply::Cut => false,
    }
}

/// Waits until the other end hangs up.
fn wait_for_end(stream: &mut TcpStream) {
    drop(stream.read(&mut [0]));
}
