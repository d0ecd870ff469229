//! A customer's phone, or the page that a visitor has open: wherever they write.

mod page;

use bridge_sandbox::{
    Author, Sandbox,
    kf::KfPhone,
    wechat::{self, NewCustomer},
};

use page::Page;

use super::diary::Loses;

/// Where a contact writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// The official account, and agents on Tencent IM.
    Account,
    /// The official account, and an agent in WeCom.
    AtMember(usize),
    Mini,
    Kf,
    Site,
}

impl Channel {
    /// The first so many contacts are with agents in WeCom, two with each; the others are everywhere.
    pub fn of(contact: usize, at_members: usize) -> Self {
        if contact < at_members {
            return Self::AtMember(contact / 2);
        }
        match contact % 8 {
            0 | 3 => Self::Kf,
            1 | 5 => Self::Site,
            2 => Self::Mini,
            _ => Self::Account,
        }
    }

    /// Whether there is one long talk, begun before the weather; or one after the other, with the assistant before each.
    pub fn is_one_talk(self) -> bool {
        matches!(self, Self::AtMember(_) | Self::Mini)
    }

    /// For what something may be sent again: WeChat has nothing to tell a repeat by. The mini program's inbox rather says
    /// nothing than say it twice where the answer was lost; whether a node that is gone had begun to send, nobody knows.
    pub fn repeats(self) -> Option<Loses> {
        match self {
            Self::Account | Self::AtMember(_) => Some(Loses::OnTheWay),
            Self::Mini => Some(Loses::WithTheNode),
            Self::Kf | Self::Site => None,
        }
    }
}

/// A customer's phone.
#[derive(Clone)]
pub enum Phone {
    Wechat(wechat::Phone, &'static str),
    Kf(KfPhone),
    Site(Page),
}

/// A bubble on it.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The platform's time, in milliseconds.
    pub at: i64,
    /// Whether the customer wrote it.
    pub own: bool,
    pub text: String,
}

impl Phone {
    pub fn new(sandbox: &Sandbox, bridge: &str, channel: Channel, contact: usize) -> Self {
        let nickname = format!("客户{contact}");
        match channel {
            Channel::Kf => Self::Kf(sandbox.kf().phone(&nickname)),
            Channel::Site => Self::Site(Page::open(bridge, &nickname)),
            Channel::Mini => {
                let customer = NewCustomer {
                    nickname,
                    inbox: Some("mini".to_owned()),
                    ..NewCustomer::default()
                };
                let phone = sandbox.wechat().add_customer(customer).unwrap();
                Self::Wechat(phone, "mini")
            }
            Channel::Account | Channel::AtMember(_) => {
                Self::Wechat(sandbox.wechat().phone(&nickname), "mall")
            }
        }
    }

    /// Says something; whether it has to arrive. What WeChat could not tell the bridge shows as failed on the phone. KF has what
    /// was written, and only says that there is something: whatever becomes of that, the bridge has to fetch it. A page
    /// says it again under the same id until it is told that it was taken.
    pub async fn says(&self, text: &str) -> bool {
        match self {
            Self::Wechat(phone, _) => phone.says(text).await.delivered(),
            Self::Kf(phone) => {
                phone.says(text).await;
                true
            }
            Self::Site(page) => page.says(text).await,
        }
    }

    /// Comes by an agent's code.
    pub async fn scans(&self, scene: &str) -> bool {
        match self {
            Self::Wechat(phone, _) => phone.scans(scene).await.delivered(),
            _ => unreachable!("only who is with a member scans"),
        }
    }

    /// The whole chat, oldest first.
    pub fn chat(&self) -> Vec<Shown> {
        let chat = match self {
            Self::Wechat(phone, _) => phone.chat(),
            Self::Kf(phone) => phone.chat(),
            Self::Site(page) => return page.chat(),
        };
        let shown = chat.into_iter().map(|message| Shown {
            at: message.at,
            own: message.from == Author::Customer,
            text: message.text().to_owned(),
        });
        shown.collect()
    }

    /// The inbox and the customer's id there.
    pub fn peer(&self, sandbox: &Sandbox) -> Option<(&'static str, String)> {
        match self {
            Self::Wechat(phone, inbox) => Some((inbox, phone.openid().to_owned())),
            Self::Kf(phone) => {
                let account = &sandbox.kf().settings().open_kfid;
                Some(("kf", format!("{}@{account}", phone.id())))
            }
            Self::Site(_) => None,
        }
    }

    /// The number of something that came in from here.
    pub fn trace(&self) -> Option<i64> {
        match self {
            Self::Site(page) => page.trace(),
            _ => None,
        }
    }

    /// What is wrong with what it was shown, if it can tell.
    pub fn complaints(&self) -> Vec<String> {
        match self {
            Self::Site(page) => page.complaints(),
            _ => Vec::new(),
        }
    }
}
