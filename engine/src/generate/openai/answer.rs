//! An answer on its way in: from bytes to events, from events to pieces.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use actors::port::generator::{Citation, Counted, Error, Finish, Piece, Request, Usage, Wait, estimate};
use bytes::Bytes;
use eventsource_stream::{Event, EventStreamError, Eventsource};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, stream};
use reqwest::Response;

use super::link::Link;
use super::wire::{Part, Tools};

/// Bytes of a whole answer; events spend about 250 on a token.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// Bytes of one line; the parser keeps a line until it is whole.
const LINE_BYTES_MAX: usize = 1 << 20;

type Events = BoxStream<'static, Result<Event, EventStreamError<Error>>>;

/// Where an answer stands.
enum Phase {
    /// To be asked for.
    Asking,
    /// Comes in events.
    Streaming(Events),
    /// Comes in one body that is not streamed.
    Whole(BoxStream<'static, Result<Bytes, Error>>),
    /// Over.
    Over,
}

/// An answer that is being written.
pub(super) struct Writing {
    link: Arc<Link>,
    request: Arc<Request>,
    phase: Phase,
    pending: VecDeque<Piece>,
    /// When it was asked for, in time since boot.
    began: Duration,
    /// When something of it came last; `None` before the first token.
    came: Option<Duration>,
    text: String,
    tools: Tools,
    /// Why the server says it ends.
    reason: Option<String>,
    usage: Option<Usage>,
}

impl Writing {
    pub fn new(link: Arc<Link>, request: Arc<Request>) -> Self {
        let began = link.clock.boot();
        Self {
            link,
            request,
            phase: Phase::Asking,
            pending: VecDeque::new(),
            began,
            came: None,
            text: String::new(),
            tools: Tools::default(),
            reason: None,
            usage: None,
        }
    }

    /// Resolves with the next piece; `None` behind the end or an error.
    pub async fn next(&mut self) -> Option<Result<Piece, Error>> {
        loop {
            if let Some(piece) = self.pending.pop_front() {
                return Some(Ok(piece));
            }
            if let Phase::Over = self.phase {
                return None;
            }
            if let Err(error) = self.advance().await {
                self.phase = Phase::Over;
                self.pending.clear();
                return Some(Err(error));
            }
        }
    }

    async fn advance(&mut self) -> Result<(), Error> {
        let until = self.until();
        match &mut self.phase {
            Phase::Asking => {
                self.began = self.link.clock.boot();
                let response = self.link.call(&self.request, self.until()).await?;
                self.phase = self.open(response).await?;
                Ok(())
            }
            Phase::Streaming(events) => {
                let event = match self.link.within(until, events.next()).await {
                    // All was said; the server owes only its count, or the sign that it is done.
                    Err(Error::Late(..)) if self.reason.is_some() => None,
                    event => event?,
                };
                self.take(event)
            }
            Phase::Whole(body) => {
                let (link, mut whole) = (Arc::clone(&self.link), Vec::new());
                while let Some(chunk) = link.within(until, body.next()).await? {
                    whole.extend_from_slice(&chunk?);
                }
                self.read(&whole)?;
                self.end()
            }
            Phase::Over => Ok(()),
        }
    }

    /// Returns what is waited for next, and until when.
    fn until(&self) -> (Wait, Duration) {
        let waits = self.link.waits();
        let total = (self.began.saturating_add(waits.total)).min(self.request.deadline);
        let next = match (&self.phase, self.came) {
            (Phase::Whole(_), _) => return (Wait::Total, total),
            (_, None) => (Wait::FirstToken, self.began.saturating_add(waits.first_token)),
            (_, Some(came)) => (Wait::NextToken, came.saturating_add(waits.next_token)),
        };
        if next.1 < total { next } else { (Wait::Total, total) }
    }

    /// Looks at the first bytes of a body: its own beginning says more than its header about what it is.
    async fn open(&mut self, response: Response) -> Result<Phase, Error> {
        let mut body = bounded(response).boxed();
        let mut first = Vec::new();
        loop {
            let begins = first.iter().find(|byte: &&u8| !byte.is_ascii_whitespace()).copied();
            if let Some(byte) = begins {
                let first = Bytes::from(first);
                let body = stream::once(async move { Ok(first) }).chain(body);
                return match byte {
                    b'{' => Ok(Phase::Whole(body.boxed())),
                    b'<' => Err(Error::Garbled("a page of HTML".to_owned())),
                    _ => Ok(Phase::Streaming(body.eventsource().boxed())),
                };
            }
            match self.link.within(self.until(), body.next()).await? {
                Some(chunk) => first.extend_from_slice(&chunk?),
                None => return Err(Error::Garbled("an empty body".to_owned())),
            }
        }
    }

