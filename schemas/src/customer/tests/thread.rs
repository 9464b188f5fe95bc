//! The thread of a customer: bursts, questions, changes of hands, and that what is said depends on the log alone.

use proptest::prelude::*;

use crate::conversation::words::{self, Language};
use crate::conversation::{
    Act, Answered, Change, Made, Opened, Owner, Ownership, QuestionId, Rung, Said, Seen, Speaker, Spoken,
    Talk, Turn,
};
use crate::customer::codec::Codec;
use crate::customer::identity::{Forward, Message, Relay};
use crate::customer::thread::{BURST_MAX, QUIET, RATE_MAX, TRIES_MAX};
use crate::customer::{Customer, Effects, Outgoing};
use crate::ids::{CustomerId, OutreachId, PartitionId, Position};
use crate::profile::tests::shop::NOON;
use crate::record::{Command, Input, Place, Record, Sender, Stray};
use crate::rulebook::Rulebook;
use crate::time::{Span, Timestamp};
use crate::value::Properties;

/// Log time after which an answer is asked for again.
const WITHIN: Span = Span(45_000);

/// A row that is talked to.
struct Chat {
    book: Rulebook,
    row: Customer,
    fx: Effects,
    now: Timestamp,
    log: Vec<Record>,
}

impl Chat {
    fn new() -> Self {
        let mut book = Rulebook::default();
        book.policy.conversation.answered_within = Some(WITHIN);
        let row = Customer::new(CustomerId::user("u"));
        Self { book, row, fx: Effects::default(), now: NOON, log: Vec::new() }
    }

    fn tell(&mut self, input: Input) -> &mut Self {
        let record = Record { position: Position(self.log.len() as u64), stamp: self.now, input };
        self.row.apply(&self.book, &record, &mut self.fx);
        self.log.push(record);
        self
    }

    fn talk(&mut self, talk: Talk) -> &mut Self {
        self.tell(Input::Talk(Box::new(talk)))
    }

    fn say(&mut self, message: &str) -> &mut Self {
        self.say_in(message, "How long?", "en")
    }

    fn say_in(&mut self, message: &str, text: &str, lang: &str) -> &mut Self {
        self.talk(Talk::Said(Said {
            message: message.into(),
            text: text.into(),
            lang: lang.into(),
            proved: false,
        }))
    }

    fn hands(&mut self, change: Change) -> &mut Self {
        self.talk(Talk::Ownership(Ownership { change, agent: "Anna".into() }))
    }

    fn answer(&mut self, QuestionId { attempt, epoch }: QuestionId, text: &str, rung: Rung) -> &mut Self {
        let (sources, backend) = (Vec::new(), "quotes".into());
        self.talk(Talk::Answered(Answered { attempt, epoch, text: text.into(), sources, rung, backend }))
    }

    /// Lets so much time pass.
    fn wait(&mut self, span: Span) -> &mut Self {
        self.now = self.now + span;
        self.row.wake(&self.book, self.now, &mut self.fx);
        self
    }

    fn open(&self) -> Option<QuestionId> {
        self.row.thread().and_then(|thread| thread.question())
    }

    fn asked(&self) -> QuestionId {
        self.open().expect("a question is open")
    }

    fn turns(&self) -> Vec<&Turn> {
        turns(&self.fx)
    }

    fn texts(&self) -> Vec<&str> {
        self.turns().into_iter().map(|turn| turn.text.as_str()).collect()
    }
}

/// Returns the turns that leave a row.
fn turns(fx: &Effects) -> Vec<&Turn> {
    let stays = fx.outbox.iter().filter(|entry| !fx.withdrawn.contains(&entry.number));
    stays
        .filter_map(|entry| match &entry.body {
            Outgoing::Turn(turn) => Some(&**turn),
            Outgoing::Outreach(_)
            | Outgoing::Decision(_)
            | Outgoing::Relay { .. }
            | Outgoing::Forgotten { .. } => None,
        })
        .collect()
}

