//! The bots that every distribution has, by the names the core calls them by: plain speech goes to one of them where no
//! command is written. What they do is theirs; a distribution may put others under these names.

/// Finds a person: who is asked by words such as 转人工, and who answers where there is no assistant.
pub const TRANSFER: &str = "transfer";

/// Answers whoever waits.
pub const QUEUE: &str = "queue";

/// Carries words between the contact and the agent.
pub const SEND: &str = "send";

/// Ends the conversation, and asks for a rating.
pub const QUIT: &str = "quit";

/// The assistant, where there is one.
pub const ASSISTANT: &str = "ai";
