//! What a sandbox is made of: addresses, accounts, limits. The defaults make the whole demonstration.

mod wecom;

use std::time::Duration;

pub use self::wecom::{Robot, WecomApp, WecomMember, WecomSettings};
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

/// The official account platform.
#[derive(Clone, Debug)]
pub struct WechatSettings {
    /// The accounts it knows.
    pub accounts: Vec<Account>,
    /// How long a callback may take before it is sent again (WeChat: 5 s).
    pub push_timeout: Duration,
    /// How often a callback is tried (WeChat: 3 times).
    pub push_attempts: u32,
    /// How long an access token lives (WeChat: 7200 s).
    pub token_life: Duration,
    /// What an account may send, and when.
    pub allowance: Allowances,
    /// Takes any openid for a follower who has just written, as a load test needs whose customers exist nowhere.
    pub strangers: bool,
}

impl Default for WechatSettings {
    fn default() -> Self {
        Self {
            accounts: vec![Account::default(), Account::mini_program()],
            push_timeout: Duration::from_secs(5),
            push_attempts: 3,
            token_life: Duration::from_secs(7200),
            allowance: Allowances::default(),
            strangers: false,
        }
    }
}

/// How many customer messages which trigger allows, and for how long (WeChat notes, 4.3).
#[derive(Clone, Debug)]
pub struct Allowances {
    /// After a message by the customer.
    pub message: (u32, Duration),
    /// After a menu click, a follow or a scan.
    pub moment: (u32, Duration),
    /// After the service chat of a mini program was opened.
    pub enter: (u32, Duration),
}

impl Default for Allowances {
    fn default() -> Self {
        Self {
            message: (5, Duration::from_secs(48 * 3600)),
            moment: (3, Duration::from_secs(60)),
            enter: (2, Duration::from_secs(60)),
        }
    }
}

impl Allowances {
    /// Never used up, as for a load test.
    pub fn unlimited() -> Self {
        let always = Duration::from_secs(10 * 365 * 86_400);
        Self {
            message: (u32::MAX, always),
            moment: (u32::MAX, always),
            enter: (u32::MAX, always),
        }
    }
}

/// One official account or mini program.
#[derive(Clone, Debug)]
pub struct Account {
    /// The bridge's inbox: callbacks go to `/callback/{inbox}`.
    pub inbox: String,
    /// The name customers see.
    pub name: String,
    /// `wx…`
    pub app_id: String,
    /// `gh_…`, the account's id in messages.
    pub original_id: String,
    /// AppSecret.
    pub app_secret: String,
    /// The callback token.
    pub token: String,
    /// EncodingAESKey, 43 characters.
    pub encoding_aes_key: String,
    /// Whether callbacks are encrypted.
    pub mode: Mode,
    /// How callbacks are written.
    pub format: Format,
    /// The menu under the chat.
    pub menu: Vec<MenuEntry>,
    /// What makes it a mini program; none: it is an official account.
    pub mini: Option<MiniProgram>,
}

/// What a mini program has beside its service chat.
#[derive(Clone, Debug)]
pub struct MiniProgram {
    /// The pages that are published.
    pub pages: Vec<String>,
    /// Its subscription templates.
    pub templates: Vec<Template>,
}

/// A template of subscription messages.
#[derive(Clone, Debug)]
pub struct Template {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// Its fields and what stands before each.
    pub fields: Vec<(String, String)>,
}

impl Account {
    /// A mini program: the inbox `mini`, callbacks in JSON, one page, one template.
    pub fn mini_program() -> Self {
        let field = |name: &str, label: &str| (name.to_owned(), label.to_owned());
        Self {
            inbox: "mini".into(),
            name: "云杉小程序".into(),
            app_id: "wx8c1d6e4f2a7b9035".into(),
            original_id: "gh_7e2b90c4d1f8".into(),
            app_secret: "0f9e8d7c6b5a49382716051423324150".into(),
            token: "sandboxMiniTok".into(),
            encoding_aes_key: "Zt4Lw9Qe2Rp7Ym1Xk6Vc3Bn8Hd5Jg0Sf2Ua4Io6Pe1A".into(),
            mode: Mode::Safe,
            format: Format::Json,
            menu: Vec::new(),
            mini: Some(MiniProgram {
                pages: vec!["pages/kefu/index".into(), "pages/index/index".into()],
                templates: vec![Template {
                    id: "tplReplyReminder000000000000000000000000001".into(),
                    title: "客服回复提醒".into(),
                    fields: vec![
                        field("thing1", "客服"),
                        field("thing2", "内容"),
                        field("time3", "时间"),
                    ],
                }],
            }),
        }
    }
}

