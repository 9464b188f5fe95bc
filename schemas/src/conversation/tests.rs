//! What stands in the log: read back as it was written, refused where it is out of bounds.

use bytes::Bytes;

use super::words::{self, Language};
use super::*;
use crate::event::{Border, RejectReason};
use crate::ids::{CustomerId, OutreachId, Position};
use crate::record::{self, Input, LogRecord, RecordKind};
use crate::time::Timestamp;
use crate::value::{Properties, Value};

fn record(kind: RecordKind, body: Bytes) -> LogRecord {
    LogRecord { position: Position(3), stamp: Timestamp(9), key: "u".into(), kind, epoch: None, body }
}

fn talks() -> Vec<Talk> {
    let source = Source { number: 1, passage: "p".into(), title: "T".into(), source: "t.md".into() };
    vec![
        Talk::Said(Said { message: "m".into(), text: "退货?".into(), lang: "zh".into(), proved: true }),
        Talk::Spoken(Spoken { message: "n".into(), agent: "Anna".into(), text: "Hello".into() }),
        Talk::Ownership(Ownership { change: Change::TakeOver, agent: "Anna".into() }),
        Talk::Ownership(Ownership { change: Change::HandBack, agent: "Anna".into() }),
        Talk::Opened(Opened {
            outreach: OutreachId(u128::MAX),
            trigger: "cart-idle".into(),
            text: "Your cart".into(),
            lang: "en".into(),
            facts: Properties(vec![("value".into(), Value::Number(4.5))]),
            made: Made::Template,
        }),
        Talk::Seen(Seen { number: 7 }),
        Talk::Answered(Answered {
            attempt: 2,
            epoch: 4,
            text: "30 days [1]".into(),
            sources: vec![source],
            rung: Rung::HandOff,
            backend: "quotes".into(),
        }),
    ]
}

#[test]
fn what_is_said_is_read_back_under_its_kind_and_name() {
    for talk in talks() {
        let body = record::encode_talk(&talk);
        let json: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert!(json.get(talk.as_str()).is_some(), "{json}");
        let read =
            record::decode(&record(RecordKind::Talk, body), &Border::default()).expect("its own bytes");
        assert_eq!(read.input, Input::Talk(Box::new(talk)));
    }
}

#[test]
fn a_message_needs_an_id_and_words_and_nothing_else() {
    let body = Bytes::from_static(br#"{"said":{"message":"1","text":"hi"}}"#);
    let read = record::decode(&record(RecordKind::Talk, body), &Border::default()).expect("enough");
    let said = Said { message: "1".into(), text: "hi".into(), lang: "".into(), proved: false };
    assert_eq!(read.input, Input::Talk(Box::new(Talk::Said(said))));
}

#[test]
fn what_is_out_of_bounds_is_refused_by_the_name_of_its_field() {
    let said = |message: &str, text: &str| {
        Talk::Said(Said { message: message.into(), text: text.into(), lang: "".into(), proved: false })
    };
    let (long, most) = ("天".repeat(SAID_CHARS_MAX + 1), "天".repeat(SAID_CHARS_MAX));
    let spoken = Spoken { message: "m".into(), agent: "".into(), text: "x".into() };
    let many = vec![Source { number: 1, passage: "".into(), title: "".into(), source: "".into() }; 17];
    let answered = |sources, text: String| {
        let (rung, backend) = (Rung::Full, "b".into());
        Talk::Answered(Answered { attempt: 1, epoch: 0, text, sources, rung, backend })
    };
    assert_eq!(said("m", &most).check(), Ok(()));
    for (talk, field, reason) in [
        (said("", "x"), "said.message", RejectReason::WrongType),
        (said(&"m".repeat(129), "x"), "said.message", RejectReason::TooLarge),
        (said("m", " \n"), "said.text", RejectReason::WrongType),
        (said("m", &long), "said.text", RejectReason::TooLarge),
        (Talk::Spoken(spoken), "spoken.agent", RejectReason::WrongType),
        (answered(many, String::new()), "answered.sources", RejectReason::TooLarge),
        (answered(Vec::new(), "x".repeat(TEXT_MAX + 1)), "answered.text", RejectReason::TooLarge),
    ] {
        let of = record(RecordKind::Talk, record::encode_talk(&talk));
        let rejection = record::decode(&of, &Border::default()).expect_err(field);
        assert_eq!((rejection.field.as_str(), rejection.reason), (field, reason));
    }
}

fn turn() -> Turn {
    let customer = CustomerId::user("u");
    Turn {
        id: TurnId::of(&customer, Position(3), 0),
        number: 0,
        at: Timestamp(1_700_000_000_000),
        speaker: Speaker::Bot,
        act: Act::Said,
        made: Made::Ai,
        by: "quotes".into(),
        text: "30 days".into(),
        lang: "en".into(),
        sources: Vec::new(),
        rung: Some(Rung::Extractive),
        epoch: 0,
        attempt: 1,
        message: "".into(),
        outreach: None,
        facts: Properties(Vec::new()),
        customer,
    }
}

#[test]
fn replies_are_read_back_and_a_turn_is_a_cloud_event_named_by_its_id() {
    let piece = Piece { attempt: 1, epoch: 0, nth: 2, text: "30".into() };
    let turn = turn();
    for reply in [
        Reply::Turn(Box::new(turn.clone())),
        Reply::Piece(piece),
        Reply::Forgotten { below: 4, at: Timestamp(5) },
    ] {
        let body = record::encode_reply(&reply);
        let headers = record::headers::write(RecordKind::Reply, None, "u", &body);
        let id = headers.iter().find(|(name, _)| *name == "ce_id").map(|(_, value)| value.to_string());
        assert_eq!(id, matches!(reply, Reply::Turn(_)).then(|| turn.id.to_string()));
        assert_eq!(record::decode_reply(&record(RecordKind::Reply, body)), Ok(Some(reply)));
    }
    assert_eq!(record::decode_reply(&record(RecordKind::Epoch, Bytes::new())), Ok(None));
    assert!(record::decode_reply(&record(RecordKind::Reply, Bytes::new())).is_err());
}

#[test]
fn turns_have_ids_of_their_own() {
    let (ada, bob) = (CustomerId::user("ada"), CustomerId::user("bob"));
    let ids = [
        TurnId::of(&ada, Position(1), 0),
        TurnId::of(&ada, Position(1), 1),
        TurnId::of(&ada, Position(2), 0),
        TurnId::of(&bob, Position(1), 0),
    ];
    for (nth, id) in ids.iter().enumerate() {
        assert!(!ids[..nth].contains(id));
    }
}

#[test]
fn the_language_is_that_of_the_script_else_of_the_tag_else_english() {
    for (text, tag, language) in [
        ("退货期限是多少天", "", Language::Chinese),
        ("退货", "en-GB", Language::Chinese),
        ("How long?", "zh-CN", Language::English),
        ("👍 100", "zh_Hans", Language::Chinese),
        ("100", "", Language::English),
        ("返品できますか、天", "", Language::English),
        ("Wie lange?", "de", Language::English),
    ] {
        assert_eq!(Language::of(text, tag), language, "{text} {tag}");
    }
    for language in [Language::English, Language::Chinese] {
        assert!(words::introduction(language).contains("AI"));
        assert_eq!(Language::of_tag(language.tag()), Some(language));
    }
}
