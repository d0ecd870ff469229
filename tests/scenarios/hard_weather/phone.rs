//! A customer's phone, wherever they write: most by the official account, some by WeChat KF.

use bridge_sandbox::{Message, kf::KfPhone, wechat};

/// Every so manieth contact writes by WeChat KF.
const KF_EVERY: usize = 3;

/// A customer's phone.
#[derive(Clone)]
pub enum Phone {
    Wechat(wechat::Phone),
    Kf(KfPhone),
}

/// Whether this contact writes by WeChat KF.
pub fn by_kf(contact: usize) -> bool {
    contact.is_multiple_of(KF_EVERY)
}

impl Phone {
    /// Says something; whether it has to arrive. What WeChat could not tell the bridge shows as failed on the phone. KF has what
    /// was written, and only says that there is something: whatever becomes of that, the bridge has to fetch it.
    pub async fn says(&self, text: &str) -> bool {
        match self {
            Self::Wechat(phone) => phone.says(text).await.delivered(),
            Self::Kf(phone) => {
                phone.says(text).await;
                true
            }
        }
    }

    /// Waits for a text with this in it.
    pub async fn hears_text(&self, part: &str) {
        match self {
            Self::Wechat(phone) => phone.hears_text(part).await,
            Self::Kf(phone) => phone.hears_text(part).await,
        }
        .unwrap();
    }

    /// The whole chat, oldest first.
    pub fn chat(&self) -> Vec<Message> {
        match self {
            Self::Wechat(phone) => phone.chat(),
            Self::Kf(phone) => phone.chat(),
        }
    }
}
