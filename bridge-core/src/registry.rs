//! What exists many times and is chosen by name: every bot, guard and channel linked into this binary. A crate that
//! is only listed in `Cargo.toml` registers nothing: link it with `use the_crate as _;`.

use std::collections::BTreeMap;

use crate::{bot::BotSpec, chain::GuardSpec, channel::ChannelSpec};

inventory::collect!(BotSpec);
inventory::collect!(GuardSpec);
inventory::collect!(ChannelSpec);

/// Everything registered, by name.
#[derive(Clone, Default)]
pub struct Registry {
    /// Bots by canonical name.
    pub bots: BTreeMap<&'static str, &'static BotSpec>,
    /// Guards by name.
    pub guards: BTreeMap<&'static str, &'static GuardSpec>,
    /// Channels by name.
    pub channels: BTreeMap<&'static str, &'static ChannelSpec>,
}

/// Two plugins claim one name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "two {kind}s are called \"{name}\": one from {first}, one from {second}; rename one or link only one of them"
)]
pub struct NameTaken {
    /// Bot, guard or channel.
    pub kind: &'static str,
    /// The name (or alias).
    pub name: String,
    /// The crate of one.
    pub first: &'static str,
    /// The crate of the other.
    pub second: &'static str,
}

impl Registry {
    /// Collects what is linked.
    pub fn linked() -> Result<Self, NameTaken> {
        let mut registry = Self::default();
        for spec in inventory::iter::<BotSpec> {
            insert(&mut registry.bots, "bot", spec.name, spec, |spec| {
                spec.from_crate
            })?;
        }
        for spec in inventory::iter::<GuardSpec> {
            insert(&mut registry.guards, "guard", spec.name, spec, |spec| {
                spec.from_crate
            })?;
        }
        for spec in inventory::iter::<ChannelSpec> {
            insert(&mut registry.channels, "channel", spec.name, spec, |spec| {
                spec.from_crate
            })?;
        }
        registry.check_aliases()?;
        Ok(registry)
    }

    /// No two bots may answer to one command.
    fn check_aliases(&self) -> Result<(), NameTaken> {
        let mut owners: BTreeMap<String, &'static BotSpec> = BTreeMap::new();
        for spec in self.bots.values() {
            for name in spec.names() {
                if let Some(other) = owners.insert(crate::bot::grammar::fold(name), spec)
                    && other.name != spec.name
                {
                    return Err(taken("bot", name, other.from_crate, spec.from_crate));
                }
            }
        }
        Ok(())
    }
}

fn insert<T>(
    map: &mut BTreeMap<&'static str, &'static T>,
    kind: &'static str,
    name: &'static str,
    spec: &'static T,
    from: fn(&T) -> &'static str,
) -> Result<(), NameTaken> {
    match map.insert(name, spec) {
        Some(other) => Err(taken(kind, name, from(other), from(spec))),
        None => Ok(()),
    }
}

fn taken(kind: &'static str, name: &str, first: &'static str, second: &'static str) -> NameTaken {
    NameTaken {
        kind,
        name: name.to_owned(),
        first,
        second,
    }
}
