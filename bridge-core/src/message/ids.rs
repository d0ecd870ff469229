//! Ids, each its own type, each with its scope written down.

use std::{fmt, sync::Arc};

macro_rules! number_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

number_id! {
    /// One arrival, numbered by the store in the order of acceptance. It is also the trace id: everything that an
    /// arrival causes carries it.
    ArrivalId;
    /// One conversation: everything said between one contact thread and us, over all its episodes. Scope: the store.
    ConversationId;
    /// One contact (a customer). Scope: the store.
    ContactId;
    /// One thing to send. Scope: the store; platform idempotency keys are derived from it.
    DispatchId;
    /// One question put to a slow bot. Scope: the store.
    ErrandId;
    /// One line of a transcript, ascending within the store.
    EntryId;
}

macro_rules! name_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps a name.
            pub fn new(name: impl AsRef<str>) -> Self {
                Self(Arc::from(name.as_ref()))
            }

            /// The name itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self::new(name)
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self(name.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )*};
}

name_id! {
    /// The name of an inbox: the key of its `[inboxes.NAME]` section and the last part of its callback URL.
    InboxName;
    /// The name of an agent: the key of the `[agents.NAME]` section, what `#转接 -n NAME` says.
    AgentName;
    /// The canonical name of a bot.
    BotName;
    /// Somebody on the other end of an inbox, as the platform calls them: an openid, a Tencent IM account.
    /// Opaque, case-sensitive. Scope: one inbox.
    PeerId;
    /// What makes an arrival the same when it is delivered again. Scope: one inbox. By convention it begins with the
    /// platform's own time, so that a store's unique index grows at its right edge.
    ExternalId;
    /// A worker of one process, for leases.
    WorkerId;
}

/// One side's handle on a conversation: the inbox and the peer in it. On the contact's side the peer is the contact;
/// on a desk's side it is the contact's stand-in there.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize,
)]
pub struct ThreadKey {
    /// The inbox.
    pub inbox: InboxName,
    /// The peer within it.
    pub peer: PeerId,
}

impl fmt::Display for ThreadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.inbox, self.peer)
    }
}
