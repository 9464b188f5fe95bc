//! Tells the linker where the finished programs look for libtorch: beside themselves in a release, else where the build found it. Puts
//! the console into the program.
//!
//! Every package with a program or test that links libtorch has the function for it, word for word, and names torch-sys among its
//! dependencies: cargo hands what torch-sys found to direct dependents only, and a script's linker arguments reach its own package only.

#![expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts by environment variables")]

#[path = "build/console.rs"]
mod console;

use std::env::var_os;
use std::path::PathBuf;

fn main() {
    let folder = |name| var_os(name).map(PathBuf::from).expect("cargo names its folders");
    console::embed(&folder("CARGO_MANIFEST_DIR"), &folder("OUT_DIR"));
    link_libtorch();
}

/// Tells the linker where libtorch is: beside the program, else where the build found it.
fn link_libtorch() {
    println!("cargo::rustc-link-arg=-Wl,-rpath,$ORIGIN/../lib");
    println!("cargo::rerun-if-env-changed=DEP_TCH_LIBTORCH_LIB");
    if let Some(lib) = std::env::var_os("DEP_TCH_LIBTORCH_LIB") {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{}", lib.display());
    }
    println!("cargo::rerun-if-changed=build.rs");
}
