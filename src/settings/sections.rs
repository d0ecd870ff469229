//! The sections that belong to the program itself. Inboxes, bots and guards bring their own.

use std::{collections::BTreeMap, net::SocketAddr};

use bridge_core::{
    engine::OnUnknown,
    routing::Strategy,
    secret::Secret,
    settings::{Size, Span},
    texts::Locale,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// 服务 / The server.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSection {
    /// 监听地址 / Where to listen.
    pub listen: SocketAddr,
    /// 外网访问地址，末尾不带斜杠 / Where the outside reaches this server, without a slash at the end.
    pub public_url: String,
    /// 界面语言：zh-CN 或 en / The language of chat help, prompts and findings.
    pub locale: Locale,
    /// 时区 / The time zone of working hours.
    pub timezone: String,
    /// 停机时等待处理完成的时间 / How long a shutdown waits for what is in hand.
    pub drain_timeout: Span,
    /// 收到停机信号后至少继续监听多久：`/readyz` 已为 503，等负载均衡不再派来请求；单机为 0s / How long a node that was told to stop listens at
    /// least: `/readyz` says 503 by then, and balancers take a moment to notice. 0s: there is none.
    pub drain_delay: Span,
    /// 一个节点失联多久后，其手中的会话由别的节点接管 / After how long the conversations in the hands of a node that is
    /// gone are taken over by others.
    pub lease: Span,
    /// HTTP 工作线程数，0 为 CPU 核数 / HTTP workers; 0: one for each core.
    pub workers: usize,
    /// 日志格式：text 或 json / The form of logs.
    pub log: LogFormat,
}

impl Default for ServerSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: "http://127.0.0.1:8080".to_owned(),
            locale: Locale::Zh,
            timezone: "Asia/Shanghai".to_owned(),
            drain_timeout: Span::secs(30),
            drain_delay: Span::secs(0),
            lease: Span::secs(10),
            workers: 0,
            log: LogFormat::Text,
        }
    }
}

/// The form of logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines, one object a line.
    Json,
}

/// 存储 / The store.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StorageSection {
    /// 数据库地址，可加 ?sslmode=verify-full&sslrootcert=CA.pem / The database: sqlite://path, or
    /// postgres://user:password@host:5432/database, with ?sslmode=verify-full&sslrootcert=FILE where it has an authority of its own.
    pub url: Secret,
    /// 启动时自动升级表结构 / Whether the schema is brought up to date at start.
    pub migrate: bool,
    /// PostgreSQL 连接数 / Connections to PostgreSQL.
    pub connections: usize,
}

impl Default for StorageSection {
    fn default() -> Self {
        Self {
            url: Secret::new("sqlite://data/kefu.db"),
            migrate: true,
            connections: 16,
        }
    }
}

/// 缓存 / The cache.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CacheSection {
    /// 缓存地址 / Where: memory://, redis://user:password@host:6379/0, or rediss:// for TLS.
    pub url: Secret,
    /// Redis 键名前缀，多套系统共用一个 Redis 时区分 / What every key in Redis begins with; all nodes use the same.
    pub prefix: String,
    /// 未结束会话的最近消息在 Redis 中保留多久，0s 为不放；没有 Redis 时不起作用 / How long the last messages of an open conversation stay in
    /// Redis, so that a handover does not read history; 0s: they are not put there. Without Redis it means nothing.
    pub context_ttl: Span,
    /// 一次处理的消息超过多大就不放进 Redis / What one turn said is put there up to this size; beyond it the store is read.
    pub context_entry: Size,
}

impl Default for CacheSection {
    fn default() -> Self {
        Self {
            url: Secret::new("memory://"),
            prefix: "kefu:".to_owned(),
            context_ttl: Span::secs(24 * 3600),
            context_entry: Size(16_000),
        }
    }
}

/// 队列 / The broker.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QueueSection {
    /// 消息队列地址 / Where: embedded://, amqp://user:password@host:5672/%2f, or amqps:// for TLS.
    pub url: Secret,
    /// RabbitMQ 交换机名，多套系统共用一个 RabbitMQ 时区分 / The exchange in RabbitMQ; all nodes use the same.
    pub exchange: String,
}

impl Default for QueueSection {
    fn default() -> Self {
        Self {
            url: Secret::new("embedded://"),
            exchange: "kefu.notices".to_owned(),
        }
    }
}

