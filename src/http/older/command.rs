//! `POST /api/wechat/work/command`: a `#` command of a WeCom member. It walks the way of the typed one: a turn of the
//! conversation, its bot, its answer in the agent's chat. Nothing is done here.

use actix_web::{HttpRequest, HttpResponse, web};
use bridge_core::{
    channel::Persona,
    message::{Author, ConversationId, InboxName, PeerId, ThreadKey},
    routing::Agent,
};

use super::{
    Refusal, account, admitted, external_id, lane,
    message::{taken, thread, typed},
    read, words, working,
};
use crate::{app::App, http::body::Body};

/// A member's command.
#[derive(serde::Deserialize)]
struct Command {
    /// The member's account.
    #[serde(alias = "from", alias = "from_user", alias = "FromUserName")]
    userid: String,
    /// The command, with or without its `#`.
    #[serde(alias = "text", alias = "content")]
    command: String,
    /// Which conversation, by its number; none: the one the agent has, or the one that is open in their WeCom chat.
    conversation: Option<i64>,
    /// The caller's id of the command, by which a repeat is known; with `time`.
    id: Option<String>,
    /// When it was given, in seconds since 1970.
    #[serde(alias = "timestamp")]
    time: Option<i64>,
}

pub(super) async fn post(
    request: HttpRequest,
    Body(body): Body,
    app: web::Data<App>,
) -> Result<HttpResponse, Refusal> {
    let inbox = admitted(&request, &app)?;
    let command: Command = read(&body)?;
    let userid = account(&command.userid)?;
    let agent = employee(&app, &inbox, userid).ok_or(Refusal::NotAnAgent)?;
    let words = words(&command.command)?;
    let line = match words.starts_with(['#', '＃']) {
        true => words,
        false => format!("#{words}"),
    };
    let now = app.engine.parts().clock.now();
    let id = external_id(command.id.as_deref(), command.time, now.as_secs())?;
    let conversation = command.conversation.map(ConversationId);
    // Typed to the app: whichever contact is open in their chat is meant, as when they type it.
    let (thread, author) = match (conversation, lane(&app, &inbox, userid)) {
        (None, (thread, author)) if author == Author::Agent(agent.account.clone()) => {
            (thread, author)
        }
        _ => {
            let thread = stand_in(&app, agent, conversation).await?;
            (thread, Author::Agent(agent.account.clone()))
        }
    };
    let arrival = typed(thread, author, id, line, now);
    taken(&app, arrival).await
}

/// The agent a member is: by their account in the app's inbox, or as the configuration says.
fn employee<'a>(app: &'a App, inbox: &InboxName, userid: &str) -> Option<&'a Agent> {
    let named = app.settings.older_routes.employees.get(userid);
    named.map_or_else(
        || working(app, inbox, userid),
        |name| app.settings.agents.get(name.as_str()),
    )
}

/// The chat with a contact's stand-in at the agent's desk, where a command is typed.
async fn stand_in(
    app: &App,
    agent: &Agent,
    conversation: Option<ConversationId>,
) -> Result<ThreadKey, Refusal> {
    const NONE: Refusal = Refusal::NotFound("the agent has no such conversation");
    if let Some(id) = conversation {
        let (known, _) = app.store.conversation(id).await?.ok_or(NONE)?;
        let thread = thread(&agent.inbox, Persona::id_of(&known.thread));
        let leads = app.store.find(&thread).await?;
        return if leads == Some(id) {
            Ok(thread)
        } else {
            Err(NONE)
        };
    }
    let mut theirs: Vec<(i64, PeerId)> = Vec::new();
    for open in app.store.open_threads().await? {
        let threads = open.threads.into_iter();
        for thread in
            threads.filter(|thread| open.agent == agent.name && thread.inbox == agent.inbox)
        {
            if let Some(ConversationId(id)) = app.store.find(&thread).await? {
                theirs.push((id, thread.peer));
            }
        }
    }
    match theirs.as_slice() {
        [] => Err(NONE),
        [(_, peer)] => Ok(thread(&agent.inbox, peer.clone())),
        several => Err(Refusal::Ambiguous(
            several.iter().map(|(id, _)| *id).take(100).collect(),
        )),
    }
}
