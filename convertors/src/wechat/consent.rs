//! What a contact allows and what became of it: the events of subscription messages (WeChat: 2.5). XML wraps the lists in
//! an element of the event's name, JSON has them at the top, one as an object and several as an array.

use std::collections::BTreeMap;

use bridge_core::message::{Answer, ConsentAnswer, Event, NudgeResult};

use super::Fields;

/// The most lists read of one event: a popup asks for at most a handful of templates.
const LISTS: usize = 20;

/// The event, if it is one of them.
pub(super) fn event(name: &str, fields: &Fields) -> Option<Event> {
    let lists = || lists(fields).into_iter();
    Some(match name {
        "subscribe_msg_popup_event" => Event::Consent {
            answers: lists().filter_map(|list| answer(&list, true)).collect(),
        },
        // Only refusals are pushed: what was granted before is gone.
        "subscribe_msg_change_event" => Event::Consent {
            answers: lists().filter_map(|list| answer(&list, false)).collect(),
        },
        "subscribe_msg_sent_event" => Event::NudgeReport {
            results: lists().filter_map(|list| result(&list)).collect(),
        },
        _ => return None,
    })
}

type List<'a> = BTreeMap<String, &'a str>;

/// The fields of each `List`, by lower-case name; the first of a name counts.
fn lists(fields: &Fields) -> Vec<List<'_>> {
    let lists = fields.each("List").into_iter().take(LISTS);
    lists
        .map(|list| {
            let list = list.into_iter().rev();
            list.map(|(name, value)| (name.to_ascii_lowercase(), value))
                .collect()
        })
        .collect()
}

fn answer(list: &List<'_>, popup: bool) -> Option<ConsentAnswer> {
    let topic = topic(list)?;
    let given = list
        .get("subscribestatusstring")?
        .eq_ignore_ascii_case("accept");
    let answer = match (given, popup) {
        (true, true) => Answer::Given,
        // Switching a template on again in the settings is no credit: those come by popups only.
        (true, false) => return None,
        (false, true) => Answer::Declined,
        (false, false) => Answer::Withdrawn,
    };
    Some(ConsentAnswer { topic, answer })
}

fn result(list: &List<'_>) -> Option<NudgeResult> {
    let text = |name: &str| list.get(name).copied().unwrap_or_default();
    let code = text("errorcode").trim();
    Some(NudgeResult {
        topic: topic(list)?,
        external_id: text("msgid").to_owned(),
        delivered: matches!(code, "0" | ""),
        reason: format!("{} {}", text("errorstatus"), code)
            .trim()
            .to_owned(),
    })
}

fn topic(list: &List<'_>) -> Option<String> {
    let topic = list.get("templateid").filter(|topic| !topic.is_empty())?;
    Some((*topic).to_owned())
}
