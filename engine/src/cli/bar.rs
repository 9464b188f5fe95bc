//! A progress bar over bytes, on standard error, where somebody looks.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Output;
use crate::backup::{Error, Step};

/// A bar on the terminal, or nothing.
pub struct Bar(ProgressBar);

impl Bar {
    /// Returns the bar of what is being done; a hidden one where nobody looks.
    pub fn new(what: &'static str, output: Output) -> Self {
        let shown = output == Output::Text && std::io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let template = "{prefix}  {bar:30} {percent:>3} %  {bytes}, {bytes_per_sec}  {elapsed}, {eta} to go";
        let style = ProgressStyle::with_template(template).expect("the template is a constant");
        Self(ProgressBar::with_draw_target(Some(0), target).with_style(style).with_prefix(what))
    }

    /// Shows how far it is.
    ///
    /// Errors: none; whoever is told of steps may break off, this one does not.
    pub fn at(&self, step: Step) -> Result<(), Error> {
        self.0.set_length(step.of.max(step.done));
        self.0.set_position(step.done);
        Ok(())
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}
