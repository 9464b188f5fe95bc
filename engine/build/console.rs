//! Puts the built console into the program: a table of its files, packed copies included, that `engine/src/http/console.rs` serves.
//!
//! It builds nothing: `ops/console` does, into `engine/console/dist/site`. Without that the table is empty, and the page says what to run.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the build of the console writes, below the package. The folder above it is always there, so that cargo sees it come and go.
const SITE: &str = "console/dist/site";

/// Names of packed copies end so; they stand beside the file they are of.
const PACKED: [&str; 2] = ["br", "gz"];

/// Writes the table.
pub fn embed(package: &Path, out: &Path) {
    println!("cargo::rerun-if-changed=console/dist");
    println!("cargo::rerun-if-changed=build/console.rs");
    let site = package.join(SITE);
    let mut files = Vec::new();
    if site.join("index.html").exists() {
        collect(&site, &mut files);
    }
    files.sort();
    let mut table = String::from("&[\n");
    for file in files {
        let path =
            file.strip_prefix(&site).expect("it was found there").to_str().expect("a name of the build");
        let packed = PACKED.map(|ending| included(&file.with_file_name(format!("{}.{ending}", name(&file)))));
        let plain = format!("include_bytes!({file:?})");
        let [brotli, gzip] = packed;
        writeln!(table, "    File {{ path: {path:?}, plain: {plain}, brotli: {brotli}, gzip: {gzip} }},")
            .expect("a string takes every write");
    }
    table.push_str("]\n");
    fs::write(out.join("console.rs"), table).expect("cargo gives scripts a folder to write to");
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the build") {
        let path = entry.expect("an entry of the build").path();
        let is_packed = PACKED.iter().any(|ending| path.extension().is_some_and(|found| found == *ending));
        match path.is_dir() {
            true => collect(&path, files),
            false if is_packed => {}
            false => files.push(path),
        }
    }
}

fn included(file: &Path) -> String {
    match file.exists() {
        true => format!("Some(include_bytes!({file:?}))"),
        false => "None".to_owned(),
    }
}

fn name(file: &Path) -> &str {
    file.file_name().and_then(|name| name.to_str()).expect("a name of the build")
}
