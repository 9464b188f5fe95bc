//! One real engine: `care serve` as a process that can be killed, stalled, stopped and asked.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// How long an engine may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// A signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ends the process at once.
    Kill,
    /// Asks it to end.
    Terminate,
    /// Stalls it.
    Stop,
    /// Lets it go on.
    Continue,
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Signal::Kill => "KILL",
            Signal::Terminate => "TERM",
            Signal::Stop => "STOP",
            Signal::Continue => "CONT",
        }
    }
}

/// An engine, whether or not its process runs.
pub struct Engine {
    program: PathBuf,
    words: Vec<String>,
    /// Settings by the environment.
    set: Vec<(&'static str, &'static str)>,
    listen: SocketAddr,
    log: PathBuf,
    child: Option<Child>,
    /// It was told to end.
    is_meant_to_end: bool,
}

impl Engine {
    /// Returns an engine with settings of its own, that is not started yet; what it logs is added to a file.
    pub fn new(program: &Path, settings: &Path, listen: SocketAddr, log: &Path) -> Self {
        let words = vec!["serve".to_owned(), "--config".to_owned(), settings.display().to_string()];
        Self {
            program: program.to_owned(),
            words,
            set: Vec::new(),
            listen,
            log: log.to_owned(),
            child: None,
            is_meant_to_end: false,
        }
    }

    /// Adds words to its command.
    pub fn with(mut self, words: &[&str]) -> Self {
        self.words.extend(words.iter().map(|word| (*word).to_owned()));
        self
    }

    /// Changes settings of it: names as the environment has them, and values.
    pub fn set(&mut self, settings: &[(&'static str, &'static str)]) {
        self.set.extend(settings);
    }

    /// Runs another program from its next start on.
    pub fn becomes(&mut self, program: &Path) {
        program.clone_into(&mut self.program);
    }

    /// Starts the process, unless it runs.
    pub fn start(&mut self) {
        if self.runs() {
            return;
        }
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .expect("the log can be written");
        let also = log.try_clone().expect("a file can be had twice");
        let child = Command::new(&self.program)
            .args(&self.words)
            .envs(self.set.iter().copied())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(also)
            .spawn();
        self.child = Some(child.expect("care starts"));
        self.is_meant_to_end = false;
    }

    /// Returns true when the process has ended though nobody told it to.
    pub fn has_given_up(&mut self) -> bool {
        self.child.is_some() && !self.is_meant_to_end && !self.runs()
    }

    /// Returns true while the process runs, stalled or not.
    pub fn runs(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().is_ok_and(|ended| ended.is_none()))
    }

    /// Sends a signal to the process, if it runs.
    pub fn signal(&mut self, signal: Signal) {
        if !self.runs() {
            return;
        }
        self.is_meant_to_end |= matches!(signal, Signal::Kill | Signal::Terminate);
        let Some(child) = &self.child else { return };
        // The shell's own: not every system has a program of this name.
        let command = format!("kill -{} {}", signal.name(), child.id());
        let status = Command::new("sh").args(["-c", &command]).status().expect("every system has a shell");
        assert!(status.success(), "{command}");
    }

    /// Waits until the process is gone, and returns how it ended; `None` when it had not been started.
    pub fn wait(&mut self) -> Option<ExitStatus> {
        self.child.take().map(|mut child| child.wait().expect("a child can be waited for"))
    }

    /// Kills the process and waits until it is gone.
    pub fn kill(&mut self) {
        self.signal(Signal::Kill);
        self.wait();
    }

    /// Returns the answer of its endpoint: status and body; `None` when nobody answers.
    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect_timeout(&self.listen, ANSWER_WITHIN).ok()?;
        stream.set_read_timeout(Some(ANSWER_WITHIN)).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: care\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let status = answer.split(' ').nth(1)?.parse().ok()?;
        let (_, body) = answer.split_once("\r\n\r\n")?;
        Some((status, body.to_owned()))
    }

    /// Returns true when it says that it does its work.
    pub fn is_ready(&self) -> bool {
        self.get("/readyz").is_some_and(|(status, _)| status == 200)
    }

    /// Returns the sum over the labels of a metric, as it shows it; `None` when it does not answer or does not show it.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let (_, text) = self.get("/metrics")?;
        let of = |line: &str| {
            let (named, value) = line.rsplit_once(' ')?;
            let base = named.split('{').next()?;
            (base == name).then(|| value.parse::<f64>().ok()).flatten()
        };
        let values: Vec<f64> = text.lines().filter_map(of).collect();
        (!values.is_empty()).then(|| values.iter().sum())
    }

    /// Returns its resident memory. Units: MiB.
    pub fn memory_mib(&self) -> Option<u64> {
        let child = self.child.as_ref()?;
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1_024)
    }

    /// Returns the last lines that it logged.
    pub fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.kill();
    }
}
