//! What the rung `short` leaves of a request.

use super::Short;
use crate::port::generator::{Request, Role};

/// Returns a request of less: the last messages, the first passages, fewer tokens. What the system says stays whole.
pub fn shorten(request: &Request, short: Short) -> Request {
    let said = request.messages.iter().filter(|message| message.role != Role::System).count();
    let mut dropped = said.saturating_sub(short.messages_max);
    let messages = request.messages.iter().filter(|message| {
        let drop = message.role != Role::System && dropped > 0;
        dropped -= usize::from(drop);
        !drop
    });
    Request {
        messages: messages.cloned().collect(),
        passages: request.passages.iter().take(short.passages_max).cloned().collect(),
        tokens_max: request.tokens_max.min(short.tokens_max),
        ..*request
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::port::generator::{Message, Passage};

    #[test]
    fn short_keeps_what_the_system_says_the_last_messages_and_the_first_passages() {
        let message = |role, text: &str| Message { role, text: text.to_owned() };
        let passage = |id: &str| Passage {
            id: id.into(),
            title: String::new(),
            source: String::new(),
            text: String::new(),
        };
        let request = Request {
            messages: vec![
                message(Role::Customer, "one"),
                message(Role::System, "be kind"),
                message(Role::Shop, "two"),
                message(Role::Customer, "three"),
            ],
            passages: vec![passage("a"), passage("b")],
            tokens_max: 500,
            temperature: 0.2,
            seed: 7,
            deadline: Duration::from_secs(9),
        };
        let short = shorten(&request, Short { tokens_max: 100, messages_max: 1, passages_max: 1 });
        let texts: Vec<&str> = short.messages.iter().map(|message| message.text.as_str()).collect();
        assert_eq!(texts, ["be kind", "three"]);
        assert_eq!((short.passages.len(), short.passages[0].id.as_str(), short.tokens_max), (1, "a", 100));
        assert_eq!((short.seed, short.deadline, short.question()), (7, request.deadline, "three"));
    }
}
