//! What decides beside the customers' rows, and what an event must be to pass.

use anyhow::Result;
use schemas::decision::Category;
use schemas::event::Border;
use schemas::profile::ProfilePolicy;
use schemas::rulebook::{Cap, CapScope, ContactPolicy, ConversationPolicy, Policy, Rulebook};
use schemas::time::Span;

use super::answering;
use crate::replay::Format;
use crate::settings::{AssumedConsent, Settings};
use crate::triggers;

/// Returns what decides beside the customers' rows.
///
/// Errors: every fault of every trigger file.
pub fn rulebook(settings: &Settings) -> Result<Rulebook> {
    let triggers = triggers::load(&settings.triggers.dir, settings.channels.keys().map(String::as_str))?;
    let profile = settings.profile_policy();
    let contact = contact_policy(settings);
    let heads = settings.predictor.heads.iter().copied().collect();
    let conversation = answering::policy(settings);
    let policy = Policy { profile, contact, conversation };
    Ok(Rulebook { triggers, heads, policy, ..Rulebook::default() })
}

/// Returns the rulebook of a replay: its dispatcher is days of log time behind, so no outcome is given up, and nobody is answered who
/// has gone long ago.
///
/// Errors: every fault of every trigger file.
pub fn replay_rulebook(settings: &Settings) -> Result<Rulebook> {
    let mut book = rulebook(settings)?;
    book.policy.contact.outcomes_expire = false;
    book.policy.conversation = ConversationPolicy::default();
    Ok(book)
}

/// Returns the rulebook of a replay of files: profiles are folded as training folds them, or models would be asked what they were never
/// trained on.
///
/// Errors: every fault of every trigger file.
pub fn rulebook_of_files(settings: &Settings, format: Format) -> Result<Rulebook> {
    let mut book = replay_rulebook(settings)?;
    book.policy.profile = profile_of_files(settings, format);
    Ok(book)
}

fn contact_policy(settings: &Settings) -> ContactPolicy {
    let of = &settings.policy;
    let marketing = CapScope::Category(Category::Marketing);
    ContactPolicy {
        caps: vec![
            Cap { scope: marketing.clone(), within: Span::hours(24), max: of.cap_marketing_day },
            Cap { scope: marketing, within: Span::days(7), max: of.cap_marketing_week },
            Cap { scope: CapScope::Any, within: Span::hours(24), max: of.cap_any_day },
        ],
        control_share: of.control_share,
        consent_assumed: match of.assume_consent {
            AssumedConsent::None => Vec::new(),
            AssumedConsent::Marketing => vec![Category::Marketing],
        },
        outcomes_expire: true,
    }
}

/// Returns how profiles are folded from the files of a format: as the settings have it, but for a shop that is known by its format, whose
/// currency and zone are its own. Without that, amounts in pounds would be of no home currency, and every feature of value 0.
pub fn profile_of_files(settings: &Settings, format: Format) -> ProfilePolicy {
    let policy = settings.profile_policy();
    match format.home() {
        Some(home) => {
            ProfilePolicy { base_currency: home.currency, default_zone: home.zone.into(), ..policy }
        }
        None => policy,
    }
}

/// Returns what an event must be to pass.
pub fn border(settings: &Settings) -> Border {
    let of = &settings.policy;
    Border { late: Span::days(of.late_days), future: Span::minutes(of.future_min), ..Border::default() }
}
