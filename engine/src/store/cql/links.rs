//! Links: from an e-mail address, a phone number or an order to customers; inserted only.

use std::ops::ControlFlow;

use actors::metrics::StoreOperation;
use actors::port::store::{Error, Links, Written};
use schemas::customer::{Link, LinkKind};
use schemas::ids::CustomerId;

use super::batch::Weighed;
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

/// A link as it is bound: kind, hash, customer, time to live.
type Bound<'a> = (i8, [u8; 16], &'a str, i32);

impl Weighed for Bound<'_> {
    fn bytes(&self) -> usize {
        self.1.len() + self.2.len()
    }
}

impl Inner {
    pub(super) async fn add_links(&self, links: Vec<Links>) -> Result<Written, Error> {
        let bound = links.iter().flat_map(Links::each).map(|(link, customer)| {
            let (kind, hash) = key(link);
            (kind, hash, customer.as_str(), self.ttl.link)
        });
        self.gather(StoreOperation::AddLinks, &self.statements.add_link, bound.collect()).await?;
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
