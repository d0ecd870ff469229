//! The operator's smaller commands: what is linked, one message's way, the schema.

use std::{io::Write, sync::Arc};

use anyhow::bail;
use bridge_core::{
    bot::Audience,
    clock::{SystemClock, Timestamp},
    message::ArrivalId,
    registry::Registry,
    store::{Trace, Verdict},
};
use serde_json::{Value, json};

use crate::{
    http::runtime,
    settings::{self, Settings},
    storage,
};

/// Prints a line; a closed pipe is nobody's fault.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// What is linked.
pub(crate) fn plugins(as_json: bool) -> anyhow::Result<()> {
    let registry = Registry::linked()?;
    let value = describe(&registry);
    if as_json {
        say(&serde_json::to_string_pretty(&value)?);
        return Ok(());
    }
    for kind in ["bots", "guards", "channels"] {
        say(&format!("{kind}:"));
        for item in value[kind].as_array().into_iter().flatten() {
            let text = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
            let aliases: Vec<&str> = item["aliases"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            say(&format!(
                "  {:<16} {:<40} {}  [{}]",
                text("name"),
                aliases.join(" "),
                text("help"),
                text("crate")
            ));
        }
    }
    Ok(())
}

fn describe(registry: &Registry) -> Value {
    let bots: Vec<Value> = registry
        .bots
        .values()
        .map(|spec| {
            let audience = match spec.audience {
                Audience::Agents => "agents",
                Audience::Contacts => "contacts",
                Audience::Everyone => "everyone",
            };
            let help = spec.command().get_about().map(ToString::to_string).unwrap_or_default();
            json!({ "name": spec.name, "aliases": spec.aliases, "audience": audience, "help": help, "crate": spec.from_crate })
        })
        .collect();
    let guards: Vec<Value> = registry
        .guards
        .values()
        .map(|spec| json!({ "name": spec.name, "crate": spec.from_crate }))
        .collect();
    let channels: Vec<Value> = registry
        .channels
        .values()
        .map(|spec| json!({ "name": spec.name, "crate": spec.from_crate }))
        .collect();
    json!({ "bots": bots, "guards": guards, "channels": channels })
}

/// The JSON Schema of the whole configuration.
pub(crate) fn schema() -> anyhow::Result<()> {
    let schema = settings::schema(&Registry::linked()?);
    say(&serde_json::to_string_pretty(&schema)?);
    Ok(())
}

/// The documented example.
pub(crate) fn example() -> anyhow::Result<()> {
    say(settings::example(&Registry::linked()?).trim_end());
    Ok(())
}

/// One message's whole way.
pub(crate) fn trace(settings: &Settings, id: i64, json: bool) -> anyhow::Result<()> {
    let place = storage::place(settings);
    let found = runtime().map_err(anyhow::Error::new)?.block_on(async {
        let store = place.look(&settings.storage).await?;
        store.trace(ArrivalId(id)).await
    })?;
    match found {
        Some(trace) if json => say(&serde_json::to_string_pretty(&trace)?),
        Some(trace) => print_trace(&trace),
        None => bail!("没有编号为 {id} 的消息 / there is no message {id}"),
    }
    Ok(())
}

fn print_trace(trace: &Trace) {
    let arrival = &trace.arrival;
    let start = arrival.arrival.received_at;
    let after = |at: Timestamp| format!("{at}  +{} ms", at.since(start).as_millis());
    say(&format!(
        "trace {}  conversation {}  {}",
        arrival.id,
        arrival.conversation,
        arrival.arrival.thread()
    ));
    say(&format!("  sent       {}", arrival.arrival.sent_at));
    say(&format!("  received   {}", after(start)));
    say(&format!(
        "  decoded    {}  {}",
        after(arrival.decoded_at),
        serde_json::to_string(&arrival.arrival.what).unwrap_or_default()
    ));
    say(&format!("  accepted   {}", after(arrival.accepted_at)));
    match &arrival.turned {
        Some((at, Verdict::Turned { by, note })) => {
            let by = by.as_ref().map_or("the chain", |bot| bot.as_str());
            say(&format!(
                "  turned     {}  by {by} {}",
                after(*at),
                note.as_deref().unwrap_or_default()
            ));
        }
        Some((at, Verdict::Dead { reason })) => {
            say(&format!("  dead       {}  {reason}", after(*at)))
        }
        None => say("  turned     not yet"),
    }
    for dispatch in &trace.dispatches {
        say(&format!(
            "  dispatch {}  {} → {}  {}",
            dispatch.id, dispatch.inbox, dispatch.to, dispatch.state
        ));
        say(&format!(
            "    converted  {}  {}",
            after(dispatch.created_at),
            serde_json::to_string(&dispatch.content).unwrap_or_default()
        ));
        let tries = dispatch.attempts;
        let why = dispatch.reason.as_deref().unwrap_or_default();
        let external = dispatch.external_id.as_deref().unwrap_or_default();
        say(&format!(
            "    {:<10} {}  tries {tries} {external} {why}",
            dispatch.state,
            after(dispatch.at)
        ));
        if let Some(at) = dispatch.confirmed_at {
            say(&format!("    confirmed  {}", after(at)));
        }
        for loss in &dispatch.lost {
            say(&format!("    lost       {:?}: {}", loss.kind, loss.what));
        }
    }
}

/// Brings the store to this version's schema.
pub(crate) fn migrate(settings: &Settings) -> anyhow::Result<()> {
    let place = storage::place(settings);
    runtime().map_err(anyhow::Error::new)?.block_on(async {
        let store = place
            .open(true, &settings.storage, Arc::new(SystemClock))
            .await?;
        store.close().await
    })?;
    say(&format!("{place} 已是最新结构 / has this version's schema"));
    Ok(())
}
