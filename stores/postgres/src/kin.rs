//! Who is whom: a tie as the columns of one call, and whom it concerns.

use bridge_core::{
    message::ConversationId,
    store::{StoreError, Tie, Tied},
};

use crate::rows::to_json;

/// A tie, a column each; notes by their place.
pub(crate) struct Columns {
    pub(crate) tie: &'static str,
    pub(crate) other: Option<i64>,
    pub(crate) handles: Vec<String>,
    pub(crate) seen: Vec<i64>,
    pub(crate) conversations: Vec<i64>,
    pub(crate) episodes: Vec<i32>,
    pub(crate) traces: Vec<i64>,
    pub(crate) ats: Vec<i64>,
    pub(crate) authors: Vec<String>,
    pub(crate) bodies: Vec<String>,
}

impl Columns {
    pub(crate) fn of(tied: &Tied) -> Result<Self, StoreError> {
        let (tie, other, handles) = parts(Some(&tied.tie));
        let mut columns = Self {
            tie,
            other,
            handles,
            seen: tied.seen.iter().map(|id| id.0).collect(),
            conversations: Vec::new(),
            episodes: Vec::new(),
            traces: Vec::new(),
            ats: Vec::new(),
            authors: Vec::new(),
            bodies: Vec::new(),
        };
        for noted in &tied.notes {
            columns.conversations.push(noted.conversation.0);
            columns
                .episodes
                .push(i32::try_from(noted.episode).unwrap_or(i32::MAX));
            columns.traces.push(noted.entry.trace.0);
            columns.ats.push(noted.entry.at.0);
            columns.authors.push(to_json(&noted.entry.author)?);
            columns.bodies.push(to_json(&noted.entry.content)?);
        }
        Ok(columns)
    }
}

/// Its name, the other conversation it names, its handles.
fn parts(tie: Option<&Tie>) -> (&'static str, Option<i64>, Vec<String>) {
    match tie {
        Some(Tie::Known(handles)) => {
            let handles = handles.iter().map(ToString::to_string).collect();
            ("known", None, handles)
        }
        Some(Tie::Join(ConversationId(with))) => ("join", Some(*with), Vec::new()),
        Some(Tie::Part(ConversationId(who))) => ("part", Some(*who), Vec::new()),
        None => ("none", None, Vec::new()),
    }
}

/// The two last values of `kefu_concerned`.
pub(crate) fn concern(tie: Option<&Tie>) -> (Option<i64>, Vec<String>) {
    let (tie, other, handles) = parts(tie);
    (other.filter(|_| tie == "join"), handles)
}
