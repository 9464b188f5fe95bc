//! UCI Online Retail: one line of an invoice per row. A line of an invoice is a line of an order, one of a credit note (C) cancels.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use schemas::money::Currency;
use schemas::time::Timestamp;

use super::body::{Body, Call};
use super::field::{Columns, LastTime, bad_value, decimal, expect_header, whole};
use super::{Convert, Converted, Draft, Head, Home, RowId, Skipped, user};

/// The columns, as the first of the two published files names them.
const COLUMNS: [&str; 8] = [
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
];

/// The same, as the second names them.
const COLUMNS_II: [&str; 8] =
    ["Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID", "Country"];

/// Where the shop is: its invoices carry local time, and its prices are in pounds.
pub(super) const HOME: Home = Home { zone: "Europe/London", currency: Currency(*b"GBP") };

/// Converts lines of invoices.
pub struct Invoices {
    columns: Columns,
    time: LastTime,
    zone: TimeZone,
}

impl Default for Invoices {
    fn default() -> Self {
        Self { columns: Columns::default(), time: LastTime::default(), zone: HOME.zone() }
    }
}

impl Convert for Invoices {
    fn head(&self, lines: &[&[u8]]) -> Result<Head, String> {
        expect_header(lines, b',', &COLUMNS_II).or_else(|_| expect_header(lines, b',', &COLUMNS))
    }

    fn convert(&mut self, row: &[u8], id: &RowId, body: &mut Vec<u8>) -> Converted {
        self.line(row, id, body).into()
    }
}

impl Invoices {
    fn line(&mut self, row: &[u8], id: &RowId, body: &mut Vec<u8>) -> Result<Draft, Converted> {
        let columns = self.columns.split(row, b',')?;
        let [invoice, product, name, quantity, date, price, customer, country] = columns.map(str::trim);
        // One of the published copies has the ids as decimal numbers.
        let customer = user("CustomerID", customer.strip_suffix(".0").unwrap_or(customer))?;
        let at = self.time.at("InvoiceDate", date, |text| instant(text, &self.zone))?;
        let quantity = whole("Quantity", quantity)?;
        let price = decimal("UnitPrice", price)?;
        let (call, key) = match invoice.bytes().next() {
            Some(b'C' | b'c') => (Call::Track("Order Cancelled"), "cancellation_id"),
            Some(b'A' | b'a') => return Err(Converted::Skipped(Skipped::Adjustment)),
            Some(_) if price.starts_with('-') => return Err(Converted::Skipped(Skipped::Adjustment)),
            Some(_) if quantity <= 0 => return Err(Converted::Skipped(Skipped::StockMovement)),
            Some(_) => (Call::Track("Order Item Added"), "order_id"),
            None => return Err(bad_value("InvoiceNo", invoice, "the number of an invoice").into()),
        };
        Body::begin(body, call, id, (&customer, at))
            .text(key, invoice)
            .text("product_id", product)
            .text("name", name)
            .number("quantity", quantity.saturating_abs())
            .digits("price", price)
            .text("currency", HOME.currency.as_str())
            .text("country", country)
            .end();
        Ok(Draft { customer, at, anonymous: None })
    }
}

/// Returns the instant of a local time; of one that an autumn night has twice the first, of one that a spring night lacks what the
/// clock showed an hour later.
fn instant(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let local: DateTime = text.parse().ok()?;
    Some(Timestamp(zone.to_timestamp(local).ok()?.as_millisecond()))
}
