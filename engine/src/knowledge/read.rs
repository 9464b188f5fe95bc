//! Files of the knowledge base, taken apart: Markdown by its headings, CSV and JSON lines by their rows.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use actors::port::generator::Passage;
use anyhow::{Context, Result};
use serde::Deserialize;
use smol_str::format_smolstr;
use xxhash_rust::xxh3::xxh3_64;

use super::{Article, language_of};

/// Bytes of one file; what is larger is no article.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// Files of a folder.
const FILES_MAX: usize = 10_000;
/// Folders within folders.
const DEPTH_MAX: usize = 8;
/// Characters of a passage, about: a longer section is cut between its paragraphs.
const PASSAGE_CHARACTERS: usize = 1_500;

/// A file that was left out, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Relative to the folder, with the line where one is to blame.
    pub place: String,
    /// What is wrong and what would be legal.
    pub problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

/// What tells whether a folder has changed: its files with size and time of writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp(BTreeMap<PathBuf, (u64, Option<SystemTime>)>);

/// How a file is taken apart.
#[derive(Clone, Copy)]
enum Form {
    Markdown,
    Csv,
    JsonLines,
}

impl Form {
    fn of(path: &Path) -> Option<Form> {
        match path.extension()?.to_str()? {
            "md" => Some(Form::Markdown),
            "csv" => Some(Form::Csv),
            "jsonl" => Some(Form::JsonLines),
            _ => None,
        }
    }
}

/// A row of CSV or JSON lines.
#[derive(Deserialize)]
struct Row {
    title: String,
    #[serde(default)]
    section: String,
    text: String,
}

/// Returns the stamp of a folder.
///
/// Errors: it cannot be read, or holds too many files.
pub fn stamp(folder: &Path) -> Result<Stamp> {
    let files = files(folder)?.into_iter().map(|path| {
        let of = fs::metadata(&path).map(|of| (of.len(), of.modified().ok())).unwrap_or_default();
        (path, of)
    });
    Ok(Stamp(files.collect()))
}

/// Reads a folder: its passages in the order of files and lines, and what had to be left out.
///
/// Errors: the folder cannot be read, or holds too many files.
pub fn folder(folder: &Path) -> Result<(Vec<Article>, Vec<Fault>)> {
    let (mut articles, mut faults) = (Vec::new(), Vec::new());
    for path in files(folder)? {
        let source = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let mut file = Reading { source, articles: &mut articles, faults: &mut faults };
        match text_of(&path) {
            Ok(text) => file.read(Form::of(&path), &text),
            Err(error) => file.fault("", format!("{error:#}")),
        }
    }
    Ok((articles, faults))
}

fn text_of(path: &Path) -> Result<String> {
    let bytes = fs::metadata(path).context("cannot be read")?.len();
    anyhow::ensure!(bytes <= FILE_BYTES_MAX, "{bytes} bytes are too many; legal: {FILE_BYTES_MAX} at most");
    let text = String::from_utf8(fs::read(path).context("cannot be read")?);
    text.map_err(|error| {
        anyhow::anyhow!("byte {} is no UTF-8; legal: UTF-8 text", error.utf8_error().valid_up_to())
    })
}

/// Returns the files that have a form, in order.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = open.pop() {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("failed to read {}", folder.display()))?;
        for entry in entries {
            let path = entry.with_context(|| format!("failed to read {}", folder.display()))?.path();
            if path.is_dir() && depth < DEPTH_MAX {
                open.push((path, depth + 1));
            } else if Form::of(&path).is_some() {
                found.push(path);
            }
        }
        anyhow::ensure!(found.len() <= FILES_MAX, "{} holds more than {FILES_MAX} files", folder.display());
    }
    found.sort();
    Ok(found)
}

/// A file that is being taken apart.
struct Reading<'a> {
    source: String,
    articles: &'a mut Vec<Article>,
    faults: &'a mut Vec<Fault>,
}

impl Reading<'_> {
    fn read(&mut self, form: Option<Form>, text: &str) {
        let text = text.trim_start_matches('\u{feff}');
        match form {
            Some(Form::Markdown) => self.markdown(text),
            Some(Form::Csv) => self.csv(text),
            Some(Form::JsonLines) => self.json_lines(text),
            None => {}
        }
    }

    /// The first heading of the first level is the title; every other heading begins a section.
    fn markdown(&mut self, text: &str) {
        let (mut title, mut section, mut body) = (String::new(), String::new(), String::new());
        for line in text.lines() {
            let level = line.bytes().take_while(|byte| *byte == b'#').count();
            match line[level..].strip_prefix(' ').filter(|_| (1..=6).contains(&level)) {
                Some(heading) => {
                    self.add(&title, &section, &std::mem::take(&mut body));
                    let heading = heading.trim().trim_end_matches('#').trim_end().to_owned();
                    if level == 1 && title.is_empty() { title = heading } else { section = heading }
                }
                None => {
                    body.push_str(line);
                    body.push('\n');
                }
            }
        }
        self.add(&title, &section, &body);
    }

    fn csv(&mut self, text: &str) {
        let mut rows = csv::Reader::from_reader(text.as_bytes());
        for (row, line) in rows.deserialize::<Row>().zip(2..) {
            match row {
                Ok(row) => self.add(&row.title, &row.section, &row.text),
                Err(error) => {
                    let at = error.position().map_or(line, csv::Position::line);
                    self.fault(
                        &format!(":{at}"),
                        format!("{error}; legal: columns title, text and, if need be, section"),
                    );
                }
            }
        }
    }

    fn json_lines(&mut self, text: &str) {
        for (line, number) in text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
            match serde_json::from_str::<Row>(line) {
                Ok(row) => self.add(&row.title, &row.section, &row.text),
                Err(error) => self.fault(
                    &format!(":{number}"),
                    format!("{error}; legal: an object with title, text and, if need be, section"),
                ),
            }
        }
    }

    /// Adds a text as one passage, or as several where it is long. The id is made of where it stands, so that it outlives other changes.
    fn add(&mut self, title: &str, section: &str, text: &str) {
        let title = if title.trim().is_empty() { self.source.as_str() } else { title.trim() };
        for (part, number) in parts(text).into_iter().zip(1..) {
            let id = xxh3_64([&self.source, title, section, &format!("{number}")].join("\n").as_bytes());
            let language = language_of(&part);
            let passage = Passage {
                id: format_smolstr!("{id:016x}"),
                title: if section.is_empty() { title.to_owned() } else { format!("{title}: {section}") },
                source: self.source.clone(),
                text: part,
            };
            self.articles.push(Article { passage, section: section.to_owned(), language });
        }
    }

    fn fault(&mut self, at: &str, problem: String) {
        self.faults.push(Fault { place: format!("{}{at}", self.source), problem });
    }
}

/// Returns a text in parts of whole paragraphs, each about as long as a passage may be; none where it is empty.
fn parts(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for paragraph in text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
        match parts.last_mut() {
            Some(last) if last.chars().count() + paragraph.chars().count() <= PASSAGE_CHARACTERS => {
                last.push_str("\n\n");
                last.push_str(paragraph);
            }
            Some(_) | None => parts.push(paragraph.to_owned()),
        }
    }
    parts
}
