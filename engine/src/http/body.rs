//! The body of a request: read within bounds of size, room and time, inflated within the same.

use std::io::{self, Read};

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap};
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use futures_util::StreamExt;

use super::problem::Refusal;
use super::room::Taken;

/// Bytes that are inflated before the room is asked for more.
const STEP: usize = 64 << 10;

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Gzip,
}

/// Returns how a body is packed.
///
/// Errors: in another way than those that are read.
pub(super) fn packing(headers: &HeaderMap) -> Result<Packing, Refusal> {
    let Some(named) = headers.get(CONTENT_ENCODING) else { return Ok(Packing::Plain) };
    match named.to_str().map(|named| named.trim().to_ascii_lowercase()).as_deref() {
        Ok("gzip" | "x-gzip") => Ok(Packing::Gzip),
        Ok("identity" | "") => Ok(Packing::Plain),
        Ok(_) | Err(_) => Err(Refusal::Encoding),
    }
}

/// Returns how long a body says it is, 0 where it does not say.
///
/// Errors: longer than it may be.
pub(super) fn announced(headers: &HeaderMap, max: usize) -> Result<usize, Refusal> {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let length: usize = length.unwrap_or(0);
    if length > max { Err(too_large(max)) } else { Ok(length) }
}

/// Reads a body to its end.
///
/// Errors: it is too large, there is no room for it, or its client went away.
pub(super) async fn read(mut payload: Payload, taken: &mut Taken, max: usize) -> Result<Bytes, Refusal> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| malformed(format!("ended early: {error}")))?;
        if body.len() + chunk.len() > max {
            return Err(too_large(max));
        }
        taken.grow(chunk.len())?;
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Returns what a body says, unpacked.
///
/// Errors: it is not packed as it says, is too large inflated, or there is no room for it.
pub(super) fn unpack(body: Bytes, packing: Packing, taken: &mut Taken, max: usize) -> Result<Bytes, Refusal> {
    if packing == Packing::Plain {
        return Ok(body);
    }
    let (mut inflated, mut packed) = (Vec::new(), MultiGzDecoder::new(&body[..]));
    loop {
        let before = inflated.len();
        // One byte more than may be, so that what is too large is told from what just fits.
        let step = (STEP as u64).min((max + 1 - before) as u64);
        let read = packed.by_ref().take(step).read_to_end(&mut inflated);
        read.map_err(|error: io::Error| malformed(format!("is not gzip as it says: {error}")))?;
        if inflated.len() > max {
            return Err(too_large(max));
        }
        if inflated.len() == before {
            return Ok(inflated.into());
        }
        taken.grow(inflated.len() - before)?;
    }
}

fn malformed(message: String) -> Refusal {
    Refusal::Malformed { field: "body", message }
}

fn too_large(max: usize) -> Refusal {
    Refusal::TooLarge(format!(
        "the body has more than {max} bytes, as sent or inflated: the most that is legal"
    ))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use actors::metrics::Metrics;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::super::room::Room;
    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(text).expect("memory takes every byte");
        packed.finish().expect("memory takes every byte")
    }

    fn inflate(packed: Vec<u8>, max: usize) -> Result<Bytes, Refusal> {
        let mut taken = Room::new(1 << 20, Metrics::new().collector().clone()).enter(0).expect("empty");
        unpack(packed.into(), Packing::Gzip, &mut taken, max)
    }

    #[test]
    fn what_is_packed_is_read_up_to_the_bound_and_a_bomb_is_refused() {
        let text = vec![b'x'; 200_000];
        assert_eq!(inflate(gzip(&text), 200_000).expect("it just fits"), text);
        assert!(matches!(inflate(gzip(&text), 199_999), Err(Refusal::TooLarge(_))));
        let bomb = gzip(&vec![0; 50 << 20]);
        assert!(bomb.len() < 100_000);
        assert!(matches!(inflate(bomb, 500_000), Err(Refusal::TooLarge(_))));
        let mut two = gzip(b"one ");
        two.extend(gzip(b"two"));
        assert_eq!(inflate(two, 100).expect("members in a row are one text"), "one two");
    }

    #[test]
    fn what_is_no_gzip_or_cut_off_is_malformed() {
        let packed = gzip(&[7; 5_000]);
        for bad in [b"{}".to_vec(), Vec::new(), packed[..packed.len() / 2].to_vec()] {
            let refusal = inflate(bad.clone(), 100_000).expect_err("no gzip");
            assert!(matches!(refusal, Refusal::Malformed { field: "body", .. }), "{bad:?} {refusal:?}");
        }
    }

    #[test]
    fn room_is_taken_for_what_is_inflated() {
        let room = Room::new(100_000, Metrics::new().collector().clone());
        let mut taken = room.enter(0).expect("empty");
        let refusal = unpack(gzip(&[7; 150_000]).into(), Packing::Gzip, &mut taken, 1 << 20);
        assert_eq!(refusal, Err(Refusal::Full));
        drop(taken);
        room.enter(100_000).expect("given back");
    }
}