#[test]
fn a_burst_is_answered_once_a_while_after_its_last_message() {
    let mut chat = Chat::new();
    chat.say("1").wait(Span(1_000)).say("2").wait(Span(1_000)).say("3");
    chat.wait(QUIET);
    assert_eq!(chat.open(), None, "not before the time is past");
    chat.wait(Span(1));
    assert_eq!(chat.asked(), QuestionId { attempt: 1, epoch: 0 });
    let question = chat.row.question().expect("a question is open");
    assert_eq!((question.at, question.turns.len()), (NOON + Span(2_000) + QUIET, 3));
    assert_eq!((chat.fx.tally.talk.said, chat.fx.tally.talk.coalesced, chat.fx.tally.talk.asked), (3, 2, 1));
}

#[test]
fn who_goes_on_writing_is_answered_all_the_same() {
    let mut chat = Chat::new();
    for second in 0..6 {
        chat.say(&second.to_string()).wait(Span(1_000));
        assert_eq!(chat.open(), None);
    }
    chat.wait(Span(1));
    assert_eq!(chat.row.question().expect("a question").at, NOON + BURST_MAX);
}

#[test]
fn a_message_that_comes_twice_is_one() {
    let mut chat = Chat::new();
    chat.say("1").wait(Span(5_000));
    let asked = chat.asked();
    chat.say("1");
    assert_eq!((chat.turns().len(), chat.asked(), chat.fx.tally.talk.repeated), (1, asked, 1));
    chat.talk(Talk::Spoken(Spoken { message: "1".into(), agent: "Anna".into(), text: "Hi".into() }));
    assert_eq!(chat.turns().len(), 2, "ids of agents are their own");
}

#[test]
fn a_newer_message_cancels_the_answer_under_way() {
    let mut chat = Chat::new();
    chat.say("1").wait(Span(5_000));
    let first = chat.asked();
    chat.say("2");
    assert_eq!((chat.open(), chat.fx.tally.talk.cancelled), (None, 1));
    chat.answer(first, "late", Rung::Full).wait(Span(5_000));
    let second = chat.asked();
    assert_eq!(second.attempt, first.attempt + 1);
    chat.answer(first, "late again", Rung::Full).answer(second, "30 days", Rung::Full).answer(
        second,
        "31 days",
        Rung::Full,
    );
    assert_eq!((chat.turns().len(), chat.fx.tally.talk.stale, chat.open()), (3, 3, None));
    assert!(chat.texts()[2].ends_with("30 days"));
}

#[test]
fn the_first_words_of_the_bot_say_what_it_is_in_the_customers_language() {
    for (text, lang, language) in [("Hi", "en", Language::English), ("你好", "", Language::Chinese)] {
        let mut chat = Chat::new();
        chat.say_in("1", text, lang).wait(Span(5_000));
        let asked = chat.asked();
        chat.answer(asked, "A.", Rung::Full).say_in("2", text, lang).wait(Span(5_000));
        let asked = chat.asked();
        chat.answer(asked, "B.", Rung::Full);
        let said = chat.turns();
        let bot: Vec<_> = said.into_iter().filter(|turn| turn.speaker == Speaker::Bot).collect();
        assert_eq!(bot[0].text, format!("{}\n\nA.", words::introduction(language)));
        assert_eq!(bot[1].text, "B.");
        assert!(bot.iter().all(|turn| turn.made == Made::Ai && turn.lang == language.tag()));
    }
}

