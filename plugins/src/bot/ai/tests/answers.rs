//! Answers as they should be: what is asked, what the contact gets, what is kept.

use std::time::Duration;

use bridge_core::{
    bot::{Effect, Turn},
    message::{Author, Content, Format, InboxName, Media, PeerId},
};
use serde_json::json;

use super::{
    END,
    kit::{KEY, Kit, Shelf, remembered, routed, told, turn_with},
    peer::{CHAT, UPLOAD, response},
    piece,
};

#[tokio::test]
async fn a_recorded_answer_reaches_the_contact_as_markdown() {
    let mut kit = Kit::new().await;
    kit.peer.chat_recorded("02-chat-streaming.txt", 0);
    let effects = kit.answer(&Turn::of_contact("hello there")).await.unwrap();
    match &effects[1] {
        Effect::TellContact(Content::Text(text)) => {
            assert_eq!(text.text, "stub: hello there");
            assert_eq!(text.format, Format::Markdown);
        }
        other => panic!("{other:?}"),
    }
    let asked = kit.peer.asked().await;
    assert_eq!(
        asked.header("authorization"),
        Some(format!("Bearer {KEY}").as_str())
    );
    assert_eq!(
        asked.json(),
        json!({
            "query": "hello there", "inputs": {}, "user": "mall:o-zhou",
            "response_mode": "streaming", "auto_generate_name": false,
        })
    );
}

#[tokio::test]
async fn the_conversation_goes_on_and_the_message_is_kept_for_feedback() {
    let mut kit = Kit::with(json!({"inputs": {"channel": "{inbox}"}})).await;
    kit.peer.chat_recorded("02-chat-streaming.txt", 0);
    kit.peer.chat_recorded("02b-chat-streaming-continue.txt", 0);
    let first = kit.answer(&Turn::of_contact("hello there")).await.unwrap();
    let memory = remembered(&first).unwrap();
    assert_eq!(memory["message"], "e40a4ee3-f752-4a52-9978-84ed891b0f6b");
    assert!(!memory.to_string().contains(KEY));

    let second = kit.answer(&turn_with("and?", Some(memory))).await.unwrap();
    assert!(!told(&second).is_empty());
    kit.peer.asked().await;
    let asked = kit.peer.asked().await.json();
    assert_eq!(
        asked["conversation_id"],
        "ff534ebf-f4fe-4e81-9116-2ddd91d53f82"
    );
    assert_eq!(asked["inputs"], json!({"channel": "mall"}));
}

#[tokio::test]
async fn another_apps_conversation_is_not_gone_on_with() {
    let mut kit = Kit::new().await;
    kit.peer.chat_recorded("02-chat-streaming.txt", 0);
    let other = json!({"app": "0123456789abcdef", "conversation": "conv-of-another-key"});
    kit.answer(&turn_with("hi", Some(other))).await.unwrap();
    assert_eq!(kit.peer.asked().await.json().get("conversation_id"), None);
}

#[tokio::test]
async fn after_a_long_silence_the_conversation_is_begun_anew() {
    let mut kit = Kit::with(json!({"forget_after": "7d"})).await;
    kit.peer.chat_recorded("02-chat-streaming.txt", 0);
    let first = kit.answer(&Turn::of_contact("hello there")).await.unwrap();
    kit.peer.asked().await;
    for (days, goes_on) in [(7, true), (8, false)] {
        kit.peer.chat_events(&[&piece("在"), END]);
        let mut turn = turn_with("在吗", remembered(&first));
        turn.now = turn.now + Duration::from_secs(days * 86_400);
        kit.answer(&turn).await.unwrap();
        let asked = kit.peer.asked().await.json();
        assert_eq!(asked.get("conversation_id").is_some(), goes_on, "{days}");
    }
}

#[tokio::test]
async fn every_kind_of_app_is_heard_to_its_end() {
    let cases = [
        (
            "agent",
            "14-agent-streaming-tool.txt",
            "The tool said: 2026-11-20 23:23:20",
        ),
        ("chatflow", "15-chatflow-streaming.txt", "stub: hello flow"),
        ("chat", "03-chat-streaming-think.txt", "The answer is 42."),
        (
            "chat",
            "04-chat-ping-silent-25s.txt",
            "stub: [silent 25] slow start",
        ),
        // Asked for a stream, answered whole.
        ("chatflow", "15-chatflow-blocking.txt", "stub: hello flow"),
    ];
    for (app, file, text) in cases {
        let kit = Kit::with(json!({"app": app})).await;
        kit.peer.chat_recorded(file, 0);
        assert_eq!(kit.told("hello").await, [text], "{file}");
    }
}

#[tokio::test]
async fn a_mark_in_the_answer_brings_a_person() {
    let kit = Kit::new().await;
    kit.peer
        .chat_events(&[&piece("这就请同事来。【转"), &piece("人工】"), END]);
    let effects = kit.answer(&Turn::of_contact("投诉")).await.unwrap();
    assert_eq!(told(&effects), ["这就请同事来。"]);
    assert_eq!(routed(&effects).as_deref(), Some("智能助手建议由人工接待"));
}

#[tokio::test]
async fn an_agents_command_hands_the_conversation_back() {
    let mut kit = Kit::new().await;
    let mut turn = Turn::of_contact("");
    turn.author = Author::Agent(PeerId::new("agent_system"));
    assert_eq!(kit.answer(&turn).await.unwrap(), [Effect::Assist]);
    assert!(kit.peer.rest().is_empty());
}

