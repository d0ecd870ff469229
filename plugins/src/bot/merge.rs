//! Says that two contacts are one person: each keeps its conversation and its channel, and whoever answers sees both.

use bridge_core::{
    bot::{Audience, BotError, BotSpec, ChatBot, Effect, Turn, async_trait},
    message::Handle,
    plugin::{BuildError, Plugin, Tools},
    texts::Text,
};

use super::{NoSettings, say};

/// 把另一个渠道上的同一位客户合并进来；不写则显示已合并的渠道
///
/// Says that a contact on another channel is the same person; without any, shows who is merged already.
#[derive(Debug, Default, clap::Args)]
pub struct Args {
    /// 另一位客户：交接卡片上的编号、手机号、UnionID 或平台账号
    ///
    /// The other contact: the number on the card, a phone number, a unionid or a platform account.
    #[arg(value_name = "CONTACT", conflicts_with = "contact")]
    other: Option<String>,

    /// 另一位客户：交接卡片上的编号、手机号、UnionID 或平台账号
    ///
    /// The other contact: the number on the card, a phone number, a unionid or a platform account.
    #[arg(short, long, value_name = "CONTACT")]
    contact: Option<String>,

    /// 记下客户的手机号，并与使用同一手机号的客户合并
    ///
    /// Notes the contact's phone number, and merges with whoever has the same.
    #[arg(short, long, value_name = "NUMBER", conflicts_with_all = ["other", "contact"])]
    phone: Option<String>,
}

/// Says that two contacts are one person (`#合并`).
pub struct Merge;

impl Plugin for Merge {
    type Config = NoSettings;

    fn build(_: NoSettings, _: &Tools) -> Result<Self, BuildError> {
        Ok(Self)
    }
}

#[async_trait]
impl ChatBot for Merge {
    type Args = Args;

    async fn answer(&self, args: Args, turn: &Turn) -> Result<Vec<Effect>, BotError> {
        if !turn.is_theirs() {
            return Ok(vec![say(turn, Text::CommandNotYours, &[])]);
        }
        Ok(vec![match args.phone {
            Some(phone) => match Handle::phone(&phone) {
                Some(handle) => Effect::Identify(vec![handle]),
                None => say(turn, Text::PhoneWrong, &[("phone", &phone)]),
            },
            None => Effect::Merge {
                who: args.contact.or(args.other),
            },
        }])
    }
}

bridge_core::register!(
    BotSpec::new::<Merge>("merge")
        .aliases(&["合并"])
        .audience(Audience::Agents)
);

#[cfg(test)]
mod tests {
    use bridge_core::{
        message::AgentName,
        testkit::{answer, turn_of_agent, words},
    };

    use super::*;

    #[tokio::test]
    async fn whoever_is_meant_is_handed_on_as_written() {
        for typed in ["#合并 -c 12", "#merge --contact=12", "#合并 12"] {
            let effects = answer(&Merge, &turn_of_agent("system", typed))
                .await
                .unwrap();
            let who = Some("12".to_owned());
            assert_eq!(effects, [Effect::Merge { who }], "{typed}");
        }
        let effects = answer(&Merge, &turn_of_agent("system", "#合并")).await;
        assert_eq!(effects, Ok(vec![Effect::Merge { who: None }]));
    }

    #[tokio::test]
    async fn a_phone_number_is_checked_before_it_is_noted() {
        let turn = turn_of_agent("system", "#合并 -p 138-0013-8000");
        let phone = Handle::phone("13800138000").unwrap();
        assert_eq!(
            answer(&Merge, &turn).await,
            Ok(vec![Effect::Identify(vec![phone])])
        );
        let turn = turn_of_agent("system", "#合并 -p 42");
        let effects = answer(&Merge, &turn).await.unwrap();
        assert_eq!(words(&effects), ["“42”不是有效的手机号，未做改动。"]);
    }

    #[tokio::test]
    async fn a_colleagues_contact_is_left_alone() {
        let mut turn = turn_of_agent("system", "#合并 -c 12");
        turn.agent = Some(AgentName::new("lin"));
        let effects = answer(&Merge, &turn).await.unwrap();
        assert_eq!(words(&effects).len(), 1);
    }
}
