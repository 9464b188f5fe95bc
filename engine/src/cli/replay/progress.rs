//! The progress bar of a replay: how far the file is, how many rows are done.

use std::path::Path;
use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::replay::Report;

/// A bar on the terminal, or nothing.
pub struct Progress(ProgressBar);

impl Progress {
    /// Returns a bar; a hidden one where nobody looks.
    pub fn new(shown: bool) -> Self {
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let template = "{prefix}  {bar:30} {percent:>3} %  {msg}  {elapsed}, {eta} to go";
        let style = ProgressStyle::with_template(template).expect("the template is a constant");
        let bar = ProgressBar::with_draw_target(Some(0), target).with_style(style);
        if shown {
            bar.enable_steady_tick(Duration::from_millis(250));
        }
        Self(bar)
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Report for Progress {
    fn begun(&self, file: &Path, bytes: u64) {
        self.0.set_length(bytes);
        self.0.set_position(0);
        self.0.reset_eta();
        self.0.set_prefix(file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned());
    }

    fn reached(&self, bytes: u64, rows: u64) {
        self.0.set_position(bytes);
        self.0.set_message(format!("{} rows", HumanCount(rows)));
    }
}
