//! What is decided about a function so far, and what an order adds to it.
//!
//! Invariant: both are pure. A policy is the fold of a function's control events; an order looks at
//! the policy and either is refused, or changes nothing, or is one event.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    function::{
        EditionId, FunctionEvent, GuardFault, Rollout, Said, Scope, Share, Terms,
        route::{Closed, EditionRoute, RolloutRoute, Route, ShadowRoute},
        trial::Trial,
    },
    position::{Position, Version},
};

/// The control of one function.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Policy {
    /// The version of its stream.
    pub(crate) version: Version,
    pub(crate) epoch: Position,
    known: BTreeSet<EditionId>,
    current: Option<EditionId>,
    disabled: BTreeMap<Scope, String>,
    rollout: Option<(Rollout, Position)>,
    shadow: Option<(EditionId, Share)>,
    quarantined: BTreeMap<EditionId, String>,
}

/// What somebody, or the manager itself, wants of a function.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Order {
    Register(Vec<EditionId>),
    Enable(Scope),
    Disable(Scope),
    Promote(EditionId),
    SetRollout(Rollout),
    StopRollout,
    /// The guard of the rollout that was set at this position has found a fault.
    TakeBack(Position, GuardFault),
    StartShadow(EditionId, Share),
    StopShadow,
    Quarantine(EditionId, String),
    Release(EditionId),
}

/// Why an order was not carried out.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OrderRefused {
    /// No program that was started on this store has the edition.
    #[error("`{function}` has no edition {edition}; it has {known}")]
    UnknownEdition {
        /// The function.
        function: &'static str,
        /// The edition.
        edition: EditionId,
        /// Those that are known.
        known: String,
    },
    /// The rollout makes no sense.
    #[error("the rollout of `{function}` cannot be: {reason}")]
    Rollout {
        /// The function.
        function: &'static str,
        /// Why.
        reason: &'static str,
    },
}

impl Policy {
    /// Takes an event in.
    pub(crate) fn apply(&mut self, event: &FunctionEvent, version: Version, position: Position) {
        self.version = version;
        self.epoch = position;
        match event {
            FunctionEvent::FunctionRegistered { editions } => {
                self.known.extend(editions.iter().cloned());
                if self.current.is_none() {
                    self.current = newest(&self.known).cloned();
                }
            }
            FunctionEvent::FunctionEnabled { scope, .. } => {
                self.disabled.remove(scope);
            }
            FunctionEvent::FunctionDisabled { scope, said } => {
                self.disabled.insert(scope.clone(), said.because.clone());
            }
            FunctionEvent::EditionPromoted { edition, .. } => {
                self.current = Some(edition.clone());
                self.rollout = None;
            }
            FunctionEvent::RolloutSet { rollout, .. } => {
                self.rollout = Some((rollout.clone(), position));
            }
            FunctionEvent::RolloutStopped { .. } | FunctionEvent::RolloutTakenBack { .. } => {
                self.rollout = None;
            }
            FunctionEvent::ShadowStarted { edition, share, .. } => {
                self.shadow = Some((edition.clone(), *share));
            }
            FunctionEvent::ShadowStopped { .. } => self.shadow = None,
            FunctionEvent::EditionQuarantined { edition, because } => {
                self.quarantined.insert(edition.clone(), because.clone());
            }
            FunctionEvent::EditionReleased { edition, .. } => {
                self.quarantined.remove(edition);
            }
        }
    }

