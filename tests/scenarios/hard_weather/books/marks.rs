//! By what messages are known again: each carries its contact and its number.

/// What the assistant says before the question.
pub const ASSISTANT: &str = "智能：";

/// `<contact:number>`, a contact's.
pub fn from_contact(text: &str) -> Option<(usize, u32)> {
    alone(text, '<', '>')
}

/// `[contact:number]`, an agent's.
pub fn from_agent(text: &str) -> Option<(usize, u32)> {
    alone(text, '[', ']')
}

/// A text that is one mark and nothing else.
fn alone(text: &str, open: char, close: char) -> Option<(usize, u32)> {
    let (contact, number) = text
        .strip_prefix(open)?
        .strip_suffix(close)?
        .split_once(':')?;
    Some((contact.parse().ok()?, number.parse().ok()?))
}

/// All of a contact's marks anywhere in a text.
pub fn contacts_in(text: &str) -> Vec<(usize, u32)> {
    within(text, '<', '>')
}

/// All of agents' marks anywhere in a text.
pub fn agents_in(text: &str) -> Vec<(usize, u32)> {
    within(text, '[', ']')
}

fn within(text: &str, open: char, close: char) -> Vec<(usize, u32)> {
    let pieces = text.match_indices(open).filter_map(|(at, _)| {
        let rest = &text[at..];
        let end = rest.find(close)?;
        alone(&rest[..=end], open, close)
    });
    pieces.collect()
}

/// What is said for the assistant when it has no answer.
pub fn is_apology(text: &str) -> bool {
    text.contains("智能助手暂时无法回答") || text.contains("我暂时无法回答这个问题")
}
