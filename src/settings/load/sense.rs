//! Values of the right type that make no sense: a bridge that started with them would end every conversation at once, keep
//! nothing, or wait for a connection that is never made.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bridge_core::{
    message::{AgentName, InboxName},
    routing::Agent,
    settings::Span,
};

use super::{
    super::{
        ConversationSection, Fault, InboxSection, RoutingSection, ServerSection, StorageSection,
    },
    Reader,
};

/// The most last messages that an agent gets with a conversation.
const CONTEXT: usize = 500;
/// The longest that short messages are waited for.
const MERGE: Duration = Duration::from_secs(60);

impl Reader {
    pub(super) fn spans(&mut self, server: &ServerSection, conversation: &ConversationSection) {
        let second = Duration::from_secs(1);
        let hour = Duration::from_secs(3600);
        let least = [
            ("server.lease", server.lease, second, "10s"),
            (
                "conversation.idle_timeout",
                conversation.idle_timeout,
                second,
                "24h",
            ),
            (
                "conversation.retention",
                conversation.retention,
                hour,
                "180d",
            ),
        ];
        for (path, Span(given), least, example) in least {
            if given < least {
                let seconds = least.as_secs();
                let zh = format!("不能短于 {seconds}s");
                let en = format!("must be {seconds}s or more");
                self.fault(Fault::new(path, zh, en, format!("\"{example}\"")));
            }
        }
        if conversation.merge_window.0 > MERGE {
            let (zh, en) = ("不能长于 60s", "must be 60s or less");
            self.fault(Fault::new("conversation.merge_window", zh, en, "\"800ms\""));
        }
    }

    pub(super) fn counts(
        &mut self,
        storage: &StorageSection,
        conversation: &ConversationSection,
        media: &bridge_media::Settings,
    ) {
        if storage.connections == 0 {
            let (zh, en) = ("至少为 1", "must be at least 1");
            self.fault(Fault::new("storage.connections", zh, en, "16"));
        }
        if conversation.context_messages > CONTEXT {
            let (zh, en) = (
                format!("不能大于 {CONTEXT}"),
                format!("must be at most {CONTEXT}"),
            );
            self.fault(Fault::new("conversation.context_messages", zh, en, "20"));
        }
        let words = &conversation.transfer_words;
        if words.iter().any(|word| word.trim().is_empty()) {
            let (zh, en) = ("不能含有空的词", "must hold no empty word");
            let path = "conversation.transfer_words";
            self.fault(Fault::new(path, zh, en, "[\"转人工\"]"));
        }
        if media.max_size.0 == 0 {
            let (zh, en) = ("不能为 0", "must not be 0");
            self.fault(Fault::new("media.max_size", zh, en, "\"10MB\""));
        }
        if let Some(pattern) = media.bad_host() {
            let zh = format!("“{pattern}”不是主机名；通配只能写成 *.上级域名");
            let en = format!("\"{pattern}\" is no host; a pattern is *. and a domain");
            self.fault(Fault::new(
                "media.fetch_hosts",
                zh,
                en,
                "[\"*.qpic.cn\", \"files.example.com\"]",
            ));
        }
    }

    /// The desk is there, and no two agents are one account: what one says would be taken for the other's.
    pub(super) fn accounts(
        &mut self,
        routing: &RoutingSection,
        inboxes: &BTreeMap<InboxName, InboxSection>,
        agents: &BTreeMap<AgentName, Agent>,
    ) {
        if let Some(desk) = routing.desk.as_deref()
            && !inboxes.contains_key(desk)
        {
            let names: BTreeSet<&str> = inboxes.keys().map(InboxName::as_str).collect();
            let names = names.into_iter().collect::<Vec<_>>().join(", ");
            let zh = format!("没有名为 {desk} 的收件箱；已有：{names}");
            let en = format!("there is no inbox {desk}; there are: {names}");
            self.fault(Fault::new("routing.desk", zh, en, "desk"));
        }
        let mut seen = BTreeMap::new();
        for agent in agents.values() {
            let path = format!("agents.{}.user_id", agent.name);
            if agent.account.as_str().is_empty() {
                let (zh, en) = ("不能为空", "must not be empty");
                self.fault(Fault::new(path, zh, en, "\"agent_system\""));
                continue;
            }
            if let Some(other) = seen.insert((&agent.inbox, &agent.account), &agent.name) {
                let zh = format!("与 agents.{other} 是同一个账号，每位客服要有自己的账号");
                let en =
                    format!("is the account of agents.{other}, too; each agent needs their own");
                self.fault(Fault::new(path, zh, en, ""));
            }
        }
    }
}
