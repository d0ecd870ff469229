//! The property-test twin of the fuzz target: whatever comes, the readers return.

use proptest::prelude::*;

use super::fixture;
use crate::tencent_im::fuzz::read_anything;

const SEEDS: &[&str] = &[
    fixture!("callbacks/bot_on_c2c_message.json"),
    fixture!("callbacks/c2c_after_modify_msg.json"),
    fixture!("callbacks/c2c_after_msg_report.json"),
    fixture!("callbacks/c2c_after_msg_with_draw.json"),
    fixture!("callbacks/c2c_after_send_msg.json"),
    fixture!("callbacks/group_after_recall_msg.json"),
    fixture!("callbacks/group_after_send_msg.json"),
    fixture!("callbacks/profile_portrait_set.json"),
    fixture!("callbacks/state_state_change_login.json"),
    fixture!("answers/admin_getroammsg.json"),
    fixture!("answers/query_online_status.json"),
    fixture!("answers/sendmsg.json"),
];

/// Swapped in for a piece of a sample: what breaks careless readers.
const PIECES: &[&str] = &[
    "",
    "null",
    "{}",
    "[]",
    "[[[[",
    "\"",
    "\\",
    "\\ud800",
    "\\u0000",
    "-1",
    "1e999",
    "18446744073709551616",
    "0x1",
    "true",
    "\u{FEFF}",
    "\u{202E}",
    "\"MsgBody\":[",
    "\"MsgType\":\"TIMTextElem\",",
    "{\"MsgContent\":",
    "4294967296",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn arbitrary_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        read_anything(&bytes);
    }

    #[test]
    fn mangled_samples_are_survived(
        seed in 0..SEEDS.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..12usize, 0..PIECES.len()), 1..6),
    ) {
        let mut bytes = SEEDS[seed].as_bytes().to_vec();
        for (at, cut, piece) in edits {
            let at = at.index(bytes.len() + 1);
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, PIECES[piece].bytes());
        }
        read_anything(&bytes);
    }
}

#[test]
fn deep_nesting_is_survived() {
    for open in [
        "[",
        "{\"MsgContent\":",
        "{\"MsgBody\":[",
        "{\"CallbackCommand\":",
    ] {
        read_anything(open.repeat(20_000).as_bytes());
        let inside = format!(
            "{{\"CallbackCommand\":\"C2C.CallbackAfterSendMsg\",\"MsgBody\":{}",
            open.repeat(10_000)
        );
        read_anything(inside.as_bytes());
    }
}
