//! The desk: takes questions of threads to the pool, tells pieces of their answers as they are written, and appends each answer to the
//! customer's records.
//!
//! One task per question, a bounded number of them. Pieces are best effort: one append of them is under way at a time, and while it is
//! the next grows. The answer itself is appended until that succeeds or nobody wants it any more: its task is given up when the row has
//! closed the question, or the partition is another owner's, who asks anew.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use schemas::conversation::{
    Answered, Piece, Question, QuestionId, Reply as Told, SOURCES_MAX, Source, TEXT_MAX, Talk,
};
use schemas::ids::{CustomerId, PartitionId, Position};
use schemas::record::{RecordKind, encode_reply, encode_talk};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use super::{Answer, Delta, Pool, Reply, Said, Work};
use crate::metrics::Conversation;
use crate::port::answers::{Answers, UnderWay};
use crate::port::clock::Clock;
use crate::port::generator::Citation;
use crate::port::log::{Error, LogSink, NewRecord, Topic};
use crate::port::{BoxFuture, Kind};

/// Questions that are answered at one time; more are left, and their rows ask again.
const OPEN_MAX: usize = 4_096;
/// Pieces of one answer are told at most this often, the first at once.
const PIECE_EVERY: Duration = Duration::from_millis(250);
/// Wait before a failed append of an answer is made again.
const RETRY: Duration = Duration::from_millis(200);

/// What a question becomes for the pool: instructions, passages, bounds. Knows prompts, and where knowledge is.
pub trait Briefing: Send + Sync {
    /// Resolves with the work that a question is.
    fn brief(&self, question: Question) -> BoxFuture<'static, Work>;
}

/// Answers questions of threads through a pool.
pub struct Desk {
    shared: Arc<Shared>,
    runtime: Handle,
    room: Arc<Semaphore>,
}

struct Shared {
    pool: Pool,
    briefing: Arc<dyn Briefing>,
    sink: Arc<dyn LogSink>,
    partitions: u32,
    clock: Arc<dyn Clock>,
    counts: Conversation,
}

/// Ends a task when it is dropped.
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Desk {
    /// Returns a desk that works on the runtime of the caller, and appends to topics of so many partitions.
    pub fn new(
        pool: Pool,
        briefing: Arc<dyn Briefing>,
        (sink, partitions): (Arc<dyn LogSink>, u32),
        (clock, counts): (Arc<dyn Clock>, Conversation),
    ) -> Self {
        let shared = Arc::new(Shared { pool, briefing, sink, partitions, clock, counts });
        Self { shared, runtime: Handle::current(), room: Arc::new(Semaphore::new(OPEN_MAX)) }
    }
}

impl Answers for Desk {
    fn answer(&self, question: Question) -> UnderWay {
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            self.shared.counts.turned_away();
            return Box::new(());
        };
        let shared = Arc::clone(&self.shared);
        let task = self.runtime.spawn(async move {
            shared.answer(question).await;
            drop(place);
        });
        Box::new(Task(task.abort_handle()))
    }
}

/// What comes next of an answer that is being written.
enum Next {
    /// The pool says this; `None` when it went away.
    Said(Option<Said>),
    /// The piece under way was appended, or not.
    Appended(Result<Vec<Position>, Error>),
}

type Append = BoxFuture<'static, Result<Vec<Position>, Error>>;

impl Shared {
    async fn answer(&self, question: Question) {
        let (customer, id) = (question.customer.clone(), question.id);
        let mut pieces = Pieces::new(self, &customer, id);
        let mut reply = self.pool.ask(self.briefing.brief(question).await);
        let (mut text, mut sources) = (String::new(), Vec::new());
        loop {
            match pieces.next(&mut reply).await {
                Next::Said(Some(Said::Delta(Delta::Text(more)))) => {
                    text.push_str(&more);
                    pieces.add(&more);
                }
                Next::Said(Some(Said::Delta(Delta::Citation(citation)))) => sources.push(source(citation)),
                Next::Said(Some(Said::End(answer))) => {
                    drop(pieces);
                    return self.append(&customer, answered(id, (text, sources), answer)).await;
                }
                Next::Said(None) => return,
                Next::Appended(appended) => pieces.appended(appended),
            }
        }
    }

    /// Appends an answer to the customer's records, however often that takes.
    async fn append(&self, customer: &CustomerId, answered: Answered) {
        let body = encode_talk(&Talk::Answered(answered));
        let record = self.record(customer, RecordKind::Talk, body);
        loop {
            match self.sink.append(Topic::Events, vec![record.clone()]).await {
                Ok(_) => return,
                Err(error) => {
                    self.counts.answer_failed();
                    match error.kind() {
                        Kind::Retry | Kind::Anew => self.clock.sleep(RETRY).await,
                        Kind::Reject | Kind::Fatal => {
                            return tracing::warn!(%error, "an answer could not be appended");
                        }
                    }
                }
            }
        }
    }

