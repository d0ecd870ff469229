//! Which accounts are known to exist, under which name and picture: a message to or from an account that does not is
//! refused, and asking each time would double every call.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use bridge_convertors::tencent_im::error_table::Class;
use bridge_convertors::tencent_im::rest::AccountImport;
use bridge_core::channel::Persona;
use parking_lot::Mutex;

use super::TencentIm;
use super::api::CallError;

/// Accounts that are remembered before the older half is forgotten.
const GENERATION: usize = 50_000;
/// How long other nodes rely on our word.
const SHARED: Duration = Duration::from_secs(24 * 3600);
/// The longest name and address of a picture, in bytes.
const PROFILE_VALUE: usize = 500;

/// Accounts that exist, each with a fingerprint of the profile it was given. Two generations keep it bounded.
#[derive(Default)]
pub(super) struct Imports(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<String, u64>,
    old: HashMap<String, u64>,
}

impl Imports {
    fn has(&self, account: &str, profile: u64) -> bool {
        let known = self.0.lock();
        known.young.get(account).or_else(|| known.old.get(account)) == Some(&profile)
    }

    fn add(&self, account: &str, profile: u64) {
        let mut known = self.0.lock();
        if known.young.len() >= GENERATION {
            known.old = std::mem::take(&mut known.young);
        }
        known.young.insert(account.to_owned(), profile);
    }
}

impl TencentIm {
    /// Makes sure that the stand-in exists and shows the contact's present name and picture.
    pub(super) async fn ensure_imported(&self, persona: &Persona) -> Result<(), CallError> {
        let (account, profile) = (persona.id.as_str(), fingerprint(persona));
        if self.imports.has(account, profile) {
            return Ok(());
        }
        let key = format!("tencent-im:{}:imported:{account}", self.config.sdk_app_id);
        let shared = self.cache.get(&key).await.ok().flatten();
        if shared.is_none_or(|shared| shared != profile.to_string()) {
            self.import(persona).await?;
            if let Err(error) = self.cache.put(&key, &profile.to_string(), SHARED).await {
                tracing::debug!(%error, "other nodes will import the account again");
            }
        }
        self.imports.add(account, profile);
        Ok(())
    }

    /// Imports both ends of a message that was refused because one of them does not exist.
    pub(super) async fn import_both(
        &self,
        persona: Option<&Persona>,
        to: &str,
    ) -> Result<(), CallError> {
        if let Some(persona) = persona {
            self.import(persona).await?;
            self.imports.add(persona.id.as_str(), fingerprint(persona));
        }
        tracing::info!(
            account = to,
            "an account was not known to Tencent IM: it is imported"
        );
        self.call_import(to, "", "").await
    }

    async fn import(&self, persona: &Persona) -> Result<(), CallError> {
        let avatar = persona
            .avatar_url
            .as_deref()
            .filter(|url| url.len() <= PROFILE_VALUE);
        self.call_import(
            persona.id.as_str(),
            clipped(&persona.name),
            avatar.unwrap_or_default(),
        )
        .await
    }

    async fn call_import(
        &self,
        user_id: &str,
        nick: &str,
        face_url: &str,
    ) -> Result<(), CallError> {
        let import = AccountImport {
            user_id,
            nick,
            face_url,
        };
        match self.api.call(&import, |_| ()).await {
            Err(error) if error.class() == Some(Class::Done) => Ok(()),
            other => other,
        }
    }
}

fn fingerprint(persona: &Persona) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&persona.name, &persona.avatar_url).hash(&mut hasher);
    hasher.finish()
}

/// At most [`PROFILE_VALUE`] bytes, cut between characters.
fn clipped(name: &str) -> &str {
    &name[..name.floor_char_boundary(PROFILE_VALUE)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded_and_the_newest_stays() {
        let imports = Imports::default();
        for number in 0..3 * GENERATION {
            imports.add(&number.to_string(), 1);
        }
        let known = imports.0.lock();
        assert!(known.young.len() + known.old.len() <= 2 * GENERATION);
        drop(known);
        assert!(imports.has(&(3 * GENERATION - 1).to_string(), 1));
        assert!(!imports.has("0", 1));
    }

    #[test]
    fn a_new_name_is_a_new_import() {
        let imports = Imports::default();
        imports.add("kefu_1", 1);
        assert!(imports.has("kefu_1", 1));
        assert!(!imports.has("kefu_1", 2));
    }

    #[test]
    fn names_are_cut_between_characters() {
        let name = "周".repeat(300);
        assert_eq!(clipped(&name).len(), 498);
        assert_eq!(clipped("周"), "周");
    }
}
