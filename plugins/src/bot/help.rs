//! The commands this sender may use here.

use bridge_core::{
    bot::{Audience, BotError, BotSpec, ChatBot, Effect, Turn, async_trait},
    plugin::{BuildError, Plugin, Tools},
};

use super::NoSettings;

/// 列出您可以使用的命令，或某个命令的用法
///
/// Lists the commands you may use, or explains one.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// 要查看的命令
    ///
    /// The command to explain.
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

/// Explains the commands to whoever may use them (`#帮助`).
pub struct Help;

impl Plugin for Help {
    type Config = NoSettings;

    fn build(_: NoSettings, _: &Tools) -> Result<Self, BuildError> {
        Ok(Self)
    }
}

#[async_trait]
impl ChatBot for Help {
    type Args = Args;

    async fn answer(&self, args: Args, turn: &Turn) -> Result<Vec<Effect>, BotError> {
        Ok(vec![match &args.command {
            None => Effect::reply(turn.manual.list(&turn.author, &turn.texts)),
            Some(name) => page(name.trim_start_matches(['#', '＃']), turn),
        }])
    }
}

fn page(name: &str, turn: &Turn) -> Effect {
    let manual = &turn.manual;
    let page = manual
        .page(name)
        .filter(|page| page.spec.audience.admits(&turn.author));
    if let Some(page) = page {
        return Effect::reply(page.help(&turn.texts));
    }
    Effect::reply(manual.unknown(name, &turn.author, &turn.texts))
}

bridge_core::register!(
    BotSpec::new::<Help>("help")
        .aliases(&["帮助"])
        .audience(Audience::Agents)
);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bridge_core::{
        bot::Manual,
        testkit::{answer, turn_of_agent, words},
        texts::{Locale, Texts},
    };

    use super::*;
    use crate::bot::{queue::Queue, quit::Quit, send::Send, transfer::Transfer};

    fn manual() -> Arc<Manual> {
        let registry = bridge_core::registry::Registry::linked().unwrap();
        Arc::new(registry.bots.values().map(|spec| **spec).collect())
    }

    async fn shown(line: &str, locale: Locale) -> String {
        let mut turn = turn_of_agent("system", line);
        turn.manual = manual();
        turn.texts = Arc::new(Texts::new(locale));
        let effects = answer(&Help, &turn).await.unwrap();
        assert_eq!(effects.len(), 1);
        words(&effects)[0].to_owned()
    }

    #[tokio::test]
    async fn lists_what_this_agent_may_use() {
        insta::assert_snapshot!("list_zh", shown("#帮助", Locale::Zh).await);
        insta::assert_snapshot!("list_en", shown("#help", Locale::En).await);
    }

    #[tokio::test]
    async fn explains_one_command() {
        insta::assert_snapshot!("transfer_zh", shown("#帮助 转接", Locale::Zh).await);
        insta::assert_snapshot!("transfer_en", shown("#help #transfer", Locale::En).await);
    }

    #[tokio::test]
    async fn an_unknown_command_is_answered_with_the_nearest() {
        let shown = shown("#帮助 转街", Locale::Zh).await;
        assert!(shown.contains("#转接"), "{shown}");
    }

    #[test]
    fn clap_finds_no_fault_with_any_bots_arguments() {
        for spec in bridge_core::registry::Registry::linked()
            .unwrap()
            .bots
            .values()
        {
            bridge_core::bot::grammar::command(spec).debug_assert();
        }
    }

    /// The names of the contract, case, width and spelling aside.
    #[test]
    fn every_name_of_the_contract_is_there() {
        let manual = manual();
        for (bot, names) in [
            (
                "transfer",
                "转接 transfer 转接工程师 Trasfor Transfor Transform TRANSFER",
            ),
            ("queue", "排队 queue stack Stack"),
            ("send", "发送 send"),
            ("quit", "退出 quit qui Qui ＱＵＩＴ"),
            ("help", "帮助 help"),
        ] {
            for name in names.split(' ') {
                let page = manual.page(name);
                assert_eq!(page.map(|page| page.spec.name), Some(bot), "{name}");
            }
        }
        // Linked because they are named here, not because a dependency is listed.
        let _ = (Queue, Quit, Send::default(), Transfer);
    }
}
