//! What a sandbox is made of: addresses, accounts, limits. The defaults make the whole demonstration.

mod dify;
mod tim;
mod wechat;
mod wecom;

use std::time::Duration;

pub use self::{
    dify::{AppMode, DifyApp, DifySettings, Shape},
    tim::{AgentSettings, TimSettings},
    wechat::{
        Account, Allowances, Format, MenuAction, MenuEntry, MiniProgram, Mode, Template,
        WechatSettings,
    },
    wecom::{Robot, WecomApp, WecomMember, WecomSettings},
};
use crate::clock::Clock;

/// Everything [`Sandbox::start`](crate::Sandbox::start) needs. `Settings::default()` listens on a free loopback port.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address and port; port 0 takes a free one.
    pub listen: String,
    /// How browsers and the bridge reach the sandbox, where that differs from `http://{listen}`.
    pub public_url: Option<String>,
    /// Server threads.
    pub workers: usize,
    /// The bridge, as `http://host:port`; callbacks go to `{bridge}/callback/{inbox}`. May be set later.
    pub bridge: Option<String>,
    /// The platforms' time.
    pub clock: Clock,
    /// Repeats the random choices of a run.
    pub seed: Option<u64>,
    /// How many exchanges the wire log keeps; 0 switches it off for good.
    pub wire_capacity: usize,
    /// Whether live events are numbered and kept; off saves work where nobody watches.
    pub live_events: bool,
    /// How many messages a chat keeps.
    pub chat_capacity: usize,
    /// Faults ordered from the start, as [`crate::faults`] describes.
    pub faults: String,
    /// How long a test waits for what it expects, in real time.
    pub patience: Duration,
    /// WeChat official accounts and mini programs.
    pub wechat: WechatSettings,
    /// Tencent IM.
    pub tim: TimSettings,
    /// Dify.
    pub dify: DifySettings,
    /// WeChat KF.
    pub kf: crate::kf::KfSettings,
    /// WeCom.
    pub wecom: WecomSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".into(),
            public_url: None,
            workers: 1,
            bridge: None,
            clock: Clock::system(),
            seed: None,
            wire_capacity: 2000,
            live_events: true,
            chat_capacity: 2000,
            faults: String::new(),
            patience: Duration::from_secs(10),
            wechat: WechatSettings::default(),
            tim: TimSettings::default(),
            dify: DifySettings::default(),
            kf: crate::kf::KfSettings::default(),
            wecom: WecomSettings::default(),
        }
    }
}

impl Settings {
    /// The cheap path for load tests: no wire log, no live events, short chats, no rate limits, any customer.
    pub fn sink() -> Self {
        let mut settings = Self {
            workers: 2,
            wire_capacity: 0,
            live_events: false,
            chat_capacity: 16,
            ..Self::default()
        };
        settings.tim.rate_limit = 0;
        settings.wechat.allowance = Allowances::unlimited();
        settings.wechat.strangers = true;
        settings.wecom = settings.wecom.unlimited();
        settings
    }
}