/// 会话 / Conversations.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConversationSection {
    /// 谁来接待新会话：机器人名。默认有 [bots.ai] 时为 ai，否则 transfer / Who answers a new conversation: a bot's name.
    pub entry: Option<String>,
    /// 转接时带给客服的最近消息条数 / The last n messages an agent gets with a conversation.
    pub context_messages: usize,
    /// 无人说话多久后自动结束 / Silence that ends a conversation.
    pub idle_timeout: Span,
    /// 历史保留时间；等客户再开口才能发、而客户一直没来的消息，到时也清除 / How long history is kept, and messages that wait for a
    /// contact who does not write again.
    pub retention: Span,
    /// 客户说这些词即转人工；英文界面默认另有 agent、human / Words by which a contact asks for a person; `agent` and `human` are
    /// among them where the locale is `en` and nothing else is given.
    pub transfer_words: Vec<String>,
    /// 公众号菜单 key 对应的话 / What a menu key of an account means as words.
    pub menu_words: BTreeMap<String, String>,
    /// 客服结束会话后是否请客户评价 / Whether a contact is asked for a rating.
    pub rating: bool,
    /// 连续短消息合并为一个问题的等待时间 / Short messages within this become one question to the assistant.
    pub merge_window: Span,
    /// 下发额度剩余多少条时提醒客服 / Tell the agent when so few messages may still be sent.
    pub low_allowance: u32,
    /// 排队位置通知的最小间隔 / A waiting contact is told their position at most this often.
    pub position_interval: Span,
}

impl ConversationSection {
    /// The words that contacts are told to use, and their like.
    pub(super) fn transfer_words(locale: Locale) -> Vec<String> {
        let more: &[&str] = match locale {
            Locale::Zh => &[],
            Locale::En => &["agent", "human"],
        };
        let words = ["转人工", "人工", "人工客服"].iter().chain(more);
        words.map(|word| (*word).to_owned()).collect()
    }
}

impl Default for ConversationSection {
    fn default() -> Self {
        Self {
            entry: None,
            context_messages: 20,
            idle_timeout: Span::secs(24 * 3600),
            retention: Span::secs(180 * 86_400),
            transfer_words: Self::transfer_words(Locale::Zh),
            menu_words: BTreeMap::new(),
            rating: true,
            merge_window: Span(std::time::Duration::from_millis(800)),
            low_allowance: 2,
            position_interval: Span::secs(60),
        }
    }
}

/// 路由 / Who gets the next conversation.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RoutingSection {
    /// 客服默认所在的收件箱 / The inbox where agents work who name none.
    pub desk: Option<String>,
    /// 分配方式：最闲的、轮流、按权重 / How the next agent is chosen.
    pub strategy: Strategy,
    /// 工作时间，空为全天 / Working hours; none: always.
    pub working_hours: Vec<String>,
    /// 非工作时间值班的客服 / Who works outside the hours.
    pub on_duty: Vec<String>,
}

/// 旧系统的接口别名 / Routes of an older system, kept as aliases.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OlderRoutesSection {
    /// 调用方在 Authorization: Bearer 中携带的令牌，至少 16 个字符；不填则不开放这些接口 / What callers show as a bearer token, at
    /// least 16 characters; none: the routes are not there.
    pub token: Secret,
    /// 企业微信应用所在的收件箱 / The inbox of the WeCom app they mean.
    pub inbox: Option<String>,
    /// 企业微信成员账号对应的客服；在该收件箱接待的客服不用写 / Which agent a WeCom member is, where the agent works elsewhere.
    pub employees: BTreeMap<String, String>,
}

/// 客服 / An agent. The section's name is what `#转接 -n` says.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentSection {
    /// 显示名 / What contacts read.
    pub name: Option<String>,
    /// 所在收件箱 / The inbox they work in; `routing.desk` where none is named.
    pub inbox: Option<String>,
    /// 在该收件箱里的账号 / Their account there.
    pub user_id: String,
    /// 接待上限 / How many conversations at once.
    #[serde(default = "ten")]
    pub capacity: u32,
    /// 权重 / For the weighted strategy.
    #[serde(default = "one")]
    pub weight: u32,
    /// 技能 / What they can do.
    #[serde(default)]
    pub skills: Vec<String>,
    /// 优先接待 / Whether they come first where nothing else decides.
    #[serde(default)]
    pub default: bool,
}

fn ten() -> u32 {
    10
}

fn one() -> u32 {
    1
}

/// An inbox: which channel, what the engine needs, and the rest for the channel itself.
#[derive(Debug, Clone)]
pub struct InboxSection {
    /// The channel's name.
    pub channel: String,
    /// When a send may have happened and the platform knows no idempotency.
    pub on_unknown: OnUnknown,
    /// What the channel reads.
    pub config: serde_json::Value,
}
