//! The log: lines of text or JSON on standard error, as the settings filter them; and with it the traces, where they are wanted.

use std::io::{self, IsTerminal};

use anyhow::Result;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

use super::{LogFormat, Settings, Traces};

/// Starts the log, and the traces where the settings name somebody who collects them. What is returned sends the last of them when it is
/// dropped.
///
/// Errors: traces cannot be sent as the settings say.
pub fn start(settings: &Settings) -> Result<Traces> {
    let filter: Targets = settings.log.parse().expect("legal settings hold directives");
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    let lines = match settings.log_format {
        LogFormat::Text => lines.with_filter(filter).boxed(),
        LogFormat::Json => lines.json().with_filter(filter).boxed(),
    };
    let (spans, traces) = Traces::start(settings)?;
    let started = registry().with(lines).with(spans).try_init();
    // Only the first command of a process starts it; tests run several.
    drop(started);
    Ok(traces)
}
