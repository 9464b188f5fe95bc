//! Calendar buckets: what happened on each of the last 90 civil days of the customer's zone.
//!
//! A bucket keeps the day that the customer's zone gave it when the event was folded; a later move to another zone re-labels
//! nothing.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::pack::{self, Writer};

/// Days that are kept, today included.
pub const DAYS_MAX: u16 = 90;

/// A civil day as its number from 1970-01-01, in whatever zone it was asked in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub u16);

/// What is counted by day.
///
/// The order is part of the row codec: new kinds are added at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum DayKind {
    /// Distinct orders, on the day of their first event.
    Orders,
    /// `Order Completed`.
    OrdersCompleted,
    /// Distinct cancellations.
    Cancellations,
    /// `Order Refunded`.
    Refunds,
    /// Sessions, on the day they began.
    Sessions,
    /// `Product Viewed`.
    ProductViews,
    /// `Product Added`.
    CartAdds,
    /// `Product Removed`.
    CartRemovals,
    /// `Checkout Started`.
    Checkouts,
    /// `Products Searched`.
    Searches,
    /// `Case Opened`.
    Cases,
    /// `Product Reviewed`.
    Reviews,
    /// `Order Item Added`.
    OrderLines,
    /// `Return Requested`.
    ReturnRequests,
    /// `Delivery Late`.
    LateDeliveries,
}

impl DayKind {
    /// Returns the kind that counts the events of a name, when there is one.
    pub fn of_event(name: &str) -> Option<Self> {
        Some(match name {
            "Product Viewed" => DayKind::ProductViews,
            "Product Added" => DayKind::CartAdds,
            "Product Removed" => DayKind::CartRemovals,
            "Checkout Started" => DayKind::Checkouts,
            "Order Completed" => DayKind::OrdersCompleted,
            "Order Item Added" => DayKind::OrderLines,
            "Order Cancelled" => DayKind::Cancellations,
            "Order Refunded" => DayKind::Refunds,
            "Products Searched" => DayKind::Searches,
            "Product Reviewed" => DayKind::Reviews,
            "Case Opened" => DayKind::Cases,
            "Return Requested" => DayKind::ReturnRequests,
            "Delivery Late" => DayKind::LateDeliveries,
            _ => return None,
        })
    }
}

/// Counts by day and kind, and order value by day.
///
/// Bounds: [`DAYS_MAX`] days, at most one cell per day and kind; empty days take nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DayBook {
    cells: Cells,
    /// Order value in hundredths of the home currency.
    values: Vec<(u16, i64)>,
}

/// Cells in the order of day and kind.
#[derive(Clone, Debug, Default, PartialEq)]
struct Cells(Vec<Cell>);

#[derive(Clone, Copy, Debug, PartialEq)]
struct Cell {
    day: u16,
    kind: u8,
    n: u32,
}

impl DayBook {
    /// Counts one event of a kind on a day; a day more than [`DAYS_MAX`] before `today` is past counting.
    pub fn note(&mut self, kind: DayKind, day: Day, today: Day) {
        self.forget(today);
        if kept(day, today) {
            self.cells.add(Cell { day: day.0, kind: kind as u8, n: 1 });
        }
    }

    /// Adds order value (or takes it away) on a day.
    ///
    /// Units: hundredths of the home currency.
    pub fn note_value(&mut self, minor: i64, day: Day, today: Day) {
        if minor == 0 || !kept(day, today) {
            return;
        }
        match self.values.binary_search_by_key(&day.0, |(day, _)| *day) {
            Ok(place) => self.values[place].1 = self.values[place].1.saturating_add(minor),
            Err(place) => {
                pack::room(&mut self.values, 1);
                self.values.insert(place, (day.0, minor));
            }
        }
    }

    /// Counts a kind over the last `days` civil days, today included.
    ///
    /// Bounds: `days` above [`DAYS_MAX`] reads what is kept.
    pub fn count(&self, kind: DayKind, days: u16, today: Day) -> u64 {
        self.cells
            .since(first(days, today))
            .iter()
            .take_while(|cell| cell.day <= today.0)
            .filter(|cell| cell.kind == kind as u8)
            .map(|cell| u64::from(cell.n))
            .sum()
    }

