//! `MsgBody`: what each element must carry, how it is shown, and how clients write it (Tencent IM: MsgBody, 7).

use serde_json::{Value, json};

use crate::content::Content;
use crate::media::Media;

/// A refused `MsgBody`: the platform's code and its reason.
pub(crate) type Wrong = (i64, String);

/// Checks a `MsgBody` and tells how each of its elements is shown.
pub(crate) fn read(body: &Value) -> Result<Vec<Content>, Wrong> {
    let elements = match body {
        Value::Array(elements) if !elements.is_empty() => elements,
        Value::Array(_) | Value::Null => return Err((90002, "MsgBody is missing or empty".into())),
        _ => return Err((90007, "MsgBody is not an array".into())),
    };
    let customs = elements.iter().filter(|e| e["MsgType"] == "TIMCustomElem");
    if customs.count() > 1 {
        return Err((90010, "more than one TIMCustomElem".into()));
    }
    elements.iter().map(element).collect()
}

fn element(element: &Value) -> Result<Content, Wrong> {
    let kind = element["MsgType"].as_str();
    let kind = kind.ok_or((90002, "MsgType is missing".to_owned()))?;
    let content = &element["MsgContent"];
    if !content.is_object() {
        return Err((90010, format!("{kind}: MsgContent is no object")));
    }
    let fields = Fields { kind, content };
    match kind {
        "TIMTextElem" => Ok(Content::text(fields.text("Text")?)),
        "TIMFaceElem" => Ok(Content::Face {
            index: fields.integer("Index")?,
            data: fields.optional("Data"),
        }),
        "TIMLocationElem" => Ok(Content::Location {
            latitude: fields.float("Latitude")?,
            longitude: fields.float("Longitude")?,
            label: fields.text("Desc")?,
            scale: None,
        }),
        "TIMCustomElem" => Ok(Content::Custom {
            data: fields.text("Data")?,
            description: fields.optional("Desc"),
            extension: fields.optional("Ext"),
        }),
        "TIMImageElem" => image(&fields),
        "TIMSoundElem" => {
            fields.downloadable("Download_Flag")?;
            fields.text("UUID")?;
            fields.integer("Size")?;
            Ok(Content::Voice {
                url: fields.url("Url")?,
                seconds: u32::try_from(fields.integer("Second")?).ok(),
                words: None,
                format: None,
            })
        }
        "TIMFileElem" => {
            fields.downloadable("Download_Flag")?;
            fields.text("UUID")?;
            Ok(Content::File {
                url: Some(fields.url("Url")?),
                name: fields.text("FileName")?,
                size: u64::try_from(fields.integer("FileSize")?).ok(),
            })
        }
        "TIMVideoFileElem" => video(&fields),
        "TIMRelayElem" => Ok(Content::text(fields.text("CompatibleText")?)),
        "TIMStreamElem" => Ok(Content::text(fields.text("CompatibleText")?)),
        _ => Err((90002, format!("unknown MsgType {kind}"))),
    }
}

fn image(fields: &Fields<'_>) -> Result<Content, Wrong> {
    fields.text("UUID")?;
    fields.integer("ImageFormat")?;
    let sizes = fields.content["ImageInfoArray"].as_array();
    let sizes = sizes.filter(|sizes| !sizes.is_empty());
    let sizes = sizes.ok_or_else(|| fields.wrong("ImageInfoArray"))?;
    for size in sizes {
        let size = fields.within(size);
        size.url("URL")?;
        for name in ["Type", "Size", "Width", "Height"] {
            size.integer(name)?;
        }
    }
    let original = sizes.iter().find(|size| size["Type"] == 1);
    let original = fields.within(original.unwrap_or(&sizes[0]));
    let measure = |name| {
        original
            .integer(name)
            .ok()
            .and_then(|n| u32::try_from(n).ok())
    };
    Ok(Content::Image {
        url: original.url("URL")?,
        width: measure("Width").filter(|width| *width > 0),
        height: measure("Height").filter(|height| *height > 0),
        name: None,
    })
}

fn video(fields: &Fields<'_>) -> Result<Content, Wrong> {
    for name in ["VideoUUID", "VideoFormat", "ThumbUUID", "ThumbFormat"] {
        fields.text(name)?;
    }
    for name in ["VideoSize", "ThumbSize", "ThumbWidth", "ThumbHeight"] {
        fields.integer(name)?;
    }
    fields.downloadable("VideoDownloadFlag")?;
    fields.downloadable("ThumbDownloadFlag")?;
    Ok(Content::Video {
        url: fields.url("VideoUrl")?,
        thumb_url: Some(fields.url("ThumbUrl")?),
        seconds: u32::try_from(fields.integer("VideoSecond")?).ok(),
        title: None,
        description: None,
    })
}

struct Fields<'a> {
    kind: &'a str,
    content: &'a Value,
}

impl<'a> Fields<'a> {
    fn within(&self, content: &'a Value) -> Self {
        Self {
            kind: self.kind,
            content,
        }
    }

