//! A running `care serve`: what it says, what it logs, what its endpoint answers.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use serde_json::Value;

use crate::care;

/// Longest wait for something that is bound to come.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Lines that are kept for whoever waits.
const LINES: usize = 100_000;

/// A process that serves. Dropped, it is killed.
pub struct Served {
    child: Child,
    said: Receiver<String>,
    log: Receiver<String>,
    /// HOST:PORT of the endpoint.
    pub endpoint: String,
    /// What it said at its start.
    pub started: Value,
}

/// An answer of the endpoint.
#[derive(Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Body.
    pub body: String,
}

impl Served {
    /// Starts `care serve --json` with options and variables on a free port, and waits until its endpoint listens.
    pub fn start<S: AsRef<OsStr>>(options: &[S], variables: &[(&str, &str)]) -> Self {
        Self::start_at("127.0.0.1:0", options, variables)
    }

    /// Starts it with its endpoint at this address.
    pub fn start_at<S: AsRef<OsStr>>(listen: &str, options: &[S], variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(care::binary())
            .args(["serve", "--json", "--listen", listen])
            .args(options)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("care starts");
        let said = lines(child.stdout.take().expect("piped"));
        let log = lines(child.stderr.take().expect("piped"));
        let mut served = Self { child, said, log, endpoint: String::new(), started: Value::Null };
        served.started = served.hear("started");
        let endpoint = served.started["endpoint"].as_str().expect("an address");
        served.endpoint = endpoint.strip_prefix("http://").expect("http").to_owned();
        served
    }

    /// Waits until the service says this, and returns what it says with it.
    #[track_caller]
    pub fn hear(&mut self, what: &str) -> Value {
        loop {
            match self.said.recv_timeout(PATIENCE) {
                Ok(line) => {
                    let line: Value = serde_json::from_str(&line).expect("a line of JSON");
                    if line["said"] == what {
                        return line;
                    }
                }
                Err(error) => {
                    drop(self.child.kill());
                    panic!("it never said {what} ({error}); its log:\n{}", self.rest_of_log());
                }
            }
        }
    }

    /// Waits for a line of the log with these words.
    #[track_caller]
    pub fn wait_for_log(&self, words: &str) -> String {
        loop {
            match self.log.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(words) => return line,
                Ok(_) => {}
                Err(error) => panic!("the log never said {words:?}: {error}"),
            }
        }
    }

    fn rest_of_log(&self) -> String {
        self.log.iter().collect::<Vec<_>>().join("\n")
    }

    /// Asks the endpoint.
    pub fn get(&self, path: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.endpoint).expect("the endpoint listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a bound");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: care\r\nConnection: close\r\n\r\n").expect("asked");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("answered");
        let (head, body) = text.split_once("\r\n\r\n").expect("head and body");
        let status = head.split_whitespace().nth(1).expect("a status").parse().expect("a number");
        Answer { status, body: body.to_owned() }
    }

    /// Returns the sum of a metric over its labels.
    pub fn metric(&self, name: &str) -> f64 {
        let is_it = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']));
        let value = |line: &str| line.rsplit(' ').next().and_then(|text| text.parse::<f64>().ok());
        self.get("/metrics").body.lines().filter(is_it).filter_map(value).sum()
    }

    /// Asks again until the answer is as wanted.
    #[track_caller]
    pub fn wait_until(&self, what: &str, mut wanted: impl FnMut(&Self) -> bool) {
        let asked = std::iter::repeat_with(|| wanted(self)).take(100_000);
        assert!(asked.into_iter().any(|is_so| is_so), "never: {what}");
    }

    /// Returns the number of the process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status().expect("kill runs");
        assert!(sent.success(), "{name} cannot be sent");
    }

    /// Asks it to stop, waits for its end and returns what it said of that.
    #[track_caller]
    pub fn stop(mut self) -> (ExitStatus, Value) {
        self.signal("TERM");
        let stopped = self.hear("stopped");
        (self.child.wait().expect("it ends"), stopped)
    }

    /// Waits for the end of the process and returns its status and the rest of its log.
    pub fn wait(&mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("it ends");
        (status, self.rest_of_log())
    }
}

/// Returns the lines of a pipe as they come. What nobody waits for is dropped: the process must never wait for us.
fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (tell, lines) = sync_channel(LINES);
    std::thread::spawn(move || {
        BufReader::new(pipe).lines().map_while(Result::ok).for_each(|line| drop(tell.try_send(line)));
    });
    lines
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
