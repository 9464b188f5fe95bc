//! One shopper's page: it opens a session, listens, asks what its shopper wants to know, and tells what was read.

use std::collections::VecDeque;
use std::time::Duration;

use actors::port::clock::Clock;
use anyhow::{Result, bail};
use eventsource_stream::{Event, Eventsource};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use schemas::conversation::words::Language;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::link::{Answer, Link};
use crate::clock::SystemClock;

/// A shopper reads an outreach so long after the page shows it.
const READS: Duration = Duration::from_secs(2);

/// Wait before a stream that was cut is taken up again.
const AGAIN: Duration = Duration::from_millis(500);

/// Cuts in a row after which a page gives up.
const CUTS_MAX: u32 = 20;

/// Who reads the page.
pub(super) enum Reader {
    /// A customer, by a token of the shop.
    Known { customer: String, token: String },
    /// Somebody.
    Anonymous,
}

/// A page before it is loaded.
pub(super) struct Page {
    pub(super) link: Link,
    pub(super) key: String,
    /// Names it, and what is said there; no other page has it.
    pub(super) id: String,
    pub(super) reader: Reader,
    pub(super) language: Language,
    /// The shopper's number in the shop.
    pub(super) shopper: u32,
    /// Number of the last outreach that was read on an earlier page.
    pub(super) read: Option<u64>,
}

/// An outreach that was read.
pub(super) struct Read {
    pub(super) shopper: u32,
    pub(super) customer: String,
    /// Its number in the thread.
    pub(super) number: u64,
}

/// A page at work.
struct Live {
    page: Page,
    session: String,
    reading: mpsc::Sender<Read>,
    /// Questions that wait for the one before.
    waiting: VecDeque<String>,
    asking: Option<Asking>,
    asked: u32,
    /// Number of the last turn.
    last: Option<u64>,
    /// Whether everything that was said before is told: what comes then answers what is asked now.
    is_ready: bool,
}

/// A question that is not answered yet.
struct Asking {
    /// Since boot.
    at: Duration,
    words_came: bool,
}

/// What a page needs of a turn.
#[derive(Debug, Deserialize)]
struct Turn {
    number: u64,
    speaker: String,
    act: String,
    sources: Vec<Value>,
}

type Events = BoxStream<'static, Event>;

/// Lives a page from its loading until its shopper has left, which is when no question can come any more, and nothing is open.
pub(super) async fn live(page: Page, mut questions: mpsc::Receiver<String>, reading: mpsc::Sender<Read>) {
    let tally = page.link.tally.clone();
    tally.page();
    let lived = async {
        let session = open(&page).await?;
        let live = Live {
            page,
            session,
            reading,
            waiting: VecDeque::new(),
            asking: None,
            asked: 0,
            last: None,
            is_ready: false,
        };
        live.run(&mut questions).await
    };
    if let Err(error) = lived.await {
        tracing::warn!(%error, "a page failed");
        tally.page_failed();
    }
}

/// Opens the session of a page.
///
/// Errors: the engine is away, or refuses key or token.
async fn open(page: &Page) -> Result<String> {
    let mut opening = json!({"page": page.id});
    if let Reader::Known { token, .. } = &page.reader {
        opening["token"] = json!(token);
    }
    let Answer { status, body, .. } = page.link.post("/chat/session", &page.key, &opening).await?;
    match body["session"].as_str() {
        Some(session) if status.is_success() => Ok(session.to_owned()),
        _ => bail!("no session: {status} {}", body["detail"].as_str().unwrap_or_default()),
    }
}

