//! Accounts: make them known, name them, ask who is there. (Tencent IM, 4.)

use serde::{Deserialize, Serialize};

use super::{Command, Nothing};
use crate::tencent_im::callback::ProfileItem;
use crate::tencent_im::lenient::Text;

/// The most accounts that one [`QueryOnlineStatus`] may ask for.
pub const MAX_STATUS_ACCOUNTS: usize = 500;

/// `im_open_login_svc/account_import`: makes an account, or updates its name and picture.
#[derive(Debug, Clone, Serialize)]
pub struct AccountImport<'a> {
    /// At most 32 bytes.
    #[serde(rename = "UserID")]
    pub user_id: &'a str,
    /// Name to show, at most 500 bytes.
    #[serde(rename = "Nick", skip_serializing_if = "str::is_empty")]
    pub nick: &'a str,
    /// Picture to show, at most 500 bytes.
    #[serde(rename = "FaceUrl", skip_serializing_if = "str::is_empty")]
    pub face_url: &'a str,
}

impl Command for AccountImport<'_> {
    const PATH: &'static str = "im_open_login_svc/account_import";
    type Answer<'a> = Nothing;
}

/// `im_open_login_svc/account_check`: which accounts exist; at most 100 at once, 100 calls/s.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccountCheck<'a> {
    /// Which accounts.
    pub check_item: Vec<CheckItem<'a>>,
}

/// One account to look for.
#[derive(Debug, Clone, Serialize)]
pub struct CheckItem<'a> {
    /// Its UserID.
    #[serde(rename = "UserID")]
    pub user_id: &'a str,
}

impl Command for AccountCheck<'_> {
    const PATH: &'static str = "im_open_login_svc/account_check";
    type Answer<'a> = AccountChecked<'a>;
}

/// Which accounts exist.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AccountChecked<'a> {
    /// One for each that was asked for.
    #[serde(borrow)]
    pub result_item: Vec<CheckedAccount<'a>>,
}

/// Whether one account exists.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CheckedAccount<'a> {
    /// Its UserID.
    #[serde(borrow, rename = "UserID")]
    pub user_id: Text<'a>,
    /// `Imported` or `NotImported`.
    #[serde(borrow)]
    pub account_status: Text<'a>,
}

/// `profile/portrait_set`: changes entries of a profile.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PortraitSet<'a> {
    /// Whose profile.
    #[serde(rename = "From_Account")]
    pub account: &'a str,
    /// What it is to say.
    pub profile_item: &'a [ProfileItem<'a>],
}

impl Command for PortraitSet<'_> {
    const PATH: &'static str = "profile/portrait_set";
    type Answer<'a> = Nothing;
}

/// `openim/query_online_status`: who is there; at most [`MAX_STATUS_ACCOUNTS`] at once.
#[derive(Debug, Clone, Serialize)]
pub struct QueryOnlineStatus<'a> {
    /// Which accounts.
    #[serde(rename = "To_Account")]
    pub accounts: Vec<&'a str>,
}

impl Command for QueryOnlineStatus<'_> {
    const PATH: &'static str = "openim/query_online_status";
    type Answer<'a> = OnlineStatus<'a>;
}

/// Who is there. Accounts that are not known are left out.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct OnlineStatus<'a> {
    /// One for each account that is known.
    #[serde(borrow)]
    pub query_result: Vec<Online<'a>>,
}

/// Whether one account is there.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Online<'a> {
    /// Its UserID.
    #[serde(borrow, rename = "To_Account")]
    pub account: Text<'a>,
    /// The tables' name for it: `Online`, `PushOnline`, `Offline`.
    #[serde(borrow)]
    status: Text<'a>,
    /// The samples' name for the same.
    #[serde(borrow)]
    state: Text<'a>,
}

impl Online<'_> {
    /// `Online`, `PushOnline` (not running, but reachable by a notification) or `Offline`.
    pub fn status(&self) -> &str {
        if self.status.is_empty() {
            &self.state
        } else {
            &self.status
        }
    }
}
