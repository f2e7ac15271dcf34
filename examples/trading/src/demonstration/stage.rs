//! What the audience sees: what calls got since the last order, what they would get now and why.
//!
//! Invariant: everything that is said comes from the manager's answers or from the store.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
};

use lucent_core::{
    AggregateId as _, App, BusinessContext, Event, Position, Subscription,
    function::{FunctionEvent, FunctionManager, ShadowDiffered, TENANT},
    store::EventQuery,
};

use crate::{
    Registry,
    demonstration::{
        DemonstrationError,
        account::{decide_again, said},
    },
    instrument::InstrumentId,
    portfolio::{PortfolioId, Quote},
    strategy::{Market, Trend, decide_signal},
};

/// The stage of a demonstration.
pub(super) struct Stage<'a, W> {
    app: &'a App<Registry>,
    functions: &'a FunctionManager<Registry>,
    portfolio: PortfolioId,
    context: BusinessContext,
    out: &'a mut W,
    symbols: BTreeSet<InstrumentId>,
    /// How many calls since the last order came to which end.
    calls: BTreeMap<String, u64>,
    /// The months since then.
    months: Option<(String, String)>,
}

impl<'a, W: Write> Stage<'a, W> {
    pub(super) fn new(
        app: &'a App<Registry>,
        functions: &'a FunctionManager<Registry>,
        portfolio: &PortfolioId,
        out: &'a mut W,
    ) -> Self {
        Self {
            app,
            functions,
            portfolio: portfolio.clone(),
            context: BusinessContext::default().with(TENANT, portfolio.value().clone()),
            out,
            symbols: BTreeSet::new(),
            calls: BTreeMap::new(),
            months: None,
        }
    }

    /// Counts the signals of a month, and gives its name.
    pub(super) fn hear(&mut self, decided: &[Quote]) -> Option<String> {
        for quote in decided {
            self.symbols.insert(quote.symbol.clone());
            let end = match &quote.by {
                Ok(by) => format!("{} ({})", by.edition, by.reason),
                Err(because) => format!("no signal: {because}"),
            };
            *self.calls.entry(end).or_default() += 1;
        }
        let month: String = decided.last()?.at.to_string().chars().take(7).collect();
        let months = self.months.get_or_insert_with(|| (month.clone(), String::new()));
        months.1.clone_from(&month);
        Some(month)
    }

    /// Begins a scene: says what calls got since the last one.
    pub(super) fn scene(&mut self, title: &str) -> Result<(), DemonstrationError> {
        self.tell_calls()?;
        writeln!(self.out, "\n* {title}")?;
        Ok(())
    }

    fn tell_calls(&mut self) -> Result<(), DemonstrationError> {
        let Some((first, last)) = self.months.take() else { return Ok(()) };
        writeln!(self.out, "\n{first} to {last}")?;
        for (end, count) in std::mem::take(&mut self.calls) {
            writeln!(self.out, "  {count:>4}  {end}")?;
        }
        Ok(())
    }

    /// Says what a call for each symbol would get now, and why.
    pub(super) fn explain(&mut self) -> Result<(), DemonstrationError> {
        for symbol in &self.symbols {
            let at = lucent_core::Timestamp::default();
            let (symbol, trend) = (symbol.clone(), Trend::default());
            let market = Market { symbol, at, volume: None, trend };
            let why = self.functions.explain::<decide_signal>(&self.context, &&market)?;
            writeln!(self.out, "  {:<4}  {why}", market.symbol)?;
        }
        Ok(())
    }

    /// Says how the results of the shadow differ, once all differences are on record.
    pub(super) async fn differences(&mut self) -> Result<(), DemonstrationError> {
        let report = self.functions.shadow_report::<decide_signal>()?;
        let (compared, differed) = (report.compared, report.differed);
        writeln!(self.out, "  {differed} of {compared} results differ:")?;
        let mut log = self.log::<ShadowDiffered>();
        let mut kinds = BTreeMap::<String, u64>::new();
        for _ in report.unrecorded..differed {
            let Some(found) = ShadowDiffered::decode(&log.next().await?)? else { continue };
            let ShadowDiffered { edition, shadow, used, found } = found;
            let (used, found) = (said(used), said(found));
            let kind = format!("{edition} said {used}, {shadow} would have said {found}");
            *kinds.entry(kind).or_default() += 1;
        }
        for (kind, count) in kinds {
            writeln!(self.out, "  {count:>4}  {kind}")?;
        }
        Ok(())
    }

    /// Waits until the guard's verdict is on record, and tells it.
    pub(super) async fn taken_back(&mut self) -> Result<(), DemonstrationError> {
        let mut log = self.log::<FunctionEvent>();
        loop {
            let event = FunctionEvent::decode(&log.next().await?)?;
            if let Some(FunctionEvent::RolloutTakenBack { fault }) = event {
                writeln!(self.out, "  {fault}")?;
                return Ok(());
            }
        }
    }

    /// Decides every trade again, in the edition that is recorded with it.
    pub(super) async fn decide_again(&mut self) -> Result<(), DemonstrationError> {
        let by_edition =
            decide_again(&**self.app.store(), self.functions, &self.context, &self.portfolio)
                .await?;
        for (edition, trades) in by_edition {
            writeln!(self.out, "  {trades:>4}  trades of {edition} come out as they are recorded")?;
        }
        Ok(())
    }

    /// Says what is left to say: the last calls, all trades again, and the log of control.
    pub(super) async fn end(&mut self) -> Result<(), DemonstrationError> {
        self.scene("in the end, every trade is decided again")?;
        self.decide_again().await?;
        writeln!(self.out, "\n* what the log says of the strategy")?;
        let mut log = self.log::<FunctionEvent>();
        while let Some(event) = log.try_next().await? {
            let Some(change) = FunctionEvent::decode(&event)? else { continue };
            let by = event.metadata.context().field("user").unwrap_or("the manager");
            let name = event.event_type.trim_start_matches("lucent.");
            let because = because(&change).map(|why| format!(": {why}")).unwrap_or_default();
            writeln!(self.out, "  {name:<18}  by {by}{because}")?;
        }
        Ok(())
    }

    fn log<E: Event>(&self) -> Subscription {
        let types = E::TYPES.iter().map(|known| known.name);
        self.app.subscribe(EventQuery::types(types).into(), Position::ZERO)
    }
}

/// Why something was ordered, or what of.
fn because(change: &FunctionEvent) -> Option<String> {
    match change {
        FunctionEvent::FunctionRegistered { editions } => {
            let editions: Vec<String> = editions.iter().map(ToString::to_string).collect();
            Some(editions.join(", "))
        }
        FunctionEvent::FunctionEnabled { said, .. }
        | FunctionEvent::FunctionDisabled { said, .. }
        | FunctionEvent::EditionPromoted { said, .. }
        | FunctionEvent::RolloutSet { said, .. }
        | FunctionEvent::RolloutStopped { said }
        | FunctionEvent::ShadowStarted { said, .. }
        | FunctionEvent::ShadowStopped { said }
        | FunctionEvent::EditionReleased { said, .. } => Some(said.because.clone()),
        FunctionEvent::RolloutTakenBack { fault } => Some(fault.to_string()),
        FunctionEvent::EditionQuarantined { because, .. } => Some(because.clone()),
    }
}
