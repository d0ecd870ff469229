//! Pictures go up and come down, and what is no picture is refused.

use serde_json::json;

use super::site;
use crate::visitor::Visitor;

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_uploaded_and_one_comes_back() {
    let stage = site("").await;
    let mut visitor = Visitor::comes(&stage.bridge.url).await;
    visitor.says("人工").await;
    let agent = stage.agent("system");
    agent.hears_text("新会话").await.unwrap();
    let pixel = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";
    let client = reqwest::Client::new();
    let upload = |token: &str, origin: &str, body: Vec<u8>| {
        client
            .post(format!("{}/web/site/upload", stage.bridge.url))
            .header("authorization", format!("Bearer {token}"))
            .header("origin", origin)
            .header("x-file-name", "%E5%9B%BE.gif")
            .body(body)
            .send()
    };
    let origin = stage.bridge.url.clone();
    let kept = upload(&visitor.token, &origin, pixel.to_vec())
        .await
        .unwrap();
    let kept: serde_json::Value = kept.json().await.unwrap();
    assert_eq!(
        (&kept["mime"], &kept["name"]),
        (&json!("image/gif"), &json!("图.gif"))
    );
    let say =
        |id: String| json!({ "t": "say", "id": id, "kind": "upload", "ticket": kept["ticket"] });
    let id = visitor.id();
    assert_eq!(visitor.answer(say(id)).await["t"], "taken");
    let is_image = |content: &bridge_sandbox::Content| {
        matches!(content, bridge_sandbox::Content::Image { .. })
    };
    agent
        .hears_which("a picture", move |heard| is_image(&heard.message.content))
        .await
        .unwrap();
    let line = visitor.reads("\"image\"").await;
    let source = line["content"]["src"].as_str().unwrap();
    let served = reqwest::get(format!("{}/{source}", stage.bridge.url))
        .await
        .unwrap();
    assert_eq!(served.bytes().await.unwrap(), pixel.as_slice());

    // Another visitor's ticket is nobody's.
    let mut other = Visitor::comes(&stage.bridge.url).await;
    let id = other.id();
    assert_eq!(other.answer(say(id)).await["why"], "ticket");
    for (what, token, from, body, status) in [
        (
            "a page",
            visitor.token.as_str(),
            origin.as_str(),
            b"<html><script>alert(1)</script></html>".to_vec(),
            415,
        ),
        (
            "a program",
            &visitor.token,
            &origin,
            b"MZ\x90\x00\x03\x00\x00\x00\x04\x00".to_vec(),
            415,
        ),
        (
            "a picture that is a page",
            &visitor.token,
            &origin,
            b"<svg onload=\"alert(1)\" xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec(),
            415,
        ),
        (
            "too much",
            &visitor.token,
            &origin,
            vec![b'a'; 10_000_001],
            413,
        ),
        ("nothing", &visitor.token, &origin, Vec::new(), 400),
        ("nobody's", "AAAA", &origin, pixel.to_vec(), 401),
        (
            "from elsewhere",
            &visitor.token,
            "https://evil.example",
            pixel.to_vec(),
            403,
        ),
    ] {
        assert_eq!(
            upload(token, from, body).await.unwrap().status(),
            status,
            "{what}"
        );
    }
    stage.settled().await;
}
