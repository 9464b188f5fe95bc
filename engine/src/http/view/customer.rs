//! One customer, whole; and the customers that an id, an e-mail address, a phone number or an order leads to.

use std::collections::BTreeMap;

use actix_web::web::block;
use schemars::JsonSchema;
use schemas::customer::{self, LinkKind};
use schemas::feature;
use schemas::profile::link;
use schemas::score::{Head, ScoreSource};
use schemas::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use smol_str::SmolStr;

use super::Views;
use super::answers::{Time, stored, unavailable};
use super::asked::{Asked, LIMIT_MAX};
use super::profile::{Cart, Events, Fact, Orders, Sessions, Word, carts, traits};
use super::told::{Decided, Reason, Said, Sent, head_name};
use crate::http::problem::Refusal;
use crate::known::{self, Because, Led, OfHead, Standing, outreach_of, reasons, stage};

/// Decisions, and outreach, that are shown with a customer: the newest ones.
const NEWEST: usize = 10;

/// What leads to customers. It stands in the body, since addresses are kept by whoever hands requests on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Lookup {
    by: By,
    /// The value, as it was typed: small and capital letters are one, and space around it is none. An id is taken as it is.
    value: String,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum By {
    /// A customer id, also one that became an alias.
    Id,
    Email,
    Phone,
    /// An order id.
    Order,
}

/// Customers that a value leads to.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct Found {
    /// At most 100.
    customers: Vec<Brief>,
}

/// A customer in a line.
#[derive(Debug, Serialize, JsonSchema)]
struct Brief {
    id: String,
    /// The shop knows who it is.
    identified: bool,
    last_seen: Option<Time>,
}

/// A customer.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct Customer {
    id: String,
    /// The id that was asked for, where that is an alias.
    asked_as: Option<String>,
    /// Ids that are this customer's too.
    aliases: Vec<String>,
    /// Nothing of it is kept.
    erased: bool,
    /// Nothing proactive is sent to it.
    suppressed: bool,
    /// The shop knows who it is.
    identified: bool,
    first_seen: Option<Time>,
    last_seen: Option<Time>,
    zone: Fact,
    locale: Fact,
    country: Option<String>,
    consents: Vec<Word>,
    /// What the shop said of it.
    traits: BTreeMap<String, Value>,
    sessions: Sessions,
    /// Open carts, the latest first.
    carts: Vec<Cart>,
    orders: Orders,
    events: Events,
    /// Every head, in order.
    scores: Vec<Score>,
    /// Open instances of triggers.
    instances: Vec<Instance>,
    /// When something is due, if nothing happens before.
    next_due: Option<Time>,
    /// The newest ten.
    decisions: Vec<Decided>,
    /// The newest ten.
    outreach: Vec<Sent>,
}

/// What is known of one risk.
#[derive(Debug, Serialize, JsonSchema)]
struct Score {
    #[schemars(schema_with = "head_name")]
    head: String,
    /// Whether it is asked of the customer now: applies, does_not_apply or not_in_force.
    standing: Standing,
    /// What was said last.
    score: Option<Said>,
    /// When it is asked next, if nothing happens before.
    next: Option<Time>,
    /// What moves it most, as the customer stands now; none where nothing does, or nobody knows.
    reasons: Vec<Reason>,
}

/// An open instance of a trigger.
#[derive(Debug, Serialize, JsonSchema)]
struct Instance {
    trigger: String,
    version: u32,
    /// Its key, a cart or an order; empty without key.
    key: String,
    entered: Time,
    due: Time,
    /// Where it stands, in words.
    stage: String,
}

/// Scores of a customer of which it is asked what moves them.
pub(super) struct Moved {
    /// Heads, with the models that said so.
    pub(super) said: Vec<(Head, SmolStr)>,
    pub(super) features: Vec<f32>,
}

impl Views {
    /// Returns the customers that a value leads to.
    ///
    /// Errors: the body is none · the store does not answer.
    pub(super) async fn lookup(&self, asked: &Asked<'_>) -> Result<Found, Refusal> {
        asked.query(&[])?;
        let (_, Lookup { by, value }) = asked.body::<Lookup>()?;
        let kind = match by {
            By::Email => LinkKind::Email,
            By::Phone => LinkKind::Phone,
            By::Order => LinkKind::Order,
            By::Id => {
                let led = known::find(&self.known.ports, &value).await.map_err(unavailable)?;
                return Ok(match led {
                    Led::To(found) => Found { customers: vec![Brief::of(&found.customer)] },
                    Led::ToNoRow { .. } | Led::Nowhere => Found { customers: Vec::new() },
                });
            }
        };
        let ids = stored(self.known.ports.store.find_links(link(kind, &value), LIMIT_MAX).await)?;
        let mut customers: Vec<Brief> = Vec::new();
        for id in ids {
            let led = known::find(&self.known.ports, id.as_str()).await.map_err(unavailable)?;
            if let Led::To(found) = led
                && !found.customer.is_tombstone()
                && customers.iter().all(|known| known.id != found.customer.id().as_str())
            {
                customers.push(Brief::of(&found.customer));
            }
        }
        Ok(Found { customers })
    }

