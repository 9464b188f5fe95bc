//! Names of records: what a position means, the same in every run over the same events.

use std::collections::{HashMap, HashSet};

use actors::port::Ports;
use actors::port::log::Topic;
use anyhow::{Context, Result};
use schemas::conversation::Talk;
use schemas::customer::identity::Relay;
use schemas::decision::Outcome;
use schemas::ids::{CustomerId, PartitionId, Position};
use schemas::record::{LogRecord, Place, RecordKind, Sender, Stray};
use serde_json::{Value, json};
use smol_str::SmolStr;

use crate::log::whole;

/// Names of the records of care.events, read once per partition.
pub struct Names {
    ports: Ports,
    partitions: HashMap<PartitionId, Partition>,
}

/// What one partition holds, without the bodies.
#[derive(Default)]
struct Partition {
    names: HashMap<Position, SmolStr>,
    last_of: HashMap<SmolStr, Position>,
    /// Messages from row to row: to whom, from whom, by which record of theirs.
    heard: HashSet<(SmolStr, Sender)>,
}

impl Names {
    /// Returns the names of a log; nothing is read yet.
    pub fn new(ports: &Ports) -> Self {
        Self { ports: ports.clone(), partitions: HashMap::new() }
    }

    /// Returns the position of the last record of a customer.
    pub async fn last_of(&mut self, customer: &CustomerId) -> Result<Option<Position>> {
        let partition = self.partition(customer.as_str()).await?;
        Ok(partition.last_of.get(customer.as_str()).copied())
    }

    /// Returns true when the log holds a message to a customer that its sender names so.
    pub async fn has_heard(&mut self, customer: &CustomerId, sender: &Sender) -> Result<bool> {
        let partition = self.partition(customer.as_str()).await?;
        Ok(partition.heard.contains(&(SmolStr::new(customer.as_str()), sender.clone())))
    }

    /// Replaces the position of every slot in `value` (an object with origin and position) by its record's name.
    pub async fn name_slots(&mut self, value: &mut Value) -> Result<()> {
        let mut open = vec![value];
        while let Some(value) = open.pop() {
            match value {
                Value::Object(fields) => {
                    if let (Some(Value::String(origin)), Some(Value::Number(position))) =
                        (fields.get("origin"), fields.get("position"))
                    {
                        let position = Position(position.as_u64().unwrap_or_default());
                        let names = &self.partition(&origin.clone()).await?.names;
                        let name = names.get(&position).cloned().unwrap_or_default();
                        fields.insert("position".to_owned(), json!(name));
                    }
                    open.extend(fields.values_mut());
                }
                Value::Array(items) => open.extend(items),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        Ok(())
    }

    /// Returns the partition in which a customer's records are.
    async fn partition(&mut self, customer: &str) -> Result<&Partition> {
        let id = PartitionId::of(customer, self.ports.source.partitions());
        if !self.partitions.contains_key(&id) {
            let read = read(&self.ports, id).await.context("failed to read care.events")?;
            self.partitions.insert(id, read);
        }
        Ok(&self.partitions[&id])
    }
}

async fn read(ports: &Ports, id: PartitionId) -> Result<Partition> {
    let mut partition = Partition::default();
    let read = whole::each(&*ports.source, (Topic::Events, id), Position::default(), |record| {
        partition.names.insert(record.position, name(record));
        if record.kind == RecordKind::Relay
            && let Ok(relay) = serde_json::from_slice::<Relay>(&record.body)
        {
            partition.heard.insert((record.key.clone(), relay.sender));
        }
        partition.last_of.insert(record.key.clone(), record.position);
        Ok(())
    });
    read.await?;
    Ok(partition)
}

/// Returns the name of a record: of an event its message id, of other records what they are and whom they come from.
fn name(record: &LogRecord) -> SmolStr {
    match record.kind {
        RecordKind::Event => {
            let body: Value = serde_json::from_slice(&record.body).unwrap_or_default();
            SmolStr::new(body["messageId"].as_str().unwrap_or("event without message id"))
        }
        RecordKind::Relay => {
            let relay = serde_json::from_slice::<Relay>(&record.body);
            let from = relay.map_or_else(|_| "nobody".to_owned(), |relay| relay.sender.customer.to_string());
            SmolStr::from(format!("message of {from} to {}", record.key))
        }
        RecordKind::Outcome => {
            let attempt =
                serde_json::from_slice::<Outcome>(&record.body).map_or(0, |outcome| outcome.attempt);
            SmolStr::from(format!("outcome of attempt {attempt} for {}", record.key))
        }
        RecordKind::Command => SmolStr::from(format!("command to {}", record.key)),
        RecordKind::CloudEvent => {
            let body: Value = serde_json::from_slice(&record.body).unwrap_or_default();
            let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
            SmolStr::from(format!("{} {}", text("source"), text("id")))
        }
        RecordKind::Stray => {
            let stray = serde_json::from_slice::<Stray>(&record.body);
            let from = stray.map_or_else(|_| "nowhere".to_owned(), |stray| place(&stray.from));
            SmolStr::from(format!("stray of {from} to {}", record.key))
        }
        RecordKind::Talk => {
            let talk = serde_json::from_slice::<Talk>(&record.body);
            let what = talk.as_ref().map_or("nothing", Talk::as_str);
            SmolStr::from(format!("{what} of {}", record.key))
        }
        RecordKind::Outreach
        | RecordKind::Decision
        | RecordKind::DeadLetter
        | RecordKind::Epoch
        | RecordKind::Reply
        | RecordKind::Unknown => SmolStr::from(format!("{:?}", record.kind)),
    }
}

fn place(place: &Place) -> String {
    format!("{}/{}/{}", place.topic, place.partition.0, place.position)
}
