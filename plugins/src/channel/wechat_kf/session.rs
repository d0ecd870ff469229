//! The session's state at the platform, and its legal moves (WeCom: 3.7). A state is read before it is changed, and a move
//! the platform does not allow is never asked for.

use std::time::Duration;

use bridge_convertors::wecom::kf::read::last_word;
use bridge_core::{
    channel::{ChannelError, Dispatch, Receipt},
    error::Remedy,
    message::{Event, PeerId},
    routing::Agent,
};
use serde_json::{Value, json};

use super::{Kf, last_word::Word};

/// Who has a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// 0 and 1: we have it. (A first message of ours makes 1 of 0.)
    Ours,
    /// 2: nobody yet; servicers see it in their pool.
    Pool,
    /// 3: a servicer.
    Servicer(String),
    /// 4: nobody; it begins anew when the customer writes.
    Ended,
}

/// Who is to have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// This servicer.
    Servicer(&'a str),
    /// Whichever servicer takes it.
    Pool,
    /// No servicer.
    Nobody,
}

/// What brings a session to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It is there.
    There,
    /// One move.
    To(i64),
    /// Out of the pool there is only one way to an end: through the hands of a servicer.
    ThroughServicer,
    /// Not before the customer writes.
    Closed,
}

impl State {
    fn read(answer: &Value) -> Option<Self> {
        Some(match answer["service_state"].as_i64()? {
            0 | 1 => Self::Ours,
            2 => Self::Pool,
            3 => Self::Servicer(
                answer["servicer_userid"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            ),
            4 => Self::Ended,
            _ => return None,
        })
    }

    /// The table (WeCom: 3.7). User ids are the same in any case.
    pub(super) fn way(&self, target: Target<'_>) -> Way {
        match (self, target) {
            (Self::Servicer(has), Target::Servicer(wanted)) if has.eq_ignore_ascii_case(wanted) => {
                Way::There
            }
            (Self::Ended, Target::Servicer(_) | Target::Pool) => Way::Closed,
            (_, Target::Servicer(_)) => Way::To(3),
            (Self::Ours, Target::Pool) => Way::To(2),
            // Nothing leads back to the pool, and whoever has it is one of those the pool stands for.
            (Self::Pool | Self::Servicer(_), Target::Pool) => Way::There,
            (Self::Ours | Self::Ended, Target::Nobody) => Way::There,
            (Self::Servicer(_), Target::Nobody) => Way::To(4),
            (Self::Pool, Target::Nobody) => Way::ThroughServicer,
        }
    }
}

/// A handing or a release, which comes as a dispatch to keep its place among the messages.
pub(super) async fn carry_out(
    account: &Kf,
    dispatch: &Dispatch,
    customer: &str,
    kf: &str,
    event: &Event,
) -> Result<Receipt, ChannelError> {
    let target = match event {
        Event::Handed { agent } if agent.as_str() == Agent::EVERYBODY => Target::Pool,
        Event::Handed { agent } => Target::Servicer(agent.as_str()),
        Event::Released => Target::Nobody,
        _ => {
            let detail = "an event of no use to the platform";
            return Err(ChannelError::malformed(detail));
        }
    };
    let session = Session {
        account,
        peer: &dispatch.to,
        customer,
        kf,
    };
    session.bring(target).await?;
    Ok(Receipt::default())
}

/// One customer's session at one account.
pub(super) struct Session<'a> {
    pub(super) account: &'a Kf,
    pub(super) peer: &'a PeerId,
    pub(super) customer: &'a str,
    pub(super) kf: &'a str,
}