#[test]
fn a_person_silences_the_bot_until_the_thread_is_handed_back() {
    let mut chat = Chat::new();
    chat.say("1").wait(Span(5_000));
    let asked = chat.asked();
    chat.hands(Change::TakeOver).answer(asked, "late", Rung::Full).say("2").wait(Span(60_000));
    let thread = chat.row.thread().expect("a thread");
    assert_eq!(
        (thread.owner(), thread.epoch(), thread.agent(), chat.open()),
        (Owner::Human, 1, "Anna", None)
    );
    chat.hands(Change::TakeOver).talk(Talk::Spoken(Spoken {
        message: "a".into(),
        agent: "Anna".into(),
        text: "Hello".into(),
    }));
    chat.hands(Change::HandBack).wait(Span(5_000));
    assert_eq!(chat.open(), None, "the person has answered");
    chat.hands(Change::HandBack).say("3").wait(Span(5_000));
    let asked = chat.asked();
    assert_eq!(asked, QuestionId { attempt: 2, epoch: 2 });
    chat.answer(asked, "Hi", Rung::Full);
    let told: Vec<_> = chat.turns().iter().map(|turn| (turn.speaker, turn.act, turn.epoch)).collect();
    assert_eq!(
        told,
        [
            (Speaker::Customer, Act::Said, 0),
            (Speaker::Agent, Act::TookOver, 1),
            (Speaker::Customer, Act::Said, 1),
            (Speaker::Agent, Act::Said, 1),
            (Speaker::Agent, Act::HandedBack, 2),
            (Speaker::Customer, Act::Said, 2),
            (Speaker::Bot, Act::Said, 2),
        ]
    );
}

#[test]
fn without_the_rule_that_answers_are_awaited_the_bot_speaks_into_a_persons_thread() {
    let mut chat = Chat::new();
    chat.book.rules.talk_answers_awaited = false;
    chat.say("1").wait(Span(5_000));
    let asked = chat.asked();
    chat.hands(Change::TakeOver).answer(asked, "late", Rung::Full);
    let last = chat.turns()[2];
    assert_eq!((last.speaker, last.epoch), (Speaker::Bot, 1), "the rule is what keeps it silent");
}

#[test]
fn what_the_customer_said_last_is_answered_after_a_hand_back() {
    let mut chat = Chat::new();
    chat.hands(Change::TakeOver).say("1").wait(Span(60_000)).hands(Change::HandBack).wait(Span(5_000));
    assert_eq!(chat.asked(), QuestionId { attempt: 1, epoch: 2 });
}

#[test]
fn an_answer_that_does_not_come_is_asked_for_again_and_at_last_a_person_has_to_answer() {
    let mut chat = Chat::new();
    chat.say("1").wait(Span(5_000));
    for attempt in 1..=u32::from(TRIES_MAX) {
        assert_eq!(chat.asked().attempt, attempt);
        chat.wait(WITHIN);
    }
    assert_eq!(chat.open(), None);
    assert!(chat.texts()[1].ends_with(words::hand_off(Language::English)));
    assert_eq!(chat.turns()[1].rung, Some(Rung::HandOff));
    let wanted = chat.row.thread().expect("a thread").wanted();
    assert!(wanted.is_some());
    chat.hands(Change::TakeOver);
    assert_eq!(chat.row.thread().expect("a thread").wanted(), None, "one has come");
}

#[test]
fn an_empty_answer_of_the_pool_asks_for_a_person() {
    let mut chat = Chat::new();
    chat.say_in("1", "你好", "").wait(Span(5_000));
    let asked = chat.asked();
    chat.answer(asked, "  ", Rung::HandOff);
    assert!(chat.texts()[1].ends_with(words::hand_off(Language::Chinese)));
    assert!(chat.row.thread().expect("a thread").wanted().is_some());
}

#[test]
fn who_asks_for_a_person_gets_one_without_the_pool() {
    let mut chat = Chat::new();
    chat.say_in("1", "hello", "en").say_in("2", "can I talk to a human", "en").wait(Span(5_000));
    assert_eq!((chat.open(), chat.turns().len()), (None, 3));
    assert!(chat.texts()[2].ends_with(words::called(Language::English)));
    assert_eq!(chat.turns()[2].rung, Some(Rung::HandOff));
    let since = chat.row.thread().expect("a thread").wanted();
    assert!(since.is_some());
    chat.say("3").wait(Span(5_000));
    let asked = chat.asked();
    chat.answer(asked, "Three days.", Rung::Full);
    assert_eq!(chat.row.thread().expect("a thread").wanted(), since, "the bot answers until one comes");
}

