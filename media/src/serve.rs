//! What a link is answered with. The web server only has to copy it: status, headers, body.

use bytes::Bytes;
use url::form_urlencoded;

use crate::kind;
use crate::link::LinkError;

/// A medium on its way to a browser or a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The body.
    pub bytes: Bytes,
    /// All headers but `Content-Length`.
    pub headers: Vec<(&'static str, String)>,
}

/// Why a link is not answered with a medium.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The link itself.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// It is not kept any more.
    #[error("no longer kept")]
    Gone,
    /// The disk.
    #[error("the medium cannot be read: {0}")]
    Disk(#[from] std::io::Error),
}

impl ServeError {
    /// The HTTP status that says it. A forged link and an unknown medium look the same.
    pub fn status(&self) -> u16 {
        match self {
            Self::Link(LinkError::Forged) | Self::Gone => 404,
            Self::Link(LinkError::Expired) => 410,
            Self::Disk(_) => 500,
        }
    }
}

/// The answer for bytes that are what `kind::sniff` says they are, whatever they were called.
pub fn served(bytes: Bytes, name: &str, seconds_left: u64) -> Served {
    let mime = kind::sniff(&bytes[..bytes.len().min(kind::HEAD)]);
    let place = if kind::shown_in_place(mime) {
        "inline"
    } else {
        "attachment"
    };
    let headers = vec![
        ("content-type", content_type(mime)),
        ("x-content-type-options", "nosniff".to_owned()),
        (
            "content-disposition",
            format!("{place}; filename*=UTF-8''{}", percent_encoded(name)),
        ),
        // Should a browser show it after all: no script, no origin.
        (
            "content-security-policy",
            "default-src 'none'; sandbox".to_owned(),
        ),
        ("cross-origin-resource-policy", "cross-origin".to_owned()),
        (
            "cache-control",
            format!("private, max-age={seconds_left}, immutable"),
        ),
    ];
    Served { bytes, headers }
}

fn content_type(mime: &str) -> String {
    if mime == "text/plain" {
        "text/plain; charset=utf-8".to_owned()
    } else {
        mime.to_owned()
    }
}

/// RFC 5987: form encoding does it, but for the space and the asterisk.
fn percent_encoded(name: &str) -> String {
    form_urlencoded::byte_serialize(name.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
        .replace('*', "%2A")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(served: &Served, name: &str) -> String {
        served
            .headers
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.clone())
            .unwrap()
    }

    #[test]
    fn pictures_are_shown_and_all_that_could_run_is_saved() {
        let picture = served(Bytes::from_static(b"\x89PNG\r\n\x1a\n"), "a.png", 60);
        assert_eq!(header(&picture, "content-type"), "image/png");
        assert!(header(&picture, "content-disposition").starts_with("inline"));
        for page in [
            &b"<html><script>alert(1)</script>"[..],
            b"<svg onload=alert(1)>",
            b"%PDF-1.7",
            b"hello",
        ] {
            let page = served(Bytes::from_static(page), "a.png", 60);
            assert!(header(&page, "content-disposition").starts_with("attachment"));
            assert_eq!(header(&page, "x-content-type-options"), "nosniff");
        }
    }

    #[test]
    fn names_cannot_break_out_of_their_header() {
        let odd = served(
            Bytes::from_static(b"x"),
            "发票 1*\"\r\nSet-Cookie: a.txt",
            60,
        );
        assert_eq!(
            header(&odd, "content-disposition"),
            "attachment; filename*=UTF-8''%E5%8F%91%E7%A5%A8%201%2A%22%0D%0ASet-Cookie%3A%20a.txt"
        );
    }
}
