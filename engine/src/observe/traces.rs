//! Traces: spans of the program, sent by OTLP over HTTP in batches, on a thread of their own. Off by default.
//!
//! Which spans there are is said where they are made (`actors::trace`, `http::trace`). A collector that is away costs nothing but what it
//! would have been told: what does not fit its queue is dropped.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use opentelemetry::trace::{Link, SpanKind, TraceContextExt, TraceId, TracerProvider};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchSpanProcessor, Sampler, SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample,
};
use reqwest::blocking::Client;
use reqwest::redirect::Policy;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::{Layer, Registry};

use super::{HTTP, Settings};

/// Longest wait for whoever collects.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longest wait for the last batch when the program ends.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// Spans on their way. Dropped, it sends what is left.
pub struct Traces(Option<SdkTracerProvider>);

/// What spans are handed to, below whatever else listens.
type Spans = Box<dyn Layer<tracing_subscriber::layer::Layered<Lines, Registry>> + Send + Sync>;

/// The layer of the log.
type Lines = Box<dyn Layer<Registry> + Send + Sync>;

impl Traces {
    /// Returns what spans are handed to, when the settings name somebody who collects them, and who sends them there.
    ///
    /// Errors: the header `Authorization` is none, or no client of HTTP can be made.
    pub(super) fn start(settings: &Settings) -> Result<(Option<Spans>, Self)> {
        if settings.traces_endpoint.is_empty() {
            return Ok((None, Self(None)));
        }
        let provider =
            provider(settings).context("failed to set up traces (observability.traces_endpoint)")?;
        let scope = InstrumentationScope::builder("care")
            .with_version(env!("CARGO_PKG_VERSION"))
            .with_schema_url(format!("https://opentelemetry.io/schemas/{}", actors::trace::CONVENTIONS))
            .build();
        let wanted = Targets::new()
            .with_target(actors::trace::TARGET, LevelFilter::TRACE)
            .with_target(HTTP, LevelFilter::INFO);
        let spans = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer_with_scope(scope))
            .with_context_activation(false)
            .with_tracked_inactivity(false)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_filter(wanted);
        Ok((Some(spans.boxed()), Self(Some(provider))))
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        let Some(provider) = self.0.take() else { return };
        if let Err(error) = provider.shutdown_with_timeout(LAST_PATIENCE) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

fn provider(settings: &Settings) -> Result<SdkTracerProvider> {
    let mut headers = HashMap::new();
    if !settings.traces_authorization.is_empty() {
        let shown = settings.traces_authorization.reveal();
        headers.insert("authorization".to_owned(), shown.to_owned());
    }
    // As with back ends: no redirect is followed, and no proxy is taken from the environment.
    let client = Client::builder().timeout(PATIENCE).redirect(Policy::none()).no_proxy().build()?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(settings.traces_endpoint.as_str())
        .with_timeout(PATIENCE)
        .with_headers(headers)
        .build()?;
    let resource = Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", "care"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        ])
        .build();
    Ok(SdkTracerProvider::builder()
        .with_span_processor(BatchSpanProcessor::builder(exporter).build())
        .with_sampler(Share(Sampler::TraceIdRatioBased(settings.traces_ratio)))
        .with_resource(resource)
        .build())
}

/// Keeps a share of the traces, chosen by their ids, and parts of what is kept. A caller that keeps a trace does not make this program keep
/// it: whoever sends events could fill the collector. One that does not keep it decides so for this program, too.
#[derive(Clone, Debug)]
pub(super) struct Share(pub(super) Sampler);

impl ShouldSample for Share {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let parent = parent.map(|context| context.span().span_context().clone());
        let parent = parent.filter(|parent| parent.is_valid());
        let decided =
            |decision, trace_state| SamplingResult { decision, attributes: Vec::new(), trace_state };
        match parent {
            Some(parent) if !parent.is_sampled() => {
                decided(SamplingDecision::Drop, parent.trace_state().clone())
            }
            Some(parent) if !parent.is_remote() => {
                decided(SamplingDecision::RecordAndSample, parent.trace_state().clone())
            }
            Some(_) | None => self.0.should_sample(None, trace, name, kind, attributes, links),
        }
    }
}
