//! Answers go home a group at a time. A thread with a runtime of its own, as each HTTP worker is, would else be woken for
//! every answer, and waking it costs more than writing a row; so it gets those of a group together, and hands them out
//! itself.

use std::{cell::RefCell, collections::HashMap};

use tokio::{
    runtime::{Handle, Id, RuntimeFlavor},
    sync::mpsc,
};

/// Tells whoever asked.
pub(crate) type Answer = Box<dyn FnOnce() + Send>;

/// Where answers are handed out.
#[derive(Clone)]
pub(crate) struct Home {
    runtime: Id,
    // Never more than may wait to be written.
    answers: mpsc::UnboundedSender<Vec<Answer>>,
}

thread_local! {
    static HERE: RefCell<Option<Home>> = const { RefCell::new(None) };
}

impl Home {
    /// This thread's, where it runs a runtime alone; many threads of one runtime wake each other cheaply.
    pub(crate) fn here() -> Option<Self> {
        let runtime = Handle::try_current().ok()?;
        if runtime.runtime_flavor() != RuntimeFlavor::CurrentThread {
            return None;
        }
        HERE.with_borrow_mut(|here| {
            let lived_in =
                here.take_if(|home| home.runtime != runtime.id() || home.answers.is_closed());
            drop(lived_in);
            Some(here.get_or_insert_with(|| Self::on(&runtime)).clone())
        })
    }

    fn on(runtime: &Handle) -> Self {
        let (answers, mut come) = mpsc::unbounded_channel::<Vec<Answer>>();
        runtime.spawn(async move {
            while let Some(answers) = come.recv().await {
                answers.into_iter().for_each(|tell| tell());
            }
        });
        Self {
            runtime: runtime.id(),
            answers,
        }
    }
}

/// The answers of one group.
#[derive(Default)]
pub(crate) struct Answers(HashMap<Option<Id>, (Option<Home>, Vec<Answer>)>);

impl Answers {
    pub(crate) fn add(&mut self, home: Option<Home>, answer: Answer) {
        let id = home.as_ref().map(|home| home.runtime);
        let (_, answers) = self.0.entry(id).or_insert_with(|| (home, Vec::new()));
        answers.push(answer);
    }

    pub(crate) fn send(self) {
        for (home, answers) in self.0.into_values() {
            let left = match home {
                Some(home) => home.answers.send(answers).err().map(|unsent| unsent.0),
                None => Some(answers),
            };
            // Where a runtime has ended nobody waits; it harms nobody to be told.
            left.into_iter().flatten().for_each(|tell| tell());
        }
    }
}
