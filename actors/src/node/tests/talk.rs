//! Questions of threads: asked once the log is read, given up when they are closed, asked again after a crash, answered once.

use schemas::conversation::{
    Answered, Change, Ownership, Question, QuestionId, Rung, Said, Speaker, Talk, Turn,
};
use schemas::rulebook::ConversationPolicy;
use schemas::time::Span;
use tokio::sync::watch;

use super::*;
use crate::port::answers::{Answers, UnderWay};

/// Notes what is asked, and what of it is still wanted.
#[derive(Clone, Default)]
struct Notes {
    asked: Arc<watch::Sender<Vec<Question>>>,
    wanted: Arc<watch::Sender<usize>>,
}

/// Counts a question as long as somebody wants its answer.
struct Wanted(Arc<watch::Sender<usize>>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.send_modify(|wanted| *wanted -= 1);
    }
}

impl Answers for Notes {
    fn answer(&self, question: Question) -> UnderWay {
        self.wanted.send_modify(|wanted| *wanted += 1);
        self.asked.send_modify(|asked| asked.push(question));
        Box::new(Wanted(Arc::clone(&self.wanted)))
    }
}

impl Notes {
    /// Resolves with the questions when there are so many.
    async fn asked(&self, count: usize) -> Vec<Question> {
        let mut asked = self.asked.subscribe();
        asked.wait_for(|asked| asked.len() >= count).await.expect("the sender is held here").clone()
    }

    /// Resolves when nobody wants an answer.
    async fn unwanted(&self) {
        let mut wanted = self.wanted.subscribe();
        wanted.wait_for(|wanted| *wanted == 0).await.expect("the sender is held here");
    }
}

impl World {
    /// Returns a world whose customers are answered by `notes`.
    fn talking(notes: &Notes) -> Self {
        let mut book = Rulebook::default();
        book.policy.conversation = ConversationPolicy { answered_within: Some(Span::minutes(10)) };
        Self { book: Arc::new(book), answers: Arc::new(notes.clone()), ..Self::new() }
    }

    async fn talk(&self, talk: Talk) {
        self.append_record("ada", (RecordKind::Talk, None), record::encode_talk(&talk)).await;
    }

    async fn say(&self, message: &str) {
        let said =
            Said { message: message.into(), text: "How long?".into(), lang: "en".into(), proved: false };
        self.talk(Talk::Said(said)).await;
    }

    async fn answer(&self, QuestionId { attempt, epoch }: QuestionId) {
        let (text, sources, backend) = ("30 days".to_owned(), Vec::new(), "quotes".into());
        self.talk(Talk::Answered(Answered { attempt, epoch, text, sources, rung: Rung::Full, backend }))
            .await;
    }

    async fn turns(&self) -> Vec<Turn> {
        self.store.read_turns(CustomerId::user("ada"), 0, 99).await.expect("memory")
    }
}

fn speakers(turns: &[Turn]) -> Vec<Speaker> {
    turns.iter().map(|turn| turn.speaker).collect()
}

#[test]
fn a_message_is_stored_told_and_answered() {
    run(async {
        let notes = Notes::default();
        let world = World::talking(&notes);
        let node = world.node();
        world.say("1").await;
        let asked = world.pace.passing(notes.asked(1)).await;
        assert_eq!((asked[0].customer.as_str(), asked[0].turns.len()), ("ada", 1));
        world.answer(asked[0].id).await;
        world.pace.passing(notes.unwanted()).await;
        world.pace.passing(node.settle()).await.expect("settled");
        let turns = world.turns().await;
        assert_eq!(speakers(&turns), [Speaker::Customer, Speaker::Bot]);
        let told = world.records(Topic::Replies);
        let told = told.iter().filter_map(|record| record::decode_reply(record).expect("a reply"));
        let told: Vec<_> = told.collect();
        let expected = turns.into_iter().map(|turn| schemas::conversation::Reply::Turn(Box::new(turn)));
        assert_eq!(told, expected.collect::<Vec<_>>());
        assert_eq!(world.sample("care_conversation_turns_total"), 2.0);
        node.stop().await.expect("stopped");
    });
}

#[test]
fn what_a_crash_left_open_is_asked_again_and_what_was_answered_is_not() {
    run(async {
        let notes = Notes::default();
        let world = World::talking(&notes);
        let node = world.node();
        world.say("1").await;
        let first = world.pace.passing(notes.asked(1)).await;
        drop(node);
        let world = world.reopened();
        let node = world.node();
        // Its own timer would ask under the next attempt: this is the question that the row has noted.
        let again = world.pace.passing(notes.asked(2)).await;
        assert_eq!(again[1].id, first[0].id);
        world.answer(again[1].id).await;
        world.answer(again[1].id).await;
        world.pace.passing(node.settle()).await.expect("settled");
        assert_eq!(speakers(&world.turns().await), [Speaker::Customer, Speaker::Bot], "one answer is taken");
        drop(node);
        let world = world.reopened();
        let node = world.node();
        world.pace.passing(node.settle()).await.expect("settled");
        assert_eq!(notes.asked(0).await.len(), 2, "nobody is asked for what is answered");
        node.stop().await.expect("stopped");
    });
}

#[test]
fn an_answer_that_lies_in_the_log_unread_is_not_asked_for_again() {
    run(async {
        let notes = Notes::default();
        let world = World::talking(&notes);
        let node = world.node();
        world.say("1").await;
        let asked = world.pace.passing(notes.asked(1)).await;
        drop(node);
        world.answer(asked[0].id).await;
        let world = world.reopened();
        let node = world.node();
        world.pace.passing(node.settle()).await.expect("settled");
        assert_eq!(speakers(&world.turns().await), [Speaker::Customer, Speaker::Bot]);
        assert_eq!(notes.asked(0).await.len(), 1, "the log was read first");
        node.stop().await.expect("stopped");
    });
}

#[test]
fn a_take_over_gives_the_answer_up_and_an_erase_takes_the_turns() {
    run(async {
        let notes = Notes::default();
        let world = World::talking(&notes);
        let node = world.node();
        world.say("1").await;
        let asked = world.pace.passing(notes.asked(1)).await;
        world.talk(Talk::Ownership(Ownership { change: Change::TakeOver, agent: "Anna".into() })).await;
        world.pace.passing(notes.unwanted()).await;
        world.answer(asked[0].id).await;
        world.pace.passing(node.settle()).await.expect("settled");
        assert_eq!(speakers(&world.turns().await), [Speaker::Customer, Speaker::Agent]);
        let erase = record::encode_command(record::Command::Erase);
        world.append_record("ada", (RecordKind::Command, None), erase).await;
        world.pace.passing(node.settle()).await.expect("settled");
        assert!(world.turns().await.is_empty());
        node.stop().await.expect("stopped");
    });
}
