//! Names of properties in other dialects, and what they are called here.

/// Returns what a property of another dialect is called here.
pub fn property(name: &str) -> Option<&'static str> {
    Some(match name {
        "transaction_id" | "transactionId" | "orderId" | "order_number" | "orderNumber" => "order_id",
        "checkoutId" => "checkout_id",
        "cartId" | "basket_id" | "basketId" | "cart_token" => "cart_id",
        "items" | "line_items" | "lineItems" => "products",
        "item_id" | "productId" | "content_id" => "product_id",
        "item_name" | "product_name" | "productName" => "name",
        "item_category" | "product_category" | "productCategory" => "category",
        "item_variant" => "variant",
        "item_brand" => "brand",
        "item_list_id" => "list_id",
        "unit_price" | "unitPrice" | "item_price" | "itemPrice" => "price",
        "qty" => "quantity",
        "search_term" | "searchTerm" | "search_string" | "search_query" => "query",
        "currency_code" | "currencyCode" => "currency",
        "orderValue" | "order_value" | "order_total" | "total_price" | "totalPrice" => "total",
        "stars" => "rating",
        _ => return None,
    })
}

/// Returns what a property means inside a product line alone: there a bare `id` is the product's.
pub fn line_property(name: &str) -> Option<&'static str> {
    (name == "id").then_some("product_id")
}
