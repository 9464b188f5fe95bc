//! Answers without a model: the best sentences of the best passages, quoted with their numbers, in the language of the question.
//!
//! The knowledge base is asked, or, where there is none, the passages that come with a request. Below the bar of relevance nothing is
//! quoted: what is near asks back, what is not offers a human, and the finish says which.

use std::collections::BTreeSet;
use std::sync::Arc;

use actors::port::generator::{
    Citation, Counted, Error, Finish, Generator, Passage, Piece, Pieces, Request, Usage, estimate,
};
use futures_util::{StreamExt, stream};
use schemas::conversation::words::{self, Language};

use crate::knowledge::index::coverage;
use crate::knowledge::words::{Words, sentences};
use crate::knowledge::{Hit, Knowledge, language_of};

/// Passages that are looked at for one answer.
const PASSAGES_MAX: usize = 3;
/// Sentences of an answer.
const SENTENCES_MAX: usize = 3;
/// A passage is quoted beside the best one when it scores at least this share of it.
const BESIDE_SHARE: f32 = 0.7;

/// From where on a passage answers a question.
///
/// Source: the defaults, 2.0 and 0.6, were found on the articles in `ops/demo-data/knowledge` (2026-11): 35 questions that they answer score
/// 3.9 and cover two thirds at least, 18 that they do not cover one half at most. Coverage tells them apart; score keeps out the passage
/// that shares a single word that is everywhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// Least score of the best passage, BM25 summed over the fields.
    pub score_min: f32,
    /// Least share of what the question is about that the best passage speaks of.
    pub coverage_min: f32,
}

/// Quotes a knowledge base.
pub struct Extractive {
    knowledge: Option<Arc<Knowledge>>,
    bar: Bar,
}

/// What a question comes to.
#[derive(Debug, PartialEq)]
enum Found {
    /// These passages answer it.
    Answered(Vec<Hit>),
    /// Something speaks of part of it.
    Near(Passage),
    /// Nothing does.
    Nothing,
}

impl Extractive {
    /// Returns a back end that quotes this knowledge base, or only what comes with a request.
    pub fn new(knowledge: Option<Arc<Knowledge>>, bar: Bar) -> Self {
        Self { knowledge, bar }
    }

    fn answer(&self, request: &Request) -> Result<Vec<Piece>, Error> {
        let question = request.question();
        let language = language_of(question);
        let asked = Words::of(question);
        let (said, citations, finish) = match self.find(request, &asked, language)? {
            Found::Answered(hits) => quote(&asked, &hits, language),
            Found::Near(passage) => (vec![asks_back(&passage, language)], Vec::new(), Finish::AsksBack),
            Found::Nothing => (vec![words::offer(language).to_owned()], Vec::new(), Finish::OffersHuman),
        };
        let completion = said.iter().map(|text| estimate(text)).fold(0, u32::saturating_add);
        let usage = Usage { prompt: request.prompt_tokens(), completion, counted: Counted::Counted };
        let texts = said.into_iter().map(Piece::Text);
        Ok(texts
            .chain(citations.into_iter().map(Piece::Citation))
            .chain([Piece::End(finish, usage)])
            .collect())
    }

    fn find(&self, request: &Request, asked: &Words, language: Language) -> Result<Found, Error> {
        let (hits, score_min) = match &self.knowledge {
            Some(knowledge) => {
                let hits = knowledge.index().search(request.question(), language, PASSAGES_MAX);
                let hits = hits.map_err(|error| Error::Broke(format!("{error:#}")))?;
                (hits, self.bar.score_min)
            }
            // Whoever chose them has judged them by a score of his own.
            None => (ranked(&request.passages, asked), 0.0),
        };
        let Some(best) = hits.first() else { return Ok(Found::Nothing) };
        if best.score >= score_min && best.coverage >= self.bar.coverage_min {
            return Ok(Found::Answered(hits));
        }
        // Half of the bar: it speaks of something that was asked, and not enough to quote it as the answer.
        let is_near = best.coverage > 0.0 && best.coverage * 2.0 >= self.bar.coverage_min;
        Ok(if is_near { Found::Near(best.passage.clone()) } else { Found::Nothing })
    }
}

impl Generator for Extractive {
    fn generate(&self, request: Arc<Request>) -> Pieces {
        let pieces = match self.answer(&request) {
            Ok(pieces) => pieces.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        };
        stream::iter(pieces).boxed()
    }
}

/// Returns passages by how much of a question they speak of; the first of equals stays first.
fn ranked(passages: &[Passage], asked: &Words) -> Vec<Hit> {
    let hit = |passage: &Passage| {
        let words = Words::of(&format!("{}\n{}", passage.title, passage.text));
        let coverage = coverage(asked, &words);
        Hit { passage: passage.clone(), score: coverage, coverage }
    };
    let mut hits: Vec<Hit> = passages.iter().map(hit).filter(|hit| hit.coverage > 0.0).collect();
    hits.sort_by(|a, b| b.coverage.total_cmp(&a.coverage));
    hits.truncate(PASSAGES_MAX);
    hits
}