    fn wrong(&self, name: &str) -> Wrong {
        (90010, format!("{}: {name} is missing or wrong", self.kind))
    }

    fn text(&self, name: &str) -> Result<String, Wrong> {
        let text = self.content[name].as_str();
        text.map(str::to_owned).ok_or_else(|| self.wrong(name))
    }

    fn optional(&self, name: &str) -> String {
        self.content[name].as_str().unwrap_or_default().to_owned()
    }

    fn integer(&self, name: &str) -> Result<i64, Wrong> {
        self.content[name].as_i64().ok_or_else(|| self.wrong(name))
    }

    fn float(&self, name: &str) -> Result<f64, Wrong> {
        self.content[name].as_f64().ok_or_else(|| self.wrong(name))
    }

    fn url(&self, name: &str) -> Result<String, Wrong> {
        let url = self.text(name)?;
        let sound = url.starts_with("http://") || url.starts_with("https://");
        match sound {
            true => Ok(url),
            false => Err(self.wrong(name)),
        }
    }

    fn downloadable(&self, name: &str) -> Result<(), Wrong> {
        match self.content[name].as_i64() {
            Some(2) => Ok(()),
            _ => Err(self.wrong(name)),
        }
    }
}

/// One element as an agent's client writes it.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the fields are the platform's own, under plainer names"
)]
#[non_exhaustive]
pub enum Element {
    /// Words.
    Text(String),
    /// A sticker.
    Face { index: i64, data: String },
    /// A place.
    Location {
        latitude: f64,
        longitude: f64,
        label: String,
    },
    /// A payload of the application's own.
    Custom {
        data: String,
        description: String,
        extension: String,
    },
    /// A picture.
    Image(Media),
    /// Recorded speech.
    Sound { media: Media, seconds: u32 },
    /// A film.
    Video {
        media: Media,
        thumb: Option<Media>,
        seconds: u32,
    },
    /// Any other file.
    File(Media),
    /// An element as it stands on the wire.
    Raw(Value),
}

impl Element {
    /// The element on the wire; `url` tells where a file can be fetched.
    pub(crate) fn write(&self, url: impl Fn(&Media) -> String) -> Value {
        let size = |media: &Media| media.bytes.len();
        let (kind, content) = match self {
            Self::Text(text) => ("TIMTextElem", json!({"Text": text})),
            Self::Face { index, data } => ("TIMFaceElem", json!({"Index": index, "Data": data})),
            Self::Location {
                latitude,
                longitude,
                label,
            } => (
                "TIMLocationElem",
                json!({"Desc": label, "Latitude": latitude, "Longitude": longitude}),
            ),
            Self::Custom {
                data,
                description,
                extension,
            } => (
                "TIMCustomElem",
                json!({"Data": data, "Desc": description, "Ext": extension, "Sound": ""}),
            ),
            Self::Image(media) => ("TIMImageElem", image_content(media, &url(media))),
            Self::Sound { media, seconds } => (
                "TIMSoundElem",
                json!({"Url": url(media), "UUID": media.id, "Size": size(media), "Second": seconds, "Download_Flag": 2}),
            ),
            Self::File(media) => (
                "TIMFileElem",
                json!({"Url": url(media), "UUID": media.id, "FileSize": size(media), "FileName": media.name, "Download_Flag": 2}),
            ),
            Self::Video {
                media,
                thumb,
                seconds,
            } => {
                let still = thumb.as_ref().unwrap_or(media);
                let (width, height) = still.dimensions.unwrap_or((0, 0));
                let content = json!({
                    "VideoUrl": url(media), "VideoUUID": media.id, "VideoSize": size(media), "VideoSecond": seconds,
                    "VideoFormat": crate::media::extension(&media.mime), "VideoDownloadFlag": 2,
                    "ThumbUrl": url(still), "ThumbUUID": format!("{}-t", still.id), "ThumbSize": size(still),
                    "ThumbWidth": width, "ThumbHeight": height, "ThumbFormat": "JPG", "ThumbDownloadFlag": 2
                });
                ("TIMVideoFileElem", content)
            }
            Self::Raw(value) => return value.clone(),
        };
        json!({"MsgType": kind, "MsgContent": content})
    }
}

