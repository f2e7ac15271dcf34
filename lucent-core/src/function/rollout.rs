//! Who gets which edition: shares of keys, and what takes a rollout back.
//!
//! Invariant: a rollout is a set of explicit ranges of buckets. Raising a share extends a range, so it
//! adds keys and moves nobody who was in.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::function::{BUCKETS, EditionId};

/// A part of all keys, in hundredths of a percent.
///
/// ```
/// use lucent_core::function::Share;
/// assert_eq!(Share::percent(5).to_string(), "5%");
/// assert_eq!(Share::basis_points(25)?.to_string(), "0.25%");
/// assert!(Share::basis_points(10_001).is_err());
/// # Ok::<(), lucent_core::function::InvalidShare>(())
/// ```
#[derive(
    Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize,
)]
#[serde(try_from = "u16", into = "u16")]
pub struct Share(u16);

impl Share {
    /// Nobody.
    pub const NONE: Self = Self(0);
    /// Everybody.
    pub const ALL: Self = Self(BUCKETS);

    /// So many percent; more than 100 count as 100.
    #[must_use]
    pub const fn percent(percent: u8) -> Self {
        Self(if percent > 100 { BUCKETS } else { percent as u16 * 100 })
    }

    /// So many hundredths of a percent.
    ///
    /// # Errors
    /// When there are more than 10,000.
    pub const fn basis_points(points: u16) -> Result<Self, InvalidShare> {
        if points > BUCKETS { Err(InvalidShare { points }) } else { Ok(Self(points)) }
    }

    /// In hundredths of a percent; also the number of buckets that it covers.
    #[must_use]
    pub const fn points(self) -> u16 {
        self.0
    }

    /// Whether the share covers a bucket.
    #[must_use]
    pub const fn covers(self, bucket: u16) -> bool {
        bucket < self.0
    }
}

impl TryFrom<u16> for Share {
    type Error = InvalidShare;

    fn try_from(points: u16) -> Result<Self, InvalidShare> {
        Self::basis_points(points)
    }
}

impl From<Share> for u16 {
    fn from(share: Share) -> Self {
        share.0
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(f, "{whole}%"),
            (whole, rest) => write!(f, "{whole}.{rest:02}%"),
        }
    }
}

/// More than everybody.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{points} hundredths of a percent are more than 100%: a share is at most 10000")]
pub struct InvalidShare {
    /// The number that was given.
    pub points: u16,
}

/// A share of keys that get other editions than the current one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// How much of all keys is included.
    pub share: Share,
    /// Which editions the included keys get: each the buckets from the end of the one before it up to
    /// its own end. With one arm, all included keys get its edition.
    pub arms: Vec<Arm>,
    /// The field of the business context whose value is the key; without one, the function's shard key
    /// is.
    pub stick_by: Option<String>,
    /// Who is included depends on it. Rollouts with one salt include the same keys.
    pub salt: String,
    /// What takes the rollout back.
    pub guard: Option<Guard>,
}

/// One of the editions of a rollout.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// The edition.
    pub edition: EditionId,
    /// The end of its buckets.
    pub end: Share,
}

impl Rollout {
    /// Gives a share of all keys another edition.
    #[must_use]
    pub fn of(edition: impl Into<EditionId>, share: Share) -> Self {
        let edition = edition.into();
        let salt = edition.to_string();
        let arms = vec![Arm { edition, end: Share::ALL }];
        Self { share, arms, stick_by: None, salt, guard: None }
    }

    /// Compares editions: each of these gets as much of the included keys as it says.
    ///
    /// ```
    /// use lucent_core::function::{EditionId, Rollout, Share};
    /// let (a, b) = (EditionId::version(3), EditionId::version(3).variant("b"));
    /// let test = Rollout::between([(a, Share::percent(50)), (b, Share::percent(50))], Share::percent(20));
    /// assert_eq!(test.arms[1].end, Share::ALL);
    /// ```
    #[must_use]
    pub fn between(arms: impl IntoIterator<Item = (EditionId, Share)>, share: Share) -> Self {
        let mut end = 0_u16;
        let arms: Vec<Arm> = arms
            .into_iter()
            .map(|(edition, part)| {
                end = end.saturating_add(part.points());
                Arm { edition, end: Share(end) }
            })
            .collect();
        let names: Vec<String> = arms.iter().map(|arm| arm.edition.to_string()).collect();
        Self { share, arms, stick_by: None, salt: names.join("/"), guard: None }
    }