#[test]
fn a_yes_to_the_offer_of_a_person_asks_for_one_and_a_yes_to_anything_else_is_a_question() {
    let mut chat = Chat::new();
    chat.say("1").wait(Span(5_000));
    let asked = chat.asked();
    chat.answer(asked, words::offer(Language::English), Rung::Extractive)
        .say_in("2", "Yes, please", "en")
        .wait(Span(5_000));
    assert_eq!(chat.open(), None);
    assert_eq!(chat.texts()[3], words::called(Language::English));
    chat.say_in("3", "Yes, please", "en").wait(Span(5_000));
    assert!(chat.open().is_some());
}

fn opened(id: u128) -> Talk {
    Talk::Opened(Opened {
        outreach: OutreachId(id),
        trigger: "cart-idle".into(),
        text: "Your cart waits".into(),
        lang: "en".into(),
        facts: Properties(vec![("value".into(), crate::value::Value::Number(4.5))]),
        made: Made::Template,
    })
}

#[test]
fn an_outreach_opens_once_and_not_for_the_suppressed() {
    let mut chat = Chat::new();
    chat.talk(opened(7)).talk(opened(7)).talk(opened(8));
    let turns = chat.turns();
    assert_eq!(
        turns.iter().map(|turn| turn.outreach).collect::<Vec<_>>(),
        [7, 8].map(|id| Some(OutreachId(id)))
    );
    assert_eq!(
        (turns[0].speaker, turns[0].made, turns[0].facts.0.len()),
        (Speaker::Outreach, Made::Template, 1)
    );
    chat.tell(Input::Command(Command::Suppress)).talk(opened(9));
    assert_eq!((chat.turns().len(), chat.fx.tally.talk.refused), (2, 1));
    assert_eq!(chat.row.thread().expect("a thread").seen(), 0);
    chat.talk(Talk::Seen(Seen { number: 0 })).talk(Talk::Seen(Seen { number: u32::MAX }));
    assert_eq!(chat.row.thread().expect("a thread").seen(), 2, "no more than there are");
}

#[test]
fn too_many_messages_of_a_minute_are_counted_and_not_taken() {
    let mut chat = Chat::new();
    for n in 0..RATE_MAX + 5 {
        chat.say(&n.to_string());
    }
    assert_eq!((chat.turns().len(), chat.fx.tally.talk.refused), (usize::from(RATE_MAX), 5));
    chat.wait(Span(60_000)).say("later");
    assert_eq!(chat.turns().len(), usize::from(RATE_MAX) + 1);
}

#[test]
fn an_erase_takes_the_words_and_leaves_numbers() {
    let mut chat = Chat::new();
    chat.say("1")
        .wait(Span(5_000))
        .hands(Change::TakeOver)
        .hands(Change::HandBack)
        .say("2")
        .wait(Span(5_000));
    chat.hands(Change::TakeOver);
    let before = chat.row.thread().expect("a thread").clone();
    chat.tell(Input::Command(Command::Erase));
    let thread = chat.row.thread().expect("its numbers");
    assert!(chat.row.is_tombstone() && thread.recent().is_empty() && chat.turns().is_empty());
    assert_eq!(
        (thread.turns(), thread.owner(), thread.epoch()),
        (before.turns(), Owner::Bot, before.epoch() + 1)
    );
    let left: Vec<_> = chat.row.outbox().iter().map(|entry| &entry.body).collect();
    assert_eq!(left, [&Outgoing::Forgotten { below: before.turns(), at: chat.now }]);
    chat.say("1").wait(Span(5_000));
    assert!(!chat.row.is_tombstone());
    assert_eq!(chat.turns()[0].number, before.turns(), "no number is used twice");
    assert_eq!(chat.asked().attempt, 3, "and no attempt");
}

