//! How the calls of a rollout turn out, until its guard has seen enough.
//!
//! Invariant: a trial ends once, and from then on no call is routed into the rollout by this process,
//! also before the end is written to the log.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use crate::{
    function::{Guard, GuardFault, Tally},
    position::Position,
};

/// The calls of one rollout, as this process counts them.
#[derive(Debug, Default)]
pub(crate) struct Trial {
    set_at: Position,
    guard: Option<Guard>,
    calls: AtomicU64,
    failed: AtomicU64,
    slow: AtomicU64,
    over: AtomicBool,
}

impl Trial {
    /// The trial of the rollout that was set at this position of the log.
    pub(crate) fn new(set_at: Position, guard: Option<Guard>) -> Self {
        Self { set_at, guard, ..Self::default() }
    }

    pub(crate) fn set_at(&self) -> Position {
        self.set_at
    }

    /// Whether calls have to be timed for it.
    pub(crate) fn times(&self) -> bool {
        self.guard.as_ref().is_some_and(|guard| guard.p99.is_some())
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    pub(crate) fn tally(&self) -> Tally {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Tally { calls: read(&self.calls), failed: read(&self.failed), slow: read(&self.slow) }
    }

    /// Whether calls are counted for somebody who judges them, and it is not over.
    pub(crate) fn is_guarded(&self) -> bool {
        self.guard.is_some() && !self.is_over()
    }

    /// Judges what was counted here and elsewhere together; gives the fault if that ends the trial.
    pub(crate) fn judge_with(&self, elsewhere: Tally) -> Option<GuardFault> {
        let fault = self.guard.as_ref()?.judge(self.tally().plus(elsewhere))?;
        (!self.over.swap(true, Ordering::AcqRel)).then_some(fault)
    }

    /// Counts a call; gives the fault to the one caller whose call ended the trial.
    pub(crate) fn count(&self, failed: bool, took: Option<Duration>) -> Option<GuardFault> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if failed {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
        let guard = self.guard.as_ref()?;
        let slow = matches!((took, guard.p99), (Some(took), Some(limit)) if took > limit);
        if slow {
            self.slow.fetch_add(1, Ordering::Relaxed);
        }
        // Only a bad call can make a judgement worse, and the one that completes the number needed.
        let tally = self.tally();
        if !failed && !slow && tally.calls != guard.after_calls {
            return None;
        }
        let fault = guard.judge(tally)?;
        (!self.over.swap(true, Ordering::AcqRel)).then_some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::Share;

    #[test]
    fn a_guard_waits_for_enough_calls() {
        let guard = Guard::default().errors_up_to(Share::percent(1)).after_calls(100);
        let tally = |calls, failed| Tally { calls, failed, slow: 0 };
        assert_eq!(guard.judge(tally(99, 99)), None);
        assert_eq!(guard.judge(tally(100, 1)), None);
        assert_eq!(guard.judge(tally(100, 2)), Some(GuardFault::Errors { failed: 2, calls: 100 }));
    }

    #[test]
    fn a_guard_judges_the_slowest_hundredth() {
        let limit = Duration::from_millis(40);
        let guard = Guard::default().p99_up_to(limit).after_calls(200);
        let tally = |slow| Tally { calls: 200, failed: 0, slow };
        assert_eq!(guard.judge(tally(2)), None);
        assert_eq!(guard.judge(tally(3)), Some(GuardFault::Slow { slow: 3, calls: 200, limit }));
    }

    #[test]
    fn a_trial_ends_once_and_tells_one_caller() {
        let guard = Guard::default().errors_up_to(Share::percent(10)).after_calls(10);
        let trial = Trial::new(Position::new(7), Some(guard));
        let faults: Vec<_> = (0..20).filter_map(|_| trial.count(true, None)).collect();
        assert_eq!(faults, [GuardFault::Errors { failed: 10, calls: 10 }]);
        assert!(trial.is_over());
    }

    #[test]
    fn what_was_counted_elsewhere_counts_as_well() {
        let guard = Guard::default().errors_up_to(Share::percent(10)).after_calls(10);
        let trial = Trial::new(Position::new(7), Some(guard));
        assert!((0..4).all(|_| trial.count(true, None).is_none()));
        let elsewhere = |calls| Tally { calls, failed: 0, slow: 0 };
        assert_eq!(trial.judge_with(elsewhere(5)), None);
        assert_eq!(trial.judge_with(elsewhere(36)), None);
        let fault = trial.judge_with(elsewhere(35));
        assert_eq!(fault, Some(GuardFault::Errors { failed: 4, calls: 39 }));
        assert!(!trial.is_guarded() && trial.judge_with(elsewhere(35)).is_none());
    }

    #[test]
    fn failures_before_enough_calls_are_judged_by_the_call_that_completes_them() {
        let guard = Guard::default().errors_up_to(Share::percent(10)).after_calls(10);
        let trial = Trial::new(Position::new(7), Some(guard));
        assert!((0..5).all(|_| trial.count(true, None).is_none()));
        assert!((0..4).all(|_| trial.count(false, None).is_none()));
        assert!(trial.count(false, None).is_some());
    }
}
