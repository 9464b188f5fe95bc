//! Links: from an e-mail address, a phone number or an order to customers; inserted only.

use std::ops::ControlFlow;

use actors::metrics::StoreOperation;
use actors::port::store::{Error, Written};
use futures_util::future;
use schemas::customer::{Link, LinkKind};
use schemas::ids::CustomerId;

use super::{Inner, limit};

/// Returns the key of a value; the number of a kind is never changed.
fn key(link: Link) -> (i8, [u8; 16]) {
    let kind = match link.kind {
        LinkKind::Email => 0,
        LinkKind::Phone => 1,
        LinkKind::Order => 2,
    };
    (kind, link.hash.to_be_bytes())
}

impl Inner {
    pub(super) async fn add_links(&self, customer: CustomerId, links: Vec<Link>) -> Result<Written, Error> {
        let (calls, of) = (&self.calls, &self.statements.add_link);
        let added = links.into_iter().map(|link| {
            let (kind, hash) = key(link);
            calls.execute(StoreOperation::AddLinks, of, (kind, hash, customer.as_str(), self.ttl.link))
        });
        let added = future::join_all(added).await;
        added.into_iter().try_for_each(|added| added.map(drop))?;
        Ok(self.written())
    }

    pub(super) async fn find_links(&self, link: Link, max: usize) -> Result<Vec<CustomerId>, Error> {
        let mut found = Vec::new();
        if max == 0 {
            return Ok(found);
        }
        let (kind, hash) = key(link);
        let asked = (&self.statements.find_links, (kind, hash, limit(max)));
        let take = |(customer,): (String,)| {
            found.push(CustomerId::user(&customer));
            Ok(ControlFlow::Continue(()))
        };
        self.calls.read_pages(StoreOperation::FindLinks, asked, take).await?;
        Ok(found)
    }
}
