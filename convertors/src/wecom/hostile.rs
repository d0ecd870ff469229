//! The property-test twin of the fuzz targets `callback_wecom` and `kf_rows`: whatever comes, the readers return.

use proptest::prelude::*;

use super::fuzz::{envelope, kf_rows};

const ROWS: &str = include_str!("../../../tests/fixtures/wecom/kf_rows.txt");
const VECTORS: &str = include_str!("../../../tests/fixtures/wecom/vectors.jsonl");

/// Swapped in for a piece of a sample: what breaks careless readers.
const PIECES: &[&str] = &[
    "",
    "null",
    "{}",
    "[]",
    "[[[[",
    "\"",
    "\\",
    "\\ud800",
    "-1",
    "1e999",
    "18446744073709551616",
    "true",
    "\u{FEFF}",
    "]]>",
    "<Encrypt>",
    "&#0;",
    "%",
    "\"msgtype\":\"merged_msg\",",
    "{\"event\":",
    "\"msg_list\":[",
];

/// The row of a line of the samples.
fn sample(line: &str) -> &str {
    line.find(": {").map_or("{}", |at| &line[at + 2..])
}

fn mangled(sample: &str, edits: &[(prop::sample::Index, usize, usize)]) -> Vec<u8> {
    let mut bytes = sample.as_bytes().to_vec();
    for (at, cut, piece) in edits {
        let at = at.index(bytes.len() + 1);
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, PIECES[*piece].bytes());
    }
    bytes
}

fn edits() -> impl Strategy<Value = Vec<(prop::sample::Index, usize, usize)>> {
    prop::collection::vec(
        (any::<prop::sample::Index>(), 0..12usize, 0..PIECES.len()),
        1..6,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn arbitrary_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        envelope(&bytes);
        kf_rows(&bytes);
    }

    #[test]
    fn mangled_rows_are_survived(which in any::<prop::sample::Index>(), edits in edits()) {
        let rows: Vec<&str> = ROWS.lines().map(sample).collect();
        kf_rows(&mangled(which.get::<&str>(&rows), &edits));
    }

    #[test]
    fn mangled_envelopes_are_survived(which in any::<prop::sample::Index>(), edits in edits()) {
        let vectors: Vec<&str> = VECTORS.lines().collect();
        let vector: serde_json::Value = serde_json::from_str(which.get::<&str>(&vectors)).unwrap_or_default();
        for field in ["plain", "encrypt"] {
            let text = vector[field].as_str().unwrap_or_default();
            let body = format!("<xml><Encrypt><![CDATA[{text}]]></Encrypt></xml>");
            envelope(&mangled(text, &edits));
            envelope(&mangled(&body, &edits));
        }
    }
}

#[test]
fn deep_nesting_is_survived() {
    for open in [
        "[",
        "{\"event\":",
        "{\"msg_list\":[",
        "{\"merged_msg\":{\"item\":[",
    ] {
        kf_rows(open.repeat(20_000).as_bytes());
    }
    for open in ["<xml>", "{\"encrypt\":"] {
        envelope(open.repeat(20_000).as_bytes());
    }
}

/// The corpus the fuzzer starts from stays what the readers know.
#[test]
fn the_seeds_are_survived() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds");
    for (target, read) in [
        ("callback_wecom", envelope as fn(&[u8])),
        ("kf_rows", kf_rows),
    ] {
        let mut seen = 0;
        for entry in std::fs::read_dir(format!("{folder}/{target}")).unwrap() {
            read(&std::fs::read(entry.unwrap().path()).unwrap());
            seen += 1;
        }
        assert!(seen >= 10, "{target} has {seen} seeds");
    }
}
