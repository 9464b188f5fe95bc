//! Which traces are kept.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, ShouldSample};

use super::traces::Share;

/// Ids of which a share of a half keeps the first and not the second.
const LOW: u128 = 0x0af7_6519_16cd_43dd_0000_0000_0000_0001;
const HIGH: u128 = 0x0af7_6519_16cd_43dd_7fff_ffff_ffff_ffff | 0x8000_0000_0000_0000;

/// Where a caller is, and whether it keeps the trace.
type Caller = Option<(bool, TraceFlags)>;

#[track_caller]
fn check(ratio: f64, trace: u128, caller: Caller, kept: bool) {
    let trace = TraceId::from(trace);
    let parent = caller.map(|(is_remote, flags)| {
        let of = SpanContext::new(trace, SpanId::from(7), flags, is_remote, TraceState::default());
        Context::new().with_remote_span_context(of)
    });
    let share = Share(Sampler::TraceIdRatioBased(ratio));
    let result = share.should_sample(parent.as_ref(), trace, "a", &SpanKind::Server, &[], &[]);
    let expected = if kept { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop };
    assert_eq!(result.decision, expected, "{ratio} {trace} {caller:?}");
}

#[test]
fn a_share_of_the_traces_is_kept_by_their_ids_whoever_calls() {
    let (kept, not_kept) = (TraceFlags::SAMPLED, TraceFlags::default());
    for caller in [None, Some((true, kept))] {
        check(1.0, LOW, caller, true);
        check(0.5, LOW, caller, true);
        check(0.5, HIGH, caller, false);
        check(0.0, LOW, caller, false);
    }
    check(1.0, LOW, Some((true, not_kept)), false);
}

#[test]
fn what_belongs_to_a_trace_of_this_program_goes_with_it() {
    check(0.0, HIGH, Some((false, TraceFlags::SAMPLED)), true);
    check(1.0, LOW, Some((false, TraceFlags::default())), false);
}
