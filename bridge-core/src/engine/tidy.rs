//! What strangers call themselves and their messages, within bounds. A store keeps these as keys and a desk shows them, so
//! that one absurd name must not keep a whole page of messages from being accepted, nor look like something else.

use sha2::{Digest as _, Sha256};

use crate::message::{Arrival, Author, ExternalId, PeerId, Profile};

/// The longest id that is kept as it is, in bytes: several times what any platform gives.
const ID: usize = 256;
/// The longest name, in characters, and the longest address of a picture, in bytes.
const NAME: usize = 64;
const ADDRESS: usize = 2048;

/// Tidies what an arrival says of itself. What it says is left alone.
pub(super) fn tidy(arrival: &mut Arrival) {
    if let Some(id) = within(arrival.external_id.as_str()) {
        arrival.external_id = ExternalId::from(id);
    }
    if let Some(id) = within(arrival.peer.as_str()) {
        arrival.peer = PeerId::from(id);
    }
    if let Author::Agent(account) = &mut arrival.author
        && let Some(id) = within(account.as_str())
    {
        *account = PeerId::from(id);
    }
    if let Some(profile) = &mut arrival.profile {
        tidy_profile(profile);
    }
}

/// An id that no store could keep as another that is the same whenever it comes again; `None`: it is well as it is.
fn within(id: &str) -> Option<String> {
    if id.len() <= ID && !id.contains('\0') {
        return None;
    }
    // It begins as it did: with the platform's time, mostly.
    let begins: String = id.chars().filter(|c| !c.is_control()).take(32).collect();
    let digest = Sha256::digest(id);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(format!("{begins}~{digest}"))
}

fn tidy_profile(profile: &mut Profile) {
    if let Some(name) = &mut profile.name {
        *name = line(name);
    }
    let is_address = |address: &String| {
        let known = address.starts_with("https://") || address.starts_with("http://");
        known && address.len() <= ADDRESS && !address.chars().any(|c| c.is_control() || c == ' ')
    };
    profile.avatar_url = profile.avatar_url.take().filter(is_address);
}

/// One line without marks that nobody sees or that turn what follows around.
fn line(name: &str) -> String {
    let plain = name.chars().filter(|c| !is_hidden(*c));
    let plain: String = plain
        .map(|c| {
            if c.is_control() || c.is_whitespace() {
                ' '
            } else {
                c
            }
        })
        .take(NAME)
        .collect();
    plain.trim().to_owned()
}

/// Marks of direction and their like. The joiner stays: families are made with it.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testkit;

    fn tidied(name: &str, avatar_url: &str) -> Profile {
        let mut arrival = testkit::arrival("你好");
        arrival.profile = Some(Profile {
            name: Some(name.to_owned()),
            avatar_url: Some(avatar_url.to_owned()),
            handles: Vec::new(),
        });
        tidy(&mut arrival);
        arrival.profile.unwrap()
    }

    #[test]
    fn a_name_is_one_line_and_reads_as_it_looks() {
        let profile = tidied(
            "小周\n【新会话】客户：\u{202e}王\t总👨‍👩‍👧",
            "javascript:alert(1)",
        );
        assert_eq!(profile.name.unwrap(), "小周 【新会话】客户：王 总👨‍👩‍👧");
        assert_eq!(profile.avatar_url, None);
        let usual = "https://thirdwx.qlogo.cn/mmopen/a/132";
        assert_eq!(tidied("小周", usual).avatar_url.unwrap(), usual);
    }

    #[test]
    fn usual_ids_stay_and_absurd_ones_are_the_same_each_time() {
        let mut arrival = testkit::arrival("你好");
        let before = arrival.clone();
        tidy(&mut arrival);
        assert_eq!(arrival, before);
        let absurd = format!("1767232800:{}", "x".repeat(1 << 20));
        let (once, again) = (within(&absurd).unwrap(), within(&absurd).unwrap());
        assert_eq!(once, again);
        assert!(once.starts_with("1767232800:") && once.len() <= ID);
        assert_ne!(Some(once), within(&format!("{absurd}y")));
        assert!(!within("a\0b").unwrap().contains('\0'));
    }

    proptest! {
        #[test]
        fn every_id_ends_within_bounds_and_no_two_become_one(one in ".{0,600}", other in ".{0,600}") {
            let [a, b] = [&one, &other].map(|id| within(id).unwrap_or_else(|| id.clone()));
            prop_assert!(a.len() <= ID && !a.contains('\0'));
            prop_assert_eq!(a == b, one == other);
        }

        #[test]
        fn every_name_is_one_short_line(name in any::<String>()) {
            let name = tidied(&name, "").name.unwrap();
            prop_assert!(name.chars().count() <= NAME);
            prop_assert!(!name.chars().any(|c| c.is_control() || is_hidden(c)));
        }
    }
}