    /// Returns on how many of the last `days` civil days the kind occurred.
    pub fn days_with(&self, kind: DayKind, days: u16, today: Day) -> u64 {
        self.cells
            .since(first(days, today))
            .iter()
            .take_while(|cell| cell.day <= today.0)
            .filter(|cell| cell.kind == kind as u8)
            .count() as u64
    }

    /// Returns the oldest day of the last `days` on which the kind occurred.
    pub fn oldest(&self, kind: DayKind, days: u16, today: Day) -> Option<Day> {
        self.cells
            .since(first(days, today))
            .iter()
            .find(|cell| cell.kind == kind as u8)
            .map(|cell| Day(cell.day))
    }

    /// Sums the order value of the last `days` civil days, today included.
    ///
    /// Units: hundredths of the home currency.
    pub fn value(&self, days: u16, today: Day) -> i64 {
        self.values
            .iter()
            .filter(|(day, _)| (first(days, today)..=today.0).contains(day))
            .fold(0, |sum: i64, (_, minor)| sum.saturating_add(*minor))
    }

    /// Adds the buckets of disjoint events.
    pub fn merge(&mut self, other: DayBook) {
        for cell in other.cells.0 {
            self.cells.add(cell);
        }
        for (day, minor) in other.values {
            match self.values.binary_search_by_key(&day, |(day, _)| *day) {
                Ok(place) => self.values[place].1 = self.values[place].1.saturating_add(minor),
                Err(place) => self.values.insert(place, (day, minor)),
            }
        }
        let newest = self.cells.0.last().map_or(0, |cell| cell.day);
        self.forget(Day(newest));
    }

    /// Returns about how many bytes the buckets have on the heap.
    pub fn weight(&self) -> usize {
        self.cells.0.capacity() * size_of::<Cell>() + self.values.capacity() * size_of::<(u16, i64)>()
    }

    fn forget(&mut self, today: Day) {
        let first = first(DAYS_MAX, today);
        if self.cells.0.first().is_some_and(|cell| cell.day < first) {
            let expired = self.cells.0.partition_point(|cell| cell.day < first);
            self.cells.0.drain(..expired);
        }
        if self.values.first().is_some_and(|(day, _)| *day < first) {
            self.values.retain(|(day, _)| *day >= first);
        }
    }
}

impl Cells {
    fn add(&mut self, cell: Cell) {
        let key = |cell: &Cell| (cell.day, cell.kind);
        match self.0.binary_search_by_key(&key(&cell), key) {
            Ok(place) => self.0[place].n = self.0[place].n.saturating_add(cell.n),
            Err(place) => {
                pack::room(&mut self.0, 8);
                self.0.insert(place, cell);
            }
        }
    }

    fn since(&self, day: u16) -> &[Cell] {
        &self.0[self.0.partition_point(|cell| cell.day < day)..]
    }
}

/// Returns the first of the last `days` days.
fn first(days: u16, today: Day) -> u16 {
    today.0.saturating_sub(days.clamp(1, DAYS_MAX) - 1)
}

fn kept(day: Day, today: Day) -> bool {
    day.0 >= first(DAYS_MAX, today)
}

impl Serialize for Cells {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut writer = Writer::with_capacity(self.0.len() * 4);
        for cell in &self.0 {
            writer.rising(u64::from(cell.day));
            writer.number(u64::from(cell.kind));
            writer.number(u64::from(cell.n));
        }
        writer.end(serializer)
    }
}

impl<'de> Deserialize<'de> for Cells {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        pack::read(deserializer, |reader| {
            let mut cells = reader.all(|reader| {
                let day = u16::try_from(reader.rising()?).unwrap_or(u16::MAX);
                let kind = reader.number()? as u8;
                Some(Cell { day, kind, n: u32::try_from(reader.number()?).unwrap_or(u32::MAX) })
            });
            cells.sort_by_key(|cell| (cell.day, cell.kind));
            Self(cells)
        })
    }
}
