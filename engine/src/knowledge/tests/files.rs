//! Files of the folder: what becomes of each form, of broken ones, and of changes.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use actors::kit::memory::ManualClock;
use schemas::time::Timestamp;

use super::*;

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }
    folder
}

fn titles(knowledge: &Knowledge, question: &str) -> Vec<String> {
    let hits = knowledge.index().search(question, language_of(question), 9).expect("searched");
    hits.into_iter().map(|hit| hit.passage.title).collect()
}

#[test]
fn markdown_is_cut_at_its_headings_and_rows_are_passages() {
    let folder = folder(&[
        ("a.md", b"# Shop\n\nWe sell boots.\n\n## Hours\n\nOpen at nine.\n\n#no heading\n"),
        ("deep/b.csv", b"title,text\nGifts,\"We wrap presents, free\"\n"),
        ("c.jsonl", b"{\"title\":\"Jobs\",\"section\":\"Sales\",\"text\":\"We hire\"}\n\n"),
        ("ignored.txt", b"nothing"),
    ]);
    let knowledge = Knowledge::open(folder.path()).expect("opened");
    assert_eq!(knowledge.content().borrow().faults.len(), 0, "{:?}", knowledge.content().borrow().faults);
    assert_eq!(knowledge.index().len(), 4);
    assert_eq!(titles(&knowledge, "boots"), ["Shop"]);
    assert_eq!(titles(&knowledge, "opening at nine"), ["Shop: Hours"]);
    assert_eq!(titles(&knowledge, "presents"), ["Gifts"]);
    assert_eq!(titles(&knowledge, "hiring"), ["Jobs: Sales"]);
}

#[test]
fn a_broken_file_is_named_with_its_line_and_the_rest_goes_on() {
    let folder = folder(&[
        ("bad.csv", b"title,words\nGifts,free\n"),
        ("bad.jsonl", b"{\"title\":\"a\",\"text\":\"fine boots\"}\nno json\n"),
        ("bad.md", b"# Title\n\xff\xfe"),
        ("good.md", b"# Good\n\nboots"),
    ]);
    let knowledge = Knowledge::open(folder.path()).expect("opened");
    let faults: Vec<String> = knowledge.content().borrow().faults.iter().map(ToString::to_string).collect();
    assert_eq!(faults.len(), 3, "{faults:?}");
    assert!(faults[0].starts_with("bad.csv:2: ") && faults[0].contains("columns title, text"), "{faults:?}");
    assert!(faults[1].starts_with("bad.jsonl:2: "), "{faults:?}");
    assert!(faults[2].starts_with("bad.md: byte 8 is no UTF-8"), "{faults:?}");
    assert_eq!(titles(&knowledge, "boots").len(), 2);
}

#[test]
fn a_long_section_is_cut_between_its_paragraphs_and_ids_outlive_changes_elsewhere() {
    let long = format!("# Long\n\n{}\n\n{}\n\n{}\n", "alpha ".repeat(200), "beta ".repeat(250), "gamma");
    let folder = folder(&[("long.md", long.as_bytes())]);
    let ids = |knowledge: &Knowledge| {
        let hits = knowledge.index().search("alpha beta gamma", Language::English, 9).expect("searched");
        let mut ids: Vec<_> = hits.into_iter().map(|hit| hit.passage.id).collect();
        ids.sort();
        ids
    };
    let knowledge = Knowledge::open(folder.path()).expect("opened");
    let before = ids(&knowledge);
    assert_eq!(before.len(), 2);
    fs::write(folder.path().join("a.md"), "# A\n\nnew").expect("written");
    assert_eq!(knowledge.refresh().expect("refreshed"), Refreshed::Changed);
    assert_eq!(ids(&knowledge), before);
}

#[test]
fn changes_are_seen_and_what_cannot_be_read_leaves_the_old_in_force() {
    let folder = folder(&[("a.md", b"# A\n\nboots")]);
    let knowledge = Knowledge::open(folder.path()).expect("opened");
    assert_eq!(knowledge.refresh().expect("refreshed"), Refreshed::Unchanged);
    fs::write(folder.path().join("b.md"), "# B\n\nsandals").expect("written");
    assert_eq!(knowledge.refresh().expect("refreshed"), Refreshed::Changed);
    assert_eq!(titles(&knowledge, "sandals"), ["B"]);
    fs::remove_file(folder.path().join("a.md")).expect("removed");
    assert_eq!(knowledge.refresh().expect("refreshed"), Refreshed::Changed);
    assert_eq!(titles(&knowledge, "boots"), Vec::<String>::new());
    let path = folder.path().to_owned();
    folder.close().expect("removed");
    assert!(
        knowledge.refresh().is_err_and(|error| format!("{error:#}").contains(&path.display().to_string()))
    );
    assert_eq!(titles(&knowledge, "sandals"), ["B"], "the old stays");
}

#[tokio::test]
async fn the_folder_is_looked_at_by_the_clock() {
    let folder = folder(&[("a.md", b"# A\n\nboots")]);
    let knowledge = Arc::new(Knowledge::open(folder.path()).expect("opened"));
    let (clock, every) = (ManualClock::at(Timestamp(0)), Duration::from_secs(5));
    let (kept, mut content) = (
        tokio::spawn(Arc::clone(&knowledge).keep_fresh(Arc::new(clock.clone()), every)),
        knowledge.content(),
    );
    fs::write(folder.path().join("b.md"), "# B\n\nsandals").expect("written");
    let changed = content.changed();
    tokio::pin!(changed);
    // It may have begun to wait only behind an advance: so the clock goes on until it was seen.
    while tokio::time::timeout(Duration::from_millis(20), &mut changed).await.is_err() {
        clock.advance(every);
    }
    assert_eq!(titles(&knowledge, "sandals"), ["B"]);
    kept.abort();
}

#[test]
fn a_folder_that_is_none_is_named() {
    let error = Knowledge::open(std::path::Path::new("no-such-folder")).err().expect("an error");
    assert!(format!("{error:#}").contains("no-such-folder"), "{error:#}");
}
