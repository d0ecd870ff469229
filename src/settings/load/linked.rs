//! Sections read by what is linked: an inbox by its channel, bots and guards by their names.

use std::collections::BTreeMap;

use bridge_core::{
    channel::ChannelSpec, engine::OnUnknown, message::InboxName, registry::Registry,
};
use serde_json::{Map, Value};

use super::{
    super::{Fault, InboxSection, wording::nearest},
    Reader,
};

impl Reader {
    pub(super) fn registry(&mut self) -> Registry {
        Registry::linked().unwrap_or_else(|error| {
            self.fault(Fault::new(
                "plugins",
                format!("插件重名：{error}"),
                error.to_string(),
                "",
            ));
            Registry::default()
        })
    }

    pub(super) fn inboxes(
        &mut self,
        all: &mut Map<String, Value>,
        registry: &Registry,
    ) -> BTreeMap<InboxName, InboxSection> {
        let mut inboxes = BTreeMap::new();
        for (name, value) in self.members(all, "inboxes") {
            let path = format!("inboxes.{name}");
            if name.is_empty()
                || !name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            {
                let (zh, en) = (
                    "收件箱名只能用字母、数字、- 和 _",
                    "an inbox is named with letters, digits, - and _",
                );
                self.fault(Fault::new(path, zh, en, "[inboxes.mall]"));
                continue;
            }
            if let Some(inbox) = self.inbox(value, &path, &registry.channels) {
                inboxes.insert(InboxName::new(&name), inbox);
            }
        }
        inboxes
    }

    pub(super) fn inbox(
        &mut self,
        value: Value,
        path: &str,
        channels: &BTreeMap<&'static str, &'static ChannelSpec>,
    ) -> Option<InboxSection> {
        let Value::Object(mut members) = value else {
            self.fault(Fault::new(
                path,
                "应为一个配置段",
                "is to be a section",
                "[inboxes.mall]",
            ));
            return None;
        };
        let linked = channels.keys().copied().collect::<Vec<_>>().join(", ");
        let channel = match members.remove("channel") {
            Some(Value::String(channel)) => channel,
            _ => {
                self.fault(Fault::new(
                    format!("{path}.channel"),
                    "缺少渠道",
                    "is missing",
                    linked,
                ));
                return None;
            }
        };
        if !channels.contains_key(channel.as_str()) {
            let zh = format!(
                "没有链接名为 {channel} 的渠道；已链接：{linked}。用 `use 所在的_crate as _;` 链接"
            );
            let en = format!(
                "no channel called {channel} is linked; linked are: {linked}. Link its crate with `use the_crate as _;`"
            );
            self.fault(Fault::new(format!("{path}.channel"), zh, en, "wechat"));
            return None;
        }
        let on_unknown = match members.remove("on_unknown") {
            Some(value) => self
                .typed(value, &format!("{path}.on_unknown"))
                .unwrap_or_default(),
            None => OnUnknown::default(),
        };
        Some(InboxSection {
            channel,
            on_unknown,
            config: Value::Object(members),
        })
    }

    pub(super) fn plugins(
        &mut self,
        all: &mut Map<String, Value>,
        kind: &str,
        linked: Vec<&str>,
    ) -> BTreeMap<String, Value> {
        let members = self.members(all, kind);
        for name in members
            .keys()
            .filter(|name| !linked.contains(&name.as_str()))
        {
            let there = linked.join(", ");
            let zh = format!("没有链接这个插件；已链接：{there}。用 `use 所在的_crate as _;` 链接");
            let en = format!(
                "nothing of that name is linked; linked are: {there}. Link its crate with `use the_crate as _;`"
            );
            self.faults.push(Fault::new(
                format!("{kind}.{name}"),
                zh,
                en,
                nearest(name, linked.iter().copied()),
            ));
        }
        members
    }
}
