//! Answers folded from recorded streams, and from the orders that other versions have.

use super::*;
use crate::dify::fixtures;
use crate::dify::stream::{Limits, read_all};

fn folded(stream: &[u8], size: usize) -> Answer {
    let mut answer = Accumulator::with_base("http://dify.example.test/v1");
    for event in read_all(stream, size, Limits::default()) {
        answer.fold(event);
    }
    answer.finish()
}

/// The answers of a recording, cut into single bytes.
fn recorded(file: &str) -> Vec<Answer> {
    fixtures::read(file)
        .iter()
        .filter(|recorded| recorded.is_stream)
        .map(|recorded| folded(&recorded.body, 1))
        .collect()
}

fn events(lines: &[&str]) -> Answer {
    let stream: String = lines
        .iter()
        .map(|line| format!("data: {line}\n\n"))
        .collect();
    folded(stream.as_bytes(), 4096)
}

fn said(text: &str) -> String {
    serde_json::json!({"event": "message", "answer": text}).to_string()
}

const END: &str = r#"{"event":"message_end","metadata":{"usage":{"total_tokens":31}},"files":[]}"#;

#[test]
fn recordings_give_the_answers_that_were_given() {
    let texts = [
        ("02-chat-streaming.txt", "stub: hello there"),
        (
            "04-chat-ping-silent-25s.txt",
            "stub: [silent 25] slow start",
        ),
        ("03-chat-streaming-think.txt", "The answer is 42."),
        ("03-chat-streaming-empty-answer.txt", ""),
        (
            "14-agent-streaming-tool.txt",
            "The tool said: 2026-11-20 23:23:20",
        ),
        ("15-chatflow-streaming.txt", "stub: hello flow"),
        (
            "18-files-chat-image-local.txt",
            "stub: see this <image_url>",
        ),
    ];
    for (file, text) in texts {
        let answer = &recorded(file)[0];
        assert_eq!(answer.text, text, "{file}");
        assert_eq!(answer.outcome, Outcome::Complete, "{file}");
        let ids = &answer.ids;
        assert!(
            ids.task.is_some() && ids.conversation.is_some() && ids.message.is_some(),
            "{file}"
        );
    }
    assert_eq!(
        recorded("03-chat-streaming-long-20000.txt")[0].text.len(),
        20_000
    );
    let chinese = &recorded("03-chat-streaming-cjk.txt")[0];
    assert!(chinese.text.chars().any(|c| c > '\u{4E00}') && !chinese.text.contains('\u{FFFD}'));
}

#[test]
fn figures_and_sources_come_with_the_end() {
    let answer = &recorded("25-citations-chat-streaming.txt")[0];
    assert_eq!(answer.usage.total_tokens, 95);
    assert_eq!(answer.usage.currency, "USD");
    let documents: Vec<&str> = answer.sources.iter().map(|s| s.document.as_str()).collect();
    assert_eq!(documents, ["shop", "shop"]);
}

#[test]
fn an_error_after_http_200_is_a_failure() {
    for answer in recorded("05-model-error-streaming.txt") {
        match answer.outcome {
            Outcome::Failed(failure) => assert!(failure.mid_run && !failure.code.is_empty()),
            other => panic!("{other:?}"),
        }
    }
    let cut = &recorded("05b-model-cut-midstream.txt")[0];
    assert_eq!(cut.text, "stub: [cut 3]");
    assert!(matches!(&cut.outcome, Outcome::Failed(f) if f.code == "completion_request_error"));
    let flow = &recorded("15-chatflow-model-error-streaming.txt")[0];
    assert!(matches!(&flow.outcome, Outcome::Failed(f) if f.code == "invalid_param" && f.mid_run));
}

#[test]
fn a_stopped_answer_keeps_what_was_said() {
    let answer = &recorded("06-stop-stream.txt")[0];
    assert!(answer.text.starts_with("w0 w1 w2") && answer.text.ends_with("w13"));
    let stopped = events(&[
        &said("一"),
        r#"{"event":"workflow_finished","data":{"status":"stopped"}}"#,
    ]);
    assert_eq!(
        (stopped.text.as_str(), stopped.outcome),
        ("一", Outcome::Stopped)
    );
}

