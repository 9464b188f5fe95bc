//! The sections of a customer, as people read them.

use std::io::Write;

use anyhow::Result;
use schemas::customer::Customer;
use schemas::decision::Reason;
use schemas::feature;
use schemas::profile::{Origin, Profile, Sourced};
use schemas::score::{Head, ScoreSource};
use schemas::time::Timestamp;
use smol_str::SmolStr;

use super::Shown;
use crate::known::{Because, Standing, reasons, stage, state_of};
use crate::model::Registry;
use crate::words::{Amount, Count, Instant, Length, Maybe, Of, Plain, meaning};

/// Writes lines under a heading: the heading stands before the first.
struct Section<'a> {
    out: &'a mut dyn Write,
    heading: &'static str,
}

impl Section<'_> {
    fn line(&mut self, text: impl std::fmt::Display) -> Result<()> {
        writeln!(self.out, "{:<11}{text}", std::mem::take(&mut self.heading))?;
        Ok(())
    }
}

/// Prints all sections.
pub(super) fn print(shown: &Shown, out: &mut dyn Write) -> Result<()> {
    let Shown { customer, now, .. } = shown;
    let profile = customer.profile();
    identity(shown, &mut section(out, "customer"))?;
    if customer.is_tombstone() {
        return section(out, "erased").line("nothing of this customer is kept");
    }
    place(profile, &mut section(out, "place"))?;
    consent(profile, &mut section(out, "consent"))?;
    traits(profile, &mut section(out, "traits"))?;
    sessions(profile, &mut section(out, "sessions"))?;
    carts(profile, *now, &mut section(out, "carts"))?;
    orders(profile, &mut section(out, "orders"))?;
    counters(profile, &mut section(out, "events"))?;
    scores(shown, &mut section(out, "scores"))?;
    instances(customer, &mut section(out, "triggers"))?;
    waiting(customer, &mut section(out, "timers"))?;
    decisions(shown, &mut section(out, "decisions"))?;
    outreach(shown, &mut section(out, "outreach"))
}

fn section<'a>(out: &'a mut dyn Write, heading: &'static str) -> Section<'a> {
    Section { out, heading }
}

fn identity(shown: &Shown, section: &mut Section<'_>) -> Result<()> {
    let customer = &shown.customer;
    let profile = customer.profile();
    section.line(customer.id())?;
    if let Some(alias) = &shown.alias {
        section.line(format_args!("asked for as {alias}, which is an alias of this customer"))?;
    }
    if !customer.merged().is_empty() {
        let aliases: Vec<&str> = customer.merged().iter().map(|alias| alias.as_str()).collect();
        section.line(format_args!("aliases {}", aliases.join(", ")))?;
    }
    if profile.suppressed() {
        section.line("suppressed: nothing proactive is sent")?;
    }
    let (first, last) = (Maybe(profile.first_seen()), Maybe(profile.last_seen()));
    section.line(format_args!("first seen {first}, last seen {last}"))
}

fn place(profile: &Profile, section: &mut Section<'_>) -> Result<()> {
    section.line(format_args!("zone {}, locale {}", sourced(profile.zone()), sourced(profile.locale())))?;
    match profile.place().country() {
        Some(country) => section.line(format_args!("country {country}"))?,
        None => section.line("country unknown")?,
    }
    section.line(
        "(best first: context of the latest event, traits, what is usual in the country, the shop's default)",
    )
}

fn sourced(fact: Sourced<'_>) -> String {
    let from = match fact.from {
        Origin::Context => "context",
        Origin::Traits => "traits",
        Origin::Country => "country",
        Origin::Default => "default",
    };
    format!("{} ({from})", fact.value)
}

fn consent(profile: &Profile, section: &mut Section<'_>) -> Result<()> {
    let mut words: Vec<_> = profile.consents().iter().collect();
    if words.is_empty() {
        return section.line("nothing was said; unknown is not granted");
    }
    words.sort_by(|a, b| (&a.purpose, &a.channel).cmp(&(&b.purpose, &b.channel)));
    for word in words {
        let channel = if word.channel.is_empty() { "all channels" } else { &word.channel };
        let from = if word.inherited { ", before the customer was known" } else { "" };
        let (purpose, said) = (&word.purpose, word.consent.as_str());
        section.line(format_args!("{purpose} on {channel}: {said} on {}{from}", Instant(word.at)))?;
    }
    Ok(())
}

fn traits(profile: &Profile, section: &mut Section<'_>) -> Result<()> {
    for (name, value) in profile.traits().iter() {
        section.line(format_args!("{name}: {}", Plain(value)))?;
    }
    Ok(())
}

