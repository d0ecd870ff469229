//! What is the same whoever is played: words are not empty, files are ones that were uploaded, names can be written as XML.

use actix_web::HttpResponse;
use serde_json::{Map, Value};

use super::{Refused, Stage};
use crate::media::Media;
use crate::play::Pushed;

pub(super) fn accepted(pushed: Pushed) -> HttpResponse {
    HttpResponse::Accepted().json(&pushed.message)
}

/// Words that somebody typed.
pub(super) fn words(text: String) -> Result<String, Refused> {
    match text.is_empty() {
        false => Ok(text),
        true => Err(Refused::bad(
            "不能发送空消息",
            "an empty message cannot be sent",
        )),
    }
}

pub(super) fn media(stage: &Stage, id: &str) -> Result<Media, Refused> {
    let kept = stage.world.media.get(id);
    kept.ok_or_else(|| Refused::missing("媒体文件", "media"))
}

/// Names become XML elements.
pub(super) fn check_names(name: &str, fields: &Map<String, Value>) -> Result<(), Refused> {
    let plain = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    fn names<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(object) => object.iter().for_each(|(name, value)| {
                found.push(name);
                names(value, found);
            }),
            Value::Array(values) => values.iter().for_each(|value| names(value, found)),
            _ => {}
        }
    }
    let mut found = vec![name];
    fields.iter().for_each(|(name, value)| {
        found.push(name);
        names(value, &mut found);
    });
    match found.into_iter().all(plain) {
        true => Ok(()),
        false => Err(Refused::bad(
            "事件名和字段名只能由字母、数字和下划线组成",
            "names consist of letters, digits and underscores",
        )),
    }
}
