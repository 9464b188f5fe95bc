//! The OpenAPI document against the running binary, by Schemathesis: no status that is not documented, no answer of another form, no fault of
//! the server. The feed is apart, since it has no end.
//!
//! `ops/test` names its Python; without it the packages come from the index, once, into a folder beside the build.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::client::Ask;
use super::{Shop, made, track};
use crate::care;
use crate::npm::installed;

/// Bound of each of the two runs. Units: seconds.
const MAX_TIME_S: &str = "25";

/// Returns a Python that has it.
#[expect(clippy::disallowed_methods, reason = "tests are told by the environment where programs are")]
fn python() -> PathBuf {
    if let Some(python) = std::env::var_os("SCHEMATHESIS_PYTHON") {
        return PathBuf::from(python);
    }
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/http/requirements.txt");
    let folder = installed("schemathesis", |new| {
        for (program, arguments) in [
            (PathBuf::from("python3"), vec!["-m", "venv", new.to_str().expect("text")]),
            (
                new.join("bin/python"),
                vec!["-m", "pip", "install", "--quiet", "-r", requirements.to_str().expect("text")],
            ),
        ] {
            let status = Command::new(program).args(arguments).status().expect("python3 is there");
            assert!(status.success(), "the packages of ops/http/requirements.txt cannot be had");
        }
    });
    folder.join("bin/python")
}

/// Runs the program on paths with a key.
#[track_caller]
fn run(shop: &Shop, (paths, key): (&str, &str), checks: &str) {
    let place = tempfile::tempdir().expect("a temporary folder");
    let output = Command::new(python())
        .args(["-c", "from schemathesis.cli import schemathesis; schemathesis()", "run"])
        .arg(format!("http://{}/openapi.json", shop.address()))
        .args(["--include-path-regex", paths, "--exclude-path", "/api/v1/feed", "--checks", checks])
        .args([
            "--max-time",
            MAX_TIME_S,
            "--max-examples",
            "25",
            "--seed",
            "7",
            "--generation-database",
            "none",
        ])
        .args(["--phases", "examples,coverage,fuzzing", "--request-timeout", "20", "--no-color"])
        .args(["--header", &format!("Authorization: Bearer {key}")])
        .current_dir(place.path())
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complaint}");
}

#[test]
fn every_answer_is_one_that_the_document_names() {
    let shop = Shop::open(&[]);
    assert_eq!(shop.send_with_key(Ask::json("/v1/track", track("shopper-1", "Seen", "m"))).status, 200);
    let key = made(&shop.dir, "admin", "people");
    shop.served.wait_for_log("keys read again");
    let every =
        "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
    run(&shop, ("^/(api|openapi)", &key), every);
    // The compatible routes answer in the forms of others: of them the statuses count.
    run(
        &shop,
        ("^/(v1|events|mp|debug|track|import)", &shop.key),
        "not_a_server_error,status_code_conformance",
    );
    let served = shop.send(&Ask::new("GET", "/openapi.json")).json();
    assert_eq!(served, care::run(["openapi", "--json"]).summary(), "the command prints what is served");
}
