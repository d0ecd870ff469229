//! What an app tells of itself, and the files it takes.

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::kit::{World, question};

#[tokio::test]
async fn files_are_taken_and_belong_to_their_user() {
    let world = World::new();
    let upload = async |part: Part| {
        let form = Form::new().part("file", part).text("user", "u1");
        let url = format!("{}/files/upload", world.sandbox.dify_base());
        world
            .http
            .post(url)
            .bearer_auth("app-sandbox-chat")
            .multipart(form)
            .send()
            .await
            .unwrap()
    };
    let png = || Part::bytes(&b"\x89PNG"[..]).file_name("猫.png");
    assert_eq!(upload(png()).await.status(), 415);
    let kept = upload(png().mime_str("image/png").unwrap()).await;
    assert_eq!(kept.status(), 201);
    let kept: Value = kept.json().await.unwrap();
    assert_eq!(
        (kept["name"].as_str(), kept["extension"].as_str()),
        (Some("猫.png"), Some("png"))
    );
    let ask = async |user: &str| {
        let mut body = question("看图", "blocking");
        body["user"] = user.into();
        body["files"] = json!([{"type": "image", "transfer_method": "local_file", "upload_file_id": kept["id"]}]);
        world.dify("chat", &body).await.status().as_u16()
    };
    assert_eq!(ask("u1").await, 200);
    assert_eq!(ask("u2").await, 400);
    assert_eq!(
        world.sandbox.dify().is_asked().await.unwrap().files.len(),
        1
    );
}

#[tokio::test]
async fn an_app_tells_what_it_is() {
    let world = World::new();
    let url = |path: &str| format!("{}/{path}", world.sandbox.dify_base());
    let get = async |path: &str| -> Value {
        world
            .http
            .get(url(path))
            .bearer_auth("app-sandbox-chatflow")
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    };
    assert_eq!(get("info").await["mode"], "advanced-chat");
    assert_eq!(get("parameters").await["file_upload"]["enabled"], true);
}
