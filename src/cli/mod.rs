//! The command line. Exit codes: 0 fine, 1 a check failed or the work could not be done, 2 usage or configuration.

mod wording;

use std::{path::PathBuf, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::{backup, check, code, http, moving, operate, sandbox, settings};

/// 客服桥：把微信客户接到 AI 和人工客服 / Kefu Bridge: WeChat customers to an assistant and to people.
#[derive(Parser)]
#[command(name = "kefu-bridge", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// 启动服务 / Runs the bridge.
    Serve(Config),
    /// 离线沙盒：模拟微信、腾讯云 IM 和 Dify / The whole system offline in one process.
    #[command(after_help = format!("故障 / Faults: {}", bridge_sandbox::faults::HELP))]
    Sandbox(sandbox::Args),
    /// 检查配置和各项依赖 / Checks a configuration and everything it names.
    Check {
        #[command(flatten)]
        config: Config,
        /// 只检查配置文件，不连接外部系统 / The file only, nothing it names.
        #[arg(long)]
        offline: bool,
    },
    /// 列出已编译进来的机器人、守卫和渠道 / What is linked: bots, guards, channels.
    Plugins {
        /// 以 JSON 输出 / As JSON.
        #[arg(long)]
        json: bool,
    },
    /// 生成专属客服的二维码或小程序码 / A code to scan that makes an agent the dedicated one.
    Code(code::Args),
    /// 查看一条消息的全过程 / One message's whole way, with times.
    Trace {
        #[command(flatten)]
        config: Config,
        /// 消息编号，日志里的 trace=… / The trace id, as logs show it: trace=….
        #[arg(value_parser = trace_id)]
        id: i64,
        /// 以 JSON 输出 / As JSON.
        #[arg(long)]
        json: bool,
    },
    /// 升级数据库结构 / Brings the store to this version's schema.
    Migrate(Config),
    /// 在线备份 / A consistent copy of store and media while the bridge runs.
    Backup {
        #[command(flatten)]
        config: Config,
        /// 备份目录 / Where to.
        dir: PathBuf,
    },
    /// 从备份恢复 / Back from a copy; the bridge must not run.
    Restore {
        #[command(flatten)]
        config: Config,
        /// 备份目录 / Where from.
        dir: PathBuf,
    },
    /// 数据库 / The store.
    Store {
        #[command(subcommand)]
        what: StoreCommand,
    },
    /// 配置示例与模式 / The documented example, and the JSON Schema.
    Config {
        #[command(subcommand)]
        what: ConfigCommand,
    },
}

fn trace_id(given: &str) -> Result<i64, &'static str> {
    let wrong = "应为数字，见日志里的 trace=… / must be a number, as logs show it: trace=…";
    given
        .trim_start_matches("trace=")
        .parse()
        .map_err(|_| wrong)
}

/// Where the configuration is.
#[derive(clap::Args, Clone)]
pub(crate) struct Config {
    /// 配置文件 / The configuration file.
    #[arg(short = 'c', long = "config", default_value = "config.toml")]
    pub(crate) path: PathBuf,
}

#[derive(Subcommand)]
enum StoreCommand {
    /// 搬到另一个数据库：可中断续做，最后逐行核对 / Moves everything into another store: resumable, and compared row by row.
    Copy(moving::Args),
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// 带注释的示例 / The documented example.
    Example,
    /// JSON Schema.
    Schema,
}

/// Why the program ends with something else than 0.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The configuration is wrong: code 2.
    #[error("{0}")]
    Configuration(#[from] settings::Faults),
    /// The command line asks for what cannot be: code 2.
    #[error("{0}")]
    Usage(String),
    /// A check failed: code 1. The findings have been printed.
    #[error("检查未通过 / a check failed")]
    Check,
    /// The work could not be done: code 1.
    #[error(transparent)]
    Work(#[from] anyhow::Error),
}

/// Runs the program with the process's arguments.
pub fn run() -> ExitCode {
    // Installed once per process; a second call by a distribution changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let typed = wording::in_both(Cli::command()).try_get_matches();
    let cli = match typed.and_then(|typed| Cli::from_arg_matches(&typed)) {
        Ok(cli) => cli,
        Err(error) => return misread(&error),
    };
    match execute(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => complain(&failure),
    }
}

/// Help and version are no errors: clap knows which stream and code they want.
fn misread(error: &clap::Error) -> ExitCode {
    use clap::error::ErrorKind as K;
    match error.kind() {
        K::DisplayHelp | K::DisplayVersion | K::DisplayHelpOnMissingArgumentOrSubcommand => {
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            let _ = error.print();
            ExitCode::from(code)
        }
        _ => complain(&Failure::Usage(wording::complaint(error))),
    }
}

fn execute(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(config) => http::serve(settings::load(&config.path)?),
        Command::Sandbox(args) => sandbox::run(args),
        Command::Check { config, offline } => check::run(&config.path, offline),
        Command::Plugins { json } => Ok(operate::plugins(json)?),
        Command::Code(args) => code::run(&args),
        Command::Trace { config, id, json } => {
            Ok(operate::trace(&settings::load(&config.path)?, id, json)?)
        }
        Command::Migrate(config) => Ok(operate::migrate(&settings::load(&config.path)?)?),
        Command::Backup { config, dir } => {
            Ok(backup::backup(&settings::load(&config.path)?, &dir)?)
        }
        Command::Restore { config, dir } => {
            Ok(backup::restore(&settings::load(&config.path)?, &dir)?)
        }
        Command::Store {
            what: StoreCommand::Copy(args),
        } => moving::copy(&args),
        Command::Config {
            what: ConfigCommand::Example,
        } => Ok(operate::example()?),
        Command::Config {
            what: ConfigCommand::Schema,
        } => Ok(operate::schema()?),
    }
}

/// One line first, the causes after.
#[expect(clippy::print_stderr, reason = "a command line speaks on stderr")]
fn complain(failure: &Failure) -> ExitCode {
    match failure {
        Failure::Configuration(_) | Failure::Usage(_) => {
            eprintln!("{failure}");
            ExitCode::from(2)
        }
        Failure::Check => ExitCode::from(1),
        Failure::Work(error) => {
            eprintln!("{error}");
            for cause in error.chain().skip(1) {
                eprintln!("  因为 / because: {cause}");
            }
            ExitCode::from(1)
        }
    }
}