#[tokio::test]
async fn a_picture_goes_along_by_upload_of_the_same_user() {
    let shelf = Shelf::default().with("m1", b"PNG-BYTES");
    let mut kit = Kit::over(json!({}), shelf).await;
    let uploaded = r#"{"id":"948ff8ec-73e3-46ad-95b7-1b9202a79bd2","name":"p.png","size":9}"#;
    kit.peer.json(UPLOAD, 201, uploaded);
    kit.peer.chat_recorded("18-files-chat-image-local.txt", 0);
    let mut turn = Turn::of_contact("");
    turn.said = Some(Content::Image {
        media: Media::remote(&InboxName::new("mall"), "m1", None),
    });
    let effects = kit.answer(&turn).await.unwrap();
    assert_eq!(told(&effects), ["stub: see this <image_url>"]);

    let upload = kit.peer.asked().await;
    let form = String::from_utf8(upload.body.clone()).unwrap();
    assert!(form.contains("PNG-BYTES") && form.contains("Content-Type: image/png"));
    assert!(form.contains("name=\"user\"\r\n\r\nmall:o-zhou"), "{form}");
    assert!(form.contains("filename=\"p.png\""), "{form}");
    let asked = kit.peer.asked().await.json();
    assert_eq!(asked["query"], "请看我发的内容。");
    assert_eq!(
        asked["files"],
        json!([{"type": "image", "transfer_method": "local_file",
            "upload_file_id": "948ff8ec-73e3-46ad-95b7-1b9202a79bd2"}])
    );
}

#[tokio::test]
async fn a_picture_that_cannot_go_is_named_to_the_model() {
    let shelf = Shelf::default().with("m1", b"PNG");
    let mut kit = Kit::over(json!({}), shelf).await;
    kit.peer
        .json(UPLOAD, 413, r#"{"code":"file_too_large","message":""}"#);
    kit.peer.chat_events(&[&piece("看不到图片"), END]);
    let mut turn = Turn::of_contact("");
    turn.said = Some(Content::Image {
        media: Media::remote(&InboxName::new("mall"), "m1", None),
    });
    assert_eq!(told(&kit.answer(&turn).await.unwrap()), ["看不到图片"]);
    kit.peer.asked().await;
    let asked = kit.peer.asked().await.json();
    assert_eq!(asked["query"], "[图片]");
    assert_eq!(asked.get("files"), None);
}

#[tokio::test]
async fn an_app_that_takes_no_files_is_asked_without() {
    let shelf = Shelf::default().with("m1", b"PNG");
    let mut kit = Kit::over(json!({}), shelf).await;
    kit.peer.json(UPLOAD, 201, r#"{"id":"f1"}"#);
    kit.peer.chat_refused(
        400,
        r#"{"code":"invalid_param","message":"Invalid upload file"}"#,
    );
    kit.peer.chat_events(&[&piece("好"), END]);
    let mut turn = Turn::of_contact("");
    turn.said = Some(Content::Image {
        media: Media::remote(&InboxName::new("mall"), "m1", None),
    });
    assert_eq!(told(&kit.answer(&turn).await.unwrap()), ["好"]);
    let lines: Vec<String> = kit.peer.rest();
    assert_eq!(lines.len(), 3, "{lines:?}");
}

#[tokio::test]
async fn pictures_of_an_answer_are_fetched_at_once_and_without_the_key() {
    let shelf = Shelf::default().with("https://cdn.test/b.png", b"B");
    let mut kit = Kit::over(json!({}), shelf).await;
    let text = piece(
        "看图 ![a](/files/tools/a.png?sign=1) ![b](https://cdn.test/b.png) ![c](https://other.test/c.png)",
    );
    kit.peer.chat_events(&[&text, END]);
    kit.peer.raw(
        "GET /files/tools/a.png?sign=1 ",
        response(200, "image/png", "", "A"),
    );
    let effects = kit.answer(&Turn::of_contact("图呢")).await.unwrap();
    assert_eq!(
        told(&effects),
        ["看图\n[c](https://other.test/c.png)", "Image", "Image"]
    );
    assert!(kit.peer.asked().await.line.starts_with(CHAT));
    assert_eq!(kit.peer.asked().await.header("authorization"), None);
}

#[tokio::test]
async fn a_redirected_file_is_not_followed() {
    let mut kit = Kit::new().await;
    kit.peer.chat_events(&[&piece("![a](/files/a.png)"), END]);
    let away = response(
        302,
        "text/plain",
        "Location: http://169.254.169.254/\r\n",
        "",
    );
    kit.peer.raw("GET /files/a.png ", away);
    let told = kit.told("图呢").await;
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("[a](http://127.0.0.1"), "{told:?}");
    kit.peer.asked().await;
    kit.peer.asked().await;
    assert!(kit.peer.rest().is_empty());
}

#[tokio::test]
async fn no_more_is_asked_at_once_than_allowed() {
    let mut kit = Kit::with(json!({"max_concurrent": 1})).await;
    let leave = kit.peer.chat_waits(&[&piece("一"), END]);
    kit.peer.chat_events(&[&piece("二"), END]);
    let first = kit.asks(Turn::of_contact("1"));
    kit.peer.asked().await;
    let second = kit.asks(Turn::of_contact("2"));
    // Both wait for their deadlines, but only one listens to Dify.
    kit.clock.sleeping_for(Duration::from_secs(90), 2).await;
    assert_eq!(kit.clock.sleepers_for(Duration::from_secs(30)), 1);
    assert!(kit.peer.rest().is_empty());
    leave.send(()).unwrap();
    assert_eq!(told(&first.await.unwrap().unwrap()), ["一"]);
    assert_eq!(told(&second.await.unwrap().unwrap()), ["二"]);
}
