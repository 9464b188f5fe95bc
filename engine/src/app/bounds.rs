//! How a node runs: its bounds and intervals, for a replay and for life.

use std::time::Duration;

use actors::dispatcher::settings::{Recheck, Settings as DispatcherSettings};
use actors::node::NodeSettings;
use actors::partition::settings::Settings as PartitionSettings;
use schemas::time::Span;

use crate::settings::Settings;

/// How often a replay looks for due timers, and how long it waits at the end of a partition before it looks at the clock again: log time
/// moves by days per second there, and whoever waits until nothing is left to do waits for both.
pub(super) const REPLAY_LOOK: Duration = Duration::from_millis(10);

/// No deadline: longer than any replay.
const NEVER: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);

/// Returns the bounds of a node for a replay: a customer's next event waits for the open score, however long that takes, so that the
/// same events give the same decisions whatever the speed of the machine.
pub fn replay_node(settings: &Settings) -> NodeSettings {
    let partition = PartitionSettings {
        hold_for_score: true,
        score_deadline: NEVER,
        timer_grid: REPLAY_LOOK,
        ..settings.partition()
    };
    let dispatcher = DispatcherSettings { recheck: Recheck::AsOfDecision, ..dispatcher(settings) };
    NodeSettings { threads: settings.partition.threads, partition, dispatcher, ..NodeSettings::default() }
}

/// Returns the bounds of a node that serves: a score that does not come in time is stood in for, what is sent is looked at again by the
/// wall clock, and a stop leaves a fifth of its time for what follows the draining.
pub fn serve_node(settings: &Settings) -> NodeSettings {
    let drain = drain(settings);
    let partition = PartitionSettings { drain, ..settings.partition() };
    let dispatcher = DispatcherSettings { drain, ..dispatcher(settings) };
    NodeSettings { threads: settings.partition.threads, partition, dispatcher, ..NodeSettings::default() }
}

/// Returns the bounds of a node that serves while files are replayed to it: those of a replay, and the stop of a service.
pub fn served_replay_node(settings: &Settings) -> NodeSettings {
    let (drain, mut node) = (drain(settings), replay_node(settings));
    (node.partition.drain, node.dispatcher.drain) = (drain, drain);
    node
}

/// Returns how long the partitions of a service may drain.
fn drain(settings: &Settings) -> Duration {
    let of_stop = settings.serve.stop_ms / 5 * 4;
    Duration::from_millis(settings.partition.drain_ms.min(of_stop))
}

fn dispatcher(settings: &Settings) -> DispatcherSettings {
    let of = &settings.dispatcher;
    DispatcherSettings {
        window: of.window,
        fetch_max: of.fetch_max,
        call_deadline: Duration::from_millis(of.call_deadline_ms),
        retry_after: Span::seconds(of.retry_after_s),
        retry: Duration::from_millis(settings.partition.retry_ms),
        drain: Duration::from_millis(settings.partition.drain_ms),
        ..DispatcherSettings::default()
    }
}
