//! From text to nodes that know where they stand. YAML's ways to say much with little (anchors, aliases, tags, merges) are refused.
//!
//! The parser hands out events; the tree is built here without recursion, so that depth, number and duplicates are bounded before
//! anything is kept. saphyr's own tree would expand aliases and lose which of two equal keys came first.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};
use smol_str::{SmolStr, format_smolstr};

use super::check::Check;

/// Largest document, in bytes.
pub const DOCUMENT_MAX: usize = 64 * 1024;

/// Nodes of a document.
const NODES_MAX: usize = 4_096;

/// Maps and lists inside each other.
const DEPTH_MAX: usize = 24;

/// Characters of the document's own words in a message or a path.
const SHOWN_MAX: usize = 40;

/// A value with its place.
#[derive(Debug)]
pub struct Node {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Dotted path from the root.
    pub path: SmolStr,
    /// The value.
    pub kind: Kind,
}

/// What a node is.
#[derive(Debug)]
pub enum Kind {
    /// Nothing: empty, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A finite number.
    Number(f64),
    /// Anything else on one place.
    Text(SmolStr),
    /// A list.
    List(Vec<Node>),
    /// A map, in the document's order, without duplicates.
    Map(Vec<Entry>),
}

/// A key of a map with its value.
#[derive(Debug)]
pub struct Entry {
    /// The key.
    pub name: SmolStr,
    /// Line of the key, from 1.
    pub line: u32,
    /// Column of the key in characters, from 1.
    pub column: u32,
    /// What stands under it.
    pub value: Node,
}

impl Node {
    /// Returns the text that the node is.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// Returns the node in a few words, for messages.
    pub fn shown(&self) -> String {
        match &self.kind {
            Kind::Null => "nothing".to_owned(),
            Kind::Bool(value) => value.to_string(),
            Kind::Number(value) => value.to_string(),
            Kind::Text(text) => quoted(text),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
        }
    }
}

/// Returns a word of the document for a message: quoted, shortened, on one line.
pub fn quoted(text: &str) -> String {
    format!("{:?}", shortened(text))
}

fn shortened(text: &str) -> SmolStr {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format_smolstr!("{}…", &text[..end]),
        None => SmolStr::new(text),
    }
}

/// Reads the one document of a text; faults go to `check`, and what can be read past them is.
pub fn read(text: &str, check: &mut Check) -> Option<Node> {
    if text.len() > DOCUMENT_MAX {
        check.at(
            1,
            1,
            "",
            format!("{} bytes are too many", text.len()),
            format!("up to {DOCUMENT_MAX} bytes"),
        );
        return None;
    }
    let mut builder = Builder { check, open: Vec::new(), root: None, nodes: 0, documents: 0 };
    let mut parser = Parser::new_from_str(text);
    while let Some(next) = parser.next_event() {
        match next {
            Ok((event, span)) => builder.take(event, span.start)?,
            Err(error) => {
                let (line, column) = place(error.marker());
                let path = builder.next_path();
                builder.check.at(line, column, &path, format!("not YAML: {}", error.info()), "");
                return None;
            }
        }
    }
    match builder.root {
        Some(root) => Some(root),
        None => {
            check.at(1, 1, "", "empty", "a trigger document, which begins with apiVersion: care/v1");
            None
        }
    }
}

/// Builds the tree from the parser's events.
struct Builder<'c> {
    check: &'c mut Check,
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    documents: usize,
}

/// A list or map whose end has not come.
struct Open {
    node: Node,
    /// The key whose value comes next.
    key: Option<Key>,
}

/// A key of a map.
struct Key {
    name: SmolStr,
    line: u32,
    column: u32,
    /// It stood there before, or is no text: its value is read and dropped.
    dropped: Dropped,
}

/// Whether the value of a key is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dropped {
    Yes,
    No,
}

