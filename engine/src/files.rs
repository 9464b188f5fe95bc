//! Files that are written whole or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Writes a file so that its name leads to the old content or to the new one, never to half of it. Only its owner may read it.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().expect("a file lies in a folder");
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(content)?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}