impl Session<'_> {
    /// Who has it now.
    pub(super) async fn state(&self) -> Result<State, ChannelError> {
        let body = json!({ "open_kfid": self.kf, "external_userid": self.customer });
        let answer = self
            .account
            .api
            .post("/cgi-bin/kf/service_state/get", &body)
            .await
            .map_err(harmless)?;
        State::read(&answer).ok_or_else(|| {
            let detail = format!("an unknown service_state: {}", answer["service_state"]);
            ChannelError::network(Remedy::retry_secs(60), detail)
        })
    }

    /// Brings it to its target. What changed between reading and moving is read once more.
    async fn bring(&self, target: Target<'_>) -> Result<(), ChannelError> {
        match self.step(target).await {
            Err(error) if matches!(error.code, Some(95013 | 95016)) => self.step(target).await,
            other => other,
        }
    }

    async fn step(&self, target: Target<'_>) -> Result<(), ChannelError> {
        match (self.state().await?.way(target), target) {
            (Way::There, _) => Ok(()),
            (Way::To(3), Target::Servicer(servicer)) => self.give_to(servicer).await,
            (Way::To(state), _) => self.move_to(state, None).await,
            (Way::ThroughServicer, _) => {
                let somebody = self.account.serving(self.kf).await?.into_iter().next();
                let Some(somebody) = somebody else {
                    let detail = "in the pool, and no servicer is there to take it out";
                    return Err(ChannelError::refused(95019, Remedy::Never, detail).advise(
                        "客户仍在企业微信的接待池中，且没有接待人员在接待",
                        "the customer is in WeCom's pool, and no servicer is serving",
                    ));
                };
                self.give_to(&somebody).await?;
                self.move_to(4, None).await
            }
            (Way::Closed, _) => {
                let detail = "the session has ended; it begins anew when the customer writes";
                Err(ChannelError::refused(95013, Remedy::Hold, detail).advise(
                    "会话已结束，需等客户再次发言",
                    "the session has ended; the customer has to write first",
                ))
            }
        }
    }

    async fn give_to(&self, servicer: &str) -> Result<(), ChannelError> {
        let moved = self.move_to(3, Some(servicer)).await;
        if let Err(error) = &moved
            && matches!(error.code, Some(95014 | 95019))
        {
            self.account.note_refused(self.kf, servicer).await;
        }
        moved
    }

    /// One move; the code it gives is kept.
    async fn move_to(&self, state: i64, servicer: Option<&str>) -> Result<(), ChannelError> {
        let mut body = json!({
            "open_kfid": self.kf,
            "external_userid": self.customer,
            "service_state": state,
        });
        if let Some(servicer) = servicer {
            body["servicer_userid"] = servicer.into();
        }
        let moved = self
            .account
            .api
            .post("/cgi-bin/kf/service_state/trans", &body)
            .await
            .map_err(harmless)?;
        let code = moved["msg_code"].as_str().unwrap_or_default();
        if let Some(word) = last_word(code, state == 4) {
            let word = Word::of(word);
            self.account
                .keep_word(self.peer, word, Duration::ZERO)
                .await;
        }
        Ok(())
    }

    /// Why an ordinary message was refused (95013, 95018), and what may be done about it. Only a session that has ended
    /// begins anew when the customer writes; what a servicer's session refuses would be out of place later.
    pub(super) async fn refusal(&self, error: ChannelError) -> ChannelError {
        let with = |remedy: Remedy, zh: &str, en: &str| {
            ChannelError {
                remedy,
                ..error.clone()
            }
            .advise(zh, en)
        };
        match self.state().await {
            Ok(State::Servicer(servicer)) => with(
                Remedy::Never,
                &format!("企业微信接待人员 {servicer} 正在接待该客户"),
                &format!("the servicer {servicer} has this customer in WeCom"),
            ),
            Ok(State::Pool) => with(
                Remedy::Never,
                "客户正在企业微信的接待池中排队",
                "the customer waits in WeCom's pool",
            ),
            Ok(State::Ended) => with(
                Remedy::Hold,
                "会话已结束，客户再次发言后自动送出",
                "the session has ended; it goes out when they write again",
            ),
            // The state would allow it: the window is over.
            Ok(State::Ours) => with(
                Remedy::Never,
                "客户超过 48 小时未发言，平台不允许下发消息",
                "the contact has not written for 48 hours; the platform refuses messages",
            ),
            Err(_) => ChannelError {
                remedy: Remedy::retry_secs(5),
                ..error
            },
        }
    }
}

/// Reading a state, or moving one that is read first, may be done again.
pub(super) fn harmless(error: ChannelError) -> ChannelError {
    match error.remedy {
        Remedy::Unknown => ChannelError {
            remedy: Remedy::retry_secs(1),
            ..error
        },
        _ => error,
    }
}
