//! People themselves: who is there, and what they are called. (Tencent IM, 9.4, 9.5.)

use std::borrow::Cow;

use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};

use crate::tencent_im::lenient::{self, Text};

/// Somebody came or went. A hint rather than a fact: a lost network is noticed after up to 400 s.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StateChange<'a> {
    /// Unix milliseconds.
    #[serde(deserialize_with = "lenient::number")]
    pub event_time: u64,
    /// Who, and what they did.
    #[serde(borrow)]
    pub info: StateInfo<'a>,
}

/// Who came or went, and how.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StateInfo<'a> {
    /// Whose state.
    #[serde(borrow, rename = "To_Account")]
    pub account: Text<'a>,
    /// `Login`, `Logout`, `Disconnect`.
    #[serde(borrow)]
    pub action: Text<'a>,
    /// `Register`, `Unregister`, `LinkClose`, `TimeOut`.
    #[serde(borrow)]
    pub reason: Text<'a>,
}

impl StateChange<'_> {
    /// Whether the account can be reached now; `None` for an action that is not known.
    pub fn online(&self) -> Option<bool> {
        match &*self.info.action {
            "Login" => Some(true),
            "Logout" | "Disconnect" => Some(false),
            _ => None,
        }
    }
}

/// A profile was changed.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PortraitSet<'a> {
    /// Who changed it.
    #[serde(borrow, rename = "Operator_Account")]
    pub operator: Text<'a>,
    /// Whose profile.
    #[serde(borrow, rename = "From_Account")]
    pub account: Text<'a>,
    /// Unix milliseconds.
    #[serde(deserialize_with = "lenient::number")]
    pub event_time: u64,
    /// What it says now, where it says something new.
    #[serde(borrow, rename = "ProfileItem")]
    pub items: Vec<ProfileItem<'a>>,
}

impl PortraitSet<'_> {
    /// The new text under a tag.
    pub fn text(&self, tag: &str) -> Option<&str> {
        self.items
            .iter()
            .find(|item| item.tag == tag)
            .and_then(|item| match &item.value {
                ProfileValue::Text(text) => Some(&**text),
                ProfileValue::Number(_) => None,
            })
    }
}

/// One entry of a profile.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ProfileItem<'a> {
    /// Such as `Tag_Profile_IM_Nick`.
    #[serde(borrow)]
    pub tag: Text<'a>,
    /// What it says.
    #[serde(borrow)]
    pub value: ProfileValue<'a>,
}

/// Text, or a number for a few tags.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ProfileValue<'a> {
    /// At most 500 bytes.
    Text(Cow<'a, str>),
    /// A birthday as `20240131`, a level, a role.
    Number(i64),
}

impl Default for ProfileValue<'_> {
    fn default() -> Self {
        Self::Text(Cow::Borrowed(""))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for ProfileValue<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&serde_json::value::RawValue>::deserialize(deserializer)?.get();
        match serde_json::from_str::<Text<'a>>(raw) {
            Ok(text) => Ok(Self::Text(text.into_cow())),
            Err(_) => serde_json::from_str(raw)
                .map(Self::Number)
                .map_err(de::Error::custom),
        }
    }
}
