//! Draws pictures in their place on a terminal, or a line now and then where there is none.

use std::io::{self, IsTerminal, Write};

use super::dashboard::{Picture, Style};

/// Pictures between two lines, where there is no terminal.
const LINE_EVERY: u32 = 40;

/// Rows of a terminal that does not say how many it has.
const ROWS: usize = 24;

/// Draws on standard error.
#[derive(Debug)]
pub struct Painter {
    style: Style,
    /// Lines of the last picture: the cursor stands behind them.
    drawn: usize,
    /// Pictures so far.
    shown: u32,
}

impl Default for Painter {
    fn default() -> Self {
        Self::new()
    }
}

impl Painter {
    /// Returns a painter of what standard error is.
    pub fn new() -> Self {
        let style = if io::stderr().is_terminal() { Style::Coloured } else { Style::Plain };
        Self { style, drawn: 0, shown: 0 }
    }

    /// Draws a picture over the last one; a terminal that went away is no reason to stop.
    pub fn draw(&mut self, picture: &Picture) {
        let text = match self.style {
            Style::Coloured => self.over(&picture.lines(self.style), rows()),
            Style::Plain if self.shown.is_multiple_of(LINE_EVERY) => format!("{}\n", picture.line()),
            Style::Plain => String::new(),
        };
        self.shown += 1;
        write(&text);
    }

    /// Draws the last picture, for good.
    pub fn finish(&mut self, picture: &Picture) {
        let text = match self.style {
            Style::Coloured => format!("{}\x1b[?25h", self.over(&picture.lines(self.style), rows())),
            Style::Plain => format!("{}\n", picture.lines(self.style).join("\n")),
        };
        self.drawn = 0;
        write(&text);
    }

    /// Returns what puts lines in the place of those before: one write, taken by the terminal as one change, so nothing flickers.
    fn over(&mut self, lines: &[String], rows: usize) -> String {
        let shown = lines.len().min(rows.saturating_sub(1));
        let mut text = String::with_capacity(8 * 1_024);
        text.push_str("\x1b[?2026h\x1b[?25l\x1b[?7l");
        if self.drawn > 0 {
            text.push_str(&format!("\r\x1b[{}A", self.drawn));
        }
        for line in &lines[..shown] {
            text.push_str(line);
            text.push_str("\x1b[K\n");
        }
        text.push_str("\x1b[J\x1b[?7h\x1b[?2026l");
        self.drawn = shown;
        text
    }
}

impl Drop for Painter {
    fn drop(&mut self) {
        if self.drawn > 0 {
            write("\x1b[?25h");
        }
    }
}

fn write(text: &str) {
    let mut out = io::stderr().lock();
    // Who looks may have gone; the engine goes on.
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

fn rows() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stderr());
    size.ok().map(|size| usize::from(size.ws_row)).filter(|rows| *rows > 0).unwrap_or(ROWS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_takes_the_place_of_the_last_and_never_more_than_the_terminal_has() {
        let mut painter = Painter { style: Style::Coloured, drawn: 0, shown: 0 };
        let lines: Vec<String> = (0..9).map(|nth| format!("line {nth}")).collect();
        let first = painter.over(&lines, 24);
        assert!(!first.contains('A') && first.matches('\n').count() == 9, "{first:?}");
        let second = painter.over(&lines, 6);
        assert!(second.contains("\x1b[9A") && second.matches('\n').count() == 5, "{second:?}");
        assert!(painter.over(&lines, 24).contains("\x1b[5A"));
        painter.drawn = 0;
    }
}