/// Real clients upload three sizes; the sandbox keeps one and lists it as all three.
fn image_content(media: &Media, url: &str) -> Value {
    let format = match media.mime.as_str() {
        "image/jpeg" => 1,
        "image/gif" => 2,
        "image/png" => 3,
        "image/bmp" => 4,
        _ => 255,
    };
    let (width, height) = media.dimensions.unwrap_or((0, 0));
    let size = |kind: u8| json!({"Type": kind, "Size": media.bytes.len(), "Width": width, "Height": height, "URL": url});
    json!({"UUID": media.id, "ImageFormat": format, "ImageInfoArray": [size(1), size(2), size(3)]})
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each, as the notes show them (Tencent IM: MsgBody, 7.5).
    const SAMPLES: &str = r#"[
     {"MsgType":"TIMTextElem","MsgContent":{"Text":"发票抬头写错了 🙏"}},
     {"MsgType":"TIMFaceElem","MsgContent":{"Index":14,"Data":"[smile]"}},
     {"MsgType":"TIMLocationElem","MsgContent":{"Desc":"仓库北门","Latitude":31.2304,"Longitude":121.4737}},
     {"MsgType":"TIMCustomElem","MsgContent":{"Data":"{\"kind\":\"order\"}","Desc":"订单卡片","Ext":"","Sound":""}},
     {"MsgType":"TIMImageElem","MsgContent":{"UUID":"9c1f6b0a7e","ImageFormat":1,"ImageInfoArray":[
       {"Type":1,"Size":204800,"Width":1280,"Height":960,"URL":"https://media.example.test/o/9c1f.jpg"},
       {"Type":3,"Size":8192,"Width":198,"Height":148,"URL":"https://media.example.test/t/9c1f.jpg"}]}},
     {"MsgType":"TIMSoundElem","MsgContent":{"Url":"https://media.example.test/v/7.m4a","UUID":"snd-7","Size":18200,"Second":6,"Download_Flag":2}},
     {"MsgType":"TIMFileElem","MsgContent":{"Url":"https://media.example.test/f/8.pdf","UUID":"file-8","FileSize":70211,"FileName":"合同.pdf","Download_Flag":2}},
     {"MsgType":"TIMVideoFileElem","MsgContent":{"VideoUrl":"https://media.example.test/m/9.mp4","VideoUUID":"vid-9","VideoSize":902144,"VideoSecond":11,"VideoFormat":"mp4","VideoDownloadFlag":2,
       "ThumbUrl":"https://media.example.test/m/9.jpg","ThumbUUID":"vid-9-t","ThumbSize":7100,"ThumbWidth":360,"ThumbHeight":640,"ThumbFormat":"JPG","ThumbDownloadFlag":2}}]"#;

    fn samples() -> Vec<Value> {
        serde_json::from_str::<Value>(SAMPLES)
            .unwrap()
            .as_array()
            .unwrap()
            .clone()
    }

    #[test]
    fn one_of_each_is_taken_in_order() {
        let shown = read(&Value::Array(samples())).unwrap();
        assert_eq!(shown.len(), 8);
        assert_eq!(shown[0].as_text(), Some("发票抬头写错了 🙏"));
        assert!(matches!(
            &shown[4],
            Content::Image {
                width: Some(1280),
                ..
            }
        ));
        assert!(matches!(
            &shown[7],
            Content::Video {
                seconds: Some(11),
                ..
            }
        ));
    }

    #[test]
    fn every_field_that_the_platform_wants_is_missed() {
        for element in samples() {
            let fields = element["MsgContent"].as_object().unwrap().clone();
            for name in fields
                .keys()
                .filter(|name| !["Desc", "Ext", "Sound", "Data"].contains(&name.as_str()))
            {
                let mut broken = element.clone();
                broken["MsgContent"][name] = Value::Null;
                let code = read(&json!([broken])).unwrap_err().0;
                assert_eq!(code, 90010, "{} without {name}", element["MsgType"]);
            }
        }
    }

    #[test]
    fn the_shape_of_the_body_has_its_own_codes() {
        let code = |body: Value| read(&body).unwrap_err().0;
        assert_eq!(code(Value::Null), 90002);
        assert_eq!(code(json!([])), 90002);
        assert_eq!(code(json!({"MsgType": "TIMTextElem"})), 90007);
        assert_eq!(code(json!([{"MsgType": "TIMTextElem"}])), 90010);
        assert_eq!(
            code(json!([{"MsgType": "TIMNovelElem", "MsgContent": {}}])),
            90002
        );
        let custom = &samples()[3];
        assert_eq!(code(json!([custom, custom])), 90010);
    }

    #[test]
    fn what_clients_write_is_what_the_platform_takes() {
        let media = Media {
            id: "m-1".into(),
            name: "合同.pdf".into(),
            mime: "image/png".into(),
            bytes: bytes::Bytes::from_static(b"x"),
            dimensions: Some((3, 2)),
        };
        let elements = [
            Element::Image(media.clone()),
            Element::File(media.clone()),
            Element::Sound {
                media: media.clone(),
                seconds: 6,
            },
            Element::Video {
                media,
                thumb: None,
                seconds: 11,
            },
            Element::Face {
                index: 1,
                data: String::new(),
            },
            Element::Location {
                latitude: 1.5,
                longitude: 2.0,
                label: "x".into(),
            },
        ];
        let body: Vec<Value> = elements
            .iter()
            .map(|e| e.write(|_| "http://h/m".into()))
            .collect();
        assert_eq!(read(&Value::Array(body)).unwrap().len(), 6);
    }
}
