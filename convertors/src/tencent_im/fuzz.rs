//! The way in for a fuzzer: bytes that anybody on the internet could send, through every reader
//! of this module. Nothing here may panic, hang or grow without bound.

use bridge_core::message::InboxName;
use bridge_core::texts::Locale;

use super::callback::Callback;
use super::convert::TencentIm;
use super::key::MessageKey;
use super::{rest, usersig};

/// Reads `data` as a callback, as an answer and as a UserSig.
///
/// Seeds are in `tests/fixtures/tencent_im/`.
pub fn read_anything(data: &[u8]) {
    if let Ok(callback) = Callback::parse(None, data) {
        touch(&callback);
    }
    let _ = rest::answer::<rest::SendMsg<'_>>(data);
    let _ = rest::answer::<rest::AdminGetRoamMsg<'_>>(data);
    let _ = rest::answer::<rest::QueryOnlineStatus<'_>>(data);
    let _ = rest::answer::<rest::AccountCheck<'_>>(data);
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = usersig::decode(text);
        let _ = MessageKey::parse(text).between(text, text);
    }
}

/// Does with a callback what the bridge does with it.
fn touch(callback: &Callback<'_>) {
    match callback {
        Callback::C2cBeforeSend(message)
        | Callback::C2cAfterSend(message)
        | Callback::BotC2c(message) => {
            let _ = message.key().between(&message.from, &message.to);
            let _ = serde_json::to_vec(&message.msg_body);
            let im = TencentIm {
                inbox: InboxName::new("desk"),
                locale: Locale::Zh,
            };
            for content in im.contents(&message.msg_body) {
                let _ = im.messages(&content, 7_000);
            }
        }
        Callback::C2cModified(message) => {
            let _ = message.key().between(&message.from, &message.to);
        }
        Callback::PortraitSet(profile) => {
            let _ = profile.text("Tag_Profile_IM_Nick");
        }
        _ => {}
    }
}
