//! Points in time, and the clock that the shell reads them from.
//!
//! Invariant: a [`Timestamp`] has microsecond precision, so it survives every store unchanged.

use std::{
    fmt,
    str::FromStr,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time in UTC, in microseconds; printed and parsed as RFC 3339.
///
/// ```
/// use lucent_core::Timestamp;
/// let at: Timestamp = "2026-01-05T10:00:00.25Z".parse()?;
/// assert_eq!(at.as_micros(), 1_767_607_200_250_000);
/// assert_eq!(at.to_string(), "2026-01-05T10:00:00.25Z");
/// # Ok::<(), lucent_core::InvalidTimestamp>(())
/// ```
#[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Microseconds since 1970-01-01T00:00:00Z; values that no calendar holds are clamped.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        let lowest = jiff::Timestamp::MIN.as_microsecond();
        let highest = jiff::Timestamp::MAX.as_microsecond();
        Self(micros.clamp(lowest, highest))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The time on the system's clock.
    #[must_use]
    pub fn now() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
        let now = SystemTime::now();
        let micros = |duration: Duration| {
            let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
            seconds.saturating_mul(1_000_000).saturating_add(i64::from(duration.subsec_micros()))
        };
        match now.duration_since(UNIX_EPOCH) {
            Ok(since) => Self::from_micros(micros(since)),
            Err(before) => Self::from_micros(-micros(before.duration())),
        }
    }

    /// This time moved on by a duration.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_add(micros))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(time) => fmt::Display::fmt(&time, f),
            Err(_) => write!(f, "{} us", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<jiff::Timestamp>() {
            Ok(time) => Ok(Self(time.as_microsecond())),
            Err(error) => {
                Err(InvalidTimestamp { text: text.to_owned(), reason: error.to_string() })
            }
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A text that is not an RFC 3339 time.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{text}` is not a time such as `2026-01-05T10:00:00Z`: {reason}")]
pub struct InvalidTimestamp {
    /// The text that was given.
    pub text: String,
    /// What the parser said.
    pub reason: String,
}

/// Where the shell reads the time; decisions get it through their context.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// The time since some moment of the clock's own, for measuring; the system's clock never goes back
    /// here.
    fn elapsed(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.now().as_micros()).unwrap_or_default())
    }
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        #[expect(clippy::disallowed_methods, reason = "this is where the others get it")]
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
}

/// A clock that moves only when it is told to; clones share the time.
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that stands at this time.
    #[must_use]
    pub fn at(time: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(time.as_micros())))
    }

    /// Moves the clock to this time.
    pub fn set(&self, time: Timestamp) {
        self.0.store(time.as_micros(), Ordering::SeqCst);
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().plus(by));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}
