//! Whoever collects traces: takes OTLP over HTTP, and hands on what came.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;

use crate::service::PATIENCE;

/// Batches that wait for the test.
const BATCHES: usize = 1_000;

/// A span as it came.
#[derive(Clone, Debug)]
pub struct Span {
    /// Its name.
    pub name: String,
    /// Id of its trace, in hexadecimal digits.
    pub trace: String,
    /// Its own id.
    pub id: String,
    /// Id of its parent; empty = none.
    pub parent: String,
    /// Which side of a call it is.
    pub kind: SpanKind,
    /// Its attributes, values in words.
    pub attributes: BTreeMap<String, String>,
    /// The same of the process.
    pub process: BTreeMap<String, String>,
    /// The conventions that its names are of.
    pub schema: String,
}

impl Span {
    /// Returns an attribute; empty = none.
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

/// A listening receiver.
pub struct Collector {
    /// Where traces are sent.
    pub url: String,
    came: Receiver<(String, Vec<Span>)>,
    /// Everything that came so far.
    pub spans: Vec<Span>,
    /// The header `Authorization` of what came last.
    pub authorization: String,
}

impl Collector {
    /// Begins to listen; its thread ends with the test.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/v1/traces", listener.local_addr().expect("an address"));
        let (tell, came) = sync_channel(BATCHES);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let tell = tell.clone();
                // A connection that breaks is the sender's affair.
                std::thread::spawn(move || drop(take(stream, &tell)));
            }
        });
        Self { url, came, spans: Vec::new(), authorization: String::new() }
    }

    /// Waits for the first span that is as wanted.
    #[track_caller]
    pub fn wait_for(&mut self, what: &str, wanted: impl Fn(&Span) -> bool) -> Span {
        loop {
            if let Some(span) = self.spans.iter().find(|span| wanted(span)) {
                return span.clone();
            }
            match self.came.recv_timeout(PATIENCE) {
                Ok((authorization, spans)) => {
                    self.authorization = authorization;
                    self.spans.extend(spans);
                }
                Err(error) => panic!("no {what} ({error}) among {:#?}", self.spans),
            }
        }
    }
}

/// Takes requests of a connection until it is closed.
fn take(stream: TcpStream, tell: &SyncSender<(String, Vec<Span>)>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let (mut length, mut authorization, mut path) = (0, String::new(), String::new());
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            match line.split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.parse().expect("a number");
                }
                Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                    value.clone_into(&mut authorization)
                }
                Some(_) => {}
                None => line.clone_into(&mut path),
            }
        }
        assert!(path.starts_with("POST /v1/traces "), "{path}");
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let request = ExportTraceServiceRequest::decode(body.as_slice()).expect("Protobuf of OTLP");
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"
        )?;
        // The test may be over.
        drop(tell.send((authorization, spans(request))));
    }
}

fn spans(request: ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for resource in request.resource_spans {
        let process = words(&resource.resource.unwrap_or_default().attributes);
        for scope in resource.scope_spans {
            let schema = scope.schema_url;
            spans.extend(scope.spans.into_iter().map(|span| Span {
                name: span.name.clone(),
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                kind: span.kind(),
                attributes: words(&span.attributes),
                process: process.clone(),
                schema: schema.clone(),
            }));
        }
    }
    spans
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn words(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let word = |value: &Option<AnyValue>| match value.as_ref().and_then(|any| any.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    };
    attributes.iter().map(|one| (one.key.clone(), word(&one.value))).collect()
}