fn sessions(profile: &Profile, section: &mut Section<'_>) -> Result<()> {
    let sessions = profile.sessions();
    let mean = sessions.mean_length().map_or(String::new(), |mean| format!(", mean length {}", Length(mean)));
    section.line(format_args!("{} in all{mean}", sessions.count()))?;
    if let Some(open) = sessions.open() {
        let (started, ends) = (Instant(open.started), Instant(open.ends));
        let (events, views) = (open.events, open.product_views);
        section.line(format_args!(
            "open since {started}: {events} events, {views} products viewed; ends {ends} if nothing comes"
        ))?;
    }
    Ok(())
}

fn carts(profile: &Profile, now: Timestamp, section: &mut Section<'_>) -> Result<()> {
    let mut carts: Vec<_> = profile.carts().open(now).collect();
    if carts.is_empty() {
        return section.line("none open");
    }
    carts.sort_by_key(|cart| std::cmp::Reverse(cart.changed));
    for cart in carts {
        let checkout = cart.checkout.map_or(String::new(), |at| format!(", checkout begun {}", Instant(at)));
        let partial = if cart.partial() { ", not all of it is known" } else { "" };
        let (key, items, value, changed) =
            (&cart.key, Count(cart.items().into(), "item"), Amount(cart.value()), Instant(cart.changed));
        section.line(format_args!("{key}: {items}, {value}, changed {changed}{checkout}{partial}"))?;
        for line in cart.lines() {
            let price = Amount(schemas::money::Money { minor: line.price, ..cart.value() });
            section.line(format_args!("    {} × {} at {price}", line.quantity, line.product))?;
        }
    }
    Ok(())
}

fn orders(profile: &Profile, section: &mut Section<'_>) -> Result<()> {
    let orders = profile.orders();
    if orders.count() == 0 && orders.cancellations() == 0 && orders.refunds() == 0 {
        return section.line("none");
    }
    let value: Vec<String> = orders.value().iter().map(|sum| Amount(sum).to_string()).collect();
    let (count, value, last) = (orders.count(), value.join(" + "), Maybe(orders.last()));
    section.line(format_args!("{count} in all, {value}, the last {last}"))?;
    if orders.cancellations() + orders.refunds() > 0 {
        let (cancelled, refunded) = (orders.cancellations(), orders.refunds());
        section.line(format_args!(
            "{cancelled} cancelled, {refunded} refunded, the last {}",
            Maybe(orders.last_undone())
        ))?;
    }
    let mut latest: Vec<_> = orders.latest().iter().collect();
    latest.sort_by_key(|order| std::cmp::Reverse(order.placed));
    for order in latest {
        let value = Amount(schemas::money::Money { minor: order.value(), currency: order.currency });
        let cancelled = if order.cancelled { ", cancelled" } else { "" };
        let cart = order.cart.as_ref().map_or(String::new(), |cart| format!(", from cart {cart}"));
        let (id, placed, items) = (&order.id, Instant(order.placed), Count(order.items.into(), "item"));
        section.line(format_args!("{id}: {value}, {items}, placed {placed}{cart}{cancelled}"))?;
    }
    Ok(())
}

fn counters(profile: &Profile, section: &mut Section<'_>) -> Result<()> {
    let mut names: Vec<(&str, u64)> = profile.counters().names().collect();
    names.sort_by_key(|(name, n)| (std::cmp::Reverse(*n), *name));
    let counted: Vec<String> = names.iter().map(|(name, n)| format!("{name} {n}")).collect();
    let partial = if profile.ring().lost() > 0 { " (a repeated message may have counted twice)" } else { "" };
    for few in counted.chunks(5) {
        section.line(few.join(" · "))?;
    }
    section.line(format_args!("{} in all{partial}", profile.counters().all()))
}

fn scores(shown: &Shown, section: &mut Section<'_>) -> Result<()> {
    let profile = shown.customer.profile();
    let features = feature::extract(profile, shown.now);
    for of in &shown.heads {
        let head = of.head;
        let next = match of.next {
            Some(due) => format!("; asked again {}", Instant(due)),
            None if of.standing == Standing::Applies => "; asked again when an event moves it".to_owned(),
            None => String::new(),
        };
        let Some(score) = &of.score else {
            section.line(format_args!("{} {}{next}", head.as_str(), of.standing.words()))?;
            continue;
        };
        let source = match score.source {
            ScoreSource::Model => score.model.as_str(),
            ScoreSource::Fallback => "prior: no answer came in time",
        };
        let (name, value, at) = (head.as_str(), score.value, Instant(score.at));
        section.line(format_args!("{name} {value:.2} ({source}), asked {at}{next}"))?;
        if score.source == ScoreSource::Model {
            section.line(format_args!("    {}", in_words(&shown.models, (head, &score.model), &features)))?;
        }
    }
    Ok(())
}

