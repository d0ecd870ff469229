//! Access tokens: one per corp and secret, the same until it dies, and dead early where the platform wants it
//! (WeCom notes, 5.1).

use std::collections::VecDeque;
use std::time::Duration;

use crate::chance::Chance;

/// How many tokens are remembered, to tell "expired" from "never existed".
const REMEMBERED: usize = 64;
const MINUTE: i64 = 60_000;

struct Token {
    value: String,
    expires: i64,
    revoked: bool,
}

/// One app's tokens.
#[derive(Default)]
pub(super) struct Tokens {
    issued: VecDeque<Token>,
    asked: VecDeque<i64>,
    count: u64,
}

/// What a token is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Worth {
    Valid,
    Expired,
    Revoked,
    Unknown,
}

impl Tokens {
    /// The living token and its remaining seconds, or a new one; `Err` is the code of the rate limit.
    pub fn get(
        &mut self,
        now: i64,
        life: Duration,
        rate: u32,
        chance: &Chance,
    ) -> Result<(String, i64), i64> {
        within(&mut self.asked, now, MINUTE, rate).map_err(|()| 45009)?;
        let mut issued = self.issued.iter().rev();
        let living = issued.find(|token| !token.revoked && now < token.expires);
        if let Some(token) = living {
            return Ok((token.value.clone(), (token.expires - now) / 1000));
        }
        let life = i64::try_from(life.as_millis()).unwrap_or(i64::MAX / 2);
        let value = chance.letters(214);
        self.count += 1;
        if self.issued.len() == REMEMBERED {
            self.issued.pop_front();
        }
        self.issued.push_back(Token {
            value: value.clone(),
            expires: now.saturating_add(life),
            revoked: false,
        });
        Ok((value, life / 1000))
    }

    /// How many different ones there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn worth(&self, value: &str, now: i64) -> Worth {
        match self.issued.iter().find(|token| token.value == value) {
            None => Worth::Unknown,
            Some(token) if token.revoked => Worth::Revoked,
            Some(token) if now >= token.expires => Worth::Expired,
            Some(_) => Worth::Valid,
        }
    }

    /// Ends a token's life now.
    pub fn expire(&mut self, value: &str, now: i64) {
        for token in self.issued.iter_mut().filter(|token| token.value == value) {
            token.expires = now;
        }
    }

    /// The platform revokes all there are before their time.
    pub fn revoke_all(&mut self) {
        for token in &mut self.issued {
            token.revoked = true;
        }
    }
}

/// Counts one more within the last `span` milliseconds; `Err` where that is more than `rate`. 0: unlimited.
pub(super) fn within(past: &mut VecDeque<i64>, now: i64, span: i64, rate: u32) -> Result<(), ()> {
    if rate == 0 || rate == u32::MAX {
        return Ok(());
    }
    while past.front().is_some_and(|at| now - at >= span) {
        past.pop_front();
    }
    if past.len() >= rate as usize {
        return Err(());
    }
    past.push_back(now);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(7200);

    #[test]
    fn a_token_stays_the_same_until_it_dies() {
        let (mut tokens, chance) = (Tokens::default(), Chance::new(Some(3)));
        let (first, life) = tokens.get(0, LIFE, 0, &chance).unwrap();
        assert_eq!(life, 7200);
        let again = tokens.get(7_199_000, LIFE, 0, &chance);
        assert_eq!(again, Ok((first.clone(), 1)));
        let (second, _) = tokens.get(7_200_000, LIFE, 0, &chance).unwrap();
        assert_ne!(first, second);
        assert_eq!(tokens.worth(&first, 7_200_000), Worth::Expired);
        tokens.revoke_all();
        assert_eq!(tokens.worth(&second, 7_200_000), Worth::Revoked);
        assert_ne!(tokens.get(7_200_000, LIFE, 0, &chance).unwrap().0, second);
        assert_eq!(tokens.worth("nonsense", 0), Worth::Unknown);
    }

    #[test]
    fn asking_too_often_has_its_code() {
        let (mut tokens, chance) = (Tokens::default(), Chance::new(Some(3)));
        for _ in 0..3 {
            assert!(tokens.get(0, LIFE, 3, &chance).is_ok());
        }
        assert_eq!(tokens.get(59_999, LIFE, 3, &chance), Err(45009));
        assert!(tokens.get(60_000, LIFE, 3, &chance).is_ok());
    }
}
