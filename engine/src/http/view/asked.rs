//! What a request asks beside its path: parameters, cursors, a body. Everything that is not known is refused, with what would be legal.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use actix_web::HttpRequest;
use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::super::problem::Refusal;
use super::super::route::Place;

/// Parts of a list that are answered at once, at most.
pub(super) const LIMIT_MAX: usize = 100;

/// Parts of a list that are answered where the request does not say.
const LIMIT: usize = 20;

/// A request.
pub(super) struct Asked<'a> {
    pub(super) request: &'a HttpRequest,
    place: &'a Place,
    body: Bytes,
}

/// The parameters behind the path of a request.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl<'a> Asked<'a> {
    pub(super) fn new(request: &'a HttpRequest, place: &'a Place, body: Bytes) -> Self {
        Self { request, place, body }
    }

    /// Returns what stands for a parameter of the path.
    ///
    /// Errors: it is no text.
    pub(super) fn part(&self, name: &'static str) -> Result<String, Refusal> {
        self.place.parameter(name)
    }

    /// Returns the parameters of the query, which has no others than these.
    ///
    /// Errors: it has.
    pub(super) fn query(&self, known: &[&str]) -> Result<Query, Refusal> {
        let pairs = form_urlencoded::parse(self.request.query_string().as_bytes());
        let pairs: Vec<_> = pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        let strange = pairs.iter().find(|(name, _)| !known.contains(&name.as_str()));
        match strange {
            None => Ok(Query(pairs)),
            Some((name, _)) => Err(malformed(
                "query",
                match known.is_empty() {
                    true => format!("names {name:?}; there are no parameters here"),
                    false => format!("names {name:?}; legal: {}", known.join(", ")),
                },
            )),
        }
    }

    /// Returns a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.request.headers().get(name)?.to_str().ok()
    }

    /// Returns the body, and what it says.
    ///
    /// Errors: it is not what it should be.
    pub(super) fn body<T: DeserializeOwned>(&self) -> Result<(&[u8], T), Refusal> {
        let said = serde_json::from_slice(&self.body);
        said.map(|said| (&*self.body, said))
            .map_err(|error| malformed("body", format!("is refused: {error}")))
    }
}

impl Query {
    /// Returns a parameter; one that is empty is none.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Returns a number.
    ///
    /// Errors: it is none, or out of range.
    pub(super) fn number<T>(&self, name: &'static str, range: RangeInclusive<T>) -> Result<Option<T>, Refusal>
    where
        T: FromStr + PartialOrd + Display,
    {
        let Some(text) = self.get(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.map(Some).ok_or_else(|| {
            malformed(name, format!("is {text:?}; legal: {} to {}", range.start(), range.end()))
        })
    }

    /// Returns how many parts of a list are wanted.
    ///
    /// Errors: so many are never answered.
    pub(super) fn limit(&self) -> Result<usize, Refusal> {
        Ok(self.number("limit", 1..=LIMIT_MAX)?.unwrap_or(LIMIT))
    }

    /// Returns where a list goes on: what the answer before this one named as `next`.
    ///
    /// Errors: no answer did.
    pub(super) fn cursor<T>(&self, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Refusal> {
        let Some(text) = self.get("cursor") else { return Ok(None) };
        read(text).map(Some).ok_or_else(|| {
            malformed("cursor", "is none; legal is what an answer of this list named as next".to_owned())
        })
    }
}

/// Returns the parts of a cursor: numbers, and what stands behind them.
pub(super) fn parts<const N: usize>(cursor: &str) -> Option<([i64; N], &str)> {
    let mut numbers = [0; N];
    let mut rest = cursor;
    for number in &mut numbers {
        let (text, behind) = rest.split_once('.')?;
        (*number, rest) = (text.parse().ok()?, behind);
    }
    Some((numbers, rest))
}

pub(super) fn malformed(field: &'static str, message: String) -> Refusal {
    Refusal::Malformed { field, message }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn query(text: &str, known: &[&str]) -> Result<Query, Refusal> {
        let request = TestRequest::with_uri(&format!("/openapi.json?{text}")).to_http_request();
        let place = Place::at("/openapi.json").expect("it is routed");
        Asked::new(&request, &place, Bytes::new()).query(known)
    }

    #[test]
    fn parameters_that_are_not_known_or_out_of_range_are_refused_by_name() {
        let known = ["limit", "cursor"];
        let refused = |text: &str| match query(text, &known).and_then(|query| query.limit()) {
            Err(Refusal::Malformed { field, message }) => format!("{field} {message}"),
            other => panic!("{text}: {other:?}"),
        };
        assert!(refused("limt=3").contains("legal: limit, cursor"));
        for bad in ["limit=0", "limit=101", "limit=x", "limit=-1", "limit=1.5", "limit=99999999999999999999"]
        {
            assert!(refused(bad).contains("legal: 1 to 100"), "{bad}");
        }
        assert_eq!(query("limit=7", &known).and_then(|query| query.limit()), Ok(7));
        assert_eq!(query("limit=", &known).and_then(|query| query.limit()), Ok(LIMIT));
    }

    #[test]
    fn cursors_are_read_as_they_were_written_and_nothing_else_is_one() {
        assert_eq!(parts("12.-3.a.b"), Some(([12, -3], "a.b")));
        for bad in ["", "1", "1.2", "x.2.c", "1..c"] {
            assert_eq!(parts::<2>(bad), None, "{bad}");
        }
        let refused =
            query("cursor=zzz", &["cursor"]).and_then(|query| query.cursor(|text| Some(parts::<1>(text)?.0)));
        assert!(matches!(refused, Err(Refusal::Malformed { field: "cursor", .. })), "{refused:?}");
    }
}
