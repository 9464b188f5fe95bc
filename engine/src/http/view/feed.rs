//! The live feed: decisions, outreach, risks and the pulse of the engine, as server-sent events.
//!
//! It is for people who watch: so many events of a second pass, the rest are counted and told with the next pulse. Every event has a number;
//! who comes again with the number of the last one gets what passed meanwhile, as far as it is kept, or hears that something was missed.
//! A page that is too slow misses events too, and hears so.
//!
//! Source: WHATWG HTML, server-sent events.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use actors::port::clock::Clock;
use bytes::Bytes;
use futures_util::future::{self, Either};
use futures_util::stream;
use openssl::rand::rand_bytes;
use schemars::JsonSchema;
use schemas::ids::CustomerId;
use schemas::score::Head;
use serde::Serialize;
use serde_json::json;
use tokio::sync::broadcast::{self, error::RecvError};

use super::Views;
use super::asked::Asked;
use super::board::Scored;
use super::overview::Beat;
use super::told::head_name;
use crate::http::problem::Refusal;

/// Events of a second that pass.
const PER_SECOND: u32 = 50;

/// Events that are kept for who comes again.
const KEPT: usize = 256;

/// Events that wait for a slow page, at most.
const WAITING_MAX: usize = 256;

/// Pages at a time.
const PAGES_MAX: usize = 64;

/// A page hears something at least so often, so that whoever stands between holds the connection.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A score became high, or was high and is so no more.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct RiskChange {
    customer: String,
    #[schemars(schema_with = "head_name")]
    head: String,
    /// The score where it became high; none where it is so no more.
    value: Option<f32>,
}

/// The pulse of the engine.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct Pulse {
    pulse: Beat,
    /// Events that did not pass since the last pulse.
    left_out: u64,
}

/// Events were missed.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct Missed {
    /// So many; none where nobody knows.
    events: Option<u64>,
}

impl RiskChange {
    fn new(customer: &CustomerId, head: Head, value: Option<f32>) -> Self {
        Self { customer: customer.to_string(), head: head.as_str().to_owned(), value }
    }
}

/// What passes.
pub(super) struct Feed {
    clock: Arc<dyn Clock>,
    /// Names the process in the ids of events: numbers of another one mean nothing here.
    run: String,
    state: Mutex<State>,
    pages: Arc<AtomicUsize>,
}

struct State {
    /// None once it is closed.
    tell: Option<broadcast::Sender<Arc<Event>>>,
    kept: VecDeque<Arc<Event>>,
    number: u64,
    /// The second, since boot, that events are counted in.
    second: u64,
    passed: u32,
    left_out: u64,
}

/// One event, as it is sent.
struct Event {
    number: u64,
    text: String,
}

/// What a page hears first, and then.
struct Heard {
    before: VecDeque<Bytes>,
    then: broadcast::Receiver<Arc<Event>>,
    clock: Arc<dyn Clock>,
    _page: Page,
}

/// A page that listens; it is counted while it does.
struct Page(Arc<AtomicUsize>);

