//! `kefu-bridge code`: a code to scan that brings a scene along; `agent:NAME` makes NAME the contact's dedicated agent.

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use bridge_core::message::{AgentName, InboxName};

use crate::{app::App, check, cli, cli::Failure, http::runtime, operate::say, settings};

/// What a code is made for.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: cli::Config,
    /// 收件箱名 / The inbox: a mini program's.
    inbox: String,
    /// 专属客服的名字 / The dedicated agent's name.
    #[arg(long, conflicts_with = "scene", required_unless_present = "scene")]
    agent: Option<String>,
    /// 其他参数 / Any other scene.
    #[arg(long)]
    scene: Option<String>,
    /// 打开的页面；不填用配置里的 / The page it opens; by default the configured one.
    #[arg(long)]
    page: Option<String>,
    /// 图片保存到哪里 / Where the picture is put.
    #[arg(short, long, default_value = "code.png")]
    out: PathBuf,
}

/// Makes one and puts it into a file.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let settings = settings::load(&args.config.path)?;
    let locale = settings.server.locale;
    let scene = match (&args.agent, &args.scene) {
        (Some(agent), _) if !settings.agents.contains_key(&AgentName::new(agent)) => {
            let wrong = format!("没有名为 {agent} 的客服 / there is no agent {agent}");
            return Err(Failure::Usage(wrong));
        }
        (Some(agent), _) => format!("agent:{agent}"),
        (None, scene) => scene.clone().unwrap_or_default(),
    };
    // The running bridge's store is none of this command's business.
    let (settings, _folder) = check::trial(settings)?;
    let code = runtime()?.block_on(async {
        let app = App::build(settings).await?;
        let inbox = InboxName::new(args.inbox.as_str());
        let channel = app.engine.parts().channels.get(&inbox).cloned();
        let channel = channel.ok_or_else(|| {
            Failure::Usage(format!("没有收件箱 {inbox} / there is no inbox {inbox}"))
        })?;
        let codes = channel.codes().ok_or_else(|| {
            Failure::Usage(format!(
                "{inbox} 的渠道不能生成码 / the channel of {inbox} makes no codes"
            ))
        })?;
        let made = codes.code(&scene, args.page.as_deref()).await;
        made.map_err(|error| match &error.advice {
            Some(advice) => Failure::Work(anyhow!("{}（{error}）", advice.get(locale))),
            None => Failure::Work(anyhow!("{error}")),
        })
    })?;
    std::fs::write(&args.out, &code.picture)
        .with_context(|| format!("cannot write {}", args.out.display()))?;
    say(&format!("{}  {scene}  {}", args.out.display(), code.mime));
    Ok(())
}
