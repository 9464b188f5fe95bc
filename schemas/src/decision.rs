//! Decisions and outreach: what a trigger came to, why, and what leaves the engine because of it.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::ids::{CustomerId, OutreachId, Slot};
use crate::score::{Head, Score};
use crate::time::Timestamp;
use crate::value::{Properties, Value};

/// How a proposal of a trigger ended. Each proposal ends in exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// An outreach was handed to the dispatcher.
    Sent,
    /// A control arm: it would have been sent.
    Withheld,
    /// Waits for a cap or quiet hours; decided again later.
    Deferred,
    /// A gate refused it.
    Suppressed,
    /// It came too late.
    Expired,
    /// It could not be made or delivered.
    Failed,
}

impl Verdict {
    /// Returns the name used in listings and metric labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Sent => "sent",
            Verdict::Withheld => "withheld",
            Verdict::Deferred => "deferred",
            Verdict::Suppressed => "suppressed",
            Verdict::Expired => "expired",
            Verdict::Failed => "failed",
        }
    }
}

/// Why a proposal ended as it did. The list is closed; a new reason is added here and nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nothing stood against it.
    Clear,
    /// `when` was false at the due time.
    Condition,
    /// An exit event ended the instance.
    Exited,
    /// The goal was reached before.
    GoalReached,
    /// Another instance of the same key was entered too recently.
    Cooldown,
    /// `reentry.max` instances of this key have been entered.
    ReentryMax,
    /// The entry names a key that the event lacks.
    NoKey,
    /// As many instances are open as there may be, of the trigger (64) or of all together (256).
    InstanceLimit,
    /// Consent for the category and channel is not granted.
    NoConsent,
    /// The customer is suppressed.
    SuppressedCustomer,
    /// A cap is used up.
    Cap,
    /// The customer's quiet hours.
    QuietHours,
    /// Another proposal of higher priority took the place.
    Priority,
    /// Older than `max_age` when decided.
    MaxAge,
    /// Deferred longer than `max_defer`.
    MaxDefer,
    /// A case of the customer is open.
    OpenCase,
    /// In the trigger's control arm.
    Holdout,
    /// In the global control group.
    GlobalControl,
    /// The event is too late to act on.
    LateEvent,
    /// The trigger is in shadow mode.
    Shadow,
    /// The template failed to render.
    Render,
    /// The customer was erased.
    Erased,
    /// A merge brought an older instance of the same key, which goes on in its place.
    Merged,
    /// The channel refused it for good.
    ChannelRefused,
    /// Nobody told what became of it.
    Unknown,
    /// No trigger of this name is in force any more.
    TriggerGone,
    /// The shop was taken out of a backup, and this may have been sent in the time that is lost.
    Restored,
}

impl Reason {
    /// Returns the name used in listings and metric labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Clear => "clear",
            Reason::Condition => "condition",
            Reason::Exited => "exited",
            Reason::GoalReached => "goal_reached",
            Reason::Cooldown => "cooldown",
            Reason::ReentryMax => "reentry_max",
            Reason::NoKey => "no_key",
            Reason::InstanceLimit => "instance_limit",
            Reason::NoConsent => "no_consent",
            Reason::SuppressedCustomer => "suppressed_customer",
            Reason::Cap => "cap",
            Reason::QuietHours => "quiet_hours",
            Reason::Priority => "priority",
            Reason::MaxAge => "max_age",
            Reason::MaxDefer => "max_defer",
            Reason::OpenCase => "open_case",
            Reason::Holdout => "holdout",
            Reason::GlobalControl => "global_control",
            Reason::LateEvent => "late_event",
            Reason::Shadow => "shadow",
            Reason::Render => "render",
            Reason::Erased => "erased",
            Reason::Merged => "merged",
            Reason::ChannelRefused => "channel_refused",
            Reason::Unknown => "unknown",
            Reason::TriggerGone => "trigger_gone",
            Reason::Restored => "restored",
        }
    }
}

/// One condition as it was evaluated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluated {
    /// The condition in the words of the trigger file.
    pub condition: SmolStr,
    /// The value it saw.
    pub value: Value,
    /// Whether it held.
    pub held: bool,
    /// Whether the value is known to be incomplete.
    pub partial: bool,
}

/// A decision: first-class, recorded whether or not anything was sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Made like an outreach id, so the same on replay. A deferral and what follows it have different ids.
    pub id: OutreachId,
    /// Of whom.
    pub customer: CustomerId,
    /// Name of the trigger.
    pub trigger: SmolStr,
    /// Version of the trigger.
    pub version: u32,
    /// Instance and step.
    pub slot: Slot,
    /// Key of the instance (a cart, an order), empty without key.
    pub key: SmolStr,
    /// Log time of the decision.
    pub at: Timestamp,
    /// Log time at which the instance was due.
    pub due: Timestamp,
    /// How it ended.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// Every condition with the value it saw, in file order.
    pub conditions: Vec<Evaluated>,
    /// Scores that conditions read.
    pub scores: Vec<(Head, Score)>,
    /// Probability in (0, 1] with which the policy chose what was chosen.
    pub propensity: f32,
    /// Message id of the event that opened the instance, as the sender wrote it, when known.
    pub opened_by: SmolStr,
}

/// Purpose of an outreach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// About an order or case the customer has; needs no marketing consent.
    Service,
    /// Everything else; needs consent granted.
    Marketing,
}

impl Category {
    /// Every category, in the order of the enum.
    pub const ALL: [Category; 2] = [Category::Service, Category::Marketing];

    /// Returns the name used in triggers and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Category::Service => "service",
            Category::Marketing => "marketing",
        }
    }

    /// Returns the category of this name.
    pub fn of(name: &str) -> Option<Self> {
        Category::ALL.into_iter().find(|category| category.as_str() == name)
    }
}

/// An outreach on its way: everything the dispatcher needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outreach {
    /// Idempotency key at every later station.
    pub id: OutreachId,
    /// To whom.
    pub customer: CustomerId,
    /// Name of the trigger.
    pub trigger: SmolStr,
    /// Version of the trigger.
    pub version: u32,
    /// Instance and step.
    pub slot: Slot,
    /// 0 for the first; the row asks for n + 1 after a return.
    pub attempt: u32,
    /// Purpose.
    pub category: Category,
    /// Name of the channel.
    pub channel: SmolStr,
    /// Template to render.
    pub template: SmolStr,
    /// Values for the template.
    pub facts: Properties,
    /// Log time of the decision.
    pub at: Timestamp,
    /// Not to be sent after this instant (due + `max_age`).
    pub expires: Timestamp,
}

/// What became of one attempt of an outreach; counts once, for an attempt the row awaits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Which outreach.
    pub id: OutreachId,
    /// Which attempt.
    pub attempt: u32,
    /// What happened.
    pub status: OutcomeStatus,
    /// Wall-clock time of the dispatcher.
    pub at: Timestamp,
}

/// What a dispatcher reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeStatus {
    /// The channel took it.
    Delivered,
    /// The re-check before the call refused it.
    Withheld(Reason),
    /// The channel refused it for good.
    Failed,
    /// To be tried again, not before this instant.
    RetryAt(Timestamp),
}
