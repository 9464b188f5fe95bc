//! The tables, dialect by dialect.

use super::*;

/// The e-commerce specification v2, whole.
const SPECIFICATION: [&str; 28] = [
    "Products Searched",
    "Product List Viewed",
    "Product List Filtered",
    "Promotion Viewed",
    "Promotion Clicked",
    "Product Clicked",
    "Product Viewed",
    "Product Added",
    "Product Removed",
    "Cart Viewed",
    "Checkout Started",
    "Checkout Step Viewed",
    "Checkout Step Completed",
    "Payment Info Entered",
    "Order Completed",
    "Order Updated",
    "Order Refunded",
    "Order Cancelled",
    "Coupon Entered",
    "Coupon Applied",
    "Coupon Denied",
    "Coupon Removed",
    "Product Added to Wishlist",
    "Product Removed from Wishlist",
    "Wishlist Product Added to Cart",
    "Product Shared",
    "Cart Shared",
    "Product Reviewed",
];

fn check(table: &[(&str, &str)]) {
    for (said, meant) in table {
        assert_eq!(canonical(said), *meant, "{said}");
    }
}

#[test]
fn the_specification_is_known_by_its_own_names() {
    for name in SPECIFICATION {
        assert!(is_known(name), "{name}");
        assert_eq!(canonical(name), name);
    }
}

#[test]
fn every_spelling_means_its_event_in_every_form() {
    for (said, known) in SPELLINGS {
        let forms = [
            (*said).to_owned(),
            said.to_lowercase(),
            said.to_uppercase(),
            said.replace(' ', "_").to_lowercase(),
            said.replace(' ', "-"),
            said.replace(' ', ""),
        ];
        for form in forms {
            assert_eq!(Known::of(&form), Some(*known), "{form}");
        }
    }
}

#[test]
fn google_analytics_4_is_understood() {
    check(&[
        ("search", "Products Searched"),
        ("view_search_results", "Products Searched"),
        ("view_item_list", "Product List Viewed"),
        ("view_promotion", "Promotion Viewed"),
        ("select_promotion", "Promotion Clicked"),
        ("select_item", "Product Clicked"),
        ("view_item", "Product Viewed"),
        ("add_to_cart", "Product Added"),
        ("remove_from_cart", "Product Removed"),
        ("view_cart", "Cart Viewed"),
        ("begin_checkout", "Checkout Started"),
        ("add_shipping_info", "Checkout Step Completed"),
        ("add_payment_info", "Payment Info Entered"),
        ("purchase", "Order Completed"),
        ("refund", "Order Refunded"),
        ("add_to_wishlist", "Product Added to Wishlist"),
        ("share", "Product Shared"),
        ("sign_up", "Signed Up"),
        ("login", "Signed In"),
        ("page_view", "Page Viewed"),
        ("screen_view", "Screen Viewed"),
    ]);
}

#[test]
fn the_first_version_of_the_specification_is_understood() {
    check(&[
        ("Viewed Product Category", "Product List Viewed"),
        ("Viewed Product", "Product Viewed"),
        ("Added Product", "Product Added"),
        ("Removed Product", "Product Removed"),
        ("Viewed Promotion", "Promotion Viewed"),
        ("Clicked Promotion", "Promotion Clicked"),
        ("Searched Products", "Products Searched"),
        ("Started Order", "Checkout Started"),
        ("Viewed Checkout Step", "Checkout Step Viewed"),
        ("Completed Checkout Step", "Checkout Step Completed"),
        ("Updated Order", "Order Updated"),
        ("Completed Order", "Order Completed"),
        ("Refunded Order", "Order Refunded"),
    ]);
}

#[test]
fn mail_tools_shops_and_pixels_are_understood() {
    check(&[
        ("Placed Order", "Order Completed"),
        ("Ordered Product", "Order Item Added"),
        ("Fulfilled Order", "Order Shipped"),
        ("Added to Cart", "Product Added"),
        ("product_added_to_cart", "Product Added"),
        ("checkout_completed", "Order Completed"),
        ("collection_viewed", "Product List Viewed"),
        ("AddToCart", "Product Added"),
        ("ViewContent", "Product Viewed"),
        ("InitiateCheckout", "Checkout Started"),
        ("Order Canceled", "Order Cancelled"),
    ]);
}

#[test]
fn what_no_table_knows_stays_as_sent() {
    for name in ["Gift Wrapped", "优惠券", "product", "", "___", "Product  Addedd", "ORDER"] {
        assert_eq!(Known::of(name), None, "{name}");
        assert_eq!(canonical(name), name);
    }
}

#[test]
fn properties_of_other_dialects_have_one_name() {
    for (said, meant) in [
        ("transaction_id", "order_id"),
        ("orderId", "order_id"),
        ("cartId", "cart_id"),
        ("items", "products"),
        ("line_items", "products"),
        ("item_id", "product_id"),
        ("productId", "product_id"),
        ("item_name", "name"),
        ("item_category", "category"),
        ("item_brand", "brand"),
        ("item_variant", "variant"),
        ("search_term", "query"),
        ("currencyCode", "currency"),
        ("qty", "quantity"),
        ("unit_price", "price"),
    ] {
        assert_eq!(property(said), Some(meant), "{said}");
        assert_eq!(property(meant), None, "{meant} is ours");
    }
    assert_eq!(property("colour"), None);
    assert_eq!((line_property("id"), property("id")), (Some("product_id"), None));
}
