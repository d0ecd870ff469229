//! The reader against recorded streams, and against everything that a network and a proxy do to them.

use proptest::prelude::*;

use super::*;
use crate::dify::fixtures;

fn kinds(bytes: &[u8], size: usize) -> Vec<Kind> {
    read_all(bytes, size, Limits::default())
        .into_iter()
        .map(|event| event.kind)
        .collect()
}

fn said(text: &str) -> Kind {
    Kind::Message(text.into())
}

#[test]
fn every_recording_reads_the_same_however_it_is_cut() {
    let mut seen = 0;
    for recorded in fixtures::streams() {
        let whole = read_all(&recorded.body, recorded.body.len(), Limits::default());
        assert!(!whole.is_empty(), "{}", recorded.name);
        for event in &whole {
            let odd = matches!(
                event.kind,
                Kind::Unknown(_) | Kind::Unreadable | Kind::Oversized(_)
            );
            assert!(!odd, "{}: {event:?}", recorded.name);
        }
        for size in [1, 2, 3, 7, 16, 61, 1021, 4096] {
            let cut = read_all(&recorded.body, size, Limits::default());
            assert_eq!(cut, whole, "{} by {size}", recorded.name);
        }
        seen += 1;
    }
    assert!(seen >= 18, "only {seen} recordings");
}

#[test]
fn every_recording_reads_the_same_with_other_line_ends() {
    for recorded in fixtures::streams() {
        let whole = read_all(&recorded.body, 4096, Limits::default());
        let text = String::from_utf8(recorded.body).unwrap();
        for line_end in ["\r\n", "\r"] {
            let other = format!("\u{FEFF}{}", text.replace('\n', line_end));
            for size in [1, 5, 4096] {
                let read = read_all(other.as_bytes(), size, Limits::default());
                assert_eq!(read, whole, "{} {line_end:?}", recorded.name);
            }
        }
    }
}

#[test]
fn pings_carry_no_data_and_comments_nothing() {
    let stream = b"event: ping\n\n: hello\n\nid: 7\nretry: 5\n\ndata: {\"event\":\"message\",\"answer\":\"a\"}\n\nevent: ping\n\n";
    assert_eq!(kinds(stream, 1), [Kind::Ping, said("a"), Kind::Ping]);
}

#[test]
fn data_may_take_several_lines_and_no_space() {
    let stream = b"data:{\"event\":\ndata: \"message\",\ndata:\"answer\":\"a\"}\n\n";
    assert_eq!(kinds(stream, 2), [said("a")]);
    let windows = String::from_utf8_lossy(stream).replace('\n', "\r\n");
    for size in [1, 2, 3, 100] {
        assert_eq!(kinds(windows.as_bytes(), size), [said("a")], "{size}");
    }
}

#[test]
fn a_last_block_counts_without_its_empty_line_if_it_is_whole() {
    assert_eq!(
        kinds(b"data: {\"event\":\"message\",\"answer\":\"a\"}", 9),
        [said("a")]
    );
    assert_eq!(
        kinds(b"data: {\"event\":\"message\",\"answer\":\"a\"}\n", 9),
        [said("a")]
    );
    assert_eq!(kinds(b"data: {\"event\":\"message\",\"ans", 9), []);
}

#[test]
fn an_event_beyond_its_limit_is_dropped_with_its_name() {
    let limits = Limits {
        event: 2000,
        total: 1 << 20,
    };
    let large = "x".repeat(5000);
    let stream = format!(
        "data: {{\"event\": \"node_finished\", \"data\": \"{large}\"}}\ndata: {large}\n\ndata: {{\"event\":\"message\",\"answer\":\"a\"}}\n\n"
    );
    for size in [1, 100, 3000, 20_000] {
        let events = read_all(stream.as_bytes(), size, limits);
        let kinds: Vec<Kind> = events.into_iter().map(|event| event.kind).collect();
        let dropped = Kind::Oversized(Some("node_finished".into()));
        assert_eq!(kinds, [dropped, said("a")], "{size}");
    }
}

#[test]
fn a_stream_without_end_is_given_up() {
    let mut reader = StreamReader::new(Limits {
        event: 64,
        total: 1000,
    });
    let pings = b"event: ping\n\n".repeat(70);
    assert_eq!(reader.push(&pings).unwrap().len(), 70);
    assert_eq!(reader.push(&pings), Err(TooLong(1000)));
}

#[test]
fn bytes_that_are_no_characters_do_not_end_the_stream() {
    let stream = b"data: {\"event\":\"message\",\"answer\":\"\xe5\xa5\"}\n\ndata: {\"event\":\"message\",\"answer\":\"b\"}\n\n";
    assert_eq!(kinds(stream, 3), [said("\u{FFFD}"), said("b")]);
}

proptest! {
    #[test]
    fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        exercise(&bytes);
    }

    #[test]
    fn no_almost_streams_break_the_reader(
        lines in prop::collection::vec(prop_oneof![
            Just("data: {\"event\":\"message\",\"answer\":\"<think>好\"}".to_owned()),
            Just("data: {\"event\":\"message\",\"answer\":\"![](/a)\\ud83d</think>\"}".to_owned()),
            Just("event: ping".to_owned()), Just(String::new()), Just("data:".to_owned()),
            Just("data: {\"event\":\"message_end\"}".to_owned()),
            Just(format!("data: {}", "y".repeat(700))),
            "\\PC{0,40}",
        ], 0..40),
        line_end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
        size in 1u8..=255,
    ) {
        let mut bytes = vec![size];
        bytes.extend(lines.join(line_end).as_bytes());
        exercise(&bytes);
    }
}
