//! Access tokens: two ways to get one, how they displace each other, when they die (WeChat notes, 4.1).

use std::time::Duration;

use crate::chance::Chance;

/// Within its last five minutes a stable token is renewed, and the old one works on.
const RENEWAL: i64 = 300_000;
/// How long a displaced `/token` token works on.
const OVERLAP: i64 = 300_000;
/// Forced refreshes: this far apart, that many a day.
const FORCE_GAP: i64 = 30_000;
const FORCE_DAILY: usize = 20;
/// How many tokens are remembered, to tell "displaced" from "never existed".
const REMEMBERED: usize = 64;
const DAY: i64 = 86_400_000;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Stable,
    Classic,
}

struct Token {
    value: String,
    kind: Kind,
    expires: i64,
    /// A newer one took its place; it works until then at most.
    displaced: Option<i64>,
}

/// One account's tokens.
#[derive(Default)]
pub(crate) struct Tokens {
    issued: Vec<Token>,
    forced: Vec<i64>,
}

/// What a token is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Worth {
    Valid,
    Expired,
    Displaced,
    Unknown,
}

impl Tokens {
    /// `stable_token`, normal mode: the same token until its last minutes. Returns it and its remaining seconds.
    pub fn stable(&mut self, now: i64, life: Duration, chance: &Chance) -> (String, i64) {
        let current = self.issued.iter().rev().find(|token| {
            token.kind == Kind::Stable && token.displaced.is_none() && token.expires - now > RENEWAL
        });
        match current {
            Some(token) => (token.value.clone(), (token.expires - now) / 1000),
            None => self.issue(Kind::Stable, now, life, chance),
        }
    }

    /// `stable_token` with `force_refresh`: a new token, the old dead at once. `Err` is the error code of the limit met.
    pub fn force(
        &mut self,
        now: i64,
        life: Duration,
        chance: &Chance,
    ) -> Result<(String, i64), i64> {
        self.forced.retain(|at| now - at < DAY);
        if self.forced.last().is_some_and(|at| now - at < FORCE_GAP) {
            return Err(45011);
        }
        if self.forced.len() >= FORCE_DAILY {
            return Err(45009);
        }
        self.forced.push(now);
        self.displace(Kind::Stable, now);
        Ok(self.issue(Kind::Stable, now, life, chance))
    }

    /// `/token`: always a new one; the one before works on for five minutes.
    pub fn classic(&mut self, now: i64, life: Duration, chance: &Chance) -> (String, i64) {
        self.displace(Kind::Classic, now + OVERLAP);
        self.issue(Kind::Classic, now, life, chance)
    }

    pub fn worth(&self, value: &str, now: i64) -> Worth {
        let Some(token) = self.issued.iter().find(|token| token.value == value) else {
            return Worth::Unknown;
        };
        match token.displaced {
            _ if now >= token.expires => Worth::Expired,
            Some(until) if now >= until => Worth::Displaced,
            _ => Worth::Valid,
        }
    }

    /// Ends a token's life now.
    pub fn expire(&mut self, value: &str, now: i64) {
        for token in self.issued.iter_mut().filter(|token| token.value == value) {
            token.expires = now;
        }
    }

    /// Another system fetched tokens: all there are become worthless.
    pub fn displace_all(&mut self, now: i64) {
        self.displace(Kind::Stable, now);
        self.displace(Kind::Classic, now);
    }

    fn displace(&mut self, kind: Kind, until: i64) {
        for token in self.issued.iter_mut().filter(|token| token.kind == kind) {
            token.displaced = Some(token.displaced.map_or(until, |earlier| earlier.min(until)));
        }
    }

    fn issue(&mut self, kind: Kind, now: i64, life: Duration, chance: &Chance) -> (String, i64) {
        let life = i64::try_from(life.as_millis()).unwrap_or(i64::MAX / 2);
        let value = format!("{}_{}", chance.between(60, 99), chance.letters(133));
        if self.issued.len() == REMEMBERED {
            self.issued.remove(0);
        }
        self.issued.push(Token {
            value: value.clone(),
            kind,
            expires: now + life,
            displaced: None,
        });
        (value, life / 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(7200);

    fn tokens() -> (Tokens, Chance) {
        (Tokens::default(), Chance::new(Some(3)))
    }

    #[test]
    fn a_stable_token_stays_the_same_until_its_last_minutes() {
        let (mut tokens, chance) = tokens();
        let (first, life) = tokens.stable(0, LIFE, &chance);
        assert_eq!(life, 7200);
        assert_eq!(
            tokens.stable(6_000_000, LIFE, &chance),
            (first.clone(), 1200)
        );
        let (second, _) = tokens.stable(6_900_001, LIFE, &chance);
        assert_ne!(first, second);
        assert_eq!(tokens.worth(&first, 7_199_999), Worth::Valid);
        assert_eq!(tokens.worth(&first, 7_200_000), Worth::Expired);
        assert_eq!(tokens.worth(&second, 7_200_000), Worth::Valid);
    }

    #[test]
    fn force_kills_the_old_at_once_and_has_limits() {
        let (mut tokens, chance) = tokens();
        let (old, _) = tokens.stable(0, LIFE, &chance);
        let (new, _) = tokens.force(10, LIFE, &chance).unwrap();
        assert_eq!(tokens.worth(&old, 10), Worth::Displaced);
        assert_eq!(tokens.worth(&new, 10), Worth::Valid);
        assert_eq!(tokens.force(29_000, LIFE, &chance), Err(45011));
        for n in 1..20 {
            assert!(tokens.force(10 + n * 30_000, LIFE, &chance).is_ok());
        }
        assert_eq!(tokens.force(1_000_000, LIFE, &chance), Err(45009));
        assert!(tokens.force(DAY + 1_000_000, LIFE, &chance).is_ok());
    }

    #[test]
    fn classic_tokens_displace_each_other_after_an_overlap_but_never_stable_ones() {
        let (mut tokens, chance) = tokens();
        let (stable, _) = tokens.stable(0, LIFE, &chance);
        let (first, _) = tokens.classic(0, LIFE, &chance);
        tokens.classic(1000, LIFE, &chance);
        assert_eq!(tokens.worth(&first, 300_999), Worth::Valid);
        assert_eq!(tokens.worth(&first, 301_000), Worth::Displaced);
        assert_eq!(tokens.worth(&stable, 301_000), Worth::Valid);
        assert_eq!(tokens.worth("nonsense", 0), Worth::Unknown);
    }
}
