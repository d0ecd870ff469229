//! The corp on the simulated WeCom: its apps, members and group robots, and the platform's limits.

use std::time::Duration;

use super::{MenuAction, MenuEntry};

/// WeCom.
#[derive(Clone, Debug)]
pub struct WecomSettings {
    /// CorpID, `ww…`.
    pub corp_id: String,
    /// Self-built apps.
    pub apps: Vec<WecomApp>,
    /// The corp's members, all within every app's visible range.
    pub members: Vec<WecomMember>,
    /// Group robots.
    pub robots: Vec<Robot>,
    /// How long a callback may take before it is sent again (WeCom: 5 s).
    pub push_timeout: Duration,
    /// How often a callback is tried (WeCom: three times).
    pub push_attempts: u32,
    /// How long an access token lives (WeCom: 7200 s).
    pub token_life: Duration,
    /// `gettoken` calls of one app in a minute before 45009; 0: unlimited. WeCom does not publish its number.
    pub token_rate: u32,
    /// App messages to one member in a minute and in an hour; what is beyond vanishes with errcode 0 (WeCom: 30, 1000).
    pub member_rate: (u32, u32),
    /// Person-messages of one app in a day before 45009, for each member of the corp (WeCom: 200); 0: unlimited.
    pub daily_share: u32,
    /// Messages of one robot in a minute before 45009 (WeCom: 20); 0: unlimited.
    pub robot_rate: u32,
}

impl Default for WecomSettings {
    fn default() -> Self {
        let member = |user_id: &str, name: &str| WecomMember {
            user_id: user_id.into(),
            name: name.into(),
            activated: true,
        };
        Self {
            corp_id: "wwsandbox00000001".into(),
            apps: vec![WecomApp::default()],
            members: vec![
                member("ZhouNing", "周宁"),
                member("wu.shan", "吴杉"),
                member("agent.li", "李工"),
            ],
            robots: vec![Robot {
                key: "693a1c6f-7a0c-4bc4-97a0-0ec2f1fa5a3b".into(),
                name: "客服值班群".into(),
            }],
            push_timeout: Duration::from_secs(5),
            push_attempts: 3,
            token_life: Duration::from_secs(7200),
            token_rate: 600,
            member_rate: (30, 1000),
            daily_share: 200,
            robot_rate: 20,
        }
    }
}

impl WecomSettings {
    /// Without any limit on how much is sent.
    pub fn unlimited(mut self) -> Self {
        (self.token_rate, self.daily_share, self.robot_rate) = (0, 0, 0);
        self.member_rate = (0, 0);
        self
    }
}

/// A self-built app.
#[derive(Clone, Debug)]
pub struct WecomApp {
    /// The bridge's inbox: callbacks go to `/callback/{inbox}`.
    pub inbox: String,
    /// The name members see.
    pub name: String,
    /// AgentId.
    pub agent_id: u64,
    /// Its secret.
    pub secret: String,
    /// The callback token.
    pub token: String,
    /// EncodingAESKey, 43 characters.
    pub encoding_aes_key: String,
    /// Whether a receive URL is set up; without one there are neither callbacks nor interactive cards.
    pub receives: bool,
    /// Whether it may call the customer-contact API.
    pub calls_contacts: bool,
    /// The menu under the chat.
    pub menu: Vec<MenuEntry>,
}

impl Default for WecomApp {
    fn default() -> Self {
        let entry = |name: &str, key: &str| MenuEntry {
            name: name.into(),
            action: MenuAction::Click(key.into()),
        };
        Self {
            inbox: "work".into(),
            name: "客服台".into(),
            agent_id: 1_000_017,
            secret: "7dR2mXq0Vb9TnLc4YsKpWh3JgZ6UaEo1iFtNvBx5M8k".into(),
            token: "sandboxWorkTok2026".into(),
            encoding_aes_key: "Wk3QmZ2xV9bTn4RcY8LpXs7HdJg6UaEo1iXtNvBq5Mk".into(),
            receives: true,
            calls_contacts: true,
            menu: vec![entry("我的会话", "MINE"), entry("帮助", "HELP")],
        }
    }
}

/// A member of the corp.
#[derive(Clone, Debug)]
pub struct WecomMember {
    /// UserID, 1 to 64 bytes; its case does not matter.
    pub user_id: String,
    /// The name shown.
    pub name: String,
    /// Whether the member has activated WeCom and can be reached.
    pub activated: bool,
}

/// A group robot.
#[derive(Clone, Debug)]
pub struct Robot {
    /// The webhook's key.
    pub key: String,
    /// The group's name.
    pub name: String,
}
