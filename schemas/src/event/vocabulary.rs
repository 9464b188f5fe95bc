//! Names: the e-commerce vocabulary v2, our extensions, and the names that other dialects use for the same things.
//!
//! A sender's name is made canonical at the border; what no table knows stays as sent and is usable in triggers all the same.
//! Source: Segment's e-commerce specification v2 and its v1 names; Google Analytics 4 recommended events.

use smol_str::SmolStr;

/// Canonical names, sorted by what they are about. The second column lists what else is said for it.
const EVENTS: [(&str, &[&str]); 53] = [
    ("Products Searched", &["search", "view_search_results", "Searched Products"]),
    ("Product List Viewed", &["view_item_list", "Viewed Product Category"]),
    ("Product List Filtered", &["Filtered Product List"]),
    ("Promotion Viewed", &["view_promotion", "Viewed Promotion"]),
    ("Promotion Clicked", &["select_promotion", "Clicked Promotion"]),
    ("Product Clicked", &["select_item", "Clicked Product"]),
    ("Product Viewed", &["view_item", "Viewed Product"]),
    ("Product Added", &["add_to_cart", "Added Product"]),
    ("Product Removed", &["remove_from_cart", "Removed Product"]),
    ("Cart Viewed", &["view_cart", "Viewed Cart"]),
    ("Cart Cleared", &[]),
    ("Checkout Started", &["begin_checkout", "Started Checkout", "Started Order"]),
    ("Checkout Step Viewed", &["Viewed Checkout Step"]),
    ("Checkout Step Completed", &["add_shipping_info", "Completed Checkout Step"]),
    ("Payment Info Entered", &["add_payment_info", "Entered Payment Info"]),
    ("Order Completed", &["purchase", "Completed Order", "order_placed"]),
    ("Order Updated", &["Updated Order"]),
    ("Order Refunded", &["refund", "Refunded Order"]),
    ("Order Cancelled", &["Order Canceled", "Cancelled Order", "Canceled Order"]),
    ("Coupon Entered", &["Entered Coupon"]),
    ("Coupon Applied", &["Applied Coupon"]),
    ("Coupon Denied", &["Denied Coupon"]),
    ("Coupon Removed", &["Removed Coupon"]),
    ("Product Added to Wishlist", &["add_to_wishlist", "Added Product to Wishlist"]),
    ("Product Removed from Wishlist", &["Removed Product from Wishlist"]),
    ("Wishlist Product Added to Cart", &["Added Wishlist Product to Cart"]),
    ("Product Shared", &["share", "Shared Product"]),
    ("Cart Shared", &["Shared Cart"]),
    ("Product Reviewed", &["Reviewed Product"]),
    // Extensions: what the vocabulary lacks and a care engine needs.
    ("Order Item Added", &[]),
    ("Order Shipped", &["Shipped Order"]),
    ("Order Delivered", &["Delivered Order"]),
    ("Delivery Late", &["Delivery Delayed", "Order Delayed"]),
    ("Payment Failed", &["payment_error", "Failed Payment"]),
    ("Return Requested", &["Requested Return"]),
    ("Case Opened", &["Ticket Opened", "Ticket Created"]),
    ("Case Closed", &["Ticket Closed", "Ticket Solved"]),
    ("Consent Granted", &["Subscribed", "Opted In"]),
    ("Consent Denied", &["Unsubscribed", "Opted Out"]),
    ("Session Ended", &[]),
    // Calls without a name of their own.
    ("Page Viewed", &["page_view", "$pageview", "Viewed Page"]),
    ("Screen Viewed", &["screen_view", "Viewed Screen"]),
    ("Identified", &[]),
    ("Grouped", &[]),
    ("Aliased", &[]),
    ("Signed Up", &["sign_up", "User Registered", "Account Created"]),
    ("Signed In", &["login", "User Logged In", "Logged In"]),
    ("Signed Out", &["logout", "Logged Out"]),
    ("Message Opened", &["Email Opened", "Push Notification Tapped"]),
    ("Message Clicked", &["Email Link Clicked"]),
    ("Message Delivered", &["Email Delivered"]),
    ("Message Bounced", &["Email Bounced"]),
    ("Message Replied", &[]),
];

/// Property names of other dialects, and what they are called here.
const PROPERTIES: [(&str, &str); 13] = [
    ("transaction_id", "order_id"),
    ("orderId", "order_id"),
    ("checkoutId", "checkout_id"),
    ("cartId", "cart_id"),
    ("items", "products"),
    ("item_id", "product_id"),
    ("productId", "product_id"),
    ("item_name", "name"),
    ("item_category", "category"),
    ("item_variant", "variant"),
    ("item_brand", "brand"),
    ("search_term", "query"),
    ("orderValue", "revenue"),
];

/// Returns every canonical name.
pub fn names() -> impl Iterator<Item = &'static str> {
    EVENTS.iter().map(|(name, _)| *name)
}

/// Returns true when `name` is canonical.
pub fn is_known(name: &str) -> bool {
    names().any(|known| known == name)
}

/// Returns the canonical name of what a sender calls `name`: itself, its snake case, or another dialect's word; else `name`.
pub fn canonical(name: &str) -> SmolStr {
    let known = EVENTS.iter().find(|(known, others)| {
        *known == name
            || others.contains(&name)
            || is_plain_form(known, name)
            || others.iter().any(|o| is_plain_form(o, name))
    });
    SmolStr::new(known.map_or(name, |(known, _)| known))
}

/// Returns true when `name` is `known` in lower or snake case: `product_added`, `product added`.
fn is_plain_form(known: &str, name: &str) -> bool {
    known.len() == name.len()
        && known.bytes().zip(name.bytes()).all(|(k, n)| match k {
            b' ' => matches!(n, b' ' | b'_' | b'-'),
            _ => n == k.to_ascii_lowercase(),
        })
}

/// Returns what a property of another dialect is called here.
pub fn property(name: &str) -> Option<&'static str> {
    PROPERTIES.iter().find(|(theirs, _)| *theirs == name).map(|(_, ours)| *ours)
}

/// Returns what a property means inside a product line alone: there a bare `id` is the product's.
pub fn line_property(name: &str) -> Option<&'static str> {
    (name == "id").then_some("product_id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dialects_mean_the_same() {
        for (said, meant) in [
            ("Product Added", "Product Added"),
            ("product_added", "Product Added"),
            ("add_to_cart", "Product Added"),
            ("Added Product", "Product Added"),
            ("purchase", "Order Completed"),
            ("order completed", "Order Completed"),
            ("Order Canceled", "Order Cancelled"),
            ("view_item", "Product Viewed"),
            ("Gift Wrapped", "Gift Wrapped"),
            ("优惠券", "优惠券"),
        ] {
            assert_eq!(canonical(said), meant, "{said}");
        }
    }

    #[test]
    fn no_name_means_two_things() {
        for (name, others) in EVENTS {
            for said in others.iter().chain([&name]) {
                assert_eq!(canonical(said), name, "{said}");
            }
        }
    }
}