impl Default for Account {
    fn default() -> Self {
        let entry = |name: &str, action| MenuEntry {
            name: name.into(),
            action,
        };
        Self {
            inbox: "mall".into(),
            name: "云杉商城".into(),
            app_id: "wx5f2c9d7a1b3e8046".into(),
            original_id: "gh_3a7c51e90b2d".into(),
            app_secret: "5a4e0b1c9d8f7e6a5b4c3d2e1f0a9b8c".into(),
            token: "sandboxCallbackTok".into(),
            encoding_aes_key: "Kf7QmZ2xV9bTn4RcY8LpWs3HdJg6UaEo1iXtNvBq5Ml".into(),
            mode: Mode::Safe,
            format: Format::Xml,
            menu: vec![
                entry("在线客服", MenuAction::Click("KEFU".into())),
                entry("订单查询", MenuAction::Click("ORDER".into())),
                entry("商城首页", MenuAction::View("https://shop.example/".into())),
            ],
            mini: None,
        }
    }
}

/// How callbacks are secured (WeChat notes, 1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// 明文
    Plain,
    /// 兼容: both forms in one document.
    Compatible,
    /// 安全
    Safe,
}

impl Mode {
    /// The word used in configurations.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Compatible => "compatible",
            Self::Safe => "safe",
        }
    }
}

/// How callbacks are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The default of official accounts.
    Xml,
    /// Selectable, and usual for mini programs.
    Json,
}

impl Format {
    /// The word used in configurations.
    pub fn word(self) -> &'static str {
        match self {
            Self::Xml => "xml",
            Self::Json => "json",
        }
    }
}

/// A button under the chat.
#[derive(Clone, Debug)]
pub struct MenuEntry {
    /// What it says.
    pub name: String,
    /// What a tap does.
    pub action: MenuAction,
}

/// What a menu button does.
#[derive(Clone, Debug)]
pub enum MenuAction {
    /// Pushes CLICK with this key.
    Click(String),
    /// Opens this page and pushes VIEW.
    View(String),
}

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

/// Dify.
#[derive(Clone, Debug)]
pub struct DifySettings {
    /// The apps it serves; the key chooses one.
    pub apps: Vec<DifyApp>,
    /// Pause between two pieces of a streamed answer.
    pub pace: Duration,
    /// Pause between two pings while nothing else is said (Dify: 10 s).
    pub ping_every: Duration,
    /// What the shop assistant adds when a person should take over.
    pub hand_off_mark: String,
    /// Cuts streams every so many bytes, through characters and events alike; 0 sends one event at a time.
    pub cut_every: usize,
}

impl Default for DifySettings {
    fn default() -> Self {
        let app = |name: &str, app| DifyApp {
            key: format!("app-sandbox-{name}"),
            mode: app,
            shape: Shape::V1_13,
        };
        Self {
            apps: vec![
                app("chat", AppMode::Chat),
                app("agent", AppMode::Agent),
                app("chatflow", AppMode::Chatflow),
            ],
            pace: Duration::from_millis(20),
            ping_every: Duration::from_secs(10),
            hand_off_mark: "[转人工]".into(),
            cut_every: 0,
        }
    }
}

/// One app of Dify's.
#[derive(Clone, Debug)]
pub struct DifyApp {
    /// `app-…`
    pub key: String,
    /// What kind of app.
    pub mode: AppMode,
    /// Which version's habits.
    pub shape: Shape,
}

/// Kinds of chat app (Dify notes, 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppMode {
    /// `chat`
    Chat,
    /// `agent-chat`; refuses blocking.
    Agent,
    /// `advanced-chat`
    Chatflow,
}

impl AppMode {
    /// Dify's own word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Agent => "agent-chat",
            Self::Chatflow => "advanced-chat",
        }
    }
}

/// Habits that changed between versions (Dify notes, 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Spaced JSON with `\uXXXX`, `workflow_finished` before `message_end`, DELETE answers a body.
    V0_15,
    /// Compact raw UTF-8, a leading ping, `message_end` before `workflow_finished`.
    V1_13,
}

impl Shape {
    /// The version's number.
    pub fn word(self) -> &'static str {
        match self {
            Self::V0_15 => "0.15",
            Self::V1_13 => "1.13",
        }
    }
}
