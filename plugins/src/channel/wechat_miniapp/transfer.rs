//! Handing messages to WeChat's own service tool, as configured: the answer to the push says so (WeChat: 3.1, 3.2), and what
//! was handed over is recorded, so that nobody here answers it too.

use std::collections::BTreeMap;

use bridge_core::{
    channel::Decoded,
    message::{Author, Content, Event, What},
    texts::excerpt,
};

use super::{MiniApp, config::ServiceTool};
use crate::channel::wechat_platform::Pushed;

/// The platform's word for it.
const TRANSFER: &str = "transfer_customer_service";

/// What becomes of a push: kept as it is, or handed over.
pub(super) fn judged(app: &MiniApp, pushed: &Pushed, mut decoded: Decoded) -> Decoded {
    let mut handed_over = false;
    for arrival in &mut decoded.arrivals {
        // Only messages can be handed over, not events.
        let What::Content(content) = &arrival.what else {
            continue;
        };
        let said = arrival.author == Author::Contact && !matches!(content, Content::Event(_));
        if !said || !wanted(app, content) {
            continue;
        }
        let detail = BTreeMap::from([("said".to_owned(), excerpt(content, app.locale))]);
        arrival.what = What::Content(Content::Event(Event::Other {
            name: TRANSFER.to_owned(),
            detail,
        }));
        // What the tool says uses no allowance of ours, and this opens none.
        arrival.trigger = None;
        handed_over = true;
    }
    if handed_over {
        decoded.ack = app.account.push.transfer(pushed);
    }
    decoded
}

fn wanted(app: &MiniApp, content: &Content) -> bool {
    match app.config.service_tool {
        ServiceTool::Never => false,
        ServiceTool::Always => true,
        ServiceTool::Words => content.words().is_some_and(|said| {
            let words = &app.config.service_tool_words;
            words
                .iter()
                .any(|word| !word.is_empty() && word.trim() == said.trim())
        }),
    }
}