/// Quotes the sentences that speak most of what was asked, in the order of their passages.
fn quote(asked: &Words, hits: &[Hit], language: Language) -> (Vec<String>, Vec<Citation>, Finish) {
    let least = hits.first().map_or(0.0, |best| best.score * BESIDE_SHARE);
    let near = hits.iter().filter(|hit| hit.score >= least);
    let mut candidates: Vec<(usize, usize, &str, usize)> = Vec::new();
    for (place, hit) in near.enumerate() {
        for (at, sentence) in sentences(&hit.passage.text).into_iter().enumerate() {
            candidates.push((place, at, sentence, shared(asked, sentence)));
        }
    }
    // The best passage first, then the sentence that shares most, then the earlier one.
    candidates.sort_by_key(|(place, at, _, shared)| (*place, std::cmp::Reverse(*shared), *at));
    let of_others = candidates.iter().filter(|(place, _, _, shared)| *place > 0 && *shared > 0).take(1);
    let of_best = candidates.iter().filter(|(place, ..)| *place == 0).take(SENTENCES_MAX);
    let mut chosen: Vec<_> = of_best.chain(of_others).copied().collect();
    chosen.sort_by_key(|(place, at, ..)| (*place, *at));
    let mut numbers: Vec<usize> = Vec::new();
    let mut said = Vec::new();
    for (place, _, sentence, _) in chosen {
        let number = numbers.iter().position(|known| *known == place).unwrap_or_else(|| {
            numbers.push(place);
            numbers.len() - 1
        }) + 1;
        let gap = if said.is_empty() || language == Language::Chinese { "" } else { " " };
        said.push(format!("{gap}{sentence} [{number}]"));
    }
    let citations = numbers.iter().zip(1..).map(|(place, number)| {
        let Passage { id, title, source, .. } = hits[*place].passage.clone();
        Citation { number, passage: id, title, source }
    });
    (said, citations.collect(), Finish::Stop)
}

/// Returns how many words a sentence shares with a question; pairs of characters count for Chinese, whose words are cut by guess.
fn shared(asked: &Words, sentence: &str) -> usize {
    let said = Words::of(sentence);
    let pairs: BTreeSet<&String> = said.pairs.iter().collect();
    asked.content().intersection(&said.content()).count() * 2
        + asked.pairs.iter().collect::<BTreeSet<_>>().intersection(&pairs).count()
}

fn asks_back(near: &Passage, language: Language) -> String {
    let title = &near.title;
    match language {
        Language::English => {
            format!(
                "I am not sure that I understand. Is your question about \"{title}\"? Please tell me a little more."
            )
        }
        Language::Chinese => format!("我不太确定您的意思。您想了解“{title}”吗？请再多告诉我一些。"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actors::kit::contract::generator::{request, suite};

    use super::*;

    const BAR: Bar = Bar { score_min: 1.0, coverage_min: 0.5 };

    fn pieces(question: &str) -> Vec<Piece> {
        let mut asked = request(Duration::MAX);
        asked.messages[0].text = question.to_owned();
        Extractive::new(None, BAR).answer(&asked).expect("an answer")
    }

    fn finish(pieces: &[Piece]) -> &Finish {
        let Some(Piece::End(finish, _)) = pieces.last() else { panic!("no end: {pieces:?}") };
        finish
    }

    #[tokio::test]
    async fn back_end_keeps_the_contract_of_the_port() {
        suite(|| Arc::new(Extractive::new(None, BAR)), || Duration::ZERO).await;
    }

    #[test]
    fn a_passage_that_comes_with_the_request_is_quoted_with_its_number() {
        let pieces = pieces("Within how many days can I return an article?");
        assert_eq!(pieces[0], Piece::Text("You can return an article within 30 days. [1]".to_owned()));
        assert!(matches!(&pieces[1], Piece::Citation(citation) if citation.source == "returns.md"));
        assert_eq!(finish(&pieces), &Finish::Stop);
    }

    #[test]
    fn what_is_near_asks_back_and_what_is_not_offers_a_human_in_the_language_of_the_question() {
        let near = pieces("Which article fits tall players?");
        assert_eq!(finish(&near), &Finish::AsksBack);
        assert!(matches!(&near[0], Piece::Text(text) if text.contains("\"Returns\"")), "{near:?}");
        let nothing = pieces("今天天气很好");
        assert_eq!(finish(&nothing), &Finish::OffersHuman);
        assert!(matches!(&nothing[0], Piece::Text(text) if text.contains("人工")), "{nothing:?}");
    }
}
