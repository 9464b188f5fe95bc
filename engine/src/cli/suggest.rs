//! Finding a customer by what a person types: for an unknown id the nearest ones there are are named.

use actors::port::Ports;
use anyhow::{Context, Result, bail};
use schemas::ids::{ANONYMOUS_PREFIX, CustomerId, PartitionId};
use strsim::osa_distance;

use crate::known::{Found, Led, find, read};

/// Rows of one read.
const PAGE: usize = 1_000;

/// Rows of each partition that are looked at for the nearest id.
const LOOKED_AT_MAX: usize = 20_000;

/// Ids that are suggested.
const SUGGESTED: usize = 3;

/// Returns the customer that `id` leads to.
///
/// Errors: nobody has that id; the message names ids that are alike.
pub async fn find_or_suggest(ports: &Ports, id: &str) -> Result<Found> {
    match find(ports, id).await? {
        Led::To(found) => Ok(*found),
        Led::ToNoRow { alias, user } => {
            bail!("{alias} is an alias of {user}, of whom no row is stored yet")
        }
        Led::Nowhere => unknown(ports, id).await,
    }
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
