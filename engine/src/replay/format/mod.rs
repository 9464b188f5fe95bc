//! The formats that a replay reads: one file each, with the converter of its rows. A new one is a file, an arm of [`Format`] and one in
//! [`Format::converter`].
//!
//! A converter judges one row by itself: it makes an event of it, rejects it with what is wrong, or skips it with why it is nobody's
//! event. It counts nothing, knows no file and no clock.

mod body;
mod field;

mod eshop;
mod otto;
mod retail;
mod segment;
mod zanbil;

use jiff::tz::TimeZone;
use schemas::event::{Border, ID_MAX, RejectReason, Rejection, names_nobody};
use schemas::ids::{ANONYMOUS_PREFIX, CustomerId};
use schemas::money::Currency;
use schemas::time::Timestamp;
use smol_str::format_smolstr;

pub use super::row::RowId;

/// Lines at the beginning of a file by which its format is checked.
pub const HEAD_LINES: usize = 20;

/// What the files of a replay hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Format {
    /// One Segment call per line.
    SegmentJsonl,
    /// UCI Online Retail (I and II): one line of an invoice per row.
    UciOnlineRetail,
    /// UCI e-shop clothing: one click of a session per row, days without a time.
    UciEshop,
    /// OTTO: one session per line, its events inside.
    Otto,
    /// The access log of zanbil.ir: one request per row.
    Zanbil,
}

/// Where a shop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home {
    /// Zone in which its days begin, an IANA name.
    pub zone: &'static str,
    /// Currency of its prices.
    pub currency: Currency,
}

impl Home {
    /// Returns the zone.
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(self.zone).expect("the bundled database has the zone of a known shop")
    }
}

/// In which order the events of a file are replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they stand in the file: a line is a row.
    AsWritten,
    /// Ordered by time first; what happens at one time stays as it stands in the file. A line may hold many rows, and equal rows
    /// have equal times.
    ByTime,
}

/// How a file begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// With a line that names the columns.
    Header,
    /// With its first row.
    Row,
}

/// What becomes of a row.
#[derive(Debug, PartialEq)]
pub enum Converted {
    /// It is an event.
    Event(Draft),
    /// It is no event that the format can have.
    Rejected(Refusal),
    /// It is good, and no customer's event.
    Skipped(Skipped),
}

/// An event, whose body has been written.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Whose it is: the record's key.
    pub customer: CustomerId,
    /// When it happened; far ahead of every clock when the row does not say.
    pub at: Timestamp,
    /// The anonymous id that it names beside a user's: a merge is asked for.
    pub anonymous: Option<CustomerId>,
}

/// Why a row is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For counting.
    pub reason: Rejected,
    /// What is wrong with it, and what would be legal.
    pub message: String,
}

/// Short names of why a row is rejected. The list is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// The engine takes no such event.
    Border(RejectReason),
    /// Bytes that are no UTF-8.
    NotUtf8,
    /// More or fewer columns than the header names.
    WrongColumns,
    /// A column holds no number where it should.
    BadNumber,
    /// A column holds what the format does not know.
    BadValue,
}

/// Short names of why a good row is no customer's event. The list is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// The line holds nothing.
    BlankLine,
    /// The books were put right; the customer did nothing.
    Adjustment,
    /// The stock was put right; the customer did nothing.
    StockMovement,
    /// A picture, script or style sheet of a page.
    Asset,
    /// A request of the shop's staff.
    BackOffice,
    /// A request of a robot.
    Bot,
    /// A request of a program that is no browser.
    OtherAgent,
    /// A request for a page that says nothing about shopping.
    OtherRoute,
    /// The shop sent the visitor on to another page, which is a row of its own.
    Redirect,
    /// The shop did not answer the request.
    Failed,
}

/// Makes events of the rows of one file.
pub trait Convert: Send {
    /// Returns in which order the events of a file are replayed.
    fn order(&self) -> Order {
        Order::AsWritten
    }

    /// Returns how a file begins whose first lines are these, without blank ones.
    ///
    /// Errors: it is no file of this format; what was found and what was expected, in words.
    fn head(&self, lines: &[&[u8]]) -> Result<Head, String>;

    /// Hands on the rows of a line; only asked of formats that are ordered by time.
    ///
    /// Errors: the line as a whole is no row.
    fn split(&mut self, line: &[u8], each: &mut dyn FnMut(&[u8])) -> Result<(), Refusal> {
        each(line);
        Ok(())
    }