    /// Takes the key from this field of the business context.
    #[must_use]
    pub fn stick_by(mut self, field: impl Into<String>) -> Self {
        self.stick_by = Some(field.into());
        self
    }

    /// Includes other keys than a rollout of the same editions would.
    #[must_use]
    pub fn salt(mut self, salt: impl Into<String>) -> Self {
        self.salt = salt.into();
        self
    }

    /// Takes the rollout back by itself when its calls are worse than this.
    #[must_use]
    pub fn guard(mut self, guard: Guard) -> Self {
        self.guard = Some(guard);
        self
    }

    /// What is wrong with the arms, if anything is.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        match self.arms.last() {
            None => Some("it names no edition"),
            Some(last) if last.end != Share::ALL => {
                Some("the shares of its editions do not add up to 100%")
            }
            Some(_) => None,
        }
    }

    /// The index of the arm that covers a bucket.
    pub(crate) fn arm(&self, bucket: u16) -> usize {
        let covering = self.arms.iter().position(|arm| arm.end.covers(bucket));
        covering.unwrap_or_default()
    }
}

/// How good the calls of a rollout have to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guard {
    /// How much of the calls may fail.
    pub errors: Option<Share>,
    /// In what time 99 of 100 calls are done.
    pub p99: Option<Duration>,
    /// How many calls are needed for a judgement.
    pub after_calls: u64,
}

impl Default for Guard {
    fn default() -> Self {
        Self { errors: None, p99: None, after_calls: 100 }
    }
}

impl Guard {
    /// At most this much of the calls may fail.
    #[must_use]
    pub fn errors_up_to(mut self, share: Share) -> Self {
        self.errors = Some(share);
        self
    }

    /// Ninety-nine of a hundred calls are done in this time.
    #[must_use]
    pub fn p99_up_to(mut self, limit: Duration) -> Self {
        self.p99 = Some(limit);
        self
    }

    /// Judges only after this many calls; 100 unless told otherwise.
    #[must_use]
    pub fn after_calls(mut self, calls: u64) -> Self {
        self.after_calls = calls;
        self
    }

    /// Why the rollout is to be taken back, if it is.
    #[must_use]
    pub fn judge(&self, tally: Tally) -> Option<GuardFault> {
        let Tally { calls, failed, slow } = tally;
        if calls == 0 || calls < self.after_calls {
            return None;
        }
        let too_many = |allowed: Share| {
            u128::from(failed) * u128::from(BUCKETS)
                > u128::from(calls) * u128::from(allowed.points())
        };
        if self.errors.is_some_and(too_many) {
            return Some(GuardFault::Errors { failed, calls });
        }
        let limit = self.p99?;
        (slow.saturating_mul(100) > calls).then_some(GuardFault::Slow { slow, calls, limit })
    }
}

/// What became of the calls of a rollout.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// How many there were.
    pub calls: u64,
    /// How many of them failed, panicked or were late.
    pub failed: u64,
    /// How many took longer than the guard's p99.
    pub slow: u64,
}

impl Tally {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(other.calls),
            failed: self.failed.saturating_add(other.failed),
            slow: self.slow.saturating_add(other.slow),
        }
    }
}

/// Why a rollout was taken back.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum GuardFault {
    /// Too many calls failed.
    Errors {
        /// How many failed.
        failed: u64,
        /// Of how many.
        calls: u64,
    },
    /// Too many calls were slow.
    Slow {
        /// How many were slower than the limit.
        slow: u64,
        /// Of how many.
        calls: u64,
        /// The limit.
        limit: Duration,
    },
}

impl fmt::Display for GuardFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Errors { failed, calls } => write!(f, "{failed} of {calls} calls failed"),
            Self::Slow { slow, calls, limit } => {
                write!(f, "{slow} of {calls} calls took longer than {limit:?}")
            }
        }
    }
}
