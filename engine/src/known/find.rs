//! Finding a customer by its id: an alias leads to its user.

use actors::port::Ports;
use anyhow::{Context, Result};
use schemas::customer::Customer;
use schemas::ids::{CustomerId, PartitionId};

/// A customer, and how it was found.
pub struct Found {
    /// The row.
    pub customer: Customer,
    /// The anonymous id that led there, when it is an alias.
    pub alias: Option<CustomerId>,
}

/// Where an id leads.
pub enum Led {
    /// To a customer.
    To(Box<Found>),
    /// To a user of whom no row is stored yet.
    ToNoRow {
        /// The id, an alias.
        alias: CustomerId,
        /// Whose.
        user: CustomerId,
    },
    /// To nobody.
    Nowhere,
}

/// Returns where `id` leads.
///
/// Errors: the store does not answer, or holds a row that cannot be understood.
pub async fn find(ports: &Ports, id: &str) -> Result<Led> {
    let asked = CustomerId::user(id);
    let Some(customer) = read(ports, &asked).await? else { return Ok(Led::Nowhere) };
    let Some(user) = customer.alias_of().cloned() else {
        return Ok(Led::To(Box::new(Found { customer, alias: None })));
    };
    Ok(match read(ports, &user).await? {
        Some(customer) => Led::To(Box::new(Found { customer, alias: Some(asked) })),
        None => Led::ToNoRow { alias: asked, user },
    })
}

/// Returns the row of an id as it is stored.
///
/// Errors: as [`find`].
pub async fn read(ports: &Ports, id: &CustomerId) -> Result<Option<Customer>> {
    let partition = PartitionId::of(id.as_str(), ports.source.partitions());
    let row = ports.store.read_row(partition, id.clone()).await;
    let row = row.with_context(|| format!("failed to read the row of {id}"))?;
    row.map(|row| Customer::decode(&row.state))
        .transpose()
        .with_context(|| format!("failed to understand the row of {id}"))
}
