//! `kefu-bridge check`: the configuration, then each thing it names; one line per finding: what, where, how to mend it.

mod address;

use std::path::Path;

use anyhow::Context;
use bridge_core::{channel::Finding, secret::Secret, texts::Locale};

use crate::{
    app::App,
    cli::Failure,
    http::runtime,
    operate::say,
    settings::{self, CacheSection, QueueSection, Settings},
    shared,
};

/// Checks; prints one line per finding.
pub(crate) fn run(path: &Path, offline: bool) -> Result<(), Failure> {
    let settings = settings::load(path)?;
    let locale = settings.server.locale;
    if settings.inboxes.is_empty() {
        say(match locale {
            Locale::Zh => "⚠ inboxes: 没有任何收件箱，收不到消息 → kefu-bridge config example",
            Locale::En => {
                "⚠ inboxes: there is none, so nothing can be heard → kefu-bridge config example"
            }
        });
    }
    let ok = |zh: &str, en: &str| say(&format!("✓ {}", if locale == Locale::Zh { zh } else { en }));
    if offline {
        // What plugins say about their sections is part of the file's truth, and needs no network.
        let (trial, _folder) = trial(settings)?;
        runtime()?.block_on(App::build(trial)).map(drop)?;
        ok("配置文件没有问题", "the configuration is in order");
        return Ok(());
    }
    let failed = runtime()?.block_on(async {
        let app = App::build(settings).await?;
        ok("配置文件没有问题", "the configuration is in order");
        ok("数据库可以写入", "the store can be written");
        Ok::<_, Failure>(try_all(&app, locale).await)
    })?;
    if failed { Err(Failure::Check) } else { Ok(()) }
}

/// The same configuration on a store, cache and broker of its own, which go with the folder.
pub(crate) fn trial(mut settings: Settings) -> anyhow::Result<(Settings, tempfile::TempDir)> {
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let file = folder.path().join("check.db");
    settings.storage.url = Secret::new(format!("sqlite://{}", file.display()));
    settings.storage.migrate = true;
    settings.media.dir = folder.path().join("media");
    settings.cache = CacheSection::default();
    settings.queue = QueueSection::default();
    Ok((settings, folder))
}

/// Asks every channel and bot that can be asked.
async fn try_all(app: &App, locale: Locale) -> bool {
    let mut failed = report("", &shared::findings(app.engine.parts()).await, locale);
    let address = address::finding(&app.settings.server).await;
    failed |= report("", &[address], locale);
    let parts = app.engine.parts();
    for (inbox, channel) in parts.channels.iter() {
        if let Some(check) = channel.check() {
            failed |= report(&format!("inboxes.{inbox}"), &check.check().await, locale);
        }
    }
    for known in parts.catalogue.iter() {
        if let Some(check) = known.bot.check() {
            failed |= report(
                &format!("bots.{}", known.spec.name),
                &check.check().await,
                locale,
            );
        }
    }
    failed
}

/// Prints findings; whether one is bad.
fn report(section: &str, findings: &[Finding], locale: Locale) -> bool {
    for finding in findings {
        let mark = if finding.ok { "✓" } else { "✗" };
        let mend = finding.mend.get(locale);
        let mend = if mend.is_empty() {
            String::new()
        } else {
            format!(" → {mend}")
        };
        let section = if section.is_empty() {
            String::new()
        } else {
            format!("{section}.")
        };
        say(&format!(
            "{mark} {section}{}: {}{mend}",
            finding.key,
            finding.what.get(locale)
        ));
    }
    findings.iter().any(|finding| !finding.ok)
}
