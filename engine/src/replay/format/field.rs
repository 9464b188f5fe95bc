//! Columns of a row: splitting, numbers, and times that many rows share.

use schemas::event::RejectReason;
use schemas::time::Timestamp;

use super::{Refusal, Rejected};

/// Splits rows of `N` columns.
#[derive(Default)]
pub struct Columns {
    quoted: csv::StringRecord,
}

impl Columns {
    /// Returns the columns of a row. Quotes are as RFC 4180 has them, but a column must not go over several lines.
    pub fn split<'r, const N: usize>(
        &'r mut self,
        row: &'r [u8],
        separator: u8,
    ) -> Result<[&'r str; N], Refusal> {
        let text = utf8(row)?;
        let mut columns = [""; N];
        let mut count = 0;
        let mut take = |column| {
            if let Some(place) = columns.get_mut(count) {
                *place = column;
            }
            count += 1;
        };
        if text.contains('"') {
            self.read_quoted(row, separator);
            self.quoted.iter().for_each(&mut take);
        } else {
            text.split(char::from(separator)).for_each(&mut take);
        }
        if count == N { Ok(columns) } else { Err(wrong_columns(count, N)) }
    }

    fn read_quoted(&mut self, row: &[u8], separator: u8) {
        let mut builder = csv::ReaderBuilder::new();
        builder.has_headers(false).flexible(true).delimiter(separator).buffer_capacity(row.len());
        // Neither reading from memory nor UTF-8 that was checked can fail; were it so, the columns would be too few.
        if builder.from_reader(row).read_record(&mut self.quoted).is_err() {
            self.quoted.clear();
        }
    }
}

/// Returns a row as text.
pub fn utf8(row: &[u8]) -> Result<&str, Refusal> {
    std::str::from_utf8(row).map_err(|error| {
        Refusal::new(Rejected::NotUtf8, format!("is not UTF-8 from byte {} on", error.valid_up_to()))
    })
}

/// Returns the refusal of a row with so many columns.
pub fn wrong_columns(found: usize, legal: usize) -> Refusal {
    Refusal::new(Rejected::WrongColumns, format!("has {found} columns; {legal} are legal"))
}

/// Returns a whole number.
pub fn whole(column: &str, text: &str) -> Result<i64, Refusal> {
    text.parse().map_err(|_| bad_number(column, text, "a whole number, e.g. 12"))
}

/// Returns the digits of a decimal number as they stand there: they are a JSON number, too.
pub fn decimal<'t>(column: &str, text: &'t str) -> Result<&'t str, Refusal> {
    const DIGITS_MAX: usize = 20;
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (units, rest) = digits.split_once('.').map_or((digits, None), |(units, rest)| (units, Some(rest)));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let plain = text.len() <= DIGITS_MAX
        && all_digits(units)
        && (units == "0" || !units.starts_with('0'))
        && rest.is_none_or(all_digits);
    if plain { Ok(text) } else { Err(bad_number(column, text, "a decimal number, e.g. 6.95")) }
}

fn bad_number(column: &str, text: &str, legal: &str) -> Refusal {
    Refusal::new(Rejected::BadNumber, format!("{column} is {}; {legal} is legal", shown(text)))
}

/// Returns the refusal of a column's value.
pub fn bad_value(column: &str, text: &str, legal: &str) -> Refusal {
    Refusal::new(Rejected::BadValue, format!("{column} is {}; {legal} is legal", shown(text)))
}

/// Returns a text for a message: escaped, and cut where it is long.
fn shown(text: &str) -> String {
    const SHOWN: usize = 60;
    format!("{:?}", &text[..text.floor_char_boundary(SHOWN)])
}

/// The instant of the text that was read last: rows that stand together often share it.
#[derive(Default)]
pub struct LastTime {
    text: String,
    at: Timestamp,
}

impl LastTime {
    /// Returns the instant of a text, by `read` where it is another than before.
    pub fn at(
        &mut self,
        column: &str,
        text: &str,
        read: impl FnOnce(&str) -> Option<Timestamp>,
    ) -> Result<Timestamp, Refusal> {
        if self.text != text || text.is_empty() {
            let bad = || {
                let message = format!("{column} is {}, which is no time of this format", shown(text));
                Refusal::new(Rejected::Border(RejectReason::BadTime), message)
            };
            self.at = read(text).ok_or_else(bad)?;
            self.text.clear();
            self.text.push_str(text);
        }
        Ok(self.at)
    }
}

/// Returns that a file begins with a header of these names, in any case and with or without blanks.
///
/// Errors: what the first line is instead.
pub fn expect_header(lines: &[&[u8]], separator: u8, legal: &[&str]) -> Result<super::Head, String> {
    let expected = || format!("expected a first line {}", legal.join(&char::from(separator).to_string()));
    let Some(first) = lines.first() else {
        return Err(format!("it is empty; {}", expected()));
    };
    let text = String::from_utf8_lossy(first);
    let plain = |name: &str| name.trim_matches('"').replace(' ', "").to_lowercase();
    let found: Vec<String> = text.split(char::from(separator)).map(plain).collect();
    if found.iter().eq(&legal.iter().map(|name| plain(name)).collect::<Vec<_>>()) {
        return Ok(super::Head::Header);
    }
    Err(format!("it begins with {}; {}", shown(&text), expected()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(row: &str) -> Result<Vec<String>, Rejected> {
        let mut columns = Columns::default();
        let three: Result<[&str; 3], Refusal> = columns.split(row.as_bytes(), b',');
        three.map(|three| three.map(str::to_owned).to_vec()).map_err(|refusal| refusal.reason)
    }

    #[test]
    fn rows_split_into_exactly_the_columns_of_the_format() {
        for (row, columns) in [
            ("a,b,c", ["a", "b", "c"]),
            (",,", ["", "", ""]),
            (r#""a,1","b ""x""",c"#, ["a,1", "b \"x\"", "c"]),
            (r#"a,5" nail,c"#, ["a", "5\" nail", "c"]),
        ] {
            assert_eq!(split(row), Ok(columns.map(str::to_owned).to_vec()), "{row}");
        }
        for row in ["", "a", "a,b", "a,b,c,d", r#""a,b,c"#, r#"a,"b,c"#] {
            assert_eq!(split(row), Err(Rejected::WrongColumns), "{row}");
        }
        let mut columns = Columns::default();
        let refused = columns.split::<3>(b"a,\xff,c", b',').map_err(|refusal| refusal.reason);
        assert_eq!(refused, Err(Rejected::NotUtf8));
    }

    #[test]
    fn digits_pass_only_where_json_has_them_too() {
        for good in ["0", "12", "-3", "6.95", "-11062.06", "0.001", "-0"] {
            assert_eq!(decimal("p", good), Ok(good));
            assert!(serde_json::from_str::<f64>(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "-",
            ".5",
            "5.",
            "007",
            "1e3",
            "+1",
            "1,5",
            "NaN",
            "inf",
            " 1",
            "1.2.3",
            "123456789012345678901",
        ] {
            assert_eq!(
                decimal("p", bad).map_err(|refusal| refusal.reason),
                Err(Rejected::BadNumber),
                "{bad}"
            );
        }
    }
}
