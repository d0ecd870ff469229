//! `kefu-bridge store copy`: a small start outgrows its machine without losing a message. Everything that the SQLite file
//! holds goes into PostgreSQL; what was cut short carries on; at the end every row is compared.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use bridge_core::store::moving::{self, Difference, Key, MoveError, Moved, Step, Table};
use bridge_store_postgres::Quiet as Server;
use bridge_store_sqlite::Quiet as File;

use crate::{cli::Failure, http::runtime, operate::say, settings, storage::Place};

/// Rows in memory at a time.
const PAGE: usize = 500;

/// 从哪里到哪里 / From where to where.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// 源数据库，须已停止服务；可写 ${环境变量} / Where from: no bridge may run on it. `${NAME}` is read from the environment.
    #[arg(long, value_name = "sqlite://PATH")]
    from: String,
    /// 目标数据库，须为空；可写 ${环境变量} / Where to: empty. `${NAME}` is read from the environment.
    #[arg(long, value_name = "postgres://USER:PASSWORD@HOST/DATABASE")]
    to: String,
}

/// Copies, compares, and says which of both it came to.
pub(crate) fn copy(args: &Args) -> Result<(), Failure> {
    let (from, to) = (place(&args.from, "--from")?, place(&args.to, "--to")?);
    let (Place::File(path), Place::Server(url)) = (&from, &to) else {
        let only = "只能从 sqlite://… 复制到 postgres://… / only from sqlite://… to postgres://…";
        return Err(Failure::Usage(only.to_owned()));
    };
    let moved = runtime()?.block_on(async {
        let origin = File::open(path).with_context(|| {
            format!("无法打开源数据库 {from}：文件要在，且没有服务在用 / cannot open {from}: it must be there, and no bridge may run on it")
        })?;
        let destination = Server::connect(url.expose()).await.with_context(|| {
            format!("无法使用目标数据库 {to} / cannot use {to}")
        })?;
        moving::run(&origin, &destination, PAGE, progress).await.map_err(|error| {
            let what = match error {
                MoveError::Occupied(_) => "什么也没有写。换一个空的数据库；已完成的复制，直接把 storage.url 指过去 / nothing was written: name an empty database; a finished copy is there to be used as storage.url",
                _ => "复制没有完成，再次运行同一命令会接着做 / the copy is not finished; the same command carries on",
            };
            anyhow::Error::new(error).context(what)
        })
    })?;
    Ok(verdict(&moved, &to)?)
}

/// A place as it is written, with the environment put in: a password need not be seen among the processes.
fn place(url: &str, option: &str) -> Result<Place, Failure> {
    let environment: BTreeMap<String, String> = std::env::vars().collect();
    match settings::expanded(url, &environment) {
        Ok(url) if url.starts_with("sqlite://") || url.starts_with("postgres") => {
            Ok(Place::of(&url))
        }
        // Not what was given: it may hold a password.
        Ok(_) => Err(Failure::Usage(format!(
            "{option}: 地址要写成 / must be written sqlite://PATH 或 / or postgres://USER:PASSWORD@HOST/DATABASE"
        ))),
        Err(name) => Err(Failure::Usage(format!(
            "{option}: 环境变量 {name} 没有设置 / the environment variable {name} is not set"
        ))),
    }
}

fn progress(step: Step) {
    match step {
        Step::CarriesOn(table) => {
            say(&format!(
                "接着上次做，从 {0} 起 / carrying on at {0}",
                table.name()
            ));
        }
        Step::Copied(table, rows) => {
            say(&format!(
                "已复制 / copied    {:<14}{rows:>12}",
                table.name()
            ));
        }
        Step::Compared(table, rows) => {
            say(&format!(
                "已核对 / compared  {:<14}{rows:>12}",
                table.name()
            ));
        }
    }
}

fn verdict(moved: &Moved, to: &Place) -> anyhow::Result<()> {
    match moved {
        Moved::Same { rows } => {
            let all: u64 = rows.iter().map(|(_, rows)| rows).sum();
            say(&format!(
                "✓ 一致：{all} 行逐行核对无误。把 storage.url 改为 {to}，媒体目录一并带上，即可启动；源数据库不要再用。"
            ));
            say(&format!(
                "✓ the same: {all} rows compared one by one. Set storage.url to {to}, take the media folder along, and start; do not run on the old store again."
            ));
            Ok(())
        }
        Moved::Differs(difference) => bail!(
            "✗ 不一致：{0}。目标数据库不可使用；再次运行会从头复制 / different: {0}. The copy is not to be used; the next run begins anew",
            describe(difference)
        ),
    }
}

fn describe(difference: &Difference) -> String {
    match difference {
        Difference::Row(table, key) => format!("{} {}", table.name(), name(*table, key)),
        Difference::Numbers(wanted, found) => format!("numbers {wanted:?} ≠ {found:?}"),
    }
}

/// A row's key as a person reads it. Facts may be secrets, but their names are not.
fn name(table: Table, Key(number, second, word, word_two): &Key) -> String {
    match table {
        Table::Facts | Table::Media => word.clone(),
        Table::Threads | Table::Cursors | Table::Seen => format!("{word}/{word_two}"),
        Table::Deadlines => format!("{number} {word}"),
        Table::Sent => format!("{number} {second}"),
        _ => number.to_string(),
    }
}
