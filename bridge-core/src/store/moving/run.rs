//! The move itself: fill, complete, compare, done.

use super::{Destination, Key, Numbers, Origin, Row, Stage, Table};
use crate::store::StoreError;

/// What a move came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// Every row is there and the same.
    Same {
        /// Rows by table.
        rows: Vec<(Table, u64)>,
    },
    /// The destination differs: it is not to be used, and the next run begins anew.
    Differs(Box<Difference>),
}

/// The first difference found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A row is missing, is not the same, or should not be there.
    Row(Table, Key),
    /// Numbers would not go on where they were.
    Numbers(Numbers, Numbers),
}

/// Why a move did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoveError {
    /// The destination is not empty, and no unfinished move has filled it.
    #[error("{0}")]
    Occupied(String),
    /// The origin could not be read.
    #[error("the store to move from")]
    From(#[source] StoreError),
    /// The destination could not be written or read.
    #[error("the store to move to")]
    To(#[from] StoreError),
}

/// Something to tell whoever waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// An earlier run came this far.
    CarriesOn(Table),
    /// So many rows of a table were copied by this run.
    Copied(Table, u64),
    /// So many rows of a table were compared.
    Compared(Table, u64),
}

/// Moves everything, at most `page` rows in memory at a time; carries on where an earlier run was cut short.
///
/// # Errors
/// As the stores' own; nothing is spoilt, and the same call carries on.
pub async fn run(
    from: &dyn Origin,
    to: &dyn Destination,
    page: usize,
    mut tell: impl FnMut(Step) + Send,
) -> Result<Moved, MoveError> {
    let edition = from.edition().await.map_err(MoveError::From)?;
    let stage = to.begin(&edition).await?;
    let numbers = from.numbers().await.map_err(MoveError::From)?;
    if let Stage::Filling(table, after) = stage {
        if (table, &after) != (Table::Facts, &Key::default()) {
            tell(Step::CarriesOn(table));
        }
        fill(from, to, page, (table, after), &mut tell).await?;
        to.complete(numbers).await?;
    } else {
        tell(Step::CarriesOn(Table::Seen));
    }
    let moved = compare(from, to, page, numbers, &mut tell).await?;
    let stage = match &moved {
        Moved::Same { .. } => Stage::Done,
        Moved::Differs(_) => Stage::Void,
    };
    to.note(&stage).await?;
    Ok(moved)
}

async fn fill(
    from: &dyn Origin,
    to: &dyn Destination,
    page: usize,
    (first, mut after): (Table, Key),
    tell: &mut (impl FnMut(Step) + Send),
) -> Result<(), MoveError> {
    for table in Table::ALL.into_iter().filter(|table| *table >= first) {
        let mut copied = 0;
        loop {
            let rows = from.page(table, &after, page);
            let rows = rows.await.map_err(MoveError::From)?;
            let Some(last) = rows.last() else { break };
            after = last.key();
            copied += rows.len() as u64;
            to.put(rows, &Stage::Filling(table, after.clone())).await?;
        }
        after = Key::default();
        tell(Step::Copied(table, copied));
    }
    Ok(())
}

async fn compare(
    from: &dyn Origin,
    to: &dyn Destination,
    page: usize,
    numbers: Numbers,
    tell: &mut (impl FnMut(Step) + Send),
) -> Result<Moved, MoveError> {
    let mut counts = Vec::new();
    for table in Table::ALL {
        let (mut after, mut count) = (Key::default(), 0);
        loop {
            let (wanted, found) =
                tokio::join!(from.page(table, &after, page), to.page(table, &after, page));
            let (wanted, found) = (wanted.map_err(MoveError::From)?, found?);
            if let Some(key) = first_difference(&wanted, &found) {
                return Ok(Moved::Differs(Box::new(Difference::Row(table, key))));
            }
            let Some(last) = wanted.last() else { break };
            after = last.key();
            count += wanted.len() as u64;
        }
        tell(Step::Compared(table, count));
        counts.push((table, count));
    }
    let found = to.numbers().await?;
    Ok(match found == numbers {
        true => Moved::Same { rows: counts },
        false => Moved::Differs(Box::new(Difference::Numbers(numbers, found))),
    })
}

/// The key of the first row that one has and the other has not, or has differently.
fn first_difference(wanted: &[Row], found: &[Row]) -> Option<Key> {
    let differs = |(one, other): (&Row, &Row)| (one != other).then(|| one.key().min(other.key()));
    let longer = match wanted.len() > found.len() {
        true => &wanted[found.len()..],
        false => &found[wanted.len()..],
    };
    let within = wanted.iter().zip(found).find_map(differs);
    within.or_else(|| longer.first().map(Row::key))
}
