//! Time and chance of a run: a clock that stands where it is put, letters that a seed repeats.

use crate::daemon::{Clock, Ids};
use chrono::{DateTime, Utc};
use std::sync::{Arc, Mutex, PoisonError};

/// A clock that moves only when it is told to.
#[derive(Clone)]
pub struct VirtualClock(Arc<Mutex<DateTime<Utc>>>);

impl VirtualClock {
    /// A clock that stands at `start`.
    pub fn at(start: DateTime<Utc>) -> Self {
        Self(Arc::new(Mutex::new(start)))
    }

    /// Puts it to another time.
    pub fn set(&self, to: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = to;
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Numbers from a seed: SplitMix64, the same on every machine.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The numbers of this seed.
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// The next one.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 to `below`, that one left out.
    pub fn below(&mut self, below: u64) -> u64 {
        self.draw() % below.max(1)
    }
}

/// Fresh letters from a seed.
#[derive(Debug, Clone)]
pub struct SeededIds(Chance);

impl SeededIds {
    /// The letters of this seed.
    pub fn of(seed: u64) -> Self {
        Self(Chance::of(seed ^ 0xC0DE_7D00))
    }
}

impl Ids for SeededIds {
    fn fresh(&mut self) -> String {
        const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let (a, b) = (self.0.draw(), self.0.draw());
        let bits = (u128::from(a) << 64) | u128::from(b);
        (0..26).map(|i| char::from(LETTERS[((bits >> (5 * i)) & 31) as usize])).collect()
    }
}
