//! Names: the e-commerce vocabulary v2, our extensions, and what other dialects call the same things.
//!
//! A sender's name is made canonical at the border; what no table knows stays as sent and is usable in triggers all the same. Letter
//! case, blanks, underscores and hyphens make no difference: `product_added`, `ProductAdded` and `Product Added` are one name.
//! Source: Segment's e-commerce specification v2 and its v1 names; Google Analytics 4 recommended events; Klaviyo's, Shopify's and
//! Meta's standard events.

mod lookup;
mod property;

use smol_str::SmolStr;

pub use property::{line_property, property};

/// Makes the closed list of names from one table: variant, canonical name, what else is said for it.
macro_rules! vocabulary {
    ($($(#[$doc:meta])* $known:ident = $name:literal $(| $other:literal)*,)*) => {
        /// An event that the engine knows by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Known { $($(#[$doc])* $known,)* }

        impl Known {
            /// Every known event, in the order of the enum.
            pub const ALL: &[Known] = &[$(Known::$known,)*];

            /// Returns the canonical name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Known::$known => $name,)* }
            }
        }

        /// Every spelling with what it means.
        const SPELLINGS: &[(&str, Known)] =
            &[$(($name, Known::$known), $(($other, Known::$known),)*)*];
    };
}

vocabulary! {
    /// The shopper searched the shop.
    ProductsSearched = "Products Searched" | "search" | "view_search_results" | "Searched Products" | "search_submitted",
    /// The shopper saw a list or category.
    ProductListViewed = "Product List Viewed" | "view_item_list" | "Viewed Product Category" | "Viewed Product List"
        | "collection_viewed" | "Viewed Category",
    /// The shopper filtered a list.
    ProductListFiltered = "Product List Filtered" | "Filtered Product List",
    /// The shopper saw a promotion.
    PromotionViewed = "Promotion Viewed" | "view_promotion" | "Viewed Promotion",
    /// The shopper clicked a promotion.
    PromotionClicked = "Promotion Clicked" | "select_promotion" | "Clicked Promotion",
    /// The shopper clicked a product in a list.
    ProductClicked = "Product Clicked" | "select_item" | "Clicked Product",
    /// The shopper saw a product.
    ProductViewed = "Product Viewed" | "view_item" | "Viewed Product" | "ViewContent" | "Viewed Item",
    /// A product came into the cart.
    ProductAdded = "Product Added" | "add_to_cart" | "Added Product" | "Added to Cart" | "product_added_to_cart",
    /// A product left the cart.
    ProductRemoved = "Product Removed" | "remove_from_cart" | "Removed Product" | "Removed from Cart"
        | "product_removed_from_cart",
    /// The shopper saw the cart.
    CartViewed = "Cart Viewed" | "view_cart" | "Viewed Cart",
    /// The cart was emptied. An extension.
    CartCleared = "Cart Cleared" | "Cleared Cart" | "Cart Emptied",
    /// The shopper began to check out.
    CheckoutStarted = "Checkout Started" | "begin_checkout" | "Started Checkout" | "Started Order" | "InitiateCheckout",
    /// The shopper saw a step of the checkout.
    CheckoutStepViewed = "Checkout Step Viewed" | "Viewed Checkout Step",
    /// The shopper completed a step of the checkout.
    CheckoutStepCompleted = "Checkout Step Completed" | "add_shipping_info" | "Completed Checkout Step"
        | "checkout_shipping_info_submitted" | "checkout_address_info_submitted" | "checkout_contact_info_submitted",
    /// The shopper entered payment data.
    PaymentInfoEntered = "Payment Info Entered" | "add_payment_info" | "Entered Payment Info" | "payment_info_submitted",
    /// A payment was refused. An extension.
    PaymentFailed = "Payment Failed" | "payment_error" | "Failed Payment" | "Payment Declined",
    /// An order was placed.
    OrderCompleted = "Order Completed" | "purchase" | "Completed Order" | "Placed Order" | "Order Placed"
        | "checkout_completed",
    /// A line came to an order, or made it. An extension.
    OrderItemAdded = "Order Item Added" | "Ordered Product" | "Added Order Item",
    /// An order changed.
    OrderUpdated = "Order Updated" | "Updated Order",
    /// Money was given back.
    OrderRefunded = "Order Refunded" | "refund" | "Refunded Order",
    /// An order was called off, whole or by line.
    OrderCancelled = "Order Cancelled" | "Order Canceled" | "Cancelled Order" | "Canceled Order",
    /// An order left the shop. An extension.
    OrderShipped = "Order Shipped" | "Shipped Order" | "Fulfilled Order" | "Order Fulfilled",
    /// An order reached the customer. An extension.
    OrderDelivered = "Order Delivered" | "Delivered Order",
    /// A promised delivery day passed or moved. An extension.
    DeliveryLate = "Delivery Late" | "Delivery Delayed" | "Order Delayed",
    /// The customer wants to send something back. An extension.
    ReturnRequested = "Return Requested" | "Requested Return",
    /// The shopper typed a coupon.
    CouponEntered = "Coupon Entered" | "Entered Coupon",
    /// A coupon was taken.
    CouponApplied = "Coupon Applied" | "Applied Coupon",
    /// A coupon was refused.
    CouponDenied = "Coupon Denied" | "Denied Coupon",
    /// A coupon was taken away.
    CouponRemoved = "Coupon Removed" | "Removed Coupon",
    /// A product came onto the wish list.
    ProductAddedToWishlist = "Product Added to Wishlist" | "add_to_wishlist" | "Added Product to Wishlist"
        | "Added to Wishlist",
    /// A product left the wish list.
    ProductRemovedFromWishlist = "Product Removed from Wishlist" | "Removed Product from Wishlist" | "remove_from_wishlist",
    /// A product went from the wish list into the cart.
    WishlistProductAddedToCart = "Wishlist Product Added to Cart" | "Added Wishlist Product to Cart",
    /// The shopper shared a product.
    ProductShared = "Product Shared" | "share" | "Shared Product",
    /// The shopper shared the cart.
    CartShared = "Cart Shared" | "Shared Cart",
    /// The customer reviewed a product.
    ProductReviewed = "Product Reviewed" | "Reviewed Product" | "Submitted Review" | "Review Submitted",
    /// A case or complaint was opened. An extension.
    CaseOpened = "Case Opened" | "Ticket Opened" | "Ticket Created" | "Opened Ticket",
    /// A case was closed. An extension.
    CaseClosed = "Case Closed" | "Ticket Closed" | "Ticket Solved" | "Closed Ticket",
    /// The customer agreed to be contacted. An extension.
    ConsentGranted = "Consent Granted" | "Subscribed" | "Opted In",
    /// The customer refused to be contacted. An extension.
    ConsentDenied = "Consent Denied" | "Unsubscribed" | "Opted Out",
    /// A session ended; the profile derives it from silence. An extension.
    SessionEnded = "Session Ended",
    /// A web page was seen: the name of every page call.
    PageViewed = "Page Viewed" | "page_view" | "$pageview" | "Viewed Page",
    /// An app screen was seen: the name of every screen call.
    ScreenViewed = "Screen Viewed" | "screen_view" | "Viewed Screen",
    /// Something was said about the customer: the name of every identify call.
    Identified = "Identified",
    /// The customer belongs to a group: the name of every group call.
    Grouped = "Grouped",
    /// An anonymous id belongs to the customer: the name of every alias call.
    Aliased = "Aliased",
    /// The customer opened an account.
    SignedUp = "Signed Up" | "sign_up" | "User Registered" | "Account Created" | "CompleteRegistration",
    /// The customer signed in.
    SignedIn = "Signed In" | "login" | "User Logged In" | "Logged In",
    /// The customer signed out.
    SignedOut = "Signed Out" | "logout" | "Logged Out" | "User Logged Out",
    /// The shop's engine sent an outreach. An extension.
    OutreachSent = "Outreach Sent",
    /// The shop's engine held an outreach back, for a control arm. An extension.
    OutreachWithheld = "Outreach Withheld",
    /// A message reached the customer.
    MessageDelivered = "Message Delivered" | "Email Delivered" | "Received Email",
    /// A message could not be delivered.
    MessageBounced = "Message Bounced" | "Email Bounced" | "Bounced Email",
    /// The customer opened a message.
    MessageOpened = "Message Opened" | "Email Opened" | "Opened Email" | "Push Notification Tapped",
    /// The customer followed a link of a message.
    MessageClicked = "Message Clicked" | "Email Link Clicked" | "Clicked Email",
    /// The customer answered a message.
    MessageReplied = "Message Replied" | "Email Replied",
}

impl Known {
    /// Returns the event that a sender means by `name`, in whatever dialect.
    pub fn of(name: &str) -> Option<Self> {
        lookup::find(name)
    }
}

/// Returns the canonical name of what a sender calls `name`; what is unknown stays as it is.
pub fn canonical(name: &str) -> SmolStr {
    Known::of(name).map_or_else(|| SmolStr::new(name), |known| SmolStr::new_static(known.as_str()))
}

/// Returns every canonical name.
pub fn names() -> impl Iterator<Item = &'static str> {
    Known::ALL.iter().map(|known| known.as_str())
}

/// Returns true when `name` is canonical.
pub fn is_known(name: &str) -> bool {
    Known::of(name).is_some_and(|known| known.as_str() == name)
}

#[cfg(test)]
mod tests;
