//! Notices as bytes: a JSON list. A node of another version may send what this one does not know; then this one looks at
//! everything.

use bridge_core::broker::Notice;
use serde_json::Value;

/// The longest message that is read: many times what a full one has.
const LONGEST: usize = 256 * 1024;

pub(crate) fn encode(notices: &[Notice]) -> Vec<u8> {
    // Names and numbers always become JSON; an empty text would only mean everything. An empty list says nothing.
    serde_json::to_vec(notices).unwrap_or_default()
}

pub(crate) fn decode(bytes: &[u8]) -> Vec<Notice> {
    if bytes.len() > LONGEST {
        return vec![Notice::All];
    }
    match serde_json::from_slice::<Vec<Value>>(bytes) {
        Ok(items) => items
            .into_iter()
            .map(|item| serde_json::from_value(item).unwrap_or(Notice::All))
            .collect(),
        Err(_) => vec![Notice::All],
    }
}

#[cfg(test)]
mod tests {
    use bridge_core::message::{ConversationId, ErrandId};

    use super::*;

    #[test]
    fn notices_survive_the_wire() {
        let all = [
            Notice::Arrivals,
            Notice::Dispatches,
            Notice::Errands,
            Notice::Deadlines,
            Notice::Desk,
            Notice::Cancelled(ErrandId(7)),
            Notice::Changed(ConversationId(i64::MAX)),
            Notice::All,
        ];
        assert_eq!(decode(&encode(&all)), all);
        assert_eq!(decode(&encode(&[])), []);
    }

    #[test]
    fn what_is_not_known_means_everything() {
        let newer = br#"["arrivals", "parade", {"moved": 3}]"#;
        assert_eq!(decode(newer), [Notice::Arrivals, Notice::All, Notice::All]);
        for foreign in [&b""[..], b"{}", b"\xff", &vec![b'['; LONGEST + 1]] {
            assert_eq!(decode(foreign), [Notice::All]);
        }
    }
}
