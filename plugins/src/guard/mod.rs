//! The guards that come with Kefu Bridge: each is off until the configuration has a section for it.

pub mod flood;
pub mod sensitive_words;
