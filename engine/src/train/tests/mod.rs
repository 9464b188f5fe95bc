//! Small histories, written line by line.

mod dataset;
mod history;
mod leak;

use std::path::Path;

use schemas::profile::Heads;
use schemas::score::Head;
use schemas::time::Timestamp;
use serde_json::{Value, json};

use super::history::{History, Moment, Played, Rules};
use crate::replay::input::Source;
use crate::replay::{Format, Report};
use crate::settings::Settings;

/// 2026-03-02T00:00:00Z, a Monday.
pub(super) const DAY: Timestamp = Timestamp(1_772_409_600_000);

/// Says nothing.
pub(super) struct Quiet;

impl Report for Quiet {
    fn begun(&self, _: &Path, _: u64) {}
    fn reached(&self, _: u64, _: u64) {}
}

/// Lines of a file that grows, each with its minute; they are written in order of time.
#[derive(Default)]
pub(super) struct Shop {
    lines: Vec<(i64, String)>,
}

impl Shop {
    /// Adds an event of a user (`u…`), of a visitor (`v…`), or of a user who names a visitor (`u1+v1`).
    pub(super) fn track(&mut self, who: &str, minute: i64, name: &str, properties: Value) -> &mut Self {
        let at = jiff::Timestamp::from_millisecond(DAY.0 + minute * 60_000).expect("in range");
        let id = format!("m{}", self.lines.len());
        let mut line = json!({"type": "track", "event": name, "messageId": id, "timestamp": at.to_string(), "properties": properties});
        for part in who.split('+') {
            let key = if part.starts_with('v') { "anonymousId" } else { "userId" };
            line[key] = part.into();
        }
        self.lines.push((minute, line.to_string()));
        self
    }

    /// Repeats the last line.
    pub(super) fn again(&mut self) -> &mut Self {
        self.lines.extend(self.lines.last().cloned());
        self
    }

    /// Writes the file.
    pub(super) fn write(&self, dir: &Path) -> Vec<Source> {
        let path = dir.join("shop.jsonl");
        let mut lines = self.lines.clone();
        lines.sort_by_key(|(minute, _)| *minute);
        let lines: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
        std::fs::write(&path, lines.join("\n")).expect("written");
        let border = crate::app::border(&Settings::defaults());
        vec![Source::check(&path, Format::SegmentJsonl, &border).expect("a file of the format")]
    }

    /// Plays the file.
    pub(super) fn play(&self, change: impl FnOnce(&mut Rules), watch: &mut dyn FnMut(Moment<'_>)) -> Played {
        let dir = tempfile::tempdir().expect("a folder");
        let mut rules = rules();
        change(&mut rules);
        History::new(rules).play(&self.write(dir.path()), watch, &Quiet).expect("played")
    }
}

/// Returns rules by which every head is asked.
pub(super) fn rules() -> Rules {
    Rules::new(&Settings::defaults(), Format::SegmentJsonl, Heads::of(&Head::ALL))
}