impl Drop for Page {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Feed {
    /// Returns a feed that nobody listens to.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let mut run = [0; 4];
        rand_bytes(&mut run).expect("a system that has made keys has randomness");
        let (tell, _) = broadcast::channel(WAITING_MAX);
        let (kept, number, second, passed, left_out) = (VecDeque::new(), 0, 0, 0, 0);
        let state = State { tell: Some(tell), kept, number, second, passed, left_out };
        let run = format!("{:08x}", u32::from_le_bytes(run));
        Self { clock, run, state: Mutex::new(state), pages: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns true while somebody listens.
    pub(super) fn is_heard(&self) -> bool {
        self.pages.load(Ordering::Relaxed) > 0
    }

    /// Ends what every page hears.
    pub(super) fn close(&self) {
        self.lock().tell = None;
    }

    /// Tells an event, unless too many were told in this second.
    pub(super) fn tell(&self, name: &str, what: &impl Serialize) {
        if !self.is_heard() {
            return;
        }
        let second = self.clock.boot().as_secs();
        let mut state = self.lock();
        if state.second != second {
            (state.second, state.passed) = (second, 0);
        }
        if state.passed >= PER_SECOND {
            state.left_out += 1;
            return;
        }
        state.passed += 1;
        self.pass(&mut state, name, what);
    }

    /// Tells the pulse, with how many events did not pass since the last one.
    pub(super) fn pulse(&self, beat: &Beat) {
        if self.is_heard() {
            let mut state = self.lock();
            let left_out = std::mem::take(&mut state.left_out);
            self.pass(&mut state, "pulse", &Pulse { pulse: beat.clone(), left_out });
        }
    }

    /// Tells that a score has become high.
    pub(super) fn risk(&self, scored: &Scored) {
        let Scored { head, value, customer } = scored;
        self.tell("risk", &RiskChange::new(customer, *head, Some(*value)));
    }

    /// Tells that a score was high and is so no more.
    pub(super) fn calm(&self, head: Head, customer: &CustomerId) {
        self.tell("risk", &RiskChange::new(customer, head, None));
    }

    fn pass(&self, state: &mut State, name: &str, what: &impl Serialize) {
        state.number += 1;
        let number = state.number;
        let data = serde_json::to_string(what).expect("what is told has text for keys");
        let text = format!("id: {}-{number}\nevent: {name}\ndata: {data}\n\n", self.run);
        let event = Arc::new(Event { number, text });
        state.kept.push_back(event.clone());
        if state.kept.len() > KEPT {
            state.kept.pop_front();
        }
        if let Some(tell) = &state.tell {
            // Nobody may listen just now: then it is kept for who comes.
            drop(tell.send(event));
        }
    }

    /// Returns what a page hears that has heard events up to `last` before.
    ///
    /// Errors: too many listen · the server stops.
    fn listen(&self, last: Option<&str>) -> Result<Heard, Refusal> {
        let state = self.lock();
        let tell = state.tell.as_ref().ok_or(Refusal::Stopping)?;
        if self.pages.fetch_add(1, Ordering::Relaxed) >= PAGES_MAX {
            self.pages.fetch_sub(1, Ordering::Relaxed);
            return Err(Refusal::Busy);
        }
        let page = Page(self.pages.clone());
        let mut before = VecDeque::from([Bytes::from_static(b"retry: 2000\n\n")]);
        if let Some(last) = last {
            let number = last.strip_prefix(&self.run).and_then(|rest| rest.strip_prefix('-')?.parse().ok());
            let oldest = state.kept.front().map_or(state.number + 1, |event| event.number);
            if number.is_none_or(|number: u64| number + 1 < oldest) {
                before.push_back(missed(None));
            }
            let kept = state.kept.iter().filter(|event| number.is_none_or(|number| event.number > number));
            before.extend(kept.map(|event| Bytes::from(event.text.clone())));
        }
        Ok(Heard { before, then: tell.subscribe(), clock: self.clock.clone(), _page: page })
    }
}

/// Returns the event that some were missed: so many, or nobody knows how many.
fn missed(events: Option<u64>) -> Bytes {
    Bytes::from(format!("event: missed\ndata: {}\n\n", json!(Missed { events })))
}

impl Heard {
    /// Returns what is heard next; nothing at the end.
    async fn next(mut self) -> Option<(Result<Bytes, actix_web::Error>, Self)> {
        if let Some(text) = self.before.pop_front() {
            return Some((Ok(text), self));
        }
        let heard = match future::select(std::pin::pin!(self.then.recv()), self.clock.sleep(HEARTBEAT)).await
        {
            Either::Left((Ok(event), _)) => Bytes::from(event.text.clone()),
            Either::Left((Err(RecvError::Lagged(events)), _)) => missed(Some(events)),
            Either::Left((Err(RecvError::Closed), _)) => return None,
            Either::Right(_) => Bytes::from_static(b": nothing new\n\n"),
        };
        Some((Ok(heard), self))
    }
}

impl Views {
    /// Answers with what happens from now on.
    ///
    /// Errors: as [`Feed::listen`] · there is a parameter.
    pub(super) fn listen(&self, asked: &Asked<'_>) -> Result<HttpResponse, Refusal> {
        asked.query(&[])?;
        let heard = self.feed.listen(asked.header("Last-Event-ID"))?;
        Ok(HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "text/event-stream"))
            // For a proxy that would keep events until it has many.
            .insert_header((HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")))
            .streaming(stream::unfold(heard, Heard::next)))
    }
}

#[cfg(test)]
mod tests {
    use actors::kit::memory::ManualClock;
    use futures_util::FutureExt;
    use schemas::time::Timestamp;

