//! Visitors of a company's own site.

mod coming_back;
mod doors;
mod files;
mod page;
mod talk;

use crate::{
    configuration,
    stage::{Backs, Set, Stage},
};

async fn site(more: &str) -> Stage {
    site_on(Backs::Embedded, more).await
}

async fn site_on(backs: Backs, more: &str) -> Stage {
    Stage::with(Set {
        backs,
        more: configuration::site(more),
        ..Set::default()
    })
    .await
}
