//! Tests of the registry: what answers when nobody chose, what choosing and going back leave, and what changes nothing.

use std::collections::BTreeSet;

use super::*;
use crate::model::artefact::{MANIFEST_FILE, WEIGHTS_FILE};
use crate::model::tests::model;

const HEAD: Head = Head::Churn;
const AT: Timestamp = Timestamp(5);

struct Shop {
    folder: tempfile::TempDir,
    registry: Registry,
}

impl Shop {
    /// Returns a shop with these versions in its folder, and one that came with the engine if it is named.
    fn new(versions: &[&str], shipped: Option<&str>) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let shipped: Vec<Shipped> = shipped.into_iter().map(shipped_as).collect();
        let registry = Registry::with_shipped(&folder.path().join("models"), &shipped);
        let shop = Self { folder, registry };
        versions.iter().for_each(|version| shop.put(version));
        shop
    }

    fn put(&self, version: &str) {
        let seed = version.bytes().map(u64::from).sum();
        model(HEAD, version, seed).save(&self.registry.folder(HEAD).join(version)).expect("saved");
    }

    fn activate(&self, version: &str) -> Result<Choice, Error> {
        self.registry.activate(HEAD, &Choice::of(version), AT)
    }

    fn active(&self) -> String {
        self.registry.choice(HEAD).expect("a choice").as_str().to_owned()
    }
}

/// Returns a model as the program holds it.
fn shipped_as(version: &str) -> Shipped {
    let folder = tempfile::tempdir().expect("temporary folder");
    model(HEAD, version, 1).save(folder.path()).expect("saved");
    let held = |name: &str| -> &'static [u8] { fs::read(folder.path().join(name)).expect("a file").leak() };
    Shipped { head: HEAD, manifest: held(MANIFEST_FILE), weights: held(WEIGHTS_FILE) }
}

fn words(error: Error) -> String {
    format!("{:#}", anyhow::Error::from(error))
}

#[test]
fn nobody_chose_so_the_shipped_model_answers_or_the_rule_score() {
    let shop = Shop::new(&["a"], None);
    assert_eq!(shop.active(), "rules");
    assert!(shop.registry.active(HEAD).expect("the rule score").is_none());
    let shop = Shop::new(&["a"], Some("shipped-1"));
    assert_eq!(shop.active(), "shipped-1");
    let active = shop.registry.active(HEAD).expect("loaded").expect("a model");
    assert_eq!(active.manifest().version, "shipped-1");
    assert!(!shop.folder.path().join("models").join(ACTIVE_FILE).exists(), "looking writes nothing");
}

#[test]
fn each_roll_back_goes_one_activation_further_back() {
    let shop = Shop::new(&["a", "b"], Some("shipped-1"));
    assert_eq!(shop.activate("a").expect("activated").as_str(), "shipped-1");
    assert_eq!(shop.activate("b").expect("activated").as_str(), "a");
    assert_eq!(shop.activate("b").expect("again").as_str(), "b");
    assert_eq!(shop.activate("rules").expect("activated").as_str(), "b");
    let history = shop.registry.history(HEAD).expect("a history");
    let versions: Vec<&str> = history.iter().map(|entry| entry.version.as_str()).collect();
    assert_eq!(versions, ["a", "b", "rules"], "what is active already is not chosen twice");
    for before in ["b", "a", "shipped-1"] {
        assert_eq!(shop.registry.rollback(HEAD).expect("rolled back").1.as_str(), before);
        assert_eq!(shop.active(), before);
    }
    let refused = words(shop.registry.rollback(HEAD).expect_err("nothing is left"));
    assert!(refused.contains("churn goes by shipped-1, which nobody chose"), "{refused}");
}

#[test]
fn what_is_not_there_or_is_refused_changes_nothing() {
    let shop = Shop::new(&["a", "bad", "moved"], Some("shipped-1"));
    shop.activate("a").expect("activated");
    let folder = shop.registry.folder(HEAD);
    fs::write(folder.join("bad").join(WEIGHTS_FILE), "half").expect("written");
    fs::rename(folder.join("moved"), folder.join("renamed")).expect("renamed");
    model(Head::Return, "of-return", 1).save(&folder.join("of-return")).expect("saved");
    for (version, expected) in [
        ("c", "churn has no model \"c\"; there are: a, bad, of-return, renamed, shipped-1, rules"),
        ("../churn/a", "churn has no model"),
        ("bad", "model bad of churn is refused: weights.safetensors: 4 bytes with checksum"),
        ("renamed", "version is moved; it lies in the folder of version renamed"),
        ("of-return", "head is return; it lies where a model of churn is expected"),
    ] {
        let refused = words(shop.activate(version).expect_err("refused"));
        assert!(refused.contains(expected), "{refused}\n  lacks: {expected}");
        assert_eq!(shop.active(), "a");
    }
}

