//! Where in the queue: answers the command, and the plain speech of contacts who wait. What they say is kept in the
//! transcript in any case; the position is told them at most once in [`QUIET`].

use std::time::Duration;

use bridge_core::{
    bot::{Audience, BotError, BotSpec, ChatBot, Effect, Turn, async_trait},
    conversation::Phase,
    plugin::{BuildError, Plugin, Tools},
    texts::Text,
};

use super::{NoSettings, say};

/// How long a waiting contact who goes on talking is not told the position again.
const QUIET: Duration = Duration::from_secs(60);

/// 查看排队位置和预计等待时间
///
/// Tells the position in the queue and about how long it takes.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// The bot of a queued conversation.
pub struct Queue;

impl Plugin for Queue {
    type Config = NoSettings;

    fn build(_: NoSettings, _: &Tools) -> Result<Self, BuildError> {
        Ok(Self)
    }
}

#[async_trait]
impl ChatBot for Queue {
    type Args = Args;

    async fn answer(&self, _: Args, turn: &Turn) -> Result<Vec<Effect>, BotError> {
        if turn.by_agent() {
            return Ok(vec![for_agent(turn)]);
        }
        Ok(match (&turn.conversation.phase, &turn.called) {
            (Phase::Queued(_), Some(_)) => vec![Effect::TellPosition],
            (Phase::Queued(_), None) => unless_just_told(turn),
            _ => vec![say(turn, Text::NotWaiting, &[])],
        })
    }
}

/// What a waiting contact is told when they say something.
pub(super) fn unless_just_told(turn: &Turn) -> Vec<Effect> {
    match turn.conversation.told_position {
        Some(told) if turn.now.since(told.at) < QUIET => Vec::new(),
        _ => vec![Effect::TellPosition],
    }
}

fn for_agent(turn: &Turn) -> Effect {
    let waiting = turn.desk.waiting.len().to_string();
    let Some(position) = turn.desk.position(turn.conversation.id) else {
        return say(turn, Text::DeskQueueLength, &[("waiting", &waiting)]);
    };
    let minutes = turn
        .desk
        .estimate(position)
        .map(|seconds| seconds.div_ceil(60).max(1));
    let estimate = minutes.map_or_else(String::new, |minutes| {
        let minutes = minutes.to_string();
        turn.texts
            .say(Text::QueueEstimate, &[("minutes", &minutes)])
    });
    let position = position.to_string();
    say(
        turn,
        Text::DeskQueuePosition,
        &[
            ("position", &position),
            ("estimate", &estimate),
            ("waiting", &waiting),
        ],
    )
}

bridge_core::register!(
    BotSpec::new::<Queue>("queue")
        .aliases(&["排队", "stack"])
        .audience(Audience::Everyone)
);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bridge_core::{
        conversation::ToldPosition,
        testkit::{NOW, answer, turn_of_agent, turn_of_contact, turn_of_waiting, words},
    };

    use super::*;

    #[tokio::test]
    async fn a_waiting_contact_who_talks_is_told_once_a_minute() {
        let mut turn = turn_of_waiting("还要多久？");
        assert_eq!(answer(&Queue, &turn).await, Ok(vec![Effect::TellPosition]));
        for (ago, told) in [(1, false), (59, false), (60, true), (3600, true)] {
            turn.conversation.told_position = Some(ToldPosition {
                position: 1,
                at: NOW - Duration::from_secs(ago),
            });
            let effects = answer(&Queue, &turn).await.unwrap();
            assert_eq!(!effects.is_empty(), told, "{ago} s ago");
        }
    }

    #[tokio::test]
    async fn who_asks_is_always_told() {
        let mut turn = turn_of_waiting("#排队");
        turn.conversation.told_position = Some(ToldPosition {
            position: 1,
            at: NOW,
        });
        assert_eq!(answer(&Queue, &turn).await, Ok(vec![Effect::TellPosition]));
    }

    #[tokio::test]
    async fn a_contact_who_does_not_wait_is_told_so() {
        let effects = answer(&Queue, &turn_of_contact("#排队")).await.unwrap();
        assert_eq!(
            words(&effects),
            ["您当前没有在排队。回复“转人工”可联系人工客服。"]
        );
    }

    #[tokio::test]
    async fn an_agent_sees_the_contacts_position_or_how_many_wait() {
        let effects = answer(&Queue, &turn_of_agent("system", "#排队"))
            .await
            .unwrap();
        assert_eq!(words(&effects), ["当前有 0 位客户在排队。"]);

        let mut turn = turn_of_agent("system", "#排队");
        let waiting = turn_of_waiting("");
        turn.conversation = waiting.conversation;
        let mut desk = (*waiting.desk).clone();
        desk.average_seconds = 600;
        turn.desk = Arc::new(desk);
        let effects = answer(&Queue, &turn).await.unwrap();
        assert_eq!(
            words(&effects),
            ["该客户排在第 1 位，预计等待约 3 分钟，共 1 位在排队。"]
        );
    }
}
