//! Reading a `multipart/form-data` body that is already whole in memory.

use bytes::Bytes;

/// The most parts a form may have.
const PARTS: usize = 16;

/// One part of a form.
#[derive(Debug, PartialEq)]
pub(crate) struct Part {
    pub name: String,
    pub file_name: Option<String>,
    pub mime: Option<String>,
    pub bytes: Bytes,
}

/// The parts of a form, or `None` where it is no well-formed form.
pub(crate) fn read(content_type: &str, body: &Bytes) -> Option<Vec<Part>> {
    let boundary = boundary(content_type)?;
    let dashes = format!("--{boundary}");
    let mut at = find(body, dashes.as_bytes(), 0)? + dashes.len();
    let divider = format!("\r\n{dashes}");
    let mut parts = Vec::new();
    loop {
        if body.get(at..at + 2)? == b"--" {
            return Some(parts);
        }
        if body.get(at..at + 2)? != b"\r\n" || parts.len() == PARTS {
            return None;
        }
        let end = find(body, divider.as_bytes(), at)?;
        parts.push(part(body.slice(at..end))?);
        at = end + divider.len();
    }
}

fn boundary(content_type: &str) -> Option<String> {
    let (kind, rest) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(rest, "boundary")?;
    (1..=70).contains(&boundary.len()).then_some(boundary)
}

/// A part as it lies between two boundaries: a line end, headers, an empty line, the content.
fn part(bytes: Bytes) -> Option<Part> {
    let end = find(&bytes, b"\r\n\r\n", 0)?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let disposition = header("content-disposition")?;
    Some(Part {
        name: parameter(disposition, "name")?,
        file_name: parameter(disposition, "filename"),
        mime: header("content-type").map(str::to_owned),
        bytes: bytes.slice(end + 4..),
    })
}

/// The value of `key=value` or `key="value"` among `;`-separated parameters.
fn parameter(text: &str, key: &str) -> Option<String> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([';', ' ', '\t']);
        let (name, after) = rest.split_once(['=', ';'])?;
        if rest.as_bytes().get(name.len()) == Some(&b';') {
            rest = after;
            continue;
        }
        let (value, tail) = value(after);
        if name.trim().eq_ignore_ascii_case(key) {
            return Some(value);
        }
        rest = tail;
    }
}

fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return (text[..end].trim().to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    (value, "")
}

fn find(haystack: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let window = haystack.get(from..)?;
    let found = window.windows(needle.len()).position(|w| w == needle)?;
    Some(from + found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TYPE: &str = "multipart/form-data; boundary=XyZ";

    fn form(text: &str) -> Option<Vec<Part>> {
        read(TYPE, &Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn a_form_with_a_file_and_a_field_reads() {
        let parts = form(
            "--XyZ\r\nContent-Disposition: form-data; name=\"media\"; filename=\"a \\\"b\\\".png\"\r\nContent-Type: image/png\r\n\r\n\x01\r\n--Xy\r\n--XyZ\r\nContent-Disposition: form-data; name=user\r\n\r\nalice\r\n--XyZ--\r\n",
        )
        .unwrap();
        assert_eq!(parts[0].file_name.as_deref(), Some("a \"b\".png"));
        assert_eq!(parts[0].mime.as_deref(), Some("image/png"));
        assert_eq!(&parts[0].bytes[..], b"\x01\r\n--Xy");
        assert_eq!(
            (parts[1].name.as_str(), &parts[1].bytes[..]),
            ("user", &b"alice"[..])
        );
        assert_eq!(parts[1].file_name, None);
    }

    #[test]
    fn what_is_no_form_is_refused() {
        assert_eq!(form("--XyZ\r\nno end"), None);
        assert_eq!(form(""), None);
        assert_eq!(read("text/plain", &Bytes::new()), None);
        assert_eq!(read("multipart/form-data", &Bytes::new()), None);
    }

    proptest! {
        #[test]
        fn nothing_a_stranger_sends_breaks_it(head in "\\PC{0,80}", body in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&head, &Bytes::from(body.clone()));
            let _ = read(TYPE, &Bytes::from([b"--XyZ\r\n".to_vec(), body].concat()));
        }
    }
}
