//! `care ask`: answers one question as a conversation would, through the pool and its back ends, with what the answer rests on.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actors::generation::{Answer, Delta, Priority, Reply, Rung, Said, Work};
use actors::metrics::Metrics;
use actors::port::clock::Clock;
use actors::port::generator::{Citation, Message, Passage, Request, Role};
use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;

use super::{Outcome, Output, Overrides, out, wait_for};
use crate::clock::SystemClock;
use crate::generate::{self, Kind};
use crate::knowledge::{Knowledge, language_of};
use crate::settings::Settings;

/// Options of `care ask`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care ask \"Do you deliver to Switzerland?\" --knowledge ops/demo-data/knowledge
  care ask 退货期限是多少天 --knowledge ops/demo-data/knowledge

Without further settings the answer quotes the knowledge base; a section
[generation.backends.NAME] of kind openai has a server write it. Exit status 1
when nobody answered and a person would have to.")]
pub struct Arguments {
    /// The question, in English or Chinese
    #[arg(value_name = "QUESTION")]
    question: String,
    /// Folder of articles [default: knowledge.dir of the settings]
    #[arg(long, value_name = "DIR")]
    knowledge: Option<PathBuf>,
}

/// The answer for machines.
#[derive(Serialize)]
struct Told<'a> {
    text: &'a str,
    citations: Vec<Source<'a>>,
    rung: &'static str,
    backend: Option<&'a str>,
    end: &'static str,
    lowered: Option<&'static str>,
    attempts: u32,
    prompt_tokens: u32,
    completion_tokens: u32,
    tokens: &'static str,
    first_token_ms: Option<u128>,
    took_ms: u128,
}

#[derive(Serialize)]
struct Source<'a> {
    number: u32,
    title: &'a str,
    source: &'a str,
}

/// Runs the command.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let set = set.option("knowledge.dir", arguments.knowledge.as_ref().map(|path| path.display()));
    let (settings, _traces) = set.load_traced()?;
    let knowledge = open(&settings)?;
    let question = arguments.question.trim();
    if question.is_empty() {
        bail!("the question is empty");
    }
    wait_for(async {
        let (metrics, clock) = (Metrics::new(), Arc::new(SystemClock));
        let work = work(question, &settings, (knowledge.as_deref(), clock.boot()))?;
        let around = generate::Around { metrics: &metrics, clock, knowledge };
        let pool = generate::build(&settings.generation, around)?;
        let reply = pool.ask(work);
        answer(reply, output, out).await
    })
}

/// Opens the knowledge base; what of it cannot be read is told.
fn open(settings: &Settings) -> Result<Option<Arc<Knowledge>>> {
    let dir = &settings.knowledge.dir;
    if dir.as_os_str().is_empty() {
        if settings.generation.backends.values().all(|of| of.kind == Kind::Extractive) {
            bail!("there is nothing to answer from: name a folder by --knowledge or knowledge.dir");
        }
        return Ok(None);
    }
    let knowledge = Knowledge::open(dir).context("failed to open the knowledge base")?;
    for fault in knowledge.content().borrow().faults.iter() {
        tracing::warn!(%fault, "file of the knowledge base left out");
    }
    Ok(Some(Arc::new(knowledge)))
}

fn work(question: &str, settings: &Settings, around: (Option<&Knowledge>, Duration)) -> Result<Work> {
    let (of, (knowledge, now)) = (&settings.generation, around);
    let search =
        |knowledge: &Knowledge| knowledge.index().search(question, language_of(question), of.passages_max);
    let hits = knowledge.map(search).transpose()?.unwrap_or_default();
    let passages: Vec<Passage> = hits.into_iter().map(|hit| hit.passage).collect();
    let request = Request {
        messages: vec![Message { role: Role::Customer, text: question.to_owned() }],
        passages,
        tokens_max: of.tokens_max,
        temperature: of.temperature,
        seed: 0,
        deadline: now + Duration::from_millis(of.deadline_ms),
    };
    Ok(Work { request, priority: Priority::Shopper, customer: None, template: None })
}

async fn answer(mut reply: Reply, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let (mut text, mut citations) = (String::new(), Vec::new());
    loop {
        match reply.next().await.context("the answer was lost")? {
            Said::Delta(Delta::Text(more)) => {
                if output == Output::Text {
                    write!(out, "{more}")?;
                    out.flush()?;
                }
                text.push_str(&more);
            }
            Said::Delta(Delta::Citation(citation)) => citations.push(citation),
            Said::End(answer) => {
                match output {
                    Output::Text => print(&answer, &citations, out)?,
                    Output::Json => out::json(&told(&text, &citations, &answer), out)?,
                }
                return Ok(if answer.rung == Rung::HandOff { Outcome::Bad } else { Outcome::Good });
            }
        }
    }
}

fn print(answer: &Answer, citations: &[Citation], out: &mut dyn Write) -> Result<()> {
    writeln!(out)?;
    for Citation { number, title, source, .. } in citations {
        writeln!(out, "  [{number}] {title} ({source})")?;
    }
    let by = answer.backend.as_deref().unwrap_or("nobody");
    let (rung, end, took) = (answer.rung.as_str(), answer.end.as_str(), answer.took.as_millis());
    writeln!(
        out,
        "\n{rung} by {by}: {end}, {took} ms, {} tokens {}",
        answer.usage.completion,
        answer.usage.counted.as_str()
    )?;
    if let Some(why) = answer.lowered {
        writeln!(out, "Not made on a better rung: {}", why.as_str())?;
    }
    Ok(())
}

fn told<'a>(text: &'a str, citations: &'a [Citation], answer: &'a Answer) -> Told<'a> {
    let source = |citation: &'a Citation| Source {
        number: citation.number,
        title: &citation.title,
        source: &citation.source,
    };
    Told {
        text,
        citations: citations.iter().map(source).collect(),
        rung: answer.rung.as_str(),
        backend: answer.backend.as_deref(),
        end: answer.end.as_str(),
        lowered: answer.lowered.map(|why| why.as_str()),
        attempts: answer.attempts,
        prompt_tokens: answer.usage.prompt,
        completion_tokens: answer.usage.completion,
        tokens: answer.usage.counted.as_str(),
        first_token_ms: answer.first_token.map(|took| took.as_millis()),
        took_ms: answer.took.as_millis(),
    }
}
