//! Forget: what was held for a contact who never wrote again goes when history of its age does.

use bridge_core::{clock::Timestamp, store::StoreError};

use crate::{
    index::Index,
    memo::Undo,
    writer::{Request, Tx},
};

/// Lanes looked at in one step.
const STEP: usize = 200;

/// A step of it; answers how many dispatches it were.
pub(crate) struct Forget {
    before: Timestamp,
    gone: Vec<i64>,
    kept: Vec<i64>,
}

impl Forget {
    pub(crate) fn new(before: Timestamp) -> Self {
        Self {
            before,
            gone: Vec::new(),
            kept: Vec::new(),
        }
    }
}

impl Request for Forget {
    type Answer = u64;

    fn write(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        (self.gone, self.kept) = (Vec::new(), Vec::new());
        let lanes = tx.index.lock().dispatches.given_up(self.before, STEP);
        for lane in lanes {
            for id in lane {
                if !tx.index.lock().dispatches.pin_free(id) {
                    break;
                }
                tx.undo.push(Undo::Dispatch(id));
                // One that a commit just before this released is not old any more; the index may not know.
                let delete = "DELETE FROM dispatches WHERE id = ?1 AND due_at < ?2";
                if tx.run(delete, &[&id, &self.before.0])? == 0 {
                    self.kept.push(id);
                    break;
                }
                self.gone.push(id);
            }
        }
        Ok(())
    }

    fn apply(self, index: &mut Index) -> u64 {
        for id in self.kept {
            index.dispatches.unpin(id);
        }
        for id in &self.gone {
            index.dispatches.remove(*id);
        }
        self.gone.len() as u64
    }
}
