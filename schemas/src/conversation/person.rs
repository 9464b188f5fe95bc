//! Whether a customer asks for a person of the shop, in English and Chinese.
//!
//! Told by words and not by a model: whoever asks for a person gets one whatever answers, and a replay sees the same. Long messages are
//! about something else, in which such words may stand by chance.

use super::words::{self, Language};

/// Words of an English message that asks for a person, at most.
const WORDS_MAX: usize = 16;
/// Words of an English message that is nothing but the name of a person, or a yes, at most.
const BARE_WORDS_MAX: usize = 4;
/// Characters of a Chinese message that asks for a person, at most.
const CHARS_MAX: usize = 30;

const PERSONS: [&str; 12] = [
    "human",
    "humans",
    "person",
    "people",
    "agent",
    "representative",
    "rep",
    "operator",
    "colleague",
    "someone",
    "somebody",
    "employee",
];
/// Those that need no verb: nobody shops for them.
const UNMISTAKABLE: [&str; 5] = ["human", "person", "representative", "agent", "operator"];
const REACHES: [&str; 15] = [
    "talk", "speak", "chat", "connect", "transfer", "hand", "pass", "put", "reach", "forward", "contact",
    "ask", "get", "need", "want",
];
/// What may stand beside the name of a person without changing what is meant.
const POLITE: [&str; 12] =
    ["a", "an", "the", "real", "live", "please", "pls", "now", "support", "service", "customer", "thanks"];
/// What may stand between the verb and the person.
const WAYS: [&str; 8] = ["to", "with", "me", "us", "over", "through", "another", "your"];
const YES: [&str; 11] =
    ["yes", "yeah", "yep", "yup", "sure", "ok", "okay", "please", "absolutely", "definitely", "y"];
const NO: [&str; 6] = ["no", "not", "don't", "dont", "never", "nope"];

/// Chinese words that name a person of the shop. The first also begins the word for artificial intelligence.
const CHINESE_PERSONS: [&str; 6] = ["人工", "真人", "转客服", "转接客服", "找客服", "活人"];
const CHINESE_YES: [&str; 16] = [
    "是",
    "是的",
    "好",
    "好的",
    "好啊",
    "好呀",
    "要",
    "要的",
    "需要",
    "可以",
    "行",
    "嗯",
    "麻烦",
    "麻烦了",
    "转吧",
    "请转",
];
const CHINESE_NO: [&str; 4] = ["不", "别", "没", "无需"];

/// Returns true when a message asks for a person.
pub fn is_asked_for(text: &str) -> bool {
    match Language::of(text, "") {
        Language::Chinese => {
            let said = text.replace("人工智能", "");
            let is_short = text.chars().nth(CHARS_MAX).is_none();
            is_short && CHINESE_PERSONS.iter().any(|name| said.contains(name)) && !denies_in_chinese(text)
        }
        Language::English => {
            let words = words_of(text);
            let is_bare = words.len() <= BARE_WORDS_MAX
                && words.iter().any(|word| is_of(&UNMISTAKABLE, word))
                && words.iter().all(|word| is_of(&UNMISTAKABLE, word) || is_of(&POLITE, word));
            is_bare || words.len() <= WORDS_MAX && reaches_for_person(&words) && !denies(&words)
        }
    }
}

/// Returns true when a message says yes to the bot's last words, which offered a person.
pub fn is_accepted(offered: &str, text: &str) -> bool {
    let offers = [Language::English, Language::Chinese].map(words::offer);
    offers.iter().any(|offer| offered.ends_with(offer)) && is_yes(text)
}

fn is_yes(text: &str) -> bool {
    match Language::of(text, "") {
        Language::Chinese => {
            let mut parts =
                text.split(|letter: char| !letter.is_alphanumeric()).filter(|part| !part.is_empty());
            parts.next().is_some_and(|first| is_of(&CHINESE_YES, first)) && !denies_in_chinese(text)
        }
        Language::English => {
            let words = words_of(text);
            let [first, rest @ ..] = &words[..] else { return false };
            let goes_ahead =
                first == "do" || first == "go" && rest.first().is_some_and(|word| word == "ahead");
            words.len() <= BARE_WORDS_MAX && (is_of(&YES, first) || goes_ahead) && !denies(&words)
        }
    }
}

/// "Get me to a real person", and not "get it to another person".
fn reaches_for_person(words: &[String]) -> bool {
    let behind = |at: usize| words[at + 1..].iter().find(|word| !is_of(&POLITE, word) && !is_of(&WAYS, word));
    let reaches = (0..words.len()).filter(|at| is_of(&REACHES, &words[*at]));
    reaches.filter_map(behind).any(|word| is_of(&PERSONS, word))
}

fn denies(words: &[String]) -> bool {
    words.iter().any(|word| is_of(&NO, word))
}

fn denies_in_chinese(text: &str) -> bool {
    CHINESE_NO.iter().any(|no| text.contains(no))
}

fn is_of(list: &[&str], word: &str) -> bool {
    list.contains(&word)
}

fn words_of(text: &str) -> Vec<String> {
    let is_apart = |letter: char| !(letter.is_alphanumeric() || letter == '\'');
    text.split(is_apart).filter(|word| !word.is_empty()).map(str::to_lowercase).take(WORDS_MAX + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_asked_for_in_many_words() {
        for text in [
            "Can I talk to a human?",
            "I want to speak with a real person please",
            "AGENT",
            "human please",
            "connect me to customer service representative",
            "Let me chat with someone.",
            "put me through to an operator",
            "Hand me over to your colleague",
            "转人工",
            "我要人工客服！",
            "能找个真人吗",
            "请帮我转接客服",
        ] {
            assert!(is_asked_for(text), "{text}");
        }
    }

    #[test]
    fn what_is_about_something_else_is_not() {
        for text in [
            "",
            "How long does delivery take?",
            "Does this shirt fit a tall person?",
            "cleaning agent",
            "Can I get this delivered to another person?",
            "I need it for someone",
            "is this human hair",
            "I don't want to talk to a human",
            "人工智能是什么",
            "人工智能音箱多少钱",
            "不要人工",
            "送货要多久？",
        ] {
            assert!(!is_asked_for(text), "{text}");
        }
        let long = "I ordered a coat for a person whom I want to surprise and it has not come, where is my parcel now?";
        assert!(!is_asked_for(long));
    }

    #[test]
    fn an_offer_is_accepted_and_a_yes_to_anything_else_is_none() {
        let english = words::offer(Language::English);
        for yes in ["yes", "Yes, please!", "ok", "sure", "please do", "do that", "好的", "是的，谢谢", "要"]
        {
            assert!(is_accepted(english, yes), "{yes}");
            assert!(!is_accepted("It takes three days.", yes), "{yes}");
        }
        assert!(is_accepted(words::offer(Language::Chinese), "需要"));
        for other in [
            "no",
            "no thanks",
            "not now",
            "yes but first tell me where my parcel is",
            "不要",
            "好不好",
            "maybe",
        ] {
            assert!(!is_accepted(english, other), "{other}");
        }
    }
}