#[test]
fn blocking_answers_read_as_streams_do() {
    for file in [
        "01-chat-blocking.txt",
        "03-chat-blocking-cjk.txt",
        "15-chatflow-blocking.txt",
    ] {
        for recorded in fixtures::read(file) {
            let mut answer = Accumulator::default();
            answer.fold_blocking(&recorded.body);
            let answer = answer.finish();
            assert_eq!(answer.outcome, Outcome::Complete, "{file}");
            assert!(
                answer.text.starts_with("stub: ") || answer.text.starts_with("你好，世界"),
                "{file}"
            );
            assert!(
                answer.usage.total_tokens > 0 && answer.ids.message.is_some(),
                "{file}"
            );
        }
    }
    let mut paused = Accumulator::default();
    paused.fold_blocking(br#"{"event":"workflow_paused","data":{}}"#);
    assert_eq!(paused.finish().outcome, Outcome::Paused);
    let mut page = Accumulator::default();
    page.fold_blocking(b"<html>");
    assert_eq!(page.finish().outcome, Outcome::Incomplete);
}

#[test]
fn the_end_may_come_before_the_workflows() {
    let finished =
        r#"{"event":"workflow_finished","data":{"status":"succeeded","outputs":{"answer":"好"}}}"#;
    for order in [[END, finished], [finished, END]] {
        let answer = events(&[&said("好"), order[0], order[1]]);
        assert_eq!(answer.outcome, Outcome::Complete);
        assert_eq!(
            (answer.text.as_str(), answer.usage.total_tokens),
            ("好", 31)
        );
    }
    let silent = events(&[finished]);
    assert_eq!(silent.text, "好", "outputs speak when no piece did");
}

#[test]
fn a_failed_workflow_fails_even_without_an_error_event() {
    let failed = r#"{"event":"workflow_finished","data":{"status":"failed","error":"boom"}}"#;
    let answer = events(&[END, failed]);
    assert!(matches!(answer.outcome, Outcome::Failed(f) if f.message == "boom"));
}

#[test]
fn a_new_agent_says_everything_twice_and_is_heard_once() {
    let piece = |text: &str| format!(r#"{{"event":"agent_message","answer":"{text}"}}"#);
    let answer = events(&[&piece("您"), &piece("好"), &said("您好"), END]);
    assert_eq!(answer.text, "您好");
    let empty = events(&[&piece("您好"), &said(""), END]);
    assert_eq!(empty.text, "您好");
}

#[test]
fn moderation_replaces_everything_so_far() {
    let replace = r#"{"event":"message_replace","answer":"无法回答","reason":"x"}"#;
    assert_eq!(events(&[&said("秘密"), replace, END]).text, "无法回答");
}

#[test]
fn thoughts_go_though_their_tags_are_cut() {
    let answer = events(&[
        &said("<th"),
        &said("ink>想"),
        &said("</thi"),
        &said("nk>好"),
        END,
    ]);
    assert_eq!(answer.text, "好");
    let hidden = events(&[&said("</thi<think>x</think>nk>好"), END]);
    assert!(!hidden.text.contains("think"), "{}", hidden.text);
}

#[test]
fn a_stream_that_just_ends_is_incomplete() {
    let answer = events(&[&said("您")]);
    assert_eq!(
        (answer.text.as_str(), answer.outcome),
        ("您", Outcome::Incomplete)
    );
    assert_eq!(events(&[]).outcome, Outcome::Incomplete);
}

#[test]
fn a_lost_piece_of_text_is_told_and_a_lost_node_is_not() {
    let fold = |name: Option<&str>| {
        let mut answer = Accumulator::default();
        answer.fold(Event::bare(Kind::Oversized(name.map(str::to_owned))));
        answer.fold(Event::read(END, None));
        answer.finish().outcome
    };
    assert_eq!(fold(Some("message")), Outcome::Incomplete);
    assert_eq!(fold(None), Outcome::Incomplete);
    assert_eq!(fold(Some("node_finished")), Outcome::Complete);
}

#[test]
fn pictures_become_files_that_can_be_fetched() {
    let text = "看：![图](/files/tools/a.png?sign=1) [说明](/files/b.pdf?sign=2) [官网](https://x.test) `![](/c)`";
    let file = r#"{"event":"message_file","type":"image","belongs_to":"assistant","url":"/files/tools/a.png?sign=9"}"#;
    let theirs =
        r#"{"event":"message_file","type":"image","belongs_to":"user","url":"/files/u.png"}"#;
    let internal = r#"{"event":"message_end","files":[{"type":"document","filename":"r.docx","remote_url":"http://api:5001/files/r.docx?sign=3"},{"type":"image","url":"javascript:alert(1)"}]}"#;
    let answer = events(&[&said(text), file, theirs, internal]);
    assert_eq!(answer.text, "看：  [官网](https://x.test) `![](/c)`");
    let urls: Vec<&str> = answer.files.iter().map(|file| file.url.as_str()).collect();
    assert_eq!(
        urls,
        [
            "http://dify.example.test/files/tools/a.png?sign=1",
            "http://dify.example.test/files/b.pdf?sign=2",
            "http://dify.example.test/files/r.docx?sign=3",
        ]
    );
    assert_eq!(answer.files[2].name, "r.docx");
}

#[test]
fn without_a_base_a_relative_picture_stays_text() {
    let mut answer = Accumulator::default();
    answer.fold(Event::read(&said("![图](/files/a.png)"), None));
    let answer = answer.finish();
    assert_eq!(
        (answer.text.as_str(), answer.files.len()),
        ("![图](/files/a.png)", 0)
    );
}

#[test]
fn an_answer_has_a_largest_size() {
    let piece = said(&"长".repeat(20_000));
    let pieces: Vec<&str> = std::iter::repeat_n(piece.as_str(), 10)
        .chain([END])
        .collect();
    let answer = events(&pieces);
    assert!(answer.text.len() <= LONGEST && answer.text.len() > LONGEST - 4);
    assert_eq!(answer.outcome, Outcome::Incomplete);
}
