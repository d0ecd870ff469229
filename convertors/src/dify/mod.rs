//! Dify's service API, as bytes and values: what is asked, what comes back, and what a failure means.
//!
//! Nothing here talks to a network. A caller sends [`request`]'s bodies, pushes the bytes that come back into
//! [`stream::StreamReader`], folds its [`events`] into an [`answer::Accumulator`], and asks [`error_table`] what may be
//! done about a refusal.

pub mod answer;
pub mod error_table;
pub mod events;
mod fields;
#[cfg(test)]
mod fixtures;
pub mod ids;
mod reasoning;
pub mod records;
pub mod request;
pub mod stream;

pub use answer::{Accumulator, Answer, Outcome};
pub use error_table::{Advice, Failure};
pub use events::{Event, Kind};
pub use ids::{ConversationId, MessageId, TaskId, UploadId};
pub use stream::{StreamReader, TooLong};
