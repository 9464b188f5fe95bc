//! What the engine itself says to customers, in English and Chinese, and which of them a customer reads.

/// Languages that the engine's own words are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English; also for whoever reads neither.
    English,
    /// Chinese, in simplified characters.
    Chinese,
}

impl Language {
    /// Returns the tag (BCP 47).
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh",
        }
    }

    /// Returns the language of a text, and where its script tells nothing that of a tag.
    pub fn of(text: &str, tag: &str) -> Self {
        let is_han = |letter: char| matches!(letter, '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{323af}');
        let has_kana = text.chars().any(|letter| matches!(letter, '\u{3040}'..='\u{30ff}'));
        if text.chars().any(is_han) && !has_kana {
            return Language::Chinese;
        }
        let has_words = text.chars().any(char::is_alphabetic);
        match Self::of_tag(tag) {
            Some(Language::Chinese) if !has_words => Language::Chinese,
            Some(Language::Chinese | Language::English) | None => Language::English,
        }
    }

    /// Returns the language of a tag such as `zh-Hans-CN`; `None` where the engine has no words of it.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "en" => Some(Language::English),
            "zh" => Some(Language::Chinese),
            _ => None,
        }
    }
}

/// Returns what stands before the bot's first words: that they are those of an AI.
pub fn introduction(language: Language) -> &'static str {
    match language {
        Language::English => "I am the shop's AI assistant, not a person.",
        Language::Chinese => "我是本店的人工智能（AI）助手，不是真人。",
    }
}

/// Returns what the bot says where a person has to answer.
pub fn hand_off(language: Language) -> &'static str {
    match language {
        Language::English => "I cannot answer this. I have asked a colleague to reply to you here.",
        Language::Chinese => "这个问题我无法回答，已请同事在这里回复您。",
    }
}

/// Returns what the bot asks where it knows no answer.
pub fn offer(language: Language) -> &'static str {
    match language {
        Language::English => "I do not know the answer to that. Shall I hand you over to a colleague?",
        Language::Chinese => "这个问题我无法回答。需要我为您转接人工客服吗？",
    }
}

/// Returns what the bot says where the customer asked for a person.
pub fn called(language: Language) -> &'static str {
    match language {
        Language::English => "I have asked a colleague to reply to you here.",
        Language::Chinese => "已请同事在这里回复您。",
    }
}

/// Returns what the customer reads when a person takes over.
pub fn took_over(language: Language, agent: &str) -> String {
    match language {
        Language::English => format!("{agent} has joined and answers from here on."),
        Language::Chinese => format!("{agent}已加入对话，将由其为您解答。"),
    }
}

/// Returns what the customer reads when the bot answers again.
pub fn handed_back(language: Language) -> &'static str {
    match language {
        Language::English => "The AI assistant answers again from here on.",
        Language::Chinese => "接下来由人工智能（AI）助手继续为您解答。",
    }
}
