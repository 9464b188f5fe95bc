//! Text taken apart for finding: English by stems, Chinese by the words of a dictionary and by pairs of characters.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jieba_rs::Jieba;
use schemas::conversation::words::Language;
use tantivy::tokenizer::{
    Language as StemmerLanguage, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, TextAnalyzer,
    TokenStream,
};

/// Bytes of an English word; what is longer is none.
const WORD_BYTES_MAX: usize = 40;

/// Returns the language that a text is searched in: Chinese where at least a fifth of its letters are Chinese characters, which say as much
/// as words do; else English, also for whatever else is written in letters.
pub fn language_of(text: &str) -> Language {
    let letters = text.chars().filter(|letter| letter.is_alphabetic());
    let (all, chinese) =
        letters.fold((0, 0), |(all, chinese), letter| (all + 1, chinese + usize::from(is_han(letter))));
    if chinese > 0 && chinese * 5 >= all { Language::Chinese } else { Language::English }
}

/// Loading takes a third of a second, once.
static JIEBA: LazyLock<Jieba> = LazyLock::new(Jieba::new);

/// English words that say nothing about what is asked.
const ENGLISH_STOP: &str = "a about an and any anything are as at be been but by can could d did do does don for from get got had \
has have he her his how i if in into is it its ll m make may me might much must my need no not of on one or our please s shall she should \
so some t tell than that the their them then there these they this to too up us was we were what when where which who why will with \
would you your want like know also just long many often t re ve";

/// Chinese words that say nothing about what is asked.
const CHINESE_STOP: &str = "的 了 吗 呢 吧 啊 是 我 你 您 我们 你们 他 她 它 他们 在 有 和 与 或 就 都 也 还 要 想 能 会 可以 能否 是否 \
怎么 怎样 如何 什么 哪些 哪个 哪里 多少 多久 几 为什么 请 请问 这 那 这个 那个 一 个 一个 不 没 没有 把 被 给 对 从 到 后 前 时 时候 里 中 上 下 \
需要 应该 告诉 知道 得 着 过 吧 么 以 及 并 很 最 用 去 来 做 办 办理 如果 怎么办 才 能不能 可不可以 有没有";

static ENGLISH_STOPS: LazyLock<BTreeSet<&'static str>> =
    LazyLock::new(|| ENGLISH_STOP.split_whitespace().collect());
static CHINESE_STOPS: LazyLock<BTreeSet<&'static str>> =
    LazyLock::new(|| CHINESE_STOP.split_whitespace().collect());

/// A text taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// Stems of the English words, without those that say nothing.
    pub stems: Vec<String>,
    /// Chinese words of the dictionary, without those that say nothing.
    pub words: Vec<String>,
    /// Pairs of Chinese characters that stand side by side; a character alone where it stands alone.
    pub pairs: Vec<String>,
}

impl Words {
    /// Takes a text apart.
    pub fn of(text: &str) -> Self {
        Self { stems: stems(text), words: words(text), pairs: pairs(text) }
    }

    /// Returns what a text is about: its stems and words, each once.
    pub fn content(&self) -> BTreeSet<&str> {
        self.stems.iter().chain(&self.words).map(String::as_str).collect()
    }
}

fn stems(text: &str) -> Vec<String> {
    let letters: String = text.chars().map(|letter| if is_han(letter) { ' ' } else { letter }).collect();
    let mut plain = TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(WORD_BYTES_MAX))
        .filter(LowerCaser)
        .build();
    let mut kept = String::new();
    plain.token_stream(&letters).process(&mut |token| {
        if !ENGLISH_STOPS.contains(token.text.as_str()) {
            kept.push_str(&token.text);
            kept.push(' ');
        }
    });
    let mut stemmer = TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(Stemmer::new(StemmerLanguage::English))
        .build();
    let mut stems = Vec::new();
    stemmer.token_stream(&kept).process(&mut |token| stems.push(token.text.clone()));
    stems
}

fn words(text: &str) -> Vec<String> {
    let is_word = |word: &str| word.chars().all(is_han) && !CHINESE_STOPS.contains(word);
    runs(text)
        .flat_map(|run| JIEBA.cut_for_search(run, true))
        .map(|token| token.word)
        .filter(|word| is_word(word))
        .map(str::to_owned)
        .collect()
}

fn pairs(text: &str) -> Vec<String> {
    let mut pairs = Vec::new();
    for run in runs(text) {
        let letters: Vec<char> = run.chars().collect();
        if let [alone] = letters[..] {
            pairs.push(alone.to_string());
        }
        pairs.extend(letters.windows(2).map(|pair| pair.iter().collect::<String>()));
    }
    pairs
}

/// Returns the stretches of Chinese characters.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter| !is_han(letter)).filter(|run| !run.is_empty())
}

fn is_han(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// Returns the sentences of a text, each with its mark.
pub fn sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut from = 0;
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let next = letters.peek().map(|(_, next)| *next);
        // A dot between digits or letters is none that ends a sentence.
        let ends = match letter {
            '。' | '！' | '？' | '\n' => true,
            '.' | '!' | '?' => next.is_none_or(char::is_whitespace),
            _ => false,
        };
        if ends {
            let to = at + letter.len_utf8();
            sentences.push(text[from..to].trim());
            from = to;
        }
    }
    sentences.push(text[from..].trim());
    sentences.retain(|sentence| sentence.chars().any(char::is_alphanumeric));
    sentences
}
