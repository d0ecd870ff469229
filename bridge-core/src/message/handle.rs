//! Handles: what a person is called beyond one inbox, so that one person on two channels is known to be one. Given by
//! platforms and by agents, so everything here is bounded and of one form.

use std::{fmt, sync::Arc};

use crate::texts::Locale;

/// A name that a person keeps from one inbox to another: `unionid:…`, `external:corp/…`, `phone:+86…`.
/// Scope: the installation.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Handle(Arc<str>);

/// The longest id of a platform that is taken for one, in bytes.
const LONGEST: usize = 128;
/// Digits of a phone number, its country with it (E.164).
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

impl Handle {
    /// The same person in all accounts of one WeChat open-platform account (WeChat: 4.9; WeCom: 3.8).
    pub fn union_id(id: &str) -> Option<Self> {
        platform_id(id).map(|id| Self(format!("unionid:{id}").into()))
    }

    /// The same person for all of one corporation's WeCom (WeCom: 3.8): `external_userid`.
    pub fn external_user(corp: &str, id: &str) -> Option<Self> {
        let (corp, id) = (platform_id(corp)?, platform_id(id)?);
        Some(Self(format!("external:{corp}/{id}").into()))
    }

    /// A phone number, however it is written; without a country it is a mobile number of mainland China.
    pub fn phone(number: &str) -> Option<Self> {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        let written = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | ' ' | '(' | ')');
        if !number.chars().all(written) || !DIGITS.contains(&digits.len()) {
            return None;
        }
        let number = match (number.trim().starts_with('+'), digits.strip_prefix("86")) {
            (true, _) => digits,
            (false, Some(mobile)) if is_mobile(mobile) => digits,
            (false, _) if is_mobile(&digits) => format!("86{digits}"),
            (false, _) => return None,
        };
        Some(Self(format!("phone:+{number}").into()))
    }

    /// As stores keep it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What kind it is, in words for people.
    pub fn kind(&self, locale: Locale) -> &'static str {
        match self.0.split_once(':') {
            Some(("unionid", _)) => "UnionID",
            Some(("external", _)) => "external_userid",
            _ => locale.pick("手机号", "phone number"),
        }
    }
}

fn platform_id(id: &str) -> Option<&str> {
    let is_one = (1..=LONGEST).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'/');
    is_one.then_some(id)
}

fn is_mobile(digits: &str) -> bool {
    digits.len() == 11 && digits.starts_with('1')
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A phone number is nobody's business: logs say what kind it is.
impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.0.split(':').next().unwrap_or_default();
        write!(f, "Handle({kind}:…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn phone(text: &str) -> Option<String> {
        Handle::phone(text).map(|handle| handle.to_string())
    }

    #[test]
    fn a_phone_number_has_one_form() {
        for written in [
            "13800138000",
            "138 0013 8000",
            "+86 138-0013-8000",
            "8613800138000",
        ] {
            assert_eq!(
                phone(written).as_deref(),
                Some("phone:+8613800138000"),
                "{written}"
            );
        }
        assert_eq!(
            phone("+1 (415) 555 2671").as_deref(),
            Some("phone:+14155552671")
        );
        for wrong in [
            "",
            "42",
            "4155552671",
            "1380013800",
            "138001380001234567",
            "小周",
            "１３８００１３８０００",
        ] {
            assert_eq!(phone(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn kinds_do_not_mix() {
        let union = Handle::union_id("oABC").unwrap();
        let external = Handle::external_user("ww1", "oABC").unwrap();
        assert_ne!(union, external);
        assert_ne!(Handle::external_user("ww2", "oABC").unwrap(), external);
        assert_eq!(Handle::external_user("ww1/x", "oABC"), None);
        assert!(!format!("{union:?}").contains("oABC"));
    }

    proptest! {
        #[test]
        fn whatever_is_given_is_bounded(text in ".{0,300}") {
            for handle in [Handle::union_id(&text), Handle::external_user("ww", &text), Handle::phone(&text)] {
                prop_assert!(handle.is_none_or(|handle| handle.as_str().len() <= LONGEST + 16));
            }
        }
    }
}
