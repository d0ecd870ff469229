//! Media that goes up and comes back.

use serde_json::json;

use super::{PNG, upload};
use crate::kit::World;

#[tokio::test]
async fn uploads_are_checked_by_kind_size_and_form() {
    let world = World::new();
    let token = world.token().await;
    let code = async |kind: &str, name: &str, bytes: &'static [u8]| {
        upload(&world, &token, kind, name, bytes).await["errcode"].clone()
    };
    assert_eq!(code("picture", "a.png", PNG).await, 40004);
    assert_eq!(code("image", "a.txt", PNG).await, 40005);
    assert_eq!(code("image", "a.png", b"no picture").await, 40005);
    static BIG: [u8; 65 * 1024] = [0xff; 65 * 1024];
    assert_eq!(code("thumb", "a.jpg", &BIG).await, 40012);
    let url = format!("/wechat/cgi-bin/media/upload?access_token={token}&type=image");
    assert_eq!(world.post(&url, &json!({})).await.1["errcode"], 41005);
}

#[tokio::test]
async fn media_comes_back_as_it_was_but_a_video_as_a_link() {
    let world = World::new();
    let phone = world.sandbox.wechat().phone("小周");
    let picture = world.sandbox.keep("猫.png", PNG);
    phone.sends_image(picture).await;
    let body = plain_of_last_push(&world);
    let id = between(&body, "<MediaId><![CDATA[", "]]>");
    let token = world.token().await;
    let url = format!(
        "{}/cgi-bin/media/get?access_token={token}&media_id={id}",
        world.sandbox.wechat_base()
    );
    let answer = world.http.get(&url).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "image/png");
    assert!(
        answer.headers()["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("attachment; filename=")
    );
    assert_eq!(&answer.bytes().await.unwrap()[..], PNG);
    let picture_url = between(&body, "<PicUrl><![CDATA[", "]]>");
    assert_eq!(
        &world
            .http
            .get(picture_url)
            .send()
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap()[..],
        PNG
    );
    let video = upload(&world, &token, "video", "a.mp4", b"\0\0\0\x18ftypisom").await;
    let path = format!(
        "/wechat/cgi-bin/media/get?access_token={token}&media_id={}",
        video["media_id"].as_str().unwrap()
    );
    let link = world.get(&path).await;
    assert!(
        link["video_url"].as_str().unwrap().ends_with(".mp4"),
        "{link}"
    );
    let missing = format!("/wechat/cgi-bin/media/get?access_token={token}&media_id=nothing");
    assert_eq!(world.get(&missing).await["errcode"], 40007);
}

fn plain_of_last_push(world: &World) -> String {
    let wire = world.sandbox.wire();
    let push = wire
        .iter()
        .rev()
        .find(|e| e.line.operation == "wechat.callback")
        .unwrap();
    push.request.plain.clone().unwrap()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    text.split_once(before)
        .unwrap()
        .1
        .split_once(after)
        .unwrap()
        .0
}
