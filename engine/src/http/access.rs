//! Who asks: the key that a request shows, and whether its holder may use the route.

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use openssl::base64::decode_block;

use super::problem::Refusal;
use super::route::{Open, Route};
use crate::keys::Keys;

/// Returns the key in the header `Authorization`: a bearer token, or the user name of HTTP Basic, else its password.
pub(super) fn shown(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.trim().split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return (!rest.is_empty()).then(|| rest.to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(decode_block(rest).ok()?).ok()?;
    let (user, password) = pair.split_once(':').unwrap_or((&pair, ""));
    [user, password].into_iter().find(|part| !part.is_empty()).map(str::to_owned)
}

/// Lets the holder of a key use a route, or not.
///
/// Errors, where a key is needed: no key is shown · it is not in force · its holder is something else.
pub(super) fn admit(keys: &Keys, route: &Route, key: Option<&str>) -> Result<(), Refusal> {
    let roles = match route.open {
        Open::Keys(roles) => roles,
        // What answers asks for the session itself.
        Open::Session | Open::Everybody => return Ok(()),
    };
    let key = key.ok_or(Refusal::NoKey)?;
    let holder = keys.holder(key).ok_or(Refusal::UnknownKey)?;
    match roles.contains(&holder.role) {
        true => Ok(()),
        false => Err(Refusal::Role(roles, holder.role)),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(value: &str, expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(value).expect("a header"));
        assert_eq!(shown(&headers).as_deref(), expected, "{value}");
    }

    #[test]
    fn a_key_is_a_bearer_token_or_the_user_of_basic_and_else_its_password() {
        check("Bearer k1", Some("k1"));
        check("bearer   k1 ", Some("k1"));
        check("Basic azE6", Some("k1"));
        check("Basic azE6cHc=", Some("k1"));
        check("Basic OmsyCg==", Some("k2\n"));
        check("Basic azE=", Some("k1"));
        for nothing in ["Bearer ", "Basic", "Basic !!", "Basic Og==", "Basic /w==", "Digest azE6", "k1"] {
            check(nothing, None);
        }
        assert_eq!(shown(&HeaderMap::new()), None);
    }
}
