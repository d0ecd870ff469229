//! What bytes really are. Names and headers are claims; the first bytes decide.

/// How many bytes a decision needs.
pub const HEAD: usize = 8 * 1024;

/// The media type of what begins with `head` (up to [`HEAD`] bytes of it); `application/octet-stream` when unknown.
pub fn sniff(head: &[u8]) -> &'static str {
    if let Some(mime) = spoken(head) {
        return mime;
    }
    match infer::get(head) {
        Some(kind) => kind.mime_type(),
        None if is_text(head) => "text/plain",
        None => "application/octet-stream",
    }
}

/// The media type of these bytes, whatever somebody calls them.
pub fn sniff_whole(bytes: &[u8]) -> &'static str {
    sniff(&bytes[..bytes.len().min(HEAD)])
}

/// Voice formats of chat platforms, which few sniffers know.
fn spoken(head: &[u8]) -> Option<&'static str> {
    let begins = |magic: &[u8]| head.starts_with(magic);
    if begins(b"#!AMR-WB\n") {
        Some("audio/amr-wb")
    } else if begins(b"#!AMR\n") {
        Some("audio/amr")
    } else if begins(b"\x02#!SILK_V3") || begins(b"#!SILK_V3") {
        Some("audio/silk")
    } else if begins(b"OggS") && head.get(28..36) == Some(b"Speex   ") {
        Some("audio/speex")
    } else if matches!(head, [0xff, 0xfa | 0xf3 | 0xf2, ..]) {
        Some("audio/mpeg")
    } else {
        None
    }
}

/// UTF-8 without control characters (but tabs and line ends); a character cut by the end of the head is forgiven.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty()
        && !text
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}'))
}

/// Whether a browser may show it in place: still and moving pictures and sound, which run no script. SVG does.
pub fn shown_in_place(mime: &str) -> bool {
    let family = mime.split('/').next().unwrap_or_default();
    matches!(family, "image" | "audio" | "video") && !mime.contains("svg") && !mime.contains("xml")
}

/// The usual file name extension; empty when there is none.
pub fn extension(mime: &str) -> &'static str {
    match mime {
        "image/jpeg" => "jpg",
        "image/png" => "png",
        "image/gif" => "gif",
        "image/webp" => "webp",
        "image/bmp" => "bmp",
        "audio/amr" => "amr",
        "audio/amr-wb" => "awb",
        "audio/silk" => "silk",
        "audio/speex" => "spx",
        "audio/mpeg" => "mp3",
        "audio/ogg" => "ogg",
        "audio/m4a" | "audio/mp4" => "m4a",
        "audio/aac" => "aac",
        "audio/x-wav" | "audio/wav" => "wav",
        "video/mp4" => "mp4",
        "video/quicktime" => "mov",
        "video/webm" => "webm",
        "application/pdf" => "pdf",
        "application/zip" => "zip",
        "text/plain" => "txt",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ogg(codec: &[u8]) -> Vec<u8> {
        let mut head = b"OggS".to_vec();
        head.resize(28, 0);
        head.extend_from_slice(codec);
        head
    }

    #[test]
    fn voices_of_chat_platforms_are_known() {
        assert_eq!(sniff(b"#!AMR\n\x04"), "audio/amr");
        assert_eq!(sniff(b"#!AMR-WB\n\x04"), "audio/amr-wb");
        assert_eq!(sniff(b"\x02#!SILK_V3\x0c"), "audio/silk");
        assert_eq!(sniff(&ogg(b"Speex   1.2")), "audio/speex");
        assert_eq!(sniff(&ogg(b"OpusHead")), "audio/opus");
        assert_eq!(sniff(b"\xff\xf3\x40\xc4"), "audio/mpeg");
    }

    #[test]
    fn pictures_and_documents_are_known() {
        assert_eq!(sniff(b"\xff\xd8\xff\xe0\x00\x10JFIF"), "image/jpeg");
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\n"), "image/png");
        assert_eq!(sniff(b"%PDF-1.7"), "application/pdf");
        assert_eq!(sniff("订单号 1234\n".as_bytes()), "text/plain");
    }

    #[test]
    fn a_character_cut_in_two_is_still_text_and_noise_is_not() {
        assert_eq!(sniff(&"退货".as_bytes()[..5]), "text/plain");
        assert_eq!(sniff(b"a\x00b"), "application/octet-stream");
        assert_eq!(sniff(b"\xff\x00\x12"), "application/octet-stream");
        assert_eq!(sniff(b""), "application/octet-stream");
    }

    #[test]
    fn what_can_run_is_never_shown_in_place() {
        assert!(
            shown_in_place("image/png")
                && shown_in_place("audio/amr")
                && shown_in_place("video/mp4")
        );
        for mime in [
            "text/html",
            "image/svg+xml",
            "application/pdf",
            "text/plain",
            sniff(b"<html><script>"),
        ] {
            assert!(!shown_in_place(mime), "{mime}");
        }
    }
}
