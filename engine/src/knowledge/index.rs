//! Passages that can be found: tantivy's BM25 over English stems, Chinese words and pairs of Chinese characters, all three added up.
//!
//! Terms are made by [`super::words`] for passages and questions alike; tantivy's own parser of queries is never asked, since it finds
//! nothing in Chinese text without spaces.

use std::collections::BTreeSet;

use actors::port::generator::Passage;
use anyhow::{Context, Result};
use schemas::conversation::words::Language;
use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, ConstScoreQuery, Occur, Query, TermQuery};
use tantivy::schema::{
    Field, IndexRecordOption, STORED, STRING, Schema, TantivyDocument, TextFieldIndexing, TextOptions, Value,
};
use tantivy::{IndexReader, IndexWriter, ReloadPolicy, Term};

use super::Article;
use super::words::Words;

/// Memory of the writer while an index is made; the least that tantivy takes.
const WRITER_BYTES: usize = 15_000_000;

/// What a title adds: the words of a heading say more about a passage than those of its text.
const TITLE_TIMES: usize = 2;

/// Terms of a question that are looked up; a longer one says no more about what it wants.
const TERMS_MAX: usize = 64;

/// A passage that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The passage.
    pub passage: Passage,
    /// BM25, summed over the three fields: comparable between the passages of one question only.
    pub score: f32,
    /// Share of what the question is about that the passage speaks of. Units: 0 to 1.
    pub coverage: f32,
}

/// An index, whole: made once, then only read.
pub struct Index {
    reader: IndexReader,
    fields: Fields,
    articles: Vec<(Article, Words)>,
}

#[derive(Clone, Copy)]
struct Fields {
    place: Field,
    language: Field,
    stems: Field,
    words: Field,
    pairs: Field,
}

impl Fields {
    fn new() -> (Self, Schema) {
        let mut schema = Schema::builder();
        let indexing = TextFieldIndexing::default()
            .set_tokenizer("whitespace")
            .set_index_option(IndexRecordOption::WithFreqs);
        let text = TextOptions::default().set_indexing_options(indexing);
        let fields = Self {
            place: schema.add_u64_field("place", STORED),
            language: schema.add_text_field("language", STRING),
            stems: schema.add_text_field("stems", text.clone()),
            words: schema.add_text_field("words", text.clone()),
            pairs: schema.add_text_field("pairs", text),
        };
        (fields, schema.build())
    }
}

impl Index {
    /// Indexes passages.
    ///
    /// Errors: the system gives no thread or no memory.
    pub fn build(articles: Vec<Article>) -> Result<Self> {
        let (fields, schema) = Fields::new();
        let index = tantivy::Index::create_in_ram(schema);
        let mut writer: IndexWriter =
            index.writer_with_num_threads(1, WRITER_BYTES).context("failed to make an index")?;
        let mut known = Vec::with_capacity(articles.len());
        for (article, place) in articles.into_iter().zip(0_u64..) {
            let (title, text) = (Words::of(&article.passage.title), Words::of(&article.passage.text));
            let all = |of: fn(&Words) -> &Vec<String>| {
                let titles = std::iter::repeat_n(of(&title), TITLE_TIMES).flatten();
                titles.chain(of(&text)).map(String::as_str).collect::<Vec<_>>().join(" ")
            };
            let mut document = TantivyDocument::default();
            document.add_u64(fields.place, place);
            document.add_text(fields.language, article.language.tag());
            document.add_text(fields.stems, all(|words| &words.stems));
            document.add_text(fields.words, all(|words| &words.words));
            document.add_text(fields.pairs, all(|words| &words.pairs));
            writer.add_document(document).context("failed to index a passage")?;
            let words = Words::of(&format!("{}\n{}", article.passage.title, article.passage.text));
            known.push((article, words));
        }
        writer.commit().context("failed to finish an index")?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into();
        Ok(Self { reader: reader.context("failed to open an index")?, fields, articles: known })
    }

    /// Returns how many passages there are.
    pub fn len(&self) -> usize {
        self.articles.len()
    }

    /// Returns true when there is none.
    pub fn is_empty(&self) -> bool {
        self.articles.is_empty()
    }

    /// Returns the `k` best passages of a language for a question, the best first; none that have nothing to do with it.
    ///
    /// Errors: the index fails, which a whole one does not.
    pub fn search(&self, question: &str, language: Language, k: usize) -> Result<Vec<Hit>> {
        let asked = Words::of(question);
        let terms = [
            (self.fields.stems, &asked.stems),
            (self.fields.words, &asked.words),
            (self.fields.pairs, &asked.pairs),
        ];
        let should: Vec<(Occur, Box<dyn Query>)> = terms
            .iter()
            .flat_map(|(field, terms)| {
                terms.iter().collect::<BTreeSet<_>>().into_iter().map(|term| (*field, term))
            })
            .take(TERMS_MAX)
            .map(|(field, term)| {
                let term = TermQuery::new(Term::from_field_text(field, term), IndexRecordOption::WithFreqs);
                (Occur::Should, Box::new(term) as Box<dyn Query>)
            })
            .collect();
        if should.is_empty() || k == 0 {
            return Ok(Vec::new());
        }
        let of_language = TermQuery::new(
            Term::from_field_text(self.fields.language, language.tag()),
            IndexRecordOption::Basic,
        );
        let query = BooleanQuery::new(vec![
            (Occur::Must, Box::new(BooleanQuery::new(should)) as Box<dyn Query>),
            (Occur::Must, Box::new(ConstScoreQuery::new(Box::new(of_language), 0.0))),
        ]);
        let searcher = self.reader.searcher();
        let found =
            searcher.search(&query, &TopDocs::with_limit(k).order_by_score()).context("failed to search")?;
        let mut hits = Vec::with_capacity(found.len());
        for (score, address) in found {
            let document: TantivyDocument = searcher.doc(address).context("failed to read a passage")?;
            let place = document.get_first(self.fields.place).and_then(|value| value.as_u64());
            let known = place.and_then(|place| self.articles.get(usize::try_from(place).ok()?));
            let Some((article, words)) = known else { continue };
            hits.push(Hit { passage: article.passage.clone(), score, coverage: coverage(&asked, words) });
        }
        Ok(hits)
    }
}

/// Returns the share of what a question is about that a text speaks of; none where the question is about nothing.
pub fn coverage(question: &Words, text: &Words) -> f32 {
    let (asked, said) = (question.content(), text.content());
    if asked.is_empty() {
        return 0.0;
    }
    asked.intersection(&said).count() as f32 / asked.len() as f32
}