    fn record(&self, customer: &CustomerId, kind: RecordKind, body: bytes::Bytes) -> NewRecord {
        let partition = PartitionId::of(customer.as_str(), self.partitions);
        NewRecord { partition, key: customer.as_str().into(), kind, epoch: None, stamp: None, body }
    }
}

fn source(Citation { number, passage, title, source }: Citation) -> Source {
    Source { number, passage, title, source }
}

/// Returns the record of an answer, within the bounds of one.
fn answered(id: QuestionId, (mut text, mut sources): (String, Vec<Source>), answer: Answer) -> Answered {
    text.truncate(text.floor_char_boundary(TEXT_MAX));
    sources.truncate(SOURCES_MAX);
    let QuestionId { attempt, epoch } = id;
    Answered { attempt, epoch, text, sources, rung: answer.rung, backend: answer.backend.unwrap_or_default() }
}

/// The pieces of one answer.
struct Pieces<'a> {
    desk: &'a Shared,
    customer: &'a CustomerId,
    id: QuestionId,
    began: Duration,
    /// Said and not told.
    text: String,
    /// Pieces told.
    told: u32,
    /// When the last was told.
    last: Duration,
    under_way: Option<Append>,
}

impl<'a> Pieces<'a> {
    fn new(desk: &'a Shared, customer: &'a CustomerId, id: QuestionId) -> Self {
        let began = desk.clock.boot();
        Self { desk, customer, id, began, text: String::new(), told: 0, last: began, under_way: None }
    }

    /// Resolves with what comes next: the pool, or the append under way.
    async fn next(&mut self, reply: &mut Reply) -> Next {
        let said = pin!(reply.next());
        match &mut self.under_way {
            None => Next::Said(said.await),
            Some(append) => match select(said, append).await {
                Either::Left((said, _)) => Next::Said(said),
                Either::Right((appended, _)) => Next::Appended(appended),
            },
        }
    }

    fn add(&mut self, text: &str) {
        self.text.push_str(text);
        self.tell();
    }

    fn appended(&mut self, appended: Result<Vec<Position>, Error>) {
        self.under_way = None;
        if appended.is_err() {
            self.desk.counts.piece_failed();
        }
        self.tell();
    }

    /// Tells what was said, unless it is too early.
    fn tell(&mut self) {
        let now = self.desk.clock.boot();
        let is_early = self.told > 0 && now < self.last + PIECE_EVERY;
        if self.text.is_empty() || self.under_way.is_some() || is_early {
            return;
        }
        if self.told == 0 {
            self.desk.counts.first_piece(now.saturating_sub(self.began));
        }
        let QuestionId { attempt, epoch } = self.id;
        let piece = Piece { attempt, epoch, nth: self.told, text: std::mem::take(&mut self.text) };
        let record = self.desk.record(self.customer, RecordKind::Reply, encode_reply(&Told::Piece(piece)));
        (self.told, self.last) = (self.told + 1, now);
        self.under_way = Some(self.desk.sink.append(Topic::Replies, vec![record]));
    }
}

#[cfg(test)]
mod tests {
    use schemas::conversation::{Context, Rung, Speaker};
    use schemas::event::Border;
    use schemas::record::{self, Input};
    use schemas::time::Timestamp;

    use super::super::{Backend, Priority, Settings};
    use super::*;
    use crate::kit::memory::{ManualClock, MemoryLog, ScriptedGenerator, Step};
    use crate::metrics::Metrics;
    use crate::port::generator::{Generator, Message, Request, Role};

    struct Brief;

