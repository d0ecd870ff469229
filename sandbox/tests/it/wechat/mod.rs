//! What the bridge calls on the official account platform.

mod media;
mod people;
mod sending;
mod tokens;

use reqwest::multipart::{Form, Part};
use serde_json::Value;

use crate::kit::World;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x03\0\0\0\x02\x08\x06\0\0\0";

async fn upload(world: &World, token: &str, kind: &str, name: &str, bytes: &'static [u8]) -> Value {
    let part = Part::bytes(bytes)
        .file_name(name.to_owned())
        .mime_str("application/octet-stream")
        .unwrap();
    let url = format!(
        "{}/cgi-bin/media/upload?access_token={token}&type={kind}",
        world.sandbox.wechat_base()
    );
    let answer = world
        .http
        .post(url)
        .multipart(Form::new().part("media", part))
        .send()
        .await
        .unwrap();
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}
