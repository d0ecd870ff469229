//! What each kind of element holds. Field names are the service's; where documents disagree on a
//! type or a spelling, both are read and the documented one is written.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::tencent_im::lenient::{self, Text};

/// Plain text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TextElem<'a> {
    /// The words.
    #[serde(borrow)]
    pub text: Text<'a>,
}

/// A sticker of a set that the clients define.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct FaceElem<'a> {
    /// Its number in the set.
    #[serde(deserialize_with = "lenient::number")]
    pub index: i64,
    /// Whatever the client adds, often the sticker's name.
    #[serde(borrow)]
    pub data: Text<'a>,
}

/// A place.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LocationElem<'a> {
    /// What it is called.
    #[serde(borrow)]
    pub desc: Text<'a>,
    /// Degrees north.
    #[serde(deserialize_with = "lenient::decimal")]
    pub latitude: f64,
    /// Degrees east.
    #[serde(deserialize_with = "lenient::decimal")]
    pub longitude: f64,
}

/// A payload that only the application understands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CustomElem<'a> {
    /// The payload; text, often JSON, not Base64 by any rule.
    #[serde(borrow)]
    pub data: Text<'a>,
    /// What a notification shows; without it an offline receiver is not notified.
    #[serde(borrow)]
    pub desc: Text<'a>,
    /// Extra for the notification.
    #[serde(borrow)]
    pub ext: Text<'a>,
    /// The notification's sound.
    #[serde(borrow)]
    pub sound: Text<'a>,
}

/// A picture in several sizes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ImageElem<'a> {
    /// Unique for this picture.
    #[serde(borrow, rename = "UUID")]
    pub uuid: Text<'a>,
    /// 1 JPG, 2 GIF, 3 PNG, 4 BMP, 255 anything else.
    #[serde(deserialize_with = "lenient::number")]
    pub image_format: u32,
    /// Its sizes, in any order.
    #[serde(borrow)]
    pub image_info_array: Vec<ImageInfo<'a>>,
}

/// One size of a picture.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ImageInfo<'a> {
    /// 1 original, 2 large, 3 thumbnail.
    #[serde(rename = "Type", deserialize_with = "lenient::number")]
    pub kind: u32,
    /// Bytes.
    #[serde(deserialize_with = "lenient::number")]
    pub size: u64,
    /// Pixels.
    #[serde(deserialize_with = "lenient::number")]
    pub width: u32,
    /// Pixels.
    #[serde(deserialize_with = "lenient::number")]
    pub height: u32,
    /// Upper case here, and only here.
    #[serde(borrow, rename = "URL", alias = "Url")]
    pub url: Text<'a>,
}

/// A voice message.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SoundElem<'a> {
    /// Empty from clients on SDK 2.x and 3.x, which give no way to fetch the sound.
    #[serde(borrow)]
    pub url: Text<'a>,
    /// Unique for this sound.
    #[serde(borrow, rename = "UUID")]
    pub uuid: Text<'a>,
    /// Bytes.
    #[serde(deserialize_with = "lenient::number")]
    pub size: u64,
    /// Length in seconds.
    #[serde(deserialize_with = "lenient::number")]
    pub second: u32,
    /// 2: to be fetched from `url`.
    #[serde(rename = "Download_Flag", deserialize_with = "lenient::number")]
    pub download_flag: u32,
}

/// A file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct FileElem<'a> {
    /// Empty from clients on SDK 2.x and 3.x.
    #[serde(borrow)]
    pub url: Text<'a>,
    /// Unique for this file.
    #[serde(borrow, rename = "UUID")]
    pub uuid: Text<'a>,
    /// Bytes.
    #[serde(deserialize_with = "lenient::number")]
    pub file_size: u64,
    /// The name that people see.
    #[serde(borrow, alias = "fileName")]
    pub file_name: Text<'a>,
    /// 2: to be fetched from `url`.
    #[serde(rename = "Download_Flag", deserialize_with = "lenient::number")]
    pub download_flag: u32,
}

/// A video with its still.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct VideoElem<'a> {
    /// Empty from clients on SDK 2.x and 3.x.
    #[serde(borrow)]
    pub video_url: Text<'a>,
    /// Unique for this video.
    #[serde(borrow, rename = "VideoUUID")]
    pub video_uuid: Text<'a>,
    /// Bytes.
    #[serde(deserialize_with = "lenient::number")]
    pub video_size: u64,
    /// Length in seconds; 0 from web clients.
    #[serde(deserialize_with = "lenient::number")]
    pub video_second: u32,
    /// Such as `mp4`.
    #[serde(borrow)]
    pub video_format: Text<'a>,
    /// 2: to be fetched from `video_url`.
    #[serde(deserialize_with = "lenient::number")]
    pub video_download_flag: u32,
    /// The still.
    #[serde(borrow)]
    pub thumb_url: Text<'a>,
    /// Unique for this still.
    #[serde(borrow, rename = "ThumbUUID")]
    pub thumb_uuid: Text<'a>,
    /// Bytes.
    #[serde(deserialize_with = "lenient::number")]
    pub thumb_size: u64,
    /// Pixels.
    #[serde(deserialize_with = "lenient::number")]
    pub thumb_width: u32,
    /// Pixels.
    #[serde(deserialize_with = "lenient::number")]
    pub thumb_height: u32,
    /// Such as `JPG`; several clients do not show WebP.
    #[serde(borrow)]
    pub thumb_format: Text<'a>,
    /// 2: to be fetched from `thumb_url`.
    #[serde(deserialize_with = "lenient::number")]
    pub thumb_download_flag: u32,
}

/// Several messages forwarded as one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RelayElem<'a> {
    /// The heading.
    #[serde(borrow)]
    pub title: Text<'a>,
    /// How many messages it holds.
    #[serde(deserialize_with = "lenient::number")]
    pub msg_num: u32,
    /// What a client shows that does not know relays.
    #[serde(borrow)]
    pub compatible_text: Text<'a>,
    /// One line for each of the first messages.
    #[serde(borrow)]
    pub abstract_list: Vec<Text<'a>>,
    /// The messages themselves, as they came.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub msg_list: Option<&'a RawValue>,
    /// Stands for `msg_list` where that weighs more than 12 KB.
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    pub json_msg_key: Text<'a>,
}

/// An answer that grows while it is written. (6.1.)
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StreamElem<'a> {
    /// What a client shows that does not know streams.
    #[serde(borrow)]
    pub compatible_text: Text<'a>,
    /// The pieces so far.
    #[serde(borrow)]
    pub chunks: Vec<StreamChunk<'a>>,
    /// Names the stream from its second call on.
    #[serde(borrow, rename = "StreamMsgID", skip_serializing_if = "str::is_empty")]
    pub stream_msg_id: Text<'a>,
}

/// One piece of a stream.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StreamChunk<'a> {
    /// `data`.
    #[serde(borrow)]
    pub event_type: Text<'a>,
    /// From 1 upwards.
    #[serde(deserialize_with = "lenient::number")]
    pub index: u32,
    /// The words, as Markdown.
    #[serde(borrow)]
    pub markdown: Text<'a>,
    /// 1 on the last piece.
    #[serde(deserialize_with = "lenient::number")]
    pub is_last: u32,
}
