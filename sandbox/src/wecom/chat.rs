//! The bubbles of one chat, the oldest forgotten beyond a limit.

use std::collections::VecDeque;

use crate::content::Message;

#[derive(Default)]
pub(super) struct Chat(VecDeque<Message>);

impl Chat {
    pub fn add(&mut self, message: Message, capacity: usize) {
        if self.0.len() >= capacity {
            self.0.pop_front();
        }
        self.0.push_back(message);
    }

    /// Changes a bubble where it is still there, and returns it.
    pub fn change(&mut self, id: u64, change: impl FnOnce(&mut Message)) -> Option<Message> {
        let message = self.0.iter_mut().rev().find(|message| message.id == id)?;
        change(message);
        Some(message.clone())
    }

    pub fn find(&self, id: u64) -> Option<&Message> {
        self.0.iter().rev().find(|message| message.id == id)
    }

    pub fn last(&self) -> Option<&Message> {
        self.0.back()
    }

    pub fn all(&self) -> Vec<Message> {
        self.0.iter().cloned().collect()
    }
}
