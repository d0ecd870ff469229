//! How a contact rated a conversation, passed on to Dify as its judgement of the last answer (Dify: 8): what the app's
//! operator sees beside the answer, and improves the app by.

use bridge_convertors::dify::{
    Failure,
    request::{Feedback, Rating},
};
use bridge_core::{bot::BotError, message::Rated};

use super::{Ai, client::Refusal, config::Ratings, memory::Memory};

/// The first pause before it is tried again, where Dify does not name one; the engine's grow.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(1);

impl Ratings {
    /// What Dify is told of a score; `None`: nothing.
    fn of(&self, score: u8) -> Option<Rating> {
        match score {
            _ if !self.pass_on => None,
            score if score >= self.like_from => Some(Rating::Like),
            score if score <= self.dislike_to => Some(Rating::Dislike),
            _ => None,
        }
    }
}

impl Ai {
    /// Tells Dify. What another app said, or what was said before the conversation that was rated, is not meant.
    pub(super) async fn pass_on(&self, rated: &Rated) -> Result<(), BotError> {
        let memory = serde_json::from_value(rated.memory.clone()).ok();
        let Memory {
            message: Some(message),
            ..
        } = Memory::of(memory, &self.app, rated.since)
        else {
            return Ok(());
        };
        let Some(rating) = self.config.ratings.of(rated.score) else {
            return Ok(());
        };
        let user = super::user(&rated.thread);
        let feedback = Feedback {
            rating: Some(rating),
            user: &user,
            content: Some(&format!("{}/5", rated.score)),
        };
        match self.dify.feedback(&message, &feedback).await {
            Ok(()) => {
                tracing::info!(message = message.as_str(), ?rating, "Dify knows the rating");
                Ok(())
            }
            Err(refusal) => Err(error_of(refusal)),
        }
    }
}

/// Dify may be away, and a key may be mended; an answer it does not know it will never know.
fn error_of(
    Refusal {
        failure,
        retry_after,
    }: Refusal,
) -> BotError {
    let detail = format!("Dify did not take a rating: {failure}");
    match is_final(&failure) {
        true => BotError::permanent(detail),
        false => BotError::transient(detail, retry_after.unwrap_or(PAUSE)),
    }
}

fn is_final(failure: &Failure) -> bool {
    matches!(failure.status, 400 | 404 | 405 | 413 | 415 | 422)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clear_scores_are_passed_on() {
        let usual = Ratings::default();
        let told = [1, 2, 3, 4, 5].map(|score| usual.of(score));
        let (like, dislike) = (Some(Rating::Like), Some(Rating::Dislike));
        assert_eq!(told, [dislike, dislike, None, like, like]);
        let off = Ratings {
            pass_on: false,
            ..usual
        };
        assert_eq!(off.of(5), None);
    }
}
