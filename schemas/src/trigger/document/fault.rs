//! What is wrong with a document.

use std::fmt;

use smol_str::SmolStr;

/// One thing that is wrong, or a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Where in the document, e.g. `spec.when.all[0].gte`; empty for the document itself.
    pub path: SmolStr,
    /// What is wrong.
    pub wrong: String,
    /// What would be legal; empty where nothing can be named.
    pub legal: String,
}

impl fmt::Display for Fault {
    /// Writes one line, whatever the document holds: its words are quoted and shortened where the fault is made.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} ", self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.wrong)?;
        if !self.legal.is_empty() {
            write!(f, "; legal: {}", self.legal)?;
        }
        Ok(())
    }
}

/// Everything that is wrong with a document, in the order of its lines; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, fault) in self.0.iter().enumerate() {
            let between = if nth == 0 { "" } else { "\n" };
            write!(f, "{between}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