#[test]
fn an_alias_keeps_its_thread_and_none_but_its_own_words_are_in_it() {
    let mut chat = Chat::new();
    chat.row = Customer::new(CustomerId::anonymous("a"));
    chat.say("1");
    let sender = Sender { customer: CustomerId::user("u"), position: Position(4), nth: 0 };
    chat.tell(Input::Relay(Box::new(Relay { sender: sender.clone(), message: Message::Request })));
    chat.say("2").wait(Span(5_000));
    let asked = chat.asked();
    chat.answer(asked, "30 days", Rung::Full);
    assert_eq!((chat.turns().len(), chat.row.alias_of().is_some()), (3, true));
    let sender = Sender { position: Position(5), ..sender };
    chat.tell(Input::Relay(Box::new(Relay { sender, message: Message::Erase })));
    assert!(chat.turns().is_empty() && chat.row.thread().is_some_and(|thread| thread.recent().is_empty()));
}

#[test]
fn a_stray_message_is_taken_once() {
    let mut chat = Chat::new();
    let said = Said { message: "1".into(), text: "Hi".into(), lang: "".into(), proved: false };
    let from = Place { topic: "care.events".into(), partition: PartitionId(3), position: Position(9) };
    let told = Forward::Talk(Box::new(Talk::Said(said)));
    let stray = Stray { from, told };
    chat.tell(Input::Stray(Box::new(stray.clone()))).tell(Input::Stray(Box::new(stray)));
    assert_eq!((chat.turns().len(), chat.fx.tally.replayed), (1, 1));
}

#[test]
fn where_nobody_answers_nothing_is_asked() {
    let mut chat = Chat::new();
    chat.book.policy.conversation.answered_within = None;
    chat.say("1").wait(Span(600_000));
    assert_eq!((chat.turns().len(), chat.open(), chat.row.next_due()), (1, None, None));
}

#[test]
fn only_whom_the_shop_has_proved_is_called_by_name() {
    let mut chat = Chat::new();
    let body = br#"{"type":"identify","userId":"u","messageId":"i","traits":{"first_name":"Ada"}}"#;
    let event = crate::event::decode("u", body, NOON, &crate::event::Border::default()).expect("a good call");
    chat.tell(Input::Event(Box::new(event))).say("1").wait(Span(5_000));
    assert_eq!(chat.row.question().expect("a question").name, None);
    let said = Said { message: "2".into(), text: "Hi".into(), lang: "".into(), proved: true };
    chat.talk(Talk::Said(said)).wait(Span(5_000));
    assert_eq!(chat.row.question().expect("a question").name.as_deref(), Some("Ada"));
}

#[test]
fn a_row_without_a_thread_costs_nothing_and_one_with_it_is_cut_off_nowhere() {
    let mut chat = Chat::new();
    let mut plain = Vec::new();
    chat.tell(Input::Command(Command::Unsuppress)).row.encode(Codec::V3, &mut plain);
    let mut talking = Vec::new();
    chat.say("1").row.clear(&[0]);
    chat.row.encode(Codec::V3, &mut talking);
    assert_eq!((plain[0], talking[0]), (3, 0x83));
    assert_eq!(Customer::decode(&plain).expect("a row").thread(), None);
    assert_eq!(Customer::decode(&talking).as_ref(), Ok(&chat.row));
    for len in 1..talking.len() {
        assert!(Customer::decode(&talking[..len]).is_err(), "{len}");
    }
    let mut swapped = talking.clone();
    swapped[0] = 3;
    assert!(Customer::decode(&swapped).is_err(), "a thread without its mark is no row");
}

/// What happens next in a made-up conversation.
#[derive(Clone, Debug)]
enum Event {
    Say(u8),
    Wait(i64),
    /// An answer to a question of these numbers, asked or not.
    Answer(u32, u32),
    /// To the one that is open.
    Right,
    TakeOver,
    HandBack,
    Speak(u8),
    Open(u8),
    Erase,
    /// The record before comes again.
    Again,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..20_u8).prop_map(Event::Say),
        4 => prop_oneof![0..3_000_i64, 0..100_000_i64].prop_map(Event::Wait),
        2 => (0..6_u32, 0..4_u32).prop_map(|(attempt, epoch)| Event::Answer(attempt, epoch)),
        3 => Just(Event::Right),
        2 => Just(Event::TakeOver),
        2 => Just(Event::HandBack),
        1 => (0..9_u8).prop_map(Event::Speak),
        1 => (0..4_u8).prop_map(Event::Open),
        1 => Just(Event::Erase),
        1 => Just(Event::Again),
    ]
}

