//! File names for people to see. A name is a stranger's text: it is shown and offered for saving, and never becomes a
//! path here.

use crate::kind;

/// Characters kept; phones make names of 200 and more.
const MAX_CHARS: usize = 100;

/// A harmless file name: the claimed one without folders and invisible characters, or one made from the hash; with an
/// extension that fits what it is, where the claimed one has none.
pub fn file_name(claimed: Option<&str>, hash: &str, mime: &str) -> String {
    let mut name = claimed.map(harmless).unwrap_or_default();
    if name.is_empty() {
        name = hash.chars().take(12).collect();
    }
    let extension = kind::extension(mime);
    if !has_extension(&name) && !extension.is_empty() {
        name = format!("{name}.{extension}");
    }
    name
}

/// The name of another form of the same thing: `voice.amr` → `voice.mp3`.
pub fn renamed(name: &str, mime: &str) -> String {
    let stem = if has_extension(name) {
        name.rsplit_once('.').map_or(name, |(stem, _)| stem)
    } else {
        name
    };
    format!("{stem}.{}", kind::extension(mime))
}

fn harmless(claimed: &str) -> String {
    let last = claimed.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible: String = last
        .chars()
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .collect();
    let name = visible.trim().trim_matches('.').trim();
    match name.rsplit_once('.') {
        Some((stem, extension))
            if name.chars().count() > MAX_CHARS && extension.chars().count() <= 8 =>
        {
            let room = MAX_CHARS - 1 - extension.chars().count();
            format!(
                "{}.{extension}",
                stem.chars().take(room).collect::<String>()
            )
        }
        _ => name.chars().take(MAX_CHARS).collect(),
    }
}

/// Zero-width and direction marks: `photo(U+202E)gpj.exe` shows itself as `photoexe.jpg`.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn has_extension(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.is_empty()
            && (1..=8).contains(&extension.len())
            && extension.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "0123456789abcdef";

    #[test]
    fn folders_and_invisible_characters_go() {
        assert_eq!(
            file_name(Some("../../etc/passwd"), HASH, "text/plain"),
            "passwd.txt"
        );
        assert_eq!(
            file_name(Some("C:\\temp\\发票.pdf"), HASH, "application/pdf"),
            "发票.pdf"
        );
        assert_eq!(
            file_name(Some("photo\u{202e}gpj.exe\r\n"), HASH, "image/jpeg"),
            "photogpj.exe"
        );
    }

    #[test]
    fn a_name_that_says_nothing_is_replaced() {
        for claimed in [None, Some(""), Some(".."), Some(" \u{200b} "), Some("///")] {
            assert_eq!(file_name(claimed, HASH, "image/png"), "0123456789ab.png");
        }
        assert_eq!(
            file_name(None, HASH, "application/octet-stream"),
            "0123456789ab"
        );
    }

    #[test]
    fn long_names_keep_their_extension() {
        let name = file_name(
            Some(&format!("{}.xlsx", "长".repeat(400))),
            HASH,
            "application/zip",
        );
        assert_eq!(name.chars().count(), MAX_CHARS);
        assert!(name.ends_with("长.xlsx"));
    }

    #[test]
    fn another_form_takes_another_extension() {
        assert_eq!(renamed("voice.amr", "audio/mpeg"), "voice.mp3");
        assert_eq!(renamed("v1.2 final", "audio/mpeg"), "v1.2 final.mp3");
    }
}
