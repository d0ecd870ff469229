//! Who is at the desk and when: agents, working hours, and whoever the older routes speak for.

use std::collections::{BTreeMap, BTreeSet};

use bridge_core::{
    message::{AgentName, InboxName, PeerId},
    routing::{Agent, WorkingHours},
};
use serde_json::{Map, Value};

use super::{
    super::{AgentSection, Fault, InboxSection, OlderRoutesSection, RoutingSection, ServerSection},
    Reader,
};

impl Reader {
    pub(super) fn hours(
        &mut self,
        routing: &RoutingSection,
        server: &ServerSection,
    ) -> WorkingHours {
        let zone = jiff::tz::TimeZone::get(&server.timezone).unwrap_or_else(|_| {
            let (zh, en) = ("没有这个时区", "there is no such time zone");
            self.fault(Fault::new("server.timezone", zh, en, "Asia/Shanghai"));
            jiff::tz::TimeZone::UTC
        });
        WorkingHours::parse(&routing.working_hours, zone).unwrap_or_else(|error| {
            let zh = format!("“{}” 不是有效的工作时间", error.text);
            self.fault(Fault::new(
                "routing.working_hours",
                zh,
                error.to_string(),
                "Mon-Fri 09:00-18:00",
            ));
            WorkingHours::default()
        })
    }

    pub(super) fn agents(
        &mut self,
        all: &mut Map<String, Value>,
        routing: &RoutingSection,
        inboxes: &BTreeMap<InboxName, InboxSection>,
    ) -> BTreeMap<AgentName, Agent> {
        let mut agents = BTreeMap::new();
        for (name, value) in self.members(all, "agents") {
            let path = format!("agents.{name}");
            let Some(section) = self.typed::<AgentSection>(value, &path) else {
                continue;
            };
            let Some(inbox) = section.inbox.or_else(|| routing.desk.clone()) else {
                let (zh, en) = (
                    "没有指定收件箱，routing.desk 也没有设置",
                    "names no inbox, and routing.desk is not set",
                );
                self.fault(Fault::new(format!("{path}.inbox"), zh, en, "desk"));
                continue;
            };
            if !inboxes.contains_key(inbox.as_str()) {
                let names = inboxes
                    .keys()
                    .map(InboxName::as_str)
                    .collect::<Vec<_>>()
                    .join(", ");
                let zh = format!("没有名为 {inbox} 的收件箱；已有：{names}");
                let en = format!("there is no inbox {inbox}; there are: {names}");
                self.fault(Fault::new(format!("{path}.inbox"), zh, en, "desk"));
            }
            let agent = Agent {
                name: AgentName::new(&name),
                display_name: section.name.unwrap_or_else(|| name.clone()),
                inbox: InboxName::from(inbox),
                account: PeerId::from(section.user_id),
                capacity: section.capacity,
                weight: section.weight,
                skills: section.skills,
                default: section.default,
            };
            agents.insert(agent.name.clone(), agent);
        }
        agents
    }

    pub(super) fn known_agents(&mut self, path: &str, names: &[String], known: &BTreeSet<String>) {
        for name in names.iter().filter(|name| !known.contains(*name)) {
            let zh = format!("没有名为 {name} 的客服");
            self.fault(Fault::new(
                path,
                zh,
                format!("there is no agent {name}"),
                "[agents.system]",
            ));
        }
    }

    pub(super) fn older_routes(
        &mut self,
        section: &OlderRoutesSection,
        inboxes: &BTreeMap<InboxName, InboxSection>,
        agents: &BTreeSet<String>,
    ) {
        if section.token.is_empty() {
            return;
        }
        if section.token.expose().len() < 16 {
            let (zh, en) = ("至少 16 个字符", "must have at least 16 characters");
            let example = "${OLDER_TOKEN}";
            self.fault(Fault::new("older_routes.token", zh, en, example));
        }
        let named = section.inbox.as_deref().unwrap_or_default();
        if !inboxes.contains_key(named) {
            let known: Vec<&str> = inboxes.keys().map(InboxName::as_str).collect();
            let (zh, en) = ("没有这个收件箱", "there is no such inbox");
            let example = known.join(", ");
            self.fault(Fault::new("older_routes.inbox", zh, en, example));
        }
        let named: Vec<String> = section.employees.values().cloned().collect();
        self.known_agents("older_routes.employees", &named, agents);
    }
}
