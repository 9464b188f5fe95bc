//! A real Prometheus, with the files of `ops/deploy/prometheus`, on a free port.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::service::PATIENCE;
use crate::watch::text_of;

/// Returns one of its programs: from the folder that `PROMETHEUS` names, else from where `ops/test` keeps it, else from the path.
#[allow(clippy::disallowed_methods, reason = "where tools are is no setting of the product")]
pub fn program(name: &str) -> PathBuf {
    let cache = || {
        let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home)?;
        Some(cache.join("care-engine/prometheus/usr/bin"))
    };
    let folder = std::env::var_os("PROMETHEUS").map(PathBuf::from).or_else(cache);
    folder.map(|folder| folder.join(name)).filter(|path| path.exists()).unwrap_or_else(|| name.into())
}

/// A running Prometheus. Dropped, it is killed.
pub struct Prometheus {
    child: Child,
    /// HOST:PORT.
    address: String,
    _dir: TempDir,
}

impl Prometheus {
    /// Starts it on these targets, each HOST:PORT: as it is deployed, but that it looks every second.
    pub fn start(targets: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut config = text_of("ops/deploy/prometheus/prometheus.yml");
        let listed: Vec<String> = targets.iter().map(|target| format!("\"{target}\"")).collect();
        for (deployed, tested) in [
            ("scrape_interval: 5s", "scrape_interval: 1s".to_owned()),
            ("evaluation_interval: 15s", "evaluation_interval: 1s".to_owned()),
            ("\"care:9464\"", listed.join(", ")),
        ] {
            assert!(config.contains(deployed), "prometheus.yml has no {deployed}");
            config = config.replace(deployed, &tested);
        }
        let write = |name: &str, text: String| std::fs::write(dir.path().join(name), text).expect("written");
        write("prometheus.yml", config);
        write("alerts.yml", text_of("ops/deploy/prometheus/alerts.yml"));
        let mut child = Command::new(program("prometheus"))
            .arg(format!("--config.file={}", dir.path().join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("there is a Prometheus: `ops/test --setup-only` fetches it");
        let mut log = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
        let line = log.find(|line| line.contains("msg=\"Listening on\"")).expect("it says where it listens");
        let address = line.rsplit("address=").next().expect("an address").trim().to_owned();
        assert!(log.any(|line| line.contains("Server is ready")), "it ends before it answers");
        // What it says from now on nobody reads; it must not wait for that.
        std::thread::spawn(move || log.for_each(drop));
        Self { child, address, _dir: dir }
    }

    /// Returns what it answers, as JSON.
    fn get(&self, path: &str) -> Value {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a bound");
        // 1.0, so that the answer comes in one piece.
        write!(stream, "GET {path} HTTP/1.0\r\nHost: prometheus\r\n\r\n").expect("asked");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("answered");
        let body = text.split_once("\r\n\r\n").expect("head and body").1;
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error} in {text}"))
    }

    /// Returns the values that a query comes to now.
    ///
    /// Errors: it is none.
    pub fn query(&self, query: &str) -> Result<Vec<f64>, String> {
        let answer = self.get(&format!("/api/v1/query?query={}", encoded(query)));
        if answer["status"] != "success" {
            return Err(answer["error"].to_string());
        }
        let value = |one: &Value| one["value"][1].as_str().and_then(|text| text.parse().ok());
        let result = answer["data"]["result"].as_array().expect("a list");
        Ok(result.iter().map(|one| value(one).expect("a number")).collect())
    }

    /// Returns the values of a label of a metric.
    pub fn label_values(&self, metric: &str, label: &str) -> Vec<String> {
        let answer = self.get(&format!("/api/v1/label/{label}/values?match[]={}", encoded(metric)));
        let values = answer["data"].as_array().unwrap_or_else(|| panic!("{answer}"));
        values.iter().map(|value| value.as_str().expect("a text").to_owned()).collect()
    }

    /// Returns every rule with where it stands.
    pub fn rules(&self) -> Vec<Value> {
        let answer = self.get("/api/v1/rules");
        let groups = answer["data"]["groups"].as_array().expect("groups");
        groups.iter().flat_map(|group| group["rules"].as_array().expect("rules")).cloned().collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Returns a text as a value of a query of HTTP.
fn encoded(text: &str) -> String {
    let letter = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(letter).collect()
}