    /// Takes an event, or the end of the stream.
    fn take(&mut self, event: Option<Result<Event, EventStreamError<Error>>>) -> Result<(), Error> {
        match event {
            Some(Ok(event)) if event.data.trim() == "[DONE]" => self.end(),
            Some(Ok(event)) if event.event == "error" => {
                let part: Part = serde_json::from_str(&event.data).unwrap_or_default();
                Err(Error::Broke(self.link.words(&part.error().unwrap_or(event.data))))
            }
            Some(Ok(event)) => self.read(event.data.as_bytes()),
            Some(Err(EventStreamError::Transport(error))) if self.reason.is_none() => Err(error),
            Some(Err(EventStreamError::Utf8(_))) => Err(Error::Garbled("bytes that are no UTF-8".to_owned())),
            Some(Err(EventStreamError::Parser(_))) => Err(Error::Garbled("no stream of events".to_owned())),
            Some(Err(EventStreamError::Transport(_))) => self.end(),
            None if self.reason.is_none() => Err(Error::Cut),
            None => self.end(),
        }
    }

    /// Reads a part, or a whole answer.
    fn read(&mut self, json: &[u8]) -> Result<(), Error> {
        let part: Part = serde_json::from_slice(json).map_err(|error| {
            Error::Garbled(format!("no JSON object: {}", self.link.words(&error.to_string())))
        })?;
        if let Some(error) = part.error() {
            return Err(Error::Broke(self.link.words(&error)));
        }
        self.usage = part.usage().or(self.usage);
        let Some((written, reason)) = part.first() else { return Ok(()) };
        let text = written.text();
        let thinks = written.thinks();
        let tools = written.tools();
        if thinks || !text.is_empty() || !tools.is_empty() {
            self.came = Some(self.link.clock.boot());
        }
        tools.into_iter().for_each(|tool| self.tools.add(tool));
        if !text.is_empty() {
            self.text.push_str(&text);
            self.pending.push_back(Piece::Text(text));
        }
        self.reason = reason.or(self.reason.take());
        Ok(())
    }

    /// Ends the answer with what the server said.
    ///
    /// Errors: it said nothing.
    fn end(&mut self) -> Result<(), Error> {
        let tools = std::mem::take(&mut self.tools);
        if tools.is_empty() && self.text.trim().is_empty() {
            return Err(Error::Garbled("an answer without text".to_owned()));
        }
        self.phase = Phase::Over;
        let finish = match self.reason.as_deref() {
            Some("length" | "max_tokens") => Finish::Length,
            Some("content_filter") => Finish::Filtered,
            _ if !tools.is_empty() => Finish::Tools(tools.in_order()),
            _ => Finish::Stop,
        };
        let estimated = || Usage {
            prompt: self.request.prompt_tokens(),
            completion: estimate(&self.text),
            counted: Counted::Estimated,
        };
        let usage = self.usage.unwrap_or_else(estimated);
        self.pending.extend(cited(&self.text, &self.request).map(Piece::Citation));
        self.pending.push_back(Piece::End(finish, usage));
        Ok(())
    }
}

/// Returns the passages that a text cites by their numbers; numbers of none are left alone.
fn cited<'a>(text: &str, request: &'a Request) -> impl Iterator<Item = Citation> + use<'a> {
    let inside = text.split('[').skip(1).filter_map(|rest| rest.split_once(']')).map(|(inside, _)| inside);
    let numbers: BTreeSet<u32> =
        inside.flat_map(|inside| inside.split(',')).filter_map(|number| number.trim().parse().ok()).collect();
    numbers.into_iter().filter_map(|number| {
        let passage = request.passages.get(usize::try_from(number).ok()?.checked_sub(1)?)?;
        let (passage, title, source) = (passage.id.clone(), passage.title.clone(), passage.source.clone());
        Some(Citation { number, passage, title, source })
    })
}

/// Returns the bytes of a body, until it is longer than any answer or one of its lines longer than any line.
fn bounded(response: Response) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static {
    stream::unfold(Some((response, 0, 0)), |state| async move {
        let (mut response, mut whole, mut line) = state?;
        match response.chunk().await {
            Ok(Some(chunk)) => {
                whole += chunk.len();
                line = match chunk.iter().rposition(|byte| *byte == b'\n') {
                    Some(at) => chunk.len() - at,
                    None => line + chunk.len(),
                };
                let is_flood = whole > ANSWER_BYTES_MAX || line > LINE_BYTES_MAX;
                let flood = || Error::Garbled("more bytes than any answer has".to_owned());
                if is_flood {
                    Some((Err(flood()), None))
                } else {
                    Some((Ok(chunk), Some((response, whole, line))))
                }
            }
            Ok(None) => None,
            Err(_) => Some((Err(Error::Cut), None)),
        }
    })
}
