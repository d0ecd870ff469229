//! Undoes a merge: the thread is a contact of its own again, with all that was its own.

use bridge_core::{
    bot::{Audience, BotError, BotSpec, ChatBot, Effect, Turn, async_trait},
    plugin::{BuildError, Plugin, Tools},
    texts::Text,
};

use super::{NoSettings, say};

/// 撤销合并：把当前（或指定的）渠道从这位客户中拆分出来
///
/// Undoes a merge: this thread, or the one that is named, is another person's after all.
#[derive(Debug, Default, clap::Args)]
pub struct Args {
    /// 要拆分出来的客户：编号、手机号、UnionID 或平台账号
    ///
    /// Which thread: its number, a phone number, a unionid or a platform account.
    #[arg(value_name = "CONTACT", conflicts_with = "contact")]
    other: Option<String>,

    /// 要拆分出来的客户：编号、手机号、UnionID 或平台账号
    ///
    /// Which thread: its number, a phone number, a unionid or a platform account.
    #[arg(short, long, value_name = "CONTACT")]
    contact: Option<String>,
}

/// Says that a contact is not the same person after all (`#拆分`).
pub struct Split;

impl Plugin for Split {
    type Config = NoSettings;

    fn build(_: NoSettings, _: &Tools) -> Result<Self, BuildError> {
        Ok(Self)
    }
}

#[async_trait]
impl ChatBot for Split {
    type Args = Args;

    async fn answer(&self, args: Args, turn: &Turn) -> Result<Vec<Effect>, BotError> {
        Ok(vec![match turn.is_theirs() {
            true => Effect::Split {
                who: args.contact.or(args.other),
            },
            false => say(turn, Text::CommandNotYours, &[]),
        }])
    }
}

bridge_core::register!(
    BotSpec::new::<Split>("split")
        .aliases(&["拆分"])
        .audience(Audience::Agents)
);

#[cfg(test)]
mod tests {
    use bridge_core::testkit::{answer, turn_of_agent};

    use super::*;

    #[tokio::test]
    async fn this_thread_or_the_one_that_is_named() {
        for (typed, who) in [
            ("#拆分", None),
            ("#split -c 15", Some("15")),
            ("#拆分 15", Some("15")),
        ] {
            let effects = answer(&Split, &turn_of_agent("system", typed)).await;
            let who = who.map(str::to_owned);
            assert_eq!(effects, Ok(vec![Effect::Split { who }]), "{typed}");
        }
    }
}
