//! `GET /api/wechat/sidebar-data`: what the page beside a WeCom chat shows. The pass that lets the page in, the contact with
//! all their threads, tags, the conversation that is open, and what was said last.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpRequest, HttpResponse, web};
use bridge_core::{
    channel::{Acquaintance, Sidebar},
    conversation::{Contact, Conversation, Phase},
    message::{Content, ConversationId, InboxName, PeerId},
    store::{Entry, EntryAuthor},
    texts::excerpt,
};
use serde_json::{Value, json};

use super::{Refusal, account, admitted, message::thread};
use crate::app::App;

/// Messages shown.
const MESSAGES: usize = 20;
/// The longest address of a page that is signed.
const URL: usize = 2_048;
/// The most conversations of one person that are read.
const THREADS: usize = 20;

type Kin = Vec<(Conversation, Contact)>;

/// What the page asks for.
#[derive(serde::Deserialize)]
pub(super) struct Query {
    /// The page's own address: without what follows `#`.
    url: Option<String>,
    /// Whose chat it is, as the client tells: a customer of the corporation…
    external_userid: Option<String>,
    /// …a member…
    userid: Option<String>,
    /// …or by the number on the card.
    conversation: Option<i64>,
}

pub(super) async fn get(
    request: HttpRequest,
    query: Result<web::Query<Query>, actix_web::Error>,
    app: web::Data<App>,
) -> Result<HttpResponse, Refusal> {
    let inbox = admitted(&request, &app)?;
    let query = query.map_err(|_| Refusal::Malformed("the query cannot be read".to_owned()))?;
    let channel = app.engine.parts().channels.get(&inbox).cloned();
    let sidebar = channel.as_deref().and_then(|channel| channel.sidebar());
    let sidebar = sidebar.ok_or(Refusal::NotFound("this inbox has no sidebar"))?;
    let pass = match query.url.as_deref() {
        Some(url) => sidebar.pass(page(url)?).await?,
        None => Value::Null,
    };
    let external = query.external_userid.as_deref().map(account).transpose()?;
    let known = match external {
        // The page is worth showing without what the corporation's members know.
        Some(id) => sidebar.known(id).await.map_err(|error| {
            tracing::warn!(%error, "WeCom does not tell what members know of a customer");
        }),
        None => Ok(Acquaintance::default()),
    };
    let tags_known = known.is_ok();
    let known = known.unwrap_or_default();
    let kin = find(&app, sidebar, &inbox, &query, &known).await?;
    let lines = last_lines(&app, &kin).await?;
    let shown = Shown {
        app: &app,
        kin: &kin,
    };
    Ok(HttpResponse::Ok()
        .insert_header(("cache-control", "no-store"))
        .json(json!({
            "pass": pass,
            "contact": shown.contact(&known),
            "tags": known.tags,
            "tags_known": tags_known,
            "conversation": shown.open().map(|conversation| shown.conversation(conversation)),
            "messages": lines.iter().map(|(of, line)| shown.line(*of, line)).collect::<Vec<_>>(),
        })))
}

/// The address that is signed: the page's, without what follows `#` (WeCom: 5.6).
fn page(url: &str) -> Result<&str, Refusal> {
    let url = url.split('#').next().unwrap_or_default();
    let parsed = url::Url::parse(url).ok();
    let is_page = parsed.is_some_and(|url| matches!(url.scheme(), "http" | "https"));
    match is_page && url.len() <= URL {
        true => Ok(url),
        false => Err(Refusal::Malformed(
            "url is to be the page's address, http or https".to_owned(),
        )),
    }
}

/// All conversations of whoever is meant.
async fn find(
    app: &App,
    sidebar: &dyn Sidebar,
    inbox: &InboxName,
    query: &Query,
    known: &Acquaintance,
) -> Result<Kin, Refusal> {
    let store = &app.store;
    let mut found: BTreeSet<ConversationId> = BTreeSet::new();
    match (&query.external_userid, &query.userid, query.conversation) {
        (Some(external), None, None) => {
            let external = account(external)?;
            let handles = sidebar.handle(external).into_iter();
            for handle in handles.chain(known.profile.handles.iter().cloned()) {
                found.extend(store.known_as(&handle).await?);
            }
            found.extend(store.find(&thread(inbox, PeerId::new(external))).await?);
        }
        (None, Some(userid), None) => {
            let userid = PeerId::new(account(userid)?);
            found.extend(store.find(&thread(inbox, userid)).await?);
        }
        (None, None, Some(number)) => {
            let id = ConversationId(number);
            found.extend(store.conversation(id).await?.map(|_| id));
        }
        _ => {
            let which = "say who is meant: external_userid, userid or conversation";
            return Err(Refusal::Malformed(which.to_owned()));
        }
    }
    let mut kin: BTreeMap<ConversationId, (Conversation, Contact)> = BTreeMap::new();
    for id in found.into_iter().take(THREADS) {
        let same = store.kin(id, None).await?;
        kin.extend(same.into_iter().map(|one| (one.0.id, one)));
    }
    Ok(kin.into_values().take(THREADS).collect())
}

