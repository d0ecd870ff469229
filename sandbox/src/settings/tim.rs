//! Tencent IM: the application and the agents who are on it.

use std::time::Duration;

/// Tencent IM.
#[derive(Clone, Debug)]
pub struct TimSettings {
    /// The bridge's inbox: callbacks go to `/callback/{inbox}`.
    pub inbox: String,
    /// SDKAppID.
    pub sdk_app_id: u64,
    /// The key that signs UserSigs.
    pub secret_key: String,
    /// The administrator's UserID.
    pub admin: String,
    /// Signs callbacks (`Sign`, `RequestTime`); empty: unsigned.
    pub callback_token: String,
    /// Agents that have an account from the start.
    pub agents: Vec<AgentSettings>,
    /// Calls per second before 60007 (Tencent IM: 200); 0: unlimited. Counted by the sandbox's clock: where that stands still,
    /// order 0, or the second never ends.
    pub rate_limit: u32,
    /// How long the same MsgSeq and MsgRandom mean the same message.
    pub dedupe_window: Duration,
    /// How long a callback may take (Tencent IM: 2 s, never repeated).
    pub callback_timeout: Duration,
    /// Whether `C2C.CallbackBeforeSendMsg` is switched on.
    pub before_send: bool,
    /// Whether a message may carry an encoded `MsgBody` of this many bytes (Tencent IM: 12 KB, then 93000).
    pub message_limit: usize,
}

impl Default for TimSettings {
    fn default() -> Self {
        let agent = |user_id: &str, nick: &str| AgentSettings {
            user_id: user_id.into(),
            nick: nick.into(),
            online: true,
        };
        Self {
            inbox: "desk".into(),
            sdk_app_id: 1_400_000_001,
            secret_key: "3b9f0c1d2e4a5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8".into(),
            admin: "administrator".into(),
            callback_token: "sandbox-callback-token".into(),
            agents: vec![
                agent("agent_system", "默认客服"),
                agent("agent_lin", "林小满"),
            ],
            rate_limit: 200,
            dedupe_window: Duration::from_secs(120),
            callback_timeout: Duration::from_secs(2),
            before_send: false,
            message_limit: 12 * 1024,
        }
    }
}

/// An agent's account on Tencent IM.
#[derive(Clone, Debug)]
pub struct AgentSettings {
    /// UserID, at most 32 bytes.
    pub user_id: String,
    /// The name shown.
    pub nick: String,
    /// Whether a client is logged in at the start.
    pub online: bool,
}