    impl Briefing for Brief {
        fn brief(&self, question: Question) -> BoxFuture<'static, Work> {
            let text = question.turns.last().map(|turn| turn.text.clone()).unwrap_or_default();
            let request = Request {
                messages: vec![Message { role: Role::Customer, text }],
                passages: Vec::new(),
                tokens_max: 100,
                temperature: 0.0,
                seed: 0,
                deadline: Duration::from_secs(100),
            };
            let (priority, customer) = (Priority::Shopper, Some(question.customer));
            Box::pin(std::future::ready(Work { request, priority, customer, template: None }))
        }
    }

    struct Rig {
        desk: Desk,
        writer: ScriptedGenerator,
        log: MemoryLog,
        partition: PartitionId,
    }

    fn rig() -> Rig {
        let (writer, clock, metrics) =
            (ScriptedGenerator::new(), ManualClock::at(Timestamp(0)), Metrics::new());
        let backend = Backend { name: "writer".into(), rungs: vec![Rung::Full], permits: 8 };
        let backends: Vec<(Backend, Arc<dyn Generator>)> = vec![(backend, Arc::new(writer.clone()))];
        let pool = Pool::start(backends, Settings::default(), (&metrics, Arc::new(clock.clone())));
        let log = MemoryLog::new(4, Arc::new(clock.clone()));
        let around = (Arc::new(clock) as Arc<dyn Clock>, metrics.conversation().clone());
        let desk = Desk::new(pool, Arc::new(Brief), (Arc::new(log.clone()), 4), around);
        Rig { desk, writer, log, partition: PartitionId::of("ada", 4) }
    }

    fn question(attempt: u32) -> Question {
        Question {
            customer: CustomerId::user("ada"),
            id: QuestionId { attempt, epoch: 2 },
            at: Timestamp(0),
            turns: vec![Context { speaker: Speaker::Customer, text: "How long?".to_owned() }],
            lang: "en".into(),
            name: None,
        }
    }

    impl Rig {
        /// Returns the answers in the log once there are so many; gives up after a while.
        async fn answers(&self, count: usize) -> Vec<Answered> {
            for _ in 0..10_000 {
                let records = self.log.records(Topic::Events, self.partition);
                if records.len() >= count {
                    return records.iter().map(said).collect();
                }
                tokio::task::yield_now().await;
            }
            panic!("no {count} answers came");
        }

        fn pieces(&self) -> Vec<Piece> {
            let records = self.log.records(Topic::Replies, self.partition);
            let piece = |record| match record::decode_reply(record).expect("a reply") {
                Some(Told::Piece(piece)) => piece,
                other => panic!("{other:?}"),
            };
            records.iter().map(piece).collect()
        }
    }

    fn said(stored: &schemas::record::LogRecord) -> Answered {
        match record::decode(stored, &Border::default()).expect("a record").input {
            Input::Talk(talk) => match *talk {
                Talk::Answered(answered) => answered,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn an_answer_is_told_in_pieces_and_appended_whole() {
        let rig = rig();
        rig.writer.then(vec![
            ScriptedGenerator::text("Within "),
            ScriptedGenerator::text("30 days."),
            ScriptedGenerator::end(4),
        ]);
        let _under_way = rig.desk.answer(question(7));
        let answers = rig.answers(1).await;
        assert_eq!((answers[0].attempt, answers[0].epoch, answers[0].rung), (7, 2, Rung::Full));
        assert_eq!((answers[0].text.as_str(), answers[0].backend.as_str()), ("Within 30 days.", "writer"));
        let pieces = rig.pieces();
        assert_eq!((pieces[0].attempt, pieces[0].epoch, pieces[0].nth), (7, 2, 0));
        let told: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
        assert!("Within 30 days.".starts_with(&told) && told.starts_with("Within"), "{told}");
    }

    #[tokio::test]
    async fn a_question_that_is_dropped_is_answered_no_more() {
        let rig = rig();
        rig.writer.then(vec![ScriptedGenerator::text("Wi"), Step::Hang]);
        let under_way = rig.desk.answer(question(1));
        rig.writer.until_alive(1).await;
        drop(under_way);
        rig.writer.until_alive(0).await;
        let _next = rig.desk.answer(question(2));
        let answers = rig.answers(1).await;
        assert_eq!((answers.len(), answers[0].attempt), (1, 2), "and the next is");
    }

    #[tokio::test]
    async fn where_no_back_end_answers_a_person_has_to() {
        let rig = rig();
        rig.writer.then(vec![Step::Fail(crate::port::generator::Error::Rejected {
            status: 400,
            text: "no".to_owned(),
        })]);
        let _under_way = rig.desk.answer(question(1));
        let answers = rig.answers(1).await;
        assert_eq!((answers[0].rung, answers[0].text.as_str()), (Rung::HandOff, ""));
    }

    #[tokio::test]
    async fn an_answer_is_kept_within_the_bounds_of_a_record() {
        let rig = rig();
        rig.writer.then(vec![ScriptedGenerator::text(&"天".repeat(TEXT_MAX)), ScriptedGenerator::end(4)]);
        let _under_way = rig.desk.answer(question(1));
        let answers = rig.answers(1).await;
        assert!(answers[0].text.len() <= TEXT_MAX && Talk::Answered(answers[0].clone()).check().is_ok());
    }
}
