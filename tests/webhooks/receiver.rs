//! A server of a shop that answers as the test wants: over real sockets, one connection per request.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::service::PATIENCE;

/// A request that came in whole.
#[derive(Clone, Debug)]
pub struct Request {
    /// The idempotency key.
    pub id: String,
    /// What is under it.
    pub body: String,
}

/// What happens to a request, given those before it.
pub enum Reply {
    /// It is answered with a status.
    Status(u16),
    /// It is answered with a status after a while, unless the engine has gone.
    After(Duration, u16),
    /// It is answered with nothing until the engine is gone.
    Never,
}

type Script = dyn Fn(&[Request], &Request) -> Reply + Send + Sync;

#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<Request>>,
    changed: Condvar,
}

/// The server.
pub struct Receiver {
    address: SocketAddr,
    seen: Arc<Seen>,
}

impl Receiver {
    /// Starts a server that answers as the script says.
    pub fn start(script: impl Fn(&[Request], &Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let (seen, script): (Arc<Seen>, Arc<Script>) = (Arc::default(), Arc::new(script));
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (seen, script) = (Arc::clone(&shared), Arc::clone(&script));
                // Whoever hangs up in the middle has sent nothing.
                std::thread::spawn(move || {
                    serve(stream, &seen, &*script);
                });
            }
        });
        Self { address, seen }
    }

    /// Returns its address for the settings.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Returns the requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.seen.requests.lock().expect("nobody panics with it").clone()
    }

    /// Waits until what came in is as wanted.
    #[track_caller]
    pub fn wait_until(&self, what: &str, wanted: impl Fn(&[Request]) -> bool) {
        let requests = self.seen.requests.lock().expect("nobody panics with it");
        let waited = self.seen.changed.wait_timeout_while(requests, PATIENCE, |requests| !wanted(requests));
        let (requests, late) = waited.expect("nobody panics with it");
        assert!(!late.timed_out(), "never: {what}; {} requests", requests.len());
    }
}

fn serve(stream: TcpStream, seen: &Seen, script: &Script) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let request = read(&mut stream)?;
    let reply = {
        let mut requests = seen.requests.lock().expect("nobody panics with it");
        let reply = script(&requests, &request);
        requests.push(request);
        seen.changed.notify_all();
        reply
    };
    let status = match reply {
        Reply::Status(status) => status,
        Reply::After(wait, status) => {
            stream.get_ref().set_read_timeout(Some(wait.max(Duration::from_millis(1)))).ok()?;
            // Nothing more comes: either the time is over or the engine has hung up.
            match stream.read_exact(&mut [0]).map_err(|error| error.kind()) {
                Err(ErrorKind::WouldBlock | ErrorKind::TimedOut) => status,
                Ok(()) | Err(_) => return None,
            }
        }
        Reply::Never => return stream.read(&mut [0]).ok().map(drop),
    };
    let answer = format!("HTTP/1.1 {status} So\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.get_mut().write_all(answer.as_bytes()).ok()
}

fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let (mut id, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("webhook-id") => id = value.to_owned(),
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().ok()?
            }
            Some(_) => {}
            None if line.trim_end().is_empty() => break,
            None => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Request { id, body: String::from_utf8(body).ok()? })
}
