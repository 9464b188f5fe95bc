//! A client of the HTTP server that does what it is told, also what no good client does.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::service::PATIENCE;

/// A request.
#[derive(Clone, Debug)]
pub struct Ask {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// Body.
    pub body: String,
}

impl Ask {
    /// Returns a request without a body.
    pub fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// Returns a request that sends JSON.
    pub fn json(path: impl Into<String>, body: impl ToString) -> Self {
        Self::new("POST", path).header("Content-Type", "application/json").body(body.to_string())
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Shows a key.
    pub fn key(self, key: &str) -> Self {
        self.header("Authorization", &format!("Bearer {key}"))
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Packs the body.
    pub fn gzip(mut self) -> Self {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&self.body).expect("memory takes every byte");
        self.body = packed.finish().expect("memory takes every byte");
        self.header("Content-Encoding", "gzip")
    }

    /// Returns head and body as they go over the wire.
    pub fn wire(&self) -> (String, &[u8]) {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: care\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !self.body.is_empty() || self.method == "POST" {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        (head + "\r\n", &self.body)
    }
}

impl Answer {
    /// Returns a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        header.map(|(_, value)| value.as_str())
    }

    /// Returns the body as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

/// A connection.
pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    /// Connects.
    pub fn connect(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Sends a request and reads its answer.
    pub fn send(&mut self, ask: &Ask) -> io::Result<Answer> {
        let (head, body) = ask.wire();
        self.write(head.as_bytes())?;
        // A server that has read enough answers and closes: what it said counts.
        drop(self.write(body));
        self.answer()
    }

    /// Reads an answer.
    pub fn answer(&mut self) -> io::Result<Answer> {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match line.trim_end() {
                "" => break,
                line => head.push(line.to_owned()),
            }
        }
        let broken = || io::Error::from(io::ErrorKind::InvalidData);
        let status = head.first().and_then(|line| line.split(' ').nth(1)?.parse().ok()).ok_or_else(broken)?;
        let headers = head.iter().skip(1).filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut answer = Answer { status, headers, body: String::new() };
        let length = answer.header("Content-Length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        answer.body = String::from_utf8(body).map_err(|_| broken())?;
        Ok(answer)
    }

    /// Reads lines up to one that holds these words.
    pub fn hear_until(&mut self, words: &str) -> io::Result<String> {
        let mut heard = String::new();
        loop {
            let before = heard.len();
            if self.stream.read_line(&mut heard)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if heard[before..].contains(words) {
                return Ok(heard);
            }
        }
    }

    /// Reads to the end, and returns true when there is one.
    pub fn ends(&mut self) -> bool {
        io::copy(&mut self.stream, &mut io::sink()).is_ok()
    }

    /// Returns true when the server has closed the connection.
    pub fn is_closed(&mut self) -> bool {
        self.stream.read(&mut [0]).map_or(true, |read| read == 0)
    }
}
