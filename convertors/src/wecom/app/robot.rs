//! Bodies of a group robot's `webhook/send` (WeCom: 4.4).

use bridge_core::channel::GroupNotice;
use serde_json::{Value, json};

use super::read::cut;

/// Limits in bytes.
const TEXT: usize = 2048;
const MARKDOWN: usize = 4096;
/// The most people who are called by one notice.
const MENTIONED: usize = 100;

/// The body of a notice. What is too long is cut, with a mark that it is: the platform would refuse it as malformed
/// (WeCom: T16). In Markdown people are named in the words, `<@userid>`.
pub fn body(notice: &GroupNotice) -> Value {
    let mentioned = || notice.mentioned.iter().take(MENTIONED);
    if notice.markdown {
        let names: String = mentioned().map(|name| format!(" <@{name}>")).collect();
        let content = within(&notice.words, MARKDOWN.saturating_sub(names.len()));
        return json!({ "msgtype": "markdown", "markdown": { "content": format!("{content}{names}") } });
    }
    let mut text = json!({ "content": within(&notice.words, TEXT) });
    let phones = notice.mentioned_phones.iter().take(MENTIONED).cloned();
    let lists: [(&str, Value); 2] = [
        ("mentioned_list", mentioned().cloned().collect()),
        ("mentioned_mobile_list", phones.collect()),
    ];
    for (name, list) in lists {
        if list.as_array().is_some_and(|list| !list.is_empty()) {
            text[name] = list;
        }
    }
    json!({ "msgtype": "text", "text": text })
}

fn within(words: &str, bytes: usize) -> String {
    const MORE: &str = "…";
    match words.len() > bytes {
        true => format!("{}{MORE}", cut(words, bytes.saturating_sub(MORE.len()))),
        false => words.to_owned(),
    }
}
