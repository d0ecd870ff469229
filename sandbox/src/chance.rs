//! Everything random in the sandbox comes from here, so that a seed repeats a run.

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A seeded source of ids and dice.
pub(crate) struct Chance(Mutex<StdRng>);

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl Chance {
    /// The same seed gives the same sequence; no seed takes one from the system.
    pub fn new(seed: Option<u64>) -> Self {
        let seed = seed.unwrap_or_else(rand::random);
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// True with the given probability; values outside 0..=1 are taken as the nearer end.
    pub fn happens(&self, probability: f64) -> bool {
        if probability >= 1.0 {
            return true;
        }
        probability > 0.0 && self.0.lock().random_bool(probability)
    }

    /// Any 32-bit number.
    pub fn u32(&self) -> u32 {
        self.0.lock().random_range(0..=u32::MAX)
    }

    /// A number in `low..high`.
    pub fn between(&self, low: u64, high: u64) -> u64 {
        self.0.lock().random_range(low..high)
    }

    /// Sixteen bytes.
    pub fn bytes16(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.0.lock().fill(&mut bytes[..]);
        bytes
    }

    /// Letters and digits.
    pub fn letters(&self, length: usize) -> String {
        let mut rng = self.0.lock();
        (0..length)
            .map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())]))
            .collect()
    }

    /// Lower-case hexadecimal digits.
    pub fn hex(&self, length: usize) -> String {
        let mut rng = self.0.lock();
        (0..length)
            .filter_map(|_| char::from_digit(rng.random_range(0..16), 16))
            .collect()
    }

    /// A random (version 4) UUID.
    pub fn uuid(&self) -> String {
        let mut b = self.bytes16();
        b[6] = (b[6] & 0x0f) | 0x40;
        b[8] = (b[8] & 0x3f) | 0x80;
        let hex: String = b.iter().map(|byte| format!("{byte:02x}")).collect();
        format!(
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_run() {
        let (a, b) = (Chance::new(Some(7)), Chance::new(Some(7)));
        assert_eq!(a.uuid(), b.uuid());
        assert_eq!(a.letters(28), b.letters(28));
        assert_ne!(a.uuid(), Chance::new(Some(8)).uuid());
    }

    #[test]
    fn impossible_and_certain_need_no_dice() {
        let chance = Chance::new(Some(1));
        assert!(!chance.happens(0.0) && !chance.happens(-1.0));
        assert!(chance.happens(1.0) && chance.happens(2.0));
    }
}