impl Live {
    /// Errors: the engine is away, or refuses what is said.
    async fn run(mut self, questions: &mut mpsc::Receiver<String>) -> Result<()> {
        let (mut stays, mut cuts) = (true, 0);
        let mut events = self.listen().await?;
        while stays || self.asking.is_some() || !self.waiting.is_empty() {
            tokio::select! {
                question = questions.recv(), if stays => match question {
                    Some(text) => self.waiting.push_back(text),
                    None => stays = false,
                },
                event = events.next() => match event {
                    Some(event) => {
                        cuts = 0;
                        self.hear(&event)?;
                    }
                    None if cuts == CUTS_MAX => bail!("the stream was cut {cuts} times in a row"),
                    None => {
                        cuts += 1;
                        SystemClock.sleep(AGAIN).await;
                        events = self.listen().await.unwrap_or_else(|_| stream::empty().boxed());
                    }
                },
            }
            if self.is_ready
                && self.asking.is_none()
                && let Some(text) = self.waiting.pop_front()
            {
                self.ask(text).await?;
            }
        }
        Ok(())
    }

    async fn listen(&self) -> Result<Events> {
        let response = self.page.link.listen("/chat/stream", &self.session, self.last).await?;
        let bytes = stream::unfold(response, |mut response| async {
            let chunk = response.chunk().await.ok().flatten()?;
            Some((Ok::<_, std::convert::Infallible>(chunk), response))
        });
        Ok(bytes.eventsource().filter_map(|event| async { event.ok() }).boxed())
    }

    async fn ask(&mut self, text: String) -> Result<()> {
        self.asked += 1;
        let lang = self.page.language.tag();
        let message = json!({"id": format!("{}-{}", self.page.id, self.asked), "text": text, "lang": lang});
        self.asking = Some(Asking { at: SystemClock.boot(), words_came: false });
        let Answer { status, body, .. } =
            self.page.link.post("/chat/messages", &self.session, &message).await?;
        if !status.is_success() {
            bail!("a question was refused with {status}: {}", body["detail"].as_str().unwrap_or_default());
        }
        self.page.link.tally.asked();
        Ok(())
    }

    /// Takes what the stream tells.
    ///
    /// Errors: a turn is no turn.
    fn hear(&mut self, event: &Event) -> Result<()> {
        match event.event.as_str() {
            "ready" => self.is_ready = true,
            "piece" => self.words_come(),
            "turn" => self.take(&serde_json::from_str(&event.data)?),
            _ => {}
        }
        Ok(())
    }

    fn words_come(&mut self) {
        if let Some(asking) = self.asking.as_mut().filter(|asking| !asking.words_came) {
            asking.words_came = true;
            self.page.link.tally.first_words(SystemClock.boot().saturating_sub(asking.at));
        }
    }

    fn take(&mut self, turn: &Turn) {
        self.last = Some(turn.number);
        match (turn.speaker.as_str(), turn.act.as_str()) {
            ("bot" | "agent", "said") => {
                self.words_come();
                if let Some(asking) = self.asking.take() {
                    let took = SystemClock.boot().saturating_sub(asking.at);
                    self.page.link.tally.answered(!turn.sources.is_empty(), took);
                }
            }
            ("outreach", "said") if self.page.read.is_none_or(|last| last < turn.number) => {
                self.read(turn.number)
            }
            _ => {}
        }
    }

    /// Has the shopper read an outreach, in a moment: the engine is told, and so is whoever knows how the shopper reacts.
    fn read(&mut self, number: u64) {
        self.page.read = Some(number);
        let Reader::Known { customer, .. } = &self.page.reader else { return };
        let (link, session, customer) = (self.page.link.clone(), self.session.clone(), customer.clone());
        let (reading, shopper) = (self.reading.clone(), self.page.shopper);
        link.tally.shown();
        actix::spawn(async move {
            SystemClock.sleep(READS).await;
            let shown = json!({"number": number});
            match link.post("/chat/seen", &session, &shown).await {
                Ok(Answer { status, .. }) if status.is_success() => {
                    link.tally.seen();
                    // At the end nobody listens.
                    drop(reading.send(Read { shopper, customer, number }).await);
                }
                Ok(Answer { status, .. }) => {
                    tracing::warn!(%status, "that an outreach was read is not taken")
                }
                Err(error) => tracing::warn!(%error, "that an outreach was read cannot be told"),
            }
        });
    }
}