    use super::*;

    fn feed() -> (Feed, ManualClock) {
        let clock = ManualClock::at(Timestamp(0));
        (Feed::new(Arc::new(clock.clone())), clock)
    }

    /// Returns what a page hears without waiting.
    fn hear(heard: Heard) -> (Vec<String>, Option<Heard>) {
        let (mut texts, mut rest) = (Vec::new(), Some(heard));
        while let Some(heard) = rest.take() {
            if heard.before.is_empty() && heard.then.is_empty() {
                return (texts, Some(heard));
            }
            if let Some((text, heard)) = heard.next().now_or_never().expect("it need not wait") {
                texts.push(String::from_utf8(text.expect("heard").to_vec()).expect("text"));
                rest = Some(heard);
            }
        }
        (texts, None)
    }

    #[test]
    fn who_comes_again_hears_what_passed_meanwhile() {
        let (feed, _clock) = feed();
        let (_, page) = hear(feed.listen(None).expect("there is room"));
        for n in 0..3 {
            feed.tell("decision", &n);
        }
        let (texts, page) = hear(page.expect("it goes on"));
        assert_eq!(texts.len(), 3);
        assert!(texts[0].ends_with("event: decision\ndata: 0\n\n"), "{texts:?}");
        let last = texts[0].lines().next().and_then(|line| line.strip_prefix("id: ")).expect("an id");
        let (again, _page) = hear(feed.listen(Some(last)).expect("there is room"));
        assert_eq!(again[1..], texts[1..], "after how long to wait");
        let (strange, _page) = hear(feed.listen(Some("00000000-1")).expect("there is room"));
        assert!(strange[1].contains("event: missed") && strange.len() == 5, "{strange:?}");
        feed.close();
        let end = page.expect("it goes on").next().now_or_never().expect("it need not wait");
        assert!(end.is_none(), "it ends");
        assert!(matches!(feed.listen(None), Err(Refusal::Stopping)));
    }

    #[test]
    fn so_many_of_a_second_pass_and_the_rest_are_counted() {
        let (feed, clock) = feed();
        let (_, page) = hear(feed.listen(None).expect("there is room"));
        for n in 0..PER_SECOND + 7 {
            feed.tell("decision", &n);
        }
        clock.advance(Duration::from_secs(1));
        feed.tell("decision", &"later");
        feed.pulse(&Beat::default());
        let (texts, _page) = hear(page.expect("it goes on"));
        assert_eq!(texts.len(), PER_SECOND as usize + 2);
        assert!(texts.last().is_some_and(|text| text.contains("\"left_out\":7")), "{:?}", texts.last());
    }

    #[test]
    fn a_slow_page_hears_that_it_missed_events_and_pages_have_a_bound() {
        let (feed, clock) = feed();
        let (_, page) = hear(feed.listen(None).expect("there is room"));
        for n in 0..WAITING_MAX + 10 {
            clock.advance(Duration::from_secs(1));
            feed.tell("decision", &n);
        }
        let (texts, page) = hear(page.expect("it goes on"));
        assert!(texts[0].contains("{\"events\":10}") && texts.len() == WAITING_MAX + 1, "{:?}", texts[0]);
        let more: Vec<_> = (1..PAGES_MAX).map(|_| feed.listen(None).expect("there is room")).collect();
        assert!(matches!(feed.listen(None), Err(Refusal::Busy)));
        drop((more, page));
        assert!(!feed.is_heard());
        feed.tell("decision", &"to nobody");
        assert!(feed.lock().kept.len() <= KEPT);
    }
}