impl Chat {
    fn happen(&mut self, event: &Event) {
        match event {
            Event::Say(n) => {
                self.say(&n.to_string());
            }
            Event::Wait(span) => {
                self.wait(Span(*span));
            }
            Event::Answer(attempt, epoch) => {
                self.answer(QuestionId { attempt: *attempt, epoch: *epoch }, "x", Rung::Full);
            }
            Event::Right => {
                if let Some(open) = self.open() {
                    self.answer(open, "right", Rung::Full);
                }
            }
            Event::TakeOver => {
                self.hands(Change::TakeOver);
            }
            Event::HandBack => {
                self.hands(Change::HandBack);
            }
            Event::Speak(n) => {
                let spoken = Spoken { message: n.to_string().into(), agent: "Anna".into(), text: "y".into() };
                self.talk(Talk::Spoken(spoken));
            }
            Event::Open(n) => {
                self.talk(opened(u128::from(*n)));
            }
            Event::Erase => {
                self.tell(Input::Command(Command::Erase));
            }
            Event::Again => {
                if let Some(last) = self.log.last().cloned() {
                    self.row.apply(&self.book, &last, &mut self.fx);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_happens_no_word_of_the_bot_stands_behind_a_take_over(events in prop::collection::vec(event(), 0..60)) {
        let mut chat = Chat::new();
        for event in &events {
            chat.happen(event);
            let mut bytes = Vec::new();
            chat.row.encode(Codec::NEWEST, &mut bytes);
            let read = Customer::decode(&bytes);
            prop_assert_eq!(read.as_ref(), Ok(&chat.row));
        }
        let mut owner = Owner::Bot;
        let (mut ids, mut answered) = (std::collections::HashSet::new(), std::collections::HashSet::new());
        let mut epoch = 0;
        let all: Vec<&Turn> = chat.fx.outbox.iter().filter_map(|entry| match &entry.body {
            Outgoing::Turn(turn) => Some(&**turn),
            Outgoing::Forgotten { .. } | Outgoing::Outreach(_) | Outgoing::Decision(_) | Outgoing::Relay { .. } => None,
        }).collect();
        for (nth, turn) in all.iter().enumerate() {
            prop_assert_eq!(turn.number as usize, nth, "turns are numbered without a gap");
            prop_assert!(ids.insert(turn.id) && turn.epoch >= epoch);
            if turn.epoch > epoch {
                owner = if turn.act == Act::TookOver { Owner::Human } else { Owner::Bot };
                epoch = turn.epoch;
            }
            prop_assert_eq!(owner, Owner::in_epoch(epoch), "the epoch says who owns the thread");
            if turn.speaker == Speaker::Bot {
                prop_assert_eq!(owner, Owner::Bot, "the bot speaks into a person's thread: {:?}", events);
                prop_assert!(answered.insert(turn.attempt), "one question, two answers");
            }
        }
    }

    #[test]
    fn what_is_said_depends_on_the_log_alone(events in prop::collection::vec(event(), 0..60)) {
        let mut chat = Chat::new();
        events.iter().for_each(|event| chat.happen(event));
        let (mut row, mut fx) = (Customer::new(CustomerId::user("u")), Effects::default());
        for record in &chat.log {
            row.apply(&chat.book, record, &mut fx);
        }
        row.wake(&chat.book, chat.now, &mut fx);
        prop_assert_eq!(row.thread(), chat.row.thread());
        prop_assert_eq!(turns(&fx), chat.turns());
    }
}
