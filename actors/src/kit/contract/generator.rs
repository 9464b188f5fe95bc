//! What every back end of the generator port does: pieces in order, one end, nothing behind it, and no harm done by who stops listening.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;

use crate::port::generator::{Error, Generator, Message, Passage, Piece, Request, Role};

/// Runs every check; `make` returns a fresh back end, and `now` the time since boot by its clock.
pub async fn suite(make: impl Fn() -> Arc<dyn Generator>, now: impl Fn() -> Duration) {
    let in_time = now() + Duration::from_secs(60);
    let (pieces, error) = heard(&make(), request(in_time)).await;
    assert_eq!(error, None, "a plain question is answered");
    says_something_and_ends_once(&pieces);
    let again = heard(&make(), request(in_time)).await;
    assert_eq!(text(&again.0), text(&pieces), "the same request has the same answer");
    who_stops_listening_harms_nobody(make(), in_time).await;
    let (pieces, error) = heard(&make(), request(Duration::ZERO)).await;
    let ended = pieces.iter().any(|piece| matches!(piece, Piece::End(..)));
    assert!(ended || error.is_some(), "a request that is too late ends, too");
}

/// Returns a question about the one passage that comes with it.
pub fn request(deadline: Duration) -> Request {
    let passage = Passage {
        id: "returns-1".into(),
        title: "Returns".to_owned(),
        source: "returns.md".to_owned(),
        text: "You can return an article within 30 days.".to_owned(),
    };
    let message =
        Message { role: Role::Customer, text: "Within how many days can I return an article?".to_owned() };
    Request {
        messages: vec![message],
        passages: vec![passage],
        tokens_max: 100,
        temperature: 0.0,
        seed: 1,
        deadline,
    }
}

async fn heard(generator: &Arc<dyn Generator>, request: Request) -> (Vec<Piece>, Option<Error>) {
    let mut stream = generator.generate(Arc::new(request));
    let mut pieces = Vec::new();
    while let Some(piece) = stream.next().await {
        match piece {
            Ok(piece) => pieces.push(piece),
            Err(error) => return (pieces, Some(error)),
        }
    }
    (pieces, None)
}

fn text(pieces: &[Piece]) -> String {
    let text = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => text.as_str(),
        Piece::Citation(_) | Piece::End(..) => "",
    });
    text.collect()
}

fn says_something_and_ends_once(pieces: &[Piece]) {
    let (last, before) = pieces.split_last().expect("at least an end");
    assert!(matches!(last, Piece::End(..)), "the last piece is the end: {pieces:?}");
    assert!(!before.iter().any(|piece| matches!(piece, Piece::End(..))), "one end: {pieces:?}");
    assert!(!text(pieces).trim().is_empty(), "something is said");
    assert!(!pieces.contains(&Piece::Text(String::new())), "no piece is empty");
    for piece in before {
        if let Piece::Citation(citation) = piece {
            assert!(citation.number > 0 && !citation.source.is_empty(), "{citation:?}");
        }
    }
}

async fn who_stops_listening_harms_nobody(generator: Arc<dyn Generator>, in_time: Duration) {
    drop(generator.generate(Arc::new(request(in_time))));
    let mut stopped = generator.generate(Arc::new(request(in_time)));
    assert!(stopped.next().await.is_some_and(|piece| piece.is_ok()));
    drop(stopped);
    let (pieces, error) = heard(&generator, request(in_time)).await;
    assert_eq!(error, None);
    says_something_and_ends_once(&pieces);
}
