//! Input that means harm: faults in bounded time, never a panic.

use proptest::prelude::*;

use super::{SHORTEST, parse};
use crate::trigger::document::DOCUMENT_MAX;
use crate::trigger::words::describe;

/// Inputs per test run of the fuzz target; `cargo bolero test` goes on from here.
const INPUTS: usize = 3_000;

/// Returns whether it is legal; what is legal can be described, what is not says why.
fn read(text: &str) -> bool {
    match parse(text) {
        Ok(parsed) => {
            assert!(!describe(&parsed.trigger).is_empty());
            true
        }
        Err(faults) => {
            assert!(!faults.0.is_empty(), "refused without a reason: {text:?}");
            for fault in &faults.0 {
                assert_eq!(fault.to_string().lines().count(), 1, "{fault:?}");
            }
            false
        }
    }
}

#[test]
fn documents_at_the_bound_are_refused_in_bounded_time() {
    let fill = |part: &str| part.repeat(DOCUMENT_MAX / part.len());
    for part in [
        "[",
        "{",
        "{a: ",
        "- ",
        "? ",
        ": ",
        "a: &a [*a,",
        "\"",
        "'",
        "|",
        "!",
        "!!x ",
        "%",
        "*a ",
        "&a ",
        "#",
        "a,",
        "a: b\n",
        "- a\n",
        "\t",
        "\n",
        " ",
        "---\n",
        "...\n",
        "\u{feff}",
        "0",
        "[],",
        "{},",
        "é",
        "\\",
        "a\u{85}",
        "\0",
        "\r",
        "? a\n",
        ">\n",
    ] {
        assert!(!read(&fill(part)), "{part:?}");
        let inside = format!("{SHORTEST}  when: {}", part.repeat(2_000));
        read(&inside);
    }
    assert!(!read(&"x: 1\n".repeat(1 << 18)));
    let keys: String = (0..5_000).map(|n| format!("k{n}: 1\n")).collect();
    assert!(!read(&keys));
}

#[test]
fn deep_conditions_are_refused() {
    for depth in [7, 8, 100, 2_000] {
        let when = format!("{}{{open_case: true}}{}", "{not: ".repeat(depth), "}".repeat(depth));
        assert_eq!(read(&format!("{SHORTEST}  when: {when}\n")), depth < 8, "{depth}");
    }
}

#[test]
fn aliases_that_multiply_are_refused_where_they_stand() {
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b]\n";
    assert!(!read(bomb));
}

#[test]
fn words_in_messages_stay_on_one_line_and_short() {
    let name = format!("\"{}\\n\\e[31m\"", "n".repeat(200));
    let faults =
        parse(&format!("{SHORTEST}  when: {{profile: {name}, eq: 1}}\n")).expect_err("no such field");
    let text = faults.to_string();
    assert_eq!(text.lines().count(), 1);
    assert!(!text.contains('\u{1b}') && text.len() < 300, "{text}");
}

#[test]
fn any_bytes_are_read_without_a_panic() {
    bolero::check!().with_iterations(INPUTS).for_each(|bytes: &[u8]| {
        read(&String::from_utf8_lossy(bytes));
        let inside = format!("{SHORTEST}{}", String::from_utf8_lossy(bytes));
        read(&inside);
    });
}

/// Pieces of which a document is made, legal and not.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "apiVersion: care/v1\n",
        "kind: Trigger\n",
        "metadata:\n",
        "  name: x\n",
        "spec:\n",
        "  entry:\n",
        "  when:\n",
        "    all:\n",
        "      - ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        ": ",
        "profile",
        "cart.value",
        "gte",
        "40",
        "\n",
        "  ",
        "not",
        "any",
        "count",
        "event",
        "within",
        "PT1H",
        "P1M",
        "score",
        "churn",
        "rises_above",
        "0.5",
        "true",
        "~",
        "\"",
        "'",
        "&a ",
        "*a",
        "!x ",
        "- ",
        "? ",
        "|\n",
        ">\n",
        "#",
        "---\n",
        "exists",
        "in",
        "eq",
        "open_case",
        "consent",
        "granted",
        "policy",
        "quiet_hours",
        "21:00",
        "é",
        "\t",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn pieces_of_documents_in_any_order_are_read_without_a_panic(
        pieces in prop::collection::vec(piece(), 0..60)
    ) {
        read(&pieces.concat());
        read(&format!("{SHORTEST}  {}", pieces.concat()));
    }

    #[test]
    fn a_document_with_a_wound_is_read_without_a_panic(cut in 0..200usize, put in ".{0,4}", len in 0..20usize) {
        let chars: Vec<char> = SHORTEST.chars().collect();
        let cut = cut.min(chars.len());
        let end = (cut + len).min(chars.len());
        let text: String = chars[..cut].iter().copied().chain(put.chars()).chain(chars[end..].iter().copied()).collect();
        read(&text);
    }
}
