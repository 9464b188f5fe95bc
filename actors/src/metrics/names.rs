//! Names of metrics that somebody reads: summaries of a run, and a shop that wants to know whether everything it sent is applied.

/// Records that could not be applied, by reason. Read by summaries.
pub const REJECTED: &str = "care_partition_records_rejected_total";
/// Decisions, by reason, trigger and verdict. Read by summaries.
pub const DECISIONS: &str = "care_trigger_decisions_total";
/// Outreach brought to an end, by outcome and reason. Read by summaries.
pub const OUTREACH: &str = "care_dispatcher_outreach_total";
/// Scores that rows took, by head and by where they come from.
pub const SCORES: &str = "care_predictor_scores_total";
/// Processor time, by stage. Read by summaries.
pub const STAGES: &str = "care_partition_stage_seconds_total";
/// Events made durable by the collector, by dialect.
pub const ACCEPTED: &str = "care_collector_events_accepted_total";
/// Events folded, or forwarded by an alias.
pub const APPLIED: &str = "care_customer_events_applied_total";
/// Events whose message id was seen before.
pub const DUPLICATE: &str = "care_customer_events_duplicate_total";
/// Records appended to the dead-letter topic.
pub const DEAD_LETTERS: &str = "care_partition_dead_letters_total";
/// Pages of shoppers that hold a seat and listen.
pub const PAGES: &str = "care_chat_pages_listening";