impl Builder<'_> {
    /// Takes one event; `None` when nothing behind it can be read.
    fn take(&mut self, event: Event<'_>, start: Marker) -> Option<()> {
        let (line, column) = place(&start);
        let (anchor, tag) = match &event {
            Event::Scalar(_, _, anchor, tag) => (*anchor, tag.is_some()),
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => (*anchor, tag.is_some()),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::Alias(_)
            | Event::SequenceEnd
            | Event::MappingEnd => (0, false),
        };
        if anchor != 0 || tag {
            let path = self.next_path();
            self.check.at(line, column, &path, "anchors and tags: not in a trigger", "plain values");
        }
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Some(()),
            Event::DocumentStart(_) => self.document(line, column),
            Event::Alias(_) => {
                let path = self.next_path();
                self.check.at(line, column, &path, "aliases: not in a trigger", "the value itself");
                self.place(line, column, Kind::Null)
            }
            Event::Scalar(text, style, ..) => self.scalar(&text, style, line, column),
            Event::SequenceStart(..) => self.begin(line, column, Kind::List(Vec::new())),
            Event::MappingStart(..) => self.begin(line, column, Kind::Map(Vec::new())),
            Event::SequenceEnd | Event::MappingEnd => {
                let open = self.open.pop()?;
                self.put(open.node)
            }
        }
    }

    fn document(&mut self, line: u32, column: u32) -> Option<()> {
        self.documents += 1;
        if self.documents == 1 {
            return Some(());
        }
        self.check.at(line, column, "", "a second document", "one trigger per file");
        None
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, line: u32, column: u32) -> Option<()> {
        if let Some(Open { node: Node { kind: Kind::Map(entries), path, .. }, key: key @ None }) =
            self.open.last_mut()
        {
            let name = SmolStr::new(text);
            let earlier = entries.iter().find(|entry| entry.name == name);
            if let Some(entry) = earlier {
                let path = child(path, &name);
                let wrong = format!("stands here for the second time, the first is on line {}", entry.line);
                self.check.at(line, column, &path, wrong, "once");
            }
            let dropped = if earlier.is_some() { Dropped::Yes } else { Dropped::No };
            *key = Some(Key { name, line, column, dropped });
            return Some(());
        }
        let kind = match resolve(text, style) {
            Ok(kind) => kind,
            Err(wrong) => {
                let path = self.next_path();
                self.check.at(line, column, &path, format!("{} is {wrong}", quoted(text)), "a finite number");
                // The fault is told; any number keeps it from being told again where it is used.
                Kind::Number(0.0)
            }
        };
        self.place(line, column, kind)
    }

    fn begin(&mut self, line: u32, column: u32, kind: Kind) -> Option<()> {
        let in_key_place =
            self.open.last().is_some_and(|open| open.key.is_none() && matches!(open.node.kind, Kind::Map(_)));
        let path = self.next_path();
        if in_key_place {
            self.check.at(line, column, &path, "a list or map as a key", "a name");
            return None;
        }
        if self.open.len() >= DEPTH_MAX {
            let legal = format!("up to {DEPTH_MAX} levels");
            self.check.at(line, column, &path, "nests too deep", legal);
            return None;
        }
        let node = self.node(line, column, path, kind)?;
        self.open.push(Open { node, key: None });
        Some(())
    }

    /// Puts a value without parts in its place.
    fn place(&mut self, line: u32, column: u32, kind: Kind) -> Option<()> {
        let path = self.next_path();
        let node = self.node(line, column, path, kind)?;
        self.put(node)
    }

    /// Makes a node: an empty one stands where its key does, a parser has no better place for it.
    fn node(&mut self, line: u32, column: u32, path: SmolStr, kind: Kind) -> Option<Node> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            self.check.at(line, column, &path, "too many values", format!("up to {NODES_MAX} in a document"));
            return None;
        }
        let (line, column) = match (&kind, self.open.last().and_then(|open| open.key.as_ref())) {
            (Kind::Null, Some(key)) => (key.line, key.column),
            _ => (line, column),
        };
        Some(Node { line, column, path, kind })
    }

    fn put(&mut self, node: Node) -> Option<()> {
        let Some(Open { node: parent, key }) = self.open.last_mut() else {
            self.root = Some(node);
            return Some(());
        };
        match &mut parent.kind {
            Kind::List(items) => items.push(node),
            Kind::Map(entries) => match key.take() {
                Some(Key { name, line, column, dropped: Dropped::No }) => {
                    entries.push(Entry { name, line, column, value: node });
                }
                Some(Key { dropped: Dropped::Yes, .. }) => {}
                None => {
                    self.check.at(node.line, node.column, &node.path, "an alias as a key", "a name");
                }
            },
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => {}
        }
        Some(())
    }

    /// Returns the path of the value that comes next.
    fn next_path(&self) -> SmolStr {
        match self.open.last() {
            None => SmolStr::default(),
            Some(Open { node, key: Some(key) }) => child(&node.path, &key.name),
            Some(Open { node, key: None }) => match &node.kind {
                Kind::List(items) => format_smolstr!("{}[{}]", node.path, items.len()),
                Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::Map(_) => {
                    node.path.clone()
                }
            },
        }
    }
}

/// Returns the path of an entry of a map; what is no plain name is quoted.
pub fn child(path: &str, name: &str) -> SmolStr {
    let plain = !name.is_empty()
        && name.chars().count() <= SHOWN_MAX
        && name.chars().all(|char| char.is_alphanumeric() || matches!(char, '_' | '-' | '.' | '$'));
    let name = if plain { SmolStr::new(name) } else { SmolStr::from(quoted(name)) };
    if path.is_empty() { name } else { format_smolstr!("{path}.{name}") }
}

/// Returns what a scalar means by YAML's core schema; quoted ones are texts.
///
/// Errors: what it is when it is no value that a trigger can hold.
fn resolve(text: &str, style: ScalarStyle) -> Result<Kind, &'static str> {
    if style != ScalarStyle::Plain {
        return Ok(Kind::Text(SmolStr::new(text)));
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Kind::Null),
        "true" | "True" | "TRUE" => return Ok(Kind::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Kind::Bool(false)),
        ".nan" | ".NaN" | ".NAN" => return Err("no number"),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF" => {
            return Err("not finite");
        }
        _ => {}
    }
    let looks_numeric = text.bytes().any(|byte| byte.is_ascii_digit());
    match text.parse::<f64>() {
        Ok(number) if looks_numeric && number.is_finite() => Ok(Kind::Number(number)),
        Ok(_) if looks_numeric => Err("not finite"),
        Ok(_) | Err(_) => Ok(Kind::Text(SmolStr::new(text))),
    }
}

fn place(marker: &Marker) -> (u32, u32) {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    (number(marker.line()).max(1), number(marker.col()).saturating_add(1))
}