/// What was said last on all of them, in order of time.
async fn last_lines(app: &App, kin: &Kin) -> Result<Vec<(ConversationId, Entry)>, Refusal> {
    let mut lines = Vec::new();
    for (conversation, _) in kin {
        let recent = app.store.recent(conversation.id, MESSAGES, false).await?;
        let said = recent
            .into_iter()
            .filter(|line| !matches!(line.content, Content::Event(_)));
        lines.extend(said.map(|line| (conversation.id, line)));
    }
    lines.sort_by_key(|(_, line)| line.at);
    lines.drain(..lines.len().saturating_sub(MESSAGES));
    Ok(lines)
}

/// What is shown, as JSON.
struct Shown<'a> {
    app: &'a App,
    kin: &'a Kin,
}

impl Shown<'_> {
    /// The conversation somebody answers, or a bot: of several the one where anybody spoke last.
    fn open(&self) -> Option<&Conversation> {
        let open = self.kin.iter().map(|(conversation, _)| conversation);
        open.filter(|conversation| !matches!(conversation.phase, Phase::Resolved { .. }))
            .max_by_key(|conversation| conversation.spoke_at)
    }

    fn contact(&self, known: &Acquaintance) -> Value {
        let Some((first, _)) = self.kin.first() else {
            return match known.profile.name {
                Some(_) => {
                    json!({ "name": known.profile.name, "avatar": known.profile.avatar_url, "threads": [] })
                }
                None => Value::Null,
            };
        };
        let profiles = || self.kin.iter().map(|(_, contact)| &contact.profile);
        let name = profiles()
            .chain([&known.profile])
            .find_map(|profile| profile.name.clone());
        let avatar = profiles()
            .chain([&known.profile])
            .find_map(|profile| profile.avatar_url.clone());
        let dedicated = self
            .kin
            .iter()
            .find_map(|(_, contact)| contact.dedicated.clone());
        let mut ratings: Vec<_> = self
            .kin
            .iter()
            .flat_map(|(_, contact)| &contact.ratings)
            .collect();
        ratings.sort_by_key(|rating| std::cmp::Reverse(rating.at));
        json!({
            "number": first.id,
            "name": name,
            "avatar": avatar,
            "dedicated": dedicated.map(|agent| self.agent(agent.as_str())),
            "ratings": ratings.iter().take(5).map(|rating| json!({ "score": rating.score, "at": rating.at.0 })).collect::<Vec<_>>(),
            "threads": self.kin.iter().map(|(conversation, contact)| json!({
                "conversation": conversation.id,
                "inbox": conversation.thread.inbox,
                "name": contact.display_name(&conversation.thread.peer, self.app.settings.server.locale),
                "reachable": contact.reachable,
                "spoke_at": conversation.spoke_at.0,
            })).collect::<Vec<_>>(),
        })
    }

    fn conversation(&self, conversation: &Conversation) -> Value {
        let since = match &conversation.phase {
            Phase::Assisted => None,
            Phase::Queued(waiting) => Some(waiting.since),
            Phase::Assigned { since, .. } | Phase::Resolved { since } => Some(*since),
        };
        let agent = conversation.agent();
        json!({
            "number": conversation.id,
            "inbox": conversation.thread.inbox,
            "phase": conversation.phase.name(),
            "agent": agent.map(|agent| self.agent(agent.as_str())),
            "since": since.map(|at| at.0),
            "opened_at": conversation.opened_at.0,
            "spoke_at": conversation.spoke_at.0,
        })
    }

    /// An agent by the name people read.
    fn agent(&self, name: &str) -> String {
        let known = self.app.settings.agents.get(name);
        known.map_or_else(|| name.to_owned(), |agent| agent.display_name.clone())
    }

    fn line(&self, of: ConversationId, line: &Entry) -> Value {
        let (by, name) = match &line.author {
            EntryAuthor::Contact => ("contact", None),
            EntryAuthor::Agent(agent) => ("agent", Some(self.agent(agent.as_str()))),
            EntryAuthor::Bot(bot) => ("bot", Some(bot.to_string())),
            EntryAuthor::System => ("system", None),
            EntryAuthor::Note => ("note", None),
        };
        let text = line.content.words().map_or_else(
            || excerpt(&line.content, self.app.settings.server.locale),
            str::to_owned,
        );
        json!({
            "conversation": of,
            "by": by,
            "name": name,
            "text": text,
            "at": line.at.0,
        })
    }
}