    /// Returns the customer of the path.
    ///
    /// Errors: there is none · the store does not answer.
    pub(super) async fn found(&self, asked: &Asked<'_>) -> Result<known::Found, Refusal> {
        let id = asked.part("customer")?;
        match known::find(&self.known.ports, &id).await.map_err(unavailable)? {
            Led::To(found) => Ok(*found),
            Led::ToNoRow { .. } | Led::Nowhere => Err(Refusal::Unknown {
                field: "customer",
                message: "is nobody's id; legal: a userId as the shop sends it, or anon: and an anonymousId"
                    .to_owned(),
            }),
        }
    }

    /// Returns everything about the customer of the path.
    ///
    /// Errors: as [`Views::found`].
    pub(super) async fn customer(&self, asked: &Asked<'_>) -> Result<Customer, Refusal> {
        asked.query(&[])?;
        let known::Found { customer, alias } = self.found(asked).await?;
        let (store, now) = (&self.known.ports.store, self.known.ports.clock.now());
        let decisions = stored(store.read_decisions(customer.id().clone(), None, NEWEST).await)?;
        let outreach = outreach_of(store, &customer, NEWEST).await.map_err(unavailable)?;
        let scores = self.scores(&customer, now).await?;
        let profile = customer.profile();
        let instances = customer.triggers().instances().iter().map(Instance::of).collect();
        Ok(Customer {
            id: customer.id().to_string(),
            asked_as: alias.map(|alias| alias.to_string()),
            aliases: customer.merged().iter().map(ToString::to_string).collect(),
            erased: customer.is_tombstone(),
            suppressed: profile.suppressed(),
            identified: profile.identified(),
            first_seen: profile.first_seen().map(Time::from),
            last_seen: profile.last_seen().map(Time::from),
            zone: Fact::of(profile.zone()),
            locale: Fact::of(profile.locale()),
            country: profile.place().country().map(ToString::to_string),
            consents: profile.consents().iter().map(Word::of).collect(),
            traits: traits(profile),
            sessions: Sessions::of(profile),
            carts: carts(profile, now),
            orders: Orders::of(profile),
            events: Events::of(profile),
            scores,
            instances,
            next_due: customer.next_due().map(Time::from),
            decisions: decisions.iter().map(|decision| Decided::of(decision, None)).collect(),
            outreach: outreach.iter().map(Sent::of).collect(),
        })
    }

    async fn scores(&self, customer: &customer::Customer, now: Timestamp) -> Result<Vec<Score>, Refusal> {
        let heads = known::heads(customer, &self.known.book, now);
        let said = heads.iter().filter_map(|of| Some((of.head, model_of(of)?))).collect();
        let features = feature::extract(customer.profile(), now);
        let asked = Moved { said, features: features.to_vec() };
        let mut because = self.because(vec![asked]).await?.remove(0);
        let score = |of: OfHead| Score {
            reasons: because.remove(&of.head).unwrap_or_default(),
            head: of.head.as_str().to_owned(),
            standing: of.standing,
            score: of.score.as_ref().map(Said::of),
            next: of.next.map(Time::from),
        };
        Ok(heads.into_iter().map(score).collect())
    }

    /// Returns what moves scores, of several customers. Models are asked on a thread that may wait.
    pub(super) async fn because(&self, of: Vec<Moved>) -> Result<Vec<BTreeMap<Head, Vec<Reason>>>, Refusal> {
        let known = self.known.clone();
        let told = move |Moved { said, features }: Moved| {
            let reasons = |(head, model): (Head, SmolStr)| {
                let found: Option<Vec<Because>> = reasons(&known.models, (head, &model), &features);
                (head, found.unwrap_or_default().into_iter().map(Reason::from).collect())
            };
            said.into_iter().map(reasons).collect()
        };
        block(move || of.into_iter().map(told).collect()).await.map_err(unavailable)
    }
}

/// Returns the model that said what is known of a head.
fn model_of(of: &OfHead) -> Option<SmolStr> {
    let score = of.score.as_ref()?;
    match score.source {
        ScoreSource::Model => Some(score.model.clone()),
        ScoreSource::Fallback => None,
    }
}

impl Brief {
    fn of(customer: &customer::Customer) -> Self {
        let profile = customer.profile();
        Self {
            id: customer.id().to_string(),
            identified: profile.identified(),
            last_seen: profile.last_seen().map(Time::from),
        }
    }
}

impl Instance {
    fn of(instance: &schemas::trigger::state::Instance) -> Self {
        Self {
            trigger: instance.trigger.to_string(),
            version: instance.version,
            key: instance.key.to_string(),
            entered: instance.entered.into(),
            due: instance.due.into(),
            stage: stage(instance),
        }
    }
}
