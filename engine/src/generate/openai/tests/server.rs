//! A server that says, byte by byte, what a test tells it to say.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the server does next with a connection.
#[derive(Clone, Debug)]
pub enum Act {
    /// Sends bytes, and sees to it that they leave by themselves.
    Send(Vec<u8>),
    /// Says nothing more and keeps the connection.
    Stall,
}

/// What a server has seen and done.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Requests, whole.
    pub requests: Vec<String>,
    /// Connections on which it stalls.
    pub stalled: usize,
    /// Stalled connections that the client closed.
    pub closed: usize,
}

/// A running server; every connection gets the same.
pub struct Scripted {
    pub address: SocketAddr,
    seen: Arc<watch::Sender<Seen>>,
}

impl Scripted {
    pub async fn start(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(watch::Sender::new(Seen::default()));
        let told = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(play(stream, acts.clone(), Arc::clone(&told)));
            }
        });
        Self { address, seen }
    }

    pub fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Resolves when what it has seen is like that.
    pub async fn until(&self, like: impl Fn(&Seen) -> bool) {
        let mut seen = self.seen.subscribe();
        seen.wait_for(like).await.expect("the sender is held here");
    }
}

async fn play(mut stream: TcpStream, acts: Vec<Act>, seen: Arc<watch::Sender<Seen>>) {
    let Some(request) = request(&mut stream).await else { return };
    seen.send_modify(|seen| seen.requests.push(request));
    for act in acts {
        match act {
            Act::Send(bytes) => {
                if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() {
                    return;
                }
                // Others run between two writes, so that the client reads them apart.
                tokio::task::yield_now().await;
            }
            Act::Stall => {
                seen.send_modify(|seen| seen.stalled += 1);
                while stream.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {}
                seen.send_modify(|seen| seen.closed += 1);
            }
        }
    }
}

/// Reads a request: its head, and as many bytes as that says.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length:").map(str::to_owned));
            if body.len() >= length.and_then(|length| length.trim().parse().ok()).unwrap_or(0) {
                return Some(text);
            }
        }
        let mut buffer = [0; 4_096];
        match stream.read(&mut buffer).await {
            Ok(read) if read > 0 => bytes.extend_from_slice(&buffer[..read]),
            Ok(_) | Err(_) => return None,
        }
    }
}
