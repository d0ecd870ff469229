//! The way in for a fuzzer: bytes that anybody on the internet could post to a corp's receive URL, and rows as they could come
//! out of `sync_msg`, through every reader. Nothing may panic, and what is promised of any input is asserted.

use bridge_core::{
    channel::{Capabilities, Delivery, Verb},
    clock::Timestamp,
    convert::Convertor,
    message::{Content, Event, InboxName},
    secret::Secret,
};
use serde_json::Value;

use super::{
    AesKey, Fields,
    envelope::{Form, Gate, Signed},
    kf::{Kf, read},
};

/// What of a thing without a kind of its own is shown.
const SUMMARY: usize = 1000;

/// A body of a callback: in an envelope that does not fit, and in one that does.
///
/// # Panics
/// Where a reader does, or where what was sealed does not open again.
pub fn envelope(data: &[u8]) {
    // 43 times "A" is the key of 32 zeros.
    let Ok(key) = AesKey::parse(&"A".repeat(43)) else {
        return;
    };
    let gate = Gate {
        token: Secret::new("callbacktoken"),
        keys: vec![key],
        receive_id: "ww0123456789abcdef".to_owned(),
    };
    let text = String::from_utf8_lossy(data);
    let foreign = delivery(&text, data);
    let _ = gate.open(&Signed::of(&foreign), data);
    let _ = gate.echo(&Signed::of(&foreign), &text);
    for form in [Form::Xml, Form::Json] {
        sealed(&gate, form, &text);
    }
}

fn delivery(query: &str, body: &[u8]) -> Delivery {
    Delivery {
        verb: Verb::Post,
        query: query.to_owned(),
        body: body.to_vec().into(),
        received_at: Timestamp(0),
    }
}

/// Who has the keys can put anything into an envelope.
fn sealed(gate: &Gate, form: Form, plain: &str) {
    let Ok(body) = gate.seal(form, plain, 1, "nonce", [7; 16]) else {
        return;
    };
    let Ok(outer) = Fields::read(body.as_bytes()) else {
        panic!("an envelope of ours cannot be read: {body}");
    };
    let signature = outer.get("MsgSignature").unwrap_or_default();
    let query = format!("msg_signature={signature}&timestamp=1&nonce=nonce");
    let signed = delivery(&query, body.as_bytes());
    let opened = gate.open(&Signed::of(&signed), body.as_bytes());
    assert!(
        opened.is_ok_and(|opened| opened.plain == plain && opened.form == form),
        "what was sealed opens again"
    );
    if let Ok(fields) = Fields::read(plain.as_bytes()) {
        let _ = read::hint(&fields);
    }
}

/// A page of `sync_msg`, a list of rows, or a row.
///
/// # Panics
/// Where a reader does, or where something is shown without bounds.
pub fn kf_rows(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    let rows = value["msg_list"].as_array().or(value.as_array());
    match rows {
        Some(rows) => rows.iter().for_each(row),
        None => row(&value),
    }
}

fn row(row: &Value) {
    let kf = Kf {
        inbox: InboxName::new("kf"),
    };
    let _ = (read::message_id(row), read::sent_at(row), read::origin(row));
    let _ = (read::customer(row), read::servicer(row));
    let _ = (read::welcome_code(row), read::row_last_word(row));
    let content = read::content(row, &kf.inbox);
    match &content {
        Content::Unsupported { what, summary } => {
            assert!(what.chars().count() <= 64 && summary.chars().count() <= SUMMARY);
        }
        Content::Event(Event::Other { name, detail }) => {
            assert!(name.chars().count() <= 64 && detail.len() <= 32);
            assert!(!detail.contains_key("msg_code") && !detail.contains_key("welcome_code"));
        }
        _ => {}
    }
    // What came in by one account may be said at another.
    if let Ok(written) = kf.write(&content, &Capabilities::default()) {
        assert_eq!(written.parts.len(), 1);
        assert!(written.parts[0]["msgtype"].is_string());
    }
}