/// Returns in words what moves the score of a head most, by the model that said it, as the customer stands now.
fn in_words(models: &Registry, (head, model): (Head, &SmolStr), features: &[f32]) -> String {
    let Some(reasons) = reasons(models, (head, model), features) else {
        return format!("why cannot be told: model {model} is not here any more");
    };
    let word = |Because { feature, unit, value, adds }: &Because| {
        format!("{feature} {value:.1} {unit} ({adds:+.1})")
    };
    let words: Vec<String> = reasons.iter().map(word).collect();
    if words.is_empty() {
        return "as of now: nothing speaks for or against it".to_owned();
    }
    format!("as of now: {}", words.join(" · "))
}

fn instances(customer: &Customer, section: &mut Section<'_>) -> Result<()> {
    let instances = customer.triggers().instances();
    if instances.is_empty() {
        return section.line("no open instance");
    }
    for instance in instances {
        let key = Of(&instance.key);
        let (trigger, version, entered) = (&instance.trigger, instance.version, Instant(instance.entered));
        section.line(format_args!("{trigger} v{version}{key}: {}, entered {entered}", stage(instance)))?;
    }
    Ok(())
}

fn waiting(customer: &Customer, section: &mut Section<'_>) -> Result<()> {
    match customer.next_due() {
        Some(due) => section.line(format_args!("next due {}", Instant(due)))?,
        None => section.line("none")?,
    }
    if let Some(covered) = customer.indexed_until() {
        section.line(format_args!("the timer index wakes the customer at {}", Instant(covered)))?;
    }
    if !customer.outbox().is_empty() {
        section.line(format_args!("{} records wait to leave", customer.outbox().len()))?;
    }
    if !customer.pending_asks().is_empty() {
        section.line(format_args!("{} scores are awaited", customer.pending_asks().len()))?;
    }
    Ok(())
}

fn decisions(shown: &Shown, section: &mut Section<'_>) -> Result<()> {
    if shown.decisions.is_empty() {
        return section.line("none");
    }
    for decision in &shown.decisions {
        let key = Of(&decision.key);
        let (at, trigger) = (Instant(decision.at), &decision.trigger);
        let verdict = decision.verdict.as_str();
        let why = match decision.reason {
            Reason::Clear => String::new(),
            reason => format!(", as {}", meaning(reason)),
        };
        section.line(format_args!("{at}  {trigger}{key}: {verdict}{why}"))?;
    }
    let newest = &shown.decisions[0].trigger;
    section.line(format_args!("`care why {} {newest}{}` tells more", shown.customer.id(), shown.data_dir))
}

fn outreach(shown: &Shown, section: &mut Section<'_>) -> Result<()> {
    if shown.outreach.is_empty() {
        return section.line("none");
    }
    for entry in &shown.outreach {
        let (at, of) = (Instant(entry.outreach.at), &entry.outreach);
        section.line(format_args!("{at}  {} by {}: {}", of.trigger, of.channel, state_of(entry)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::model;
    use crate::predict::rules::MODEL;

    #[test]
    fn a_score_is_explained_by_the_model_that_said_it() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let models = Registry::with_shipped(folder.path(), &[]);
        let (head, version) = (Head::Churn, SmolStr::new_static("shop-1"));
        let saved = model(head, &version, 3);
        saved.save(&models.folder(head).join(&version)).expect("saved");
        let features = vec![20.0; feature::TABLE.len()];
        let said = in_words(&models, (head, &version), &features);
        let first = saved.explain(&features)[0];
        let expected = format!("as of now: {} 20.0 {} ({:+.1})", first.feature, first.unit, first.adds);
        assert!(said.starts_with(&expected), "{said}\n  lacks: {expected}");
        assert!(said.matches(" · ").count() < 3, "{said}");
        let by_rules = in_words(&models, (head, &SmolStr::new_static(MODEL)), &features);
        assert!(by_rules.starts_with("as of now: order_recency_in_gaps 20.0 gaps (+2.4)"), "{by_rules}");
        let gone = in_words(&models, (head, &SmolStr::new_static("shop-0")), &features);
        assert!(gone.contains("model shop-0 is not here any more"), "{gone}");
    }
}