    /// What carrying out an order adds; `None` if everything is so already.
    pub(crate) fn decide(
        &self,
        function: &'static str,
        order: Order,
        said: Said,
    ) -> Result<Option<FunctionEvent>, OrderRefused> {
        Ok(match order {
            Order::Register(editions) => {
                let new = editions.into_iter().filter(|edition| !self.known.contains(edition));
                let editions: Vec<_> = new.collect();
                (!editions.is_empty()).then_some(FunctionEvent::FunctionRegistered { editions })
            }
            Order::Enable(scope) => self
                .disabled
                .contains_key(&scope)
                .then_some(FunctionEvent::FunctionEnabled { scope, said }),
            Order::Disable(scope) => (!self.disabled.contains_key(&scope))
                .then_some(FunctionEvent::FunctionDisabled { scope, said }),
            Order::Promote(edition) => {
                self.expect(function, &edition)?;
                let settled = self.current.as_ref() == Some(&edition) && self.rollout.is_none();
                (!settled).then_some(FunctionEvent::EditionPromoted { edition, said })
            }
            Order::SetRollout(rollout) => {
                self.check_rollout(function, &rollout)?;
                let same = self.rollout.as_ref().is_some_and(|(now, _)| *now == rollout);
                (!same).then_some(FunctionEvent::RolloutSet { rollout, said })
            }
            Order::StopRollout => {
                self.rollout.is_some().then_some(FunctionEvent::RolloutStopped { said })
            }
            Order::TakeBack(set_at, fault) => {
                // It may have been replaced or taken back since the guard looked.
                let same = self.rollout.as_ref().is_some_and(|(_, position)| *position == set_at);
                same.then_some(FunctionEvent::RolloutTakenBack { fault })
            }
            Order::StartShadow(edition, share) => {
                self.expect(function, &edition)?;
                let same = self.shadow.as_ref() == Some(&(edition.clone(), share));
                (!same).then_some(FunctionEvent::ShadowStarted { edition, share, said })
            }
            Order::StopShadow => {
                self.shadow.is_some().then_some(FunctionEvent::ShadowStopped { said })
            }
            Order::Quarantine(edition, because) => (!self.quarantined.contains_key(&edition))
                .then_some(FunctionEvent::EditionQuarantined { edition, because }),
            Order::Release(edition) => self
                .quarantined
                .contains_key(&edition)
                .then_some(FunctionEvent::EditionReleased { edition, said }),
        })
    }

    fn expect(&self, function: &'static str, edition: &EditionId) -> Result<(), OrderRefused> {
        if self.known.contains(edition) {
            return Ok(());
        }
        let known: Vec<String> = self.known.iter().map(ToString::to_string).collect();
        let (edition, known) = (edition.clone(), known.join(", "));
        Err(OrderRefused::UnknownEdition { function, edition, known })
    }

    fn check_rollout(&self, function: &'static str, rollout: &Rollout) -> Result<(), OrderRefused> {
        if let Some(reason) = rollout.fault() {
            return Err(OrderRefused::Rollout { function, reason });
        }
        rollout.arms.iter().try_for_each(|arm| self.expect(function, &arm.edition))
    }

    /// The rules for the editions that a program has. `trial` gives the trial of the rollout that was
    /// set at a position: the running one, if there is one.
    pub(crate) fn route(
        &self,
        name: &'static str,
        denied: &'static [&'static str],
        editions: &[(EditionId, Terms)],
        trial: impl FnOnce(&Rollout, Position) -> Arc<Trial>,
    ) -> Route {
        let index = |id: &EditionId| editions.iter().position(|(one, _)| one == id);
        let routes: Arc<[EditionRoute]> = editions
            .iter()
            .map(|(id, terms)| EditionRoute {
                id: id.clone(),
                fallback: terms.fallback.and_then(|version| index(&version.into())),
                quarantined: self.quarantined.get(id).cloned(),
            })
            .collect();
        let ids = || editions.iter().map(|(id, _)| id);
        let current = self.current.as_ref().and_then(index);
        let current = current.or_else(|| newest(ids()).and_then(index)).unwrap_or_default();
        let declared = denied
            .iter()
            .map(|code| (Cow::Borrowed(*code), "its declaration denies it there".to_owned()));
        let mut jurisdictions: Vec<_> = declared.collect();
        let mut tenants = Vec::new();
        for (scope, because) in &self.disabled {
            match scope {
                Scope::Everywhere => {}
                Scope::Jurisdiction(code) => {
                    jurisdictions.push((Cow::Owned(code.clone()), because.clone()));
                }
                Scope::Tenant(tenant) => tenants.push((tenant.clone(), because.clone())),
            }
        }
        let rollout = self.rollout.as_ref().map(|(rollout, set_at)| {
            let trial = trial(rollout, *set_at);
            RolloutRoute::new(name, rollout.clone(), &routes, trial)
        });
        let shadow = self
            .shadow
            .as_ref()
            .and_then(|(id, share)| Some(ShadowRoute::new(name, id, index(id)?, *share)));
        Route {
            name,
            epoch: self.epoch,
            editions: routes,
            current,
            closed: self.disabled.get(&Scope::Everywhere).cloned().map(Closed::Disabled),
            jurisdictions,
            tenants,
            rollout,
            shadow,
        }
    }
}

/// The newest version, and of that the edition that is no variant if there is one.
fn newest<'a>(editions: impl IntoIterator<Item = &'a EditionId>) -> Option<&'a EditionId> {
    editions.into_iter().max_by_key(|edition| (edition.number(), edition.variant_name().is_none()))
}
