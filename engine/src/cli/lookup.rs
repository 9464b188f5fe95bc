//! Finding a customer by what a person types: an alias leads to its user, an unknown id to the nearest ones there are.

use actors::port::Ports;
use anyhow::{Context, Result, bail};
use schemas::customer::Customer;
use schemas::ids::{ANONYMOUS_PREFIX, CustomerId, PartitionId};
use strsim::osa_distance;

/// Rows of one read.
const PAGE: usize = 1_000;

/// Rows of each partition that are looked at for the nearest id.
const LOOKED_AT_MAX: usize = 20_000;

/// Ids that are suggested.
const SUGGESTED: usize = 3;

/// A customer, and how it was found.
pub struct Found {
    /// The row.
    pub customer: Customer,
    /// The anonymous id that led there, when it is an alias.
    pub alias: Option<CustomerId>,
}

/// Returns the customer that `id` leads to.
///
/// Errors: nobody has that id; the message names ids that are alike.
pub async fn find(ports: &Ports, id: &str) -> Result<Found> {
    let asked = CustomerId::user(id);
    let Some(customer) = read(ports, &asked).await? else {
        return unknown(ports, id).await;
    };
    let Some(user) = customer.alias_of().cloned() else {
        return Ok(Found { customer, alias: None });
    };
    match read(ports, &user).await? {
        Some(customer) => Ok(Found { customer, alias: Some(asked) }),
        None => bail!("{asked} is an alias of {user}, of whom no row is stored yet"),
    }
}

async fn read(ports: &Ports, id: &CustomerId) -> Result<Option<Customer>> {
    let partition = PartitionId::of(id.as_str(), ports.source.partitions());
    let row = ports.store.read_row(partition, id.clone()).await;
    let row = row.with_context(|| format!("failed to read the row of {id}"))?;
    row.map(|row| Customer::decode(&row.state))
        .transpose()
        .with_context(|| format!("failed to understand the row of {id}"))
}

/// Tells that nobody has this id, how ids look, and which are alike.
async fn unknown<T>(ports: &Ports, id: &str) -> Result<T> {
    let anonymous = CustomerId::anonymous(id);
    if !id.starts_with(ANONYMOUS_PREFIX) && read(ports, &anonymous).await?.is_some() {
        bail!(
            "there is no customer {id:?}, but {anonymous}: an id that came as anonymousId is written with {ANONYMOUS_PREFIX} before it"
        );
    }
    let near = nearest(ports, id).await?;
    if near.is_empty() {
        bail!("there is no customer {id:?}: there are no customers at all yet");
    }
    let alike: Vec<&str> = near
        .iter()
        .filter(|(steps, _)| *steps <= id.chars().count() / 2)
        .map(|(_, id)| id.as_str())
        .collect();
    let alike = if alike.is_empty() { String::new() } else { format!("; nearest: {}", alike.join(", ")) };
    bail!(
        "there is no customer {id:?}{alike}. An id is a userId as the shop sends it, or {ANONYMOUS_PREFIX} and an anonymousId"
    )
}

/// Returns the ids most alike among the first rows of each partition, with how many steps they are away.
async fn nearest(ports: &Ports, id: &str) -> Result<Vec<(usize, String)>> {
    let mut near: Vec<(usize, String)> = Vec::new();
    for partition in (0..ports.source.partitions()).map(PartitionId) {
        let (mut from, mut seen) = (None, 0);
        loop {
            let page = ports.store.scan_rows(partition, from, PAGE).await.context("failed to read rows")?;
            seen += page.rows.len();
            near.extend(page.rows.iter().map(|row| {
                let known = row.customer.as_str();
                (osa_distance(known, id), known.to_owned())
            }));
            near.sort_unstable();
            near.truncate(SUGGESTED);
            match page.next {
                Some(next) if seen < LOOKED_AT_MAX => from = Some(next),
                Some(_) | None => break,
            }
        }
    }
    Ok(near)
}