    /// Judges a row, and appends the body of its event to `body`. What was appended for a row that is no event is dropped.
    fn convert(&mut self, row: &[u8], id: &RowId, body: &mut Vec<u8>) -> Converted;
}

impl Format {
    /// Returns the name used on the command line and in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::SegmentJsonl => "segment-jsonl",
            Format::UciOnlineRetail => "uci-online-retail",
            Format::UciEshop => "uci-eshop",
            Format::Otto => "otto",
            Format::Zanbil => "zanbil",
        }
    }

    /// Returns where the one shop is whose files have this format; none for a format of many shops.
    pub fn home(self) -> Option<Home> {
        match self {
            Format::UciOnlineRetail => Some(retail::HOME),
            Format::SegmentJsonl | Format::UciEshop | Format::Otto | Format::Zanbil => None,
        }
    }

    /// Returns the converter of one file.
    pub fn converter(self, border: &Border) -> Box<dyn Convert> {
        match self {
            Format::SegmentJsonl => Box::new(segment::Calls::new(border)),
            Format::UciOnlineRetail => Box::<retail::Invoices>::default(),
            Format::UciEshop => Box::<eshop::Clicks>::default(),
            Format::Otto => Box::new(otto::Sessions),
            Format::Zanbil => Box::<zanbil::Requests>::default(),
        }
    }
}

impl Rejected {
    /// Returns the name used in summaries.
    pub fn as_str(self) -> &'static str {
        match self {
            Rejected::Border(reason) => reason.as_str(),
            Rejected::NotUtf8 => "not_utf8",
            Rejected::WrongColumns => "wrong_columns",
            Rejected::BadNumber => "bad_number",
            Rejected::BadValue => "bad_value",
        }
    }
}

impl Skipped {
    /// Returns the name used in summaries.
    pub fn as_str(self) -> &'static str {
        match self {
            Skipped::BlankLine => "blank_line",
            Skipped::Adjustment => "adjustment",
            Skipped::StockMovement => "stock_movement",
            Skipped::Asset => "asset",
            Skipped::BackOffice => "back_office",
            Skipped::Bot => "bot",
            Skipped::OtherAgent => "other_agent",
            Skipped::OtherRoute => "other_route",
            Skipped::Redirect => "redirect",
            Skipped::Failed => "failed",
        }
    }
}

impl Refusal {
    /// Returns the refusal of a row.
    pub fn new(reason: Rejected, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::new(Rejected::Border(rejection.reason), rejection.to_string())
    }
}

impl From<Refusal> for Converted {
    fn from(refusal: Refusal) -> Self {
        Converted::Rejected(refusal)
    }
}

/// Lets a converter return early with what a row is instead of an event.
impl From<Result<Draft, Converted>> for Converted {
    fn from(result: Result<Draft, Converted>) -> Self {
        result.map_or_else(|other| other, Converted::Event)
    }
}

/// Returns the id of a user that a column names.
fn user(column: &str, id: &str) -> Result<CustomerId, Refusal> {
    check_id(column, id).map(|()| CustomerId::user(id))
}

/// Returns the id of an anonymous visitor: what a column names, behind the name of the data set, since the visitors of two data sets
/// are different people, and since a bare 0 names nobody.
fn visitor(set: &str, column: &str, id: &str) -> Result<CustomerId, Refusal> {
    let zero = !id.is_empty() && id.bytes().all(|byte| byte == b'0');
    if !zero {
        check_id(column, id)?;
    }
    Ok(CustomerId::of_key(format_smolstr!("{ANONYMOUS_PREFIX}{set}-{id}")))
}

fn check_id(column: &str, id: &str) -> Result<(), Refusal> {
    let refused = |reason, message: String| Err(Refusal::new(Rejected::Border(reason), message));
    if names_nobody(id) {
        let found =
            if id.is_empty() { "is empty".to_owned() } else { format!("is {id:?}, which names nobody") };
        return refused(RejectReason::NoCustomer, format!("{column} {found}; the id of a customer is legal"));
    }
    if id.len() > ID_MAX / 2 {
        return refused(
            RejectReason::TooLarge,
            format!("{column} has {} bytes; at most {} are legal", id.len(), ID_MAX / 2),
        );
    }
    if id.starts_with(ANONYMOUS_PREFIX) || id.bytes().any(|byte| byte.is_ascii_control()) {
        return refused(RejectReason::BadId, format!("{column} is {id:?}, which can be nobody's id"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
