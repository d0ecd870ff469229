//! `kefu-bridge sandbox`: the whole system offline in one process. The platforms are real HTTP peers; the bridge is the
//! one that `serve` runs, configured against them.

mod configuration;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context;
use bridge_core::texts::Locale;
use bridge_sandbox::{Sandbox, StartError};

use crate::{
    cli::Failure,
    http::{self, StopSignal, runtime},
    logging,
    operate::say,
    settings::{self, LogFormat, Settings},
};

/// 沙盒选项 / What the sandbox can be told.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// 页面和模拟平台的监听地址 / Where the pages and the simulated platforms listen.
    #[arg(long, default_value = "127.0.0.1:9090")]
    listen: SocketAddr,
    /// 客服桥的监听地址，端口 0 为自动 / Where the bridge listens; port 0: any free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    bridge: SocketAddr,
    /// 预定故障，例如 wechat.send=45015x2,tim.send=slow:800 / Faults to order.
    #[arg(long, default_value = "")]
    faults: String,
    /// 数据目录；不填则用临时目录，退出即清除 / Where data is kept; by default a folder that goes with the process.
    #[arg(long)]
    data: Option<PathBuf>,
    /// 追加的配置，例如插件的 [guards.…]、[bots.…] 段 / More configuration: a plugin's section, texts, working hours.
    #[arg(long, value_name = "FILE")]
    with: Option<PathBuf>,
    /// 界面语言 / The language the bridge speaks: zh-CN or en.
    #[arg(long, default_value = "zh-CN")]
    locale: String,
}

/// Runs until Ctrl-C.
pub(crate) fn run(args: Args) -> Result<(), Failure> {
    logging::start(LogFormat::Text);
    let folder = Folder::new(args.data.clone())?;
    runtime()?.block_on(async {
        let platforms = bridge_sandbox::Settings {
            listen: args.listen.to_string(),
            faults: args.faults.clone(),
            ..bridge_sandbox::Settings::default()
        };
        let sandbox = Sandbox::start(platforms).map_err(not_started)?;
        let bridge = address(args.bridge).context("no free port for the bridge")?;
        let text = configuration::whole(sandbox.url(), bridge, &args.locale, folder.path());
        let settings = read(&text, args.with.as_deref())?;
        let running = http::start(settings).await?;
        sandbox.set_bridge(&format!("http://{}", running.address));
        let word = match running.app.settings.server.locale {
            Locale::Zh => "转人工",
            Locale::En => "agent",
        };
        greet(sandbox.url(), running.address, word);
        StopSignal::new().heard().await;
        running.stop().await;
        sandbox.stop().await;
        Ok(())
    })
}

/// What the sandbox writes itself needs no environment, and heeds none that is meant for another bridge.
fn read(text: &str, with: Option<&Path>) -> Result<Settings, settings::Faults> {
    let Some(file) = with else {
        return settings::read(text, &std::collections::BTreeMap::new());
    };
    let environment = std::env::vars().filter(|(name, _)| !name.starts_with("KEFU__"));
    settings::read(&settings::laid_over(text, file)?, &environment.collect())
}

/// What was ordered and cannot be is a mistake of whoever typed it.
fn not_started(error: StartError) -> Failure {
    match error {
        StartError::Faults(wrong) => Failure::Usage(format!("--faults: {wrong}")),
        other => {
            let wrong = "模拟平台无法启动 / the simulated platforms cannot start";
            Failure::Work(anyhow::Error::new(other).context(wrong))
        }
    }
}

fn greet(url: &str, bridge: SocketAddr, word: &str) {
    say("");
    say("  客服桥沙盒已启动 / The Kefu Bridge sandbox is running");
    say("");
    say(&format!("  全部页面 / everything       {url}/"));
    say(&format!("  手机（客户）/ the phone     {url}/phone.html"));
    say(&format!(
        "  手机（微信客服）/ WeChat KF {url}/phone.html?in=kf"
    ));
    say(&format!(
        "  小程序客户 / mini program   {url}/phone.html?in=mini"
    ));
    say(&format!("  客服工作台 / an agent       {url}/agent.html"));
    say(&format!("  企业微信 / in WeCom         {url}/wecom.html"));
    say(&format!(
        "  网页访客 / a site's visitor  http://{bridge}/web/site/"
    ));
    say(&format!("  嵌入的网站 / a site       {url}/site.html"));
    say(&format!("  报文 / the wire             {url}/wire.html"));
    say(&format!("  客服桥 / the bridge         http://{bridge}/"));
    say("");
    say(&format!(
        "  在手机页说“{word}”，再到客服页回复；客服可用 #转接 -n lin、#退出、#帮助。Ctrl-C 结束。"
    ));
    say(&format!(
        "  Say \"{word}\" on the phone, answer on the agent page; #help lists commands. Ctrl-C ends."
    ));
    say("");
}

/// Where the bridge will be: its links have to say so before it listens.
fn address(wanted: SocketAddr) -> std::io::Result<SocketAddr> {
    match wanted.port() {
        0 => std::net::TcpListener::bind(wanted)?.local_addr(),
        _ => Ok(wanted),
    }
}

/// The data's folder; a temporary one goes with the process.
enum Folder {
    Given(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Folder {
    fn new(given: Option<PathBuf>) -> Result<Self, Failure> {
        match given {
            Some(path) => {
                std::fs::create_dir_all(&path)
                    .with_context(|| format!("cannot make {}", path.display()))?;
                Ok(Self::Given(path))
            }
            None => Ok(Self::Temporary(
                tempfile::tempdir().context("no temporary folder")?,
            )),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Given(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }
}
