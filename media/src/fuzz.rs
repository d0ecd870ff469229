//! The way in for a fuzzer: files and names as strangers upload them, through every reader. Nothing may panic, and what is
//! promised of any input is asserted.

use bytes::Bytes;

use crate::{kind, name, picture, serve};

/// More pixels than this are not worth a fuzzer's time to unpack.
const PIXELS: u64 = 1 << 20;
/// The size pictures are made to fit.
const FITS: u64 = 20_000;
/// The longest name, with an extension of ours behind it.
const NAME: usize = 105;

/// A file: what it is, how large it appears, in another form, and on its way to a browser.
///
/// # Panics
/// Where a reader does, or where a promise is broken.
pub fn file(bytes: &[u8]) {
    let mime = kind::sniff_whole(bytes);
    let served = serve::served(Bytes::copy_from_slice(bytes), "a.png", 60);
    let header = |key: &str| {
        let found = served.headers.iter().find(|(name, _)| *name == key);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    if header("content-disposition").starts_with("inline") {
        let family = mime.split('/').next().unwrap_or_default();
        assert!(
            matches!(family, "image" | "audio" | "video") && !mime.contains("svg"),
            "{mime} is shown in place"
        );
    }
    if let Some((width, height)) = picture::dimensions(bytes)
        && u64::from(width) * u64::from(height) <= PIXELS
    {
        pictures(bytes);
    }
}

fn pictures(bytes: &[u8]) {
    if let Some(small) = picture::thumbnail(bytes) {
        let (width, height) = picture::dimensions(&small).unwrap_or_default();
        assert!(
            (1..=198).contains(&width) && (1..=198).contains(&height),
            "a thumbnail of {width} × {height}"
        );
    }
    match picture::fit(bytes, FITS) {
        Some(picture::Fitting::Jpeg(made)) => assert!(made.len() as u64 <= FITS),
        Some(picture::Fitting::AsItIs) => assert!(bytes.len() as u64 <= FITS),
        None => {}
    }
}

/// A name that somebody gave a file.
///
/// # Panics
/// Where it could become a path, or break out of a header.
pub fn name(claimed: &str) {
    for mime in ["image/jpeg", "application/octet-stream"] {
        let shown = name::file_name(Some(claimed), "0123456789abcdef", mime);
        let plain = |c: char| !c.is_control() && !matches!(c, '/' | '\\');
        assert!(shown.chars().all(plain), "{shown:?}");
        assert!((1..=NAME).contains(&shown.chars().count()), "{shown:?}");
        assert!(!shown.trim_matches('.').is_empty());
        let again = name::renamed(&shown, "audio/mpeg");
        for name in [&shown, &again] {
            let served = serve::served(Bytes::from_static(b"x"), name, 60);
            let ascii = |(_, value): &(_, String)| value.bytes().all(|b| (32..127).contains(&b));
            assert!(served.headers.iter().all(ascii), "{name:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    /// What files begin with.
    const HEADS: &[&[u8]] = &[
        b"",
        b"\xff\xd8\xff\xe1\x00\x20Exif\0\0MM\0\x2a\0\0\0\x08",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"GIF89a\x05\0\x05\0\x91\0\0",
        b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0",
        b"RIFF\x24\0\0\0WEBPVP8 ",
        b"#!AMR\n",
        b"\x02#!SILK_V3",
        b"OggS",
        b"\xff\xf3",
        b"ID3",
        b"<svg",
        b"%PDF-",
        b"PK\x03\x04",
        b"\0\0\0\x18ftyp",
    ];

    proptest! {
        #[test]
        fn no_file_breaks_a_reader(head in prop::sample::select(HEADS), tail in prop::collection::vec(any::<u8>(), 0..400)) {
            super::file(&[head, &tail].concat());
        }

        #[test]
        fn no_name_becomes_a_path(name in prop_oneof![any::<String>(), "[./\\\\a\u{202e}\r\n\" ]{0,300}"]) {
            super::name(&name);
        }
    }

    #[test]
    fn the_seeds_are_survived() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds/media_files");
        let mut pictures = 0;
        for seed in std::fs::read_dir(folder).unwrap() {
            let bytes = std::fs::read(seed.unwrap().path()).unwrap();
            pictures += usize::from(crate::picture::dimensions(&bytes).is_some());
            super::file(&bytes);
            super::name(&String::from_utf8_lossy(&bytes));
        }
        assert!(pictures >= 4, "{pictures} pictures among the seeds");
    }
}
