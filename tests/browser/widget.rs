//! The widget: by itself against a scripted server, where everything goes wrong that can, and against the running binary.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::drive;

#[test]
fn the_widget_bears_what_goes_wrong_and_fits_every_screen() {
    let shots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("widget");
    fs::create_dir_all(&shots).expect("a folder");
    let scenes = drive("widget.cjs", &[], &json!({"shots": shots}));
    assert!(scenes.as_array().is_some_and(|scenes| scenes.len() >= 9), "{scenes}");
}