#[test]
fn what_answered_before_and_is_refused_now_is_not_gone_back_to() {
    let shop = Shop::new(&["a", "b"], None);
    shop.activate("a").expect("activated");
    shop.activate("b").expect("activated");
    fs::remove_file(shop.registry.folder(HEAD).join("a").join(WEIGHTS_FILE)).expect("removed");
    assert!(
        words(shop.registry.rollback(HEAD).expect_err("refused")).contains("model a of churn is refused")
    );
    assert_eq!(shop.active(), "b");
}

#[test]
fn two_models_of_one_name_are_told_and_a_copy_of_the_shipped_one_is_not() {
    let shop = Shop::new(&["shipped-1"], Some("shipped-1"));
    let refused = words(shop.activate("shipped-1").expect_err("which one?"));
    assert!(refused.contains("two models shipped-1"), "{refused}");
    model(HEAD, "shipped-1", 1).save(&shop.registry.folder(HEAD).join("shipped-1")).expect("saved");
    shop.activate("shipped-1").expect("the same model");
}

#[test]
fn a_damaged_choice_is_told_and_written_anew() {
    let shop = Shop::new(&["a"], None);
    shop.activate("a").expect("activated");
    let path = shop.registry.folder(HEAD).join(ACTIVE_FILE);
    for damage in ["{", "{\"format\": 9, \"history\": []}"] {
        fs::write(&path, damage).expect("written");
        let refused = words(shop.registry.choice(HEAD).expect_err("damaged"));
        assert!(refused.contains("care models activate"), "{refused}");
        shop.activate("a").expect("written anew");
        assert_eq!(shop.active(), "a");
    }
}

#[test]
fn choices_made_at_the_same_time_are_all_kept() {
    let shop = Shop::new(&["a", "b", "c", "d"], None);
    std::thread::scope(|scope| {
        for version in ["a", "b", "c", "d"] {
            let registry = &shop.registry;
            scope.spawn(move || registry.activate(HEAD, &Choice::of(version), AT).expect("activated"));
        }
    });
    let history = shop.registry.history(HEAD).expect("a history");
    let versions: BTreeSet<&str> = history.iter().map(|entry| entry.version.as_str()).collect();
    assert_eq!(versions, BTreeSet::from(["a", "b", "c", "d"]));
}

#[test]
fn every_model_is_listed_and_one_that_is_refused_with_the_reason() {
    let shop = Shop::new(&["b", "a"], Some("shipped-1"));
    fs::remove_file(shop.registry.folder(HEAD).join("a").join(MANIFEST_FILE)).expect("removed");
    fs::create_dir(shop.registry.folder(HEAD).join("Not A Version")).expect("made");
    let listed = shop.registry.list(HEAD).expect("listed");
    let lines: Vec<_> =
        listed.iter().map(|known| (known.version.as_str(), known.place, known.loaded.is_ok())).collect();
    assert_eq!(
        lines,
        [("a", Place::Folder, false), ("b", Place::Folder, true), ("shipped-1", Place::Shipped, true)]
    );
}

#[test]
fn shipped_models_load_and_each_folder_has_its_row() {
    for shipped in SHIPPED {
        let model = Artefact::from_bytes(shipped.manifest, shipped.weights).expect("a shipped model loads");
        assert_eq!(model.manifest().head, shipped.head);
    }
    let rows: BTreeSet<String> = SHIPPED.iter().map(|shipped| shipped.head.as_str().to_owned()).collect();
    assert_eq!(rows.len(), SHIPPED.len(), "one model per head");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("an entry").path());
    let folders: BTreeSet<String> = entries
        .filter(|path| path.join(MANIFEST_FILE).exists())
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .collect();
    assert_eq!(rows, folders);
}
