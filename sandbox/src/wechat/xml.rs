//! Just enough XML to read a passive reply: elements, text, CDATA, the five entities and numeric ones.
//!
//! No attributes, no DTD, no comments: the real platform's replies have none, so their presence is a fault worth seeing.

/// An element.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Node {
    pub name: String,
    pub text: String,
    pub children: Vec<Node>,
}

const DEEPEST: usize = 8;

impl Node {
    pub fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of a child, or "".
    pub fn text_of(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| &child.text)
    }
}

/// Reads a document that is one element.
pub(crate) fn read(text: &str) -> Result<Node, String> {
    let mut reader = Reader { rest: text.trim() };
    let node = reader.element(0)?;
    match reader.rest.trim() {
        "" => Ok(node),
        tail => Err(format!(
            "something follows the root element: {}",
            excerpt(tail)
        )),
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn element(&mut self, depth: usize) -> Result<Node, String> {
        if depth > DEEPEST {
            return Err("nested too deep".into());
        }
        let name = self.open_tag()?;
        let mut node = Node {
            name: name.to_owned(),
            ..Node::default()
        };
        loop {
            if let Some(tail) = self.rest.strip_prefix("<![CDATA[") {
                let (text, after) = tail.split_once("]]>").ok_or("unclosed CDATA")?;
                node.text.push_str(text);
                self.rest = after;
            } else if let Some(tail) = self.rest.strip_prefix("</") {
                let (closing, after) = tail.split_once('>').ok_or("unclosed tag")?;
                if closing.trim_end() != name {
                    return Err(format!("<{name}> is closed by </{closing}>"));
                }
                self.rest = after;
                return Ok(node);
            } else if self.rest.starts_with('<') {
                node.children.push(self.element(depth + 1)?);
            } else {
                let text = self.characters()?;
                if !text.trim().is_empty() {
                    node.text.push_str(&text);
                }
            }
        }
    }

    fn open_tag(&mut self) -> Result<&'a str, String> {
        let tail = self.rest.strip_prefix('<');
        let tail = tail.ok_or_else(|| format!("expected an element at {}", excerpt(self.rest)))?;
        let (name, after) = tail.split_once('>').ok_or("unclosed tag")?;
        let sound =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !sound {
            return Err(format!("<{}> is no plain element", excerpt(name)));
        }
        self.rest = after;
        Ok(name)
    }

    fn characters(&mut self) -> Result<String, String> {
        let end = self
            .rest
            .find('<')
            .ok_or("the document ends inside an element")?;
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        unescape(text)
    }
}

fn unescape(text: &str) -> Result<String, String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let (entity, tail) = after.split_once(';').ok_or("a bare `&` outside CDATA")?;
        plain.push(
            character(entity).ok_or_else(|| format!("unknown entity &{};", excerpt(entity)))?,
        );
        rest = tail;
    }
    plain.push_str(rest);
    Ok(plain)
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

fn excerpt(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_reply_reads() {
        let node = read(
            "<xml>\n<A><![CDATA[x]]]]><![CDATA[>y]]></A><B>1 &lt; 2 &#x4f60;</B><C><D/></C></xml>",
        );
        assert!(node.is_err(), "<D/> is not a form the platform documents");
        let node =
            read(" <xml><A><![CDATA[x]]]]><![CDATA[>y]]></A><B>1 &lt; 2 &#x4f60;</B></xml>\n")
                .unwrap();
        assert_eq!(node.text_of("A"), "x]]>y");
        assert_eq!(node.text_of("B"), "1 < 2 你");
        assert_eq!(node.text_of("Z"), "");
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for text in [
            "",
            "success",
            "<xml>",
            "<xml></xml><xml></xml>",
            "<xml><A></xml></A>",
            "<!DOCTYPE x><xml></xml>",
            "<xml a='b'></xml>",
            "<xml>&bomb;</xml>",
            "<xml><A><![CDATA[x</A></xml>",
            "<html><body>502</body>",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read(&"<a>".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn nothing_breaks_it(text in "[<>/&;!\\[\\]a-zCDAT#x0-9 ]{0,200}") {
            let _ = read(&text);
        }
    }
}
