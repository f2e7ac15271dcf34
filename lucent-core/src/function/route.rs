//! Which edition of one function a call gets.
//!
//! Invariant: the choice is a pure function of the route, the call's context and key, and which
//! editions can run; it is tested without a runtime, a store or a clock. The order of the rules is
//! that of the code in [`Route::choose`]: recorded, disabled, jurisdiction, tenant, pinned, rollout,
//! current.

use std::{borrow::Cow, sync::Arc};

use crate::{
    function::{
        CallContext, EditionId, JURISDICTION, Purpose, Reason, Rollout, Share, TENANT,
        bucket::Seed, trial::Trial,
    },
    position::Position,
};

/// The rules of one function, made for quick answers.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) name: &'static str,
    /// The last change of control that it knows.
    pub(crate) epoch: Position,
    /// The editions of this program, sorted; the other fields name them by index.
    pub(crate) editions: Arc<[EditionRoute]>,
    pub(crate) current: usize,
    pub(crate) closed: Option<Closed>,
    /// Where it does not run, and why.
    pub(crate) jurisdictions: Vec<(Cow<'static, str>, String)>,
    /// For whom it does not run, and why.
    pub(crate) tenants: Vec<(String, String)>,
    pub(crate) rollout: Option<RolloutRoute>,
    pub(crate) shadow: Option<ShadowRoute>,
}

/// Why a function runs for nobody.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Closed {
    /// Somebody switched it off.
    Disabled(String),
    /// This node does not know the others.
    Alone(&'static str),
}

/// What a route knows of an edition.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EditionRoute {
    pub(crate) id: EditionId,
    pub(crate) fallback: Option<usize>,
    pub(crate) quarantined: Option<String>,
}

/// A rollout whose hashes are begun.
#[derive(Debug)]
pub(crate) struct RolloutRoute {
    pub(crate) rollout: Rollout,
    /// The edition of each arm; `None` if this program does not have it.
    pub(crate) arms: Vec<Option<usize>>,
    inclusion: Seed,
    variant: Seed,
    pub(crate) trial: Arc<Trial>,
}

/// Which calls run in a second edition too.
#[derive(Debug)]
pub(crate) struct ShadowRoute {
    pub(crate) edition: usize,
    share: Share,
    seed: Seed,
}

/// What was chosen for a call.
#[derive(Debug)]
pub(crate) struct Choice<'r> {
    /// The index of the edition.
    pub(crate) edition: usize,
    pub(crate) reason: Reason,
    pub(crate) bucket: Option<u16>,
    /// The edition that runs beside it.
    pub(crate) shadow: Option<usize>,
    /// What the call is counted in.
    pub(crate) trial: Option<&'r Arc<Trial>>,
}

/// Why no edition may run for a call.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It is switched off.
    #[error("`{function}` is disabled: {because}")]
    Disabled {
        /// The function.
        function: &'static str,
        /// Why.
        because: String,
    },
    /// The node shares calls with others and does not know them now.
    #[error("`{function}` does not run here now: {because}")]
    Alone {
        /// The function.
        function: &'static str,
        /// Why.
        because: &'static str,
    },
    /// It does not run where the call comes from.
    #[error("`{function}` does not run in {jurisdiction}: {because}")]
    Jurisdiction {
        /// The function.
        function: &'static str,
        /// Where the call comes from.
        jurisdiction: String,
        /// Why.
        because: String,
    },
    /// It does not run everywhere, and the call does not say enough of where it comes from.
    #[error(
        "`{function}` does not run in {denied}, and the call's jurisdiction is {}: set the field `jurisdiction` of the business context",
        found.as_deref().unwrap_or("unknown")
    )]
    UnknownJurisdiction {
        /// The function.
        function: &'static str,
        /// What is known.
        found: Option<String>,
        /// A jurisdiction in which it does not run.
        denied: String,
    },
    /// It does not run for this tenant.
    #[error("`{function}` is disabled for tenant `{tenant}`: {because}")]
    Tenant {
        /// The function.
        function: &'static str,
        /// The tenant.
        tenant: String,
        /// Why.
        because: String,
    },
    /// This program does not have the edition that the call asks for.
    #[error(
        "`{function}` {edition} is not a part of this program: keep it, or run an older program"
    )]
    NotHere {
        /// The function.
        function: &'static str,
        /// The edition.
        edition: EditionId,
    },
    /// The edition cannot run now, and nothing can run in its place.
    #[error("`{function}` {edition} cannot run: {because}, and nothing can run in its place")]
    Unavailable {
        /// The function.
        function: &'static str,
        /// The edition.
        edition: EditionId,
        /// Why it cannot.
        because: String,
    },
    /// The registry that the manager was started with does not have the function.
    #[error(
        "`{function}` is not in the registry that this manager was started with: start it with the application's registry"
    )]
    NotManaged {
        /// The function.
        function: &'static str,
    },
}

