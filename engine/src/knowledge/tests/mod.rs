//! Tests of the knowledge base: files good and bad, text taken apart, and what is found in the sample shop's articles.

mod files;
mod sample;

use super::words::{Words, sentences};
use super::*;

#[test]
fn the_language_of_a_text_is_that_of_its_letters() {
    assert_eq!(language_of("How do I pay with 支付宝?"), Language::English);
    assert_eq!(language_of("可以用 PayPal 付款吗"), Language::Chinese);
    assert_eq!(language_of("30 €?"), Language::English);
    assert_eq!(language_of(""), Language::English);
}

#[test]
fn english_is_taken_apart_by_stems_and_chinese_by_words_and_pairs() {
    let words = Words::of("Can I return the returned items? 退货期限");
    assert_eq!(words.stems, ["return", "return", "item"]);
    assert_eq!(words.pairs, ["退货", "货期", "期限"]);
    assert!(words.words.contains(&"期限".to_owned()), "{:?}", words.words);
    assert_eq!(Words::of("的 吗").words, Vec::<String>::new(), "what says nothing is left out");
}

#[test]
fn sentences_end_at_their_marks_and_not_within_numbers() {
    assert_eq!(
        sentences("It costs 4.90 euros. Why? See www.example.com now!"),
        ["It costs 4.90 euros.", "Why?", "See www.example.com now!"]
    );
    assert_eq!(
        sentences("运费为 35 元。满 400 元免运费！\n- 其他"),
        ["运费为 35 元。", "满 400 元免运费！", "- 其他"]
    );
    assert_eq!(sentences(" \n. "), Vec::<&str>::new());
}