impl Route {
    /// Chooses. `key` makes the function's own key and is asked only if a rule needs it; `runs` says
    /// whether an edition's breaker lets a call through.
    pub(crate) fn choose(
        &self,
        context: &CallContext<'_>,
        key: impl Fn() -> Option<String>,
        runs: impl Fn(usize) -> bool,
    ) -> Result<Choice<'_>, Refusal> {
        if let Some(edition) = context.recorded(self.name) {
            return Ok(Choice::plain(self.here(&edition)?, Reason::Recorded));
        }
        self.permitted(context)?;
        if let Some(edition) = context.pin() {
            let index = self.here(edition)?;
            self.available(index, &runs)?;
            return Ok(Choice::plain(index, Reason::Pinned));
        }
        let first = self.by_rollout(context, &key);
        let mut choice = self.settled(first, &runs)?;
        choice.shadow = self.shadow_of(context, &key, choice.edition);
        Ok(choice)
    }

    /// The rules of the same function on a node that does not know the others: it repeats what is on
    /// record, and nothing else.
    pub(crate) fn alone(&self, because: &'static str) -> Self {
        Self {
            name: self.name,
            epoch: self.epoch,
            editions: Arc::clone(&self.editions),
            current: self.current,
            closed: Some(Closed::Alone(because)),
            jurisdictions: Vec::new(),
            tenants: Vec::new(),
            rollout: None,
            shadow: None,
        }
    }

    /// Whether it may run for this caller at all.
    fn permitted(&self, context: &CallContext<'_>) -> Result<(), Refusal> {
        let function = self.name;
        match &self.closed {
            None => {}
            Some(Closed::Disabled(because)) => {
                return Err(Refusal::Disabled { function, because: because.clone() });
            }
            Some(Closed::Alone(because)) => return Err(Refusal::Alone { function, because }),
        }
        if !self.jurisdictions.is_empty() {
            self.permitted_in(context.field(JURISDICTION))?;
        }
        if self.tenants.is_empty() {
            return Ok(());
        }
        let tenant = context.field(TENANT).unwrap_or_default();
        match self.tenants.iter().find(|(denied, _)| denied == tenant) {
            None => Ok(()),
            Some((tenant, because)) => {
                Err(Refusal::Tenant { function, tenant: tenant.clone(), because: because.clone() })
            }
        }
    }

    fn permitted_in(&self, found: Option<&str>) -> Result<(), Refusal> {
        let function = self.name;
        for (denied, because) in &self.jurisdictions {
            match found.filter(|found| !found.is_empty()) {
                Some(found) if within(found, denied) => {
                    return Err(Refusal::Jurisdiction {
                        function,
                        jurisdiction: found.to_owned(),
                        because: because.clone(),
                    });
                }
                // `US` may be anywhere in it, also in `US-NY`.
                Some(found) if !within(denied, found) => {}
                found => {
                    let (found, denied) = (found.map(str::to_owned), denied.to_string());
                    return Err(Refusal::UnknownJurisdiction { function, found, denied });
                }
            }
        }
        Ok(())
    }

    fn by_rollout(
        &self,
        context: &CallContext<'_>,
        key: &impl Fn() -> Option<String>,
    ) -> Choice<'_> {
        let Some(route) = self.rollout.as_ref().filter(|route| !route.trial.is_over()) else {
            return Choice::plain(self.current, Reason::Current);
        };
        let own;
        let key = match &route.rollout.stick_by {
            Some(field) => context.field(field),
            None => {
                own = key();
                own.as_deref()
            }
        };
        let Some(key) = key else {
            return Choice::plain(self.current, Reason::NoStickKey);
        };
        let bucket = route.inclusion.bucket(key);
        let arm = route.rollout.share.covers(bucket).then(|| match &route.arms[..] {
            [only] => *only,
            arms => arms[route.rollout.arm(route.variant.bucket(key))],
        });
        match arm.flatten() {
            Some(edition) => Choice {
                bucket: Some(bucket),
                trial: Some(&route.trial),
                ..Choice::plain(edition, Reason::Included)
            },
            None => {
                Choice { bucket: Some(bucket), ..Choice::plain(self.current, Reason::NotIncluded) }
            }
        }
    }

    /// Puts another edition in the place of one that cannot run: the declared fallback, then the
    /// current one.
    fn settled<'r>(
        &self,
        choice: Choice<'r>,
        runs: &impl Fn(usize) -> bool,
    ) -> Result<Choice<'r>, Refusal> {
        let Err(refusal) = self.available(choice.edition, runs) else {
            return Ok(choice);
        };
        let from = &self.editions[choice.edition];
        let instead = [from.fallback, Some(self.current)];
        let instead = instead
            .into_iter()
            .flatten()
            .find(|&index| index != choice.edition && self.available(index, runs).is_ok());
        match instead {
            Some(edition) => Ok(Choice {
                bucket: choice.bucket,
                ..Choice::plain(edition, Reason::Fallback { from: from.id.clone() })
            }),
            None => Err(refusal),
        }
    }

    fn available(&self, index: usize, runs: &impl Fn(usize) -> bool) -> Result<(), Refusal> {
        let edition = &self.editions[index];
        let because = match &edition.quarantined {
            Some(because) => because.clone(),
            None if runs(index) => return Ok(()),
            None => "it failed several times in a row and rests".to_owned(),
        };
        Err(Refusal::Unavailable { function: self.name, edition: edition.id.clone(), because })
    }

    fn shadow_of(
        &self,
        context: &CallContext<'_>,
        key: &impl Fn() -> Option<String>,
        chosen: usize,
    ) -> Option<usize> {
        let shadow = self.shadow.as_ref().filter(|shadow| shadow.edition != chosen)?;
        if shadow.share == Share::ALL {
            return Some(shadow.edition);
        }
        let stick_by = self.rollout.as_ref().and_then(|route| route.rollout.stick_by.as_deref());
        let bucket = match stick_by.and_then(|field| context.field(field)) {
            Some(key) => shadow.seed.bucket(key),
            None => shadow.seed.bucket(&key()?),
        };
        shadow.share.covers(bucket).then_some(shadow.edition)
    }

    /// The index of an edition that this program has.
    fn here(&self, edition: &EditionId) -> Result<usize, Refusal> {
        let found = self.editions.iter().position(|one| one.id == *edition);
        let not_here = || Refusal::NotHere { function: self.name, edition: edition.clone() };
        found.ok_or_else(not_here)
    }
}

impl RolloutRoute {
    pub(crate) fn new(
        function: &str,
        rollout: Rollout,
        editions: &[EditionRoute],
        trial: Arc<Trial>,
    ) -> Self {
        let here = |arm: &crate::function::Arm| {
            editions.iter().position(|edition| edition.id == arm.edition)
        };
        Self {
            arms: rollout.arms.iter().map(here).collect(),
            inclusion: Seed::new(Purpose::Inclusion, &rollout.salt, function),
            variant: Seed::new(Purpose::Variant, &rollout.salt, function),
            rollout,
            trial,
        }
    }
}

impl ShadowRoute {
    pub(crate) fn new(function: &str, id: &EditionId, edition: usize, share: Share) -> Self {
        Self { edition, share, seed: Seed::new(Purpose::Shadow, &id.to_string(), function) }
    }
}

impl Choice<'_> {
    const fn plain(edition: usize, reason: Reason) -> Self {
        Self { edition, reason, bucket: None, shadow: None, trial: None }
    }
}

/// Whether a jurisdiction is another one or a part of it: `US-NY` is within `US`.
fn within(part: &str, whole: &str) -> bool {
    part.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}
