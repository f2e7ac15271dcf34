//! The script: what is ordered when.
//!
//! Invariant: every order is given between two months of prices, so each run says the same.

use std::io::Write;

use lucent_core::{
    AggregateId as _, App, MemoryStore,
    function::{EditionId, FunctionManager, Guard, Rollout, Scope, Share},
};

use crate::{
    Registry,
    demonstration::{DemonstrationError, stage::Stage},
    portfolio::PortfolioId,
    prices::PriceFile,
    registry,
    replay::{Replay, RequestedTerms},
    strategy::decide_signal,
};

/// Replays the bundled prices on a store in memory, and switches the strategy meanwhile; writes what
/// was ordered, and what each call got and why.
///
/// # Errors
/// [`DemonstrationError`].
///
/// # Cancel safety
/// Nothing outlives the future.
pub async fn demonstrate(out: &mut impl Write) -> Result<(), DemonstrationError> {
    let store = MemoryStore::new();
    let app = App::new(registry()).store(store.clone()).start().await?;
    let functions = FunctionManager::new(registry()).store(store).start().await?;
    let prices = PriceFile::bundled()?;
    let replay = Replay {
        portfolio: PortfolioId::from_value("main".to_owned()),
        terms: RequestedTerms::default(),
        batch_rows: 1,
    };
    let mut stage = Stage::new(&app, &functions, &replay.portfolio, out);
    let played = replay.run(&app, &functions, &prices, async |progress| {
        let Some(month) = stage.hear(progress.decided) else { return Ok(()) };
        play(&mut stage, &functions, &month).await
    });
    played.await?;
    stage.end().await?;
    functions.shutdown().await;
    app.shutdown().await;
    Ok(())
}

/// What happens after a month.
// ANCHOR: script
async fn play(
    stage: &mut Stage<'_, impl Write>,
    functions: &FunctionManager<Registry>,
    month: &str,
) -> Result<(), DemonstrationError> {
    let ann = functions.control::<decide_signal>("ann");
    let calm = || EditionId::version(2).variant("calm");
    match month {
        "2001-12" => {
            stage.scene("ann puts version 1 in the place of version 2")?;
            ann.promote(1, "the older rule did better in this market").await?;
            stage.explain()
        }
        "2003-12" => {
            stage
                .scene("ann returns to version 2, and gives 30% of the symbols its calm variant")?;
            ann.promote(2, "the market has turned").await?;
            ann.roll_out(Rollout::of(calm(), Share::percent(30)), "a first look").await?;
            stage.explain()
        }
        "2004-12" => {
            stage.scene("ann raises the share to 60%: whoever was in stays in")?;
            ann.roll_out(Rollout::of(calm(), Share::percent(60)), "it looks good").await?;
            stage.explain()
        }
        "2005-12" => {
            stage.scene("ann ends the rollout, and has version 1 run beside version 2 unseen")?;
            ann.stop_rollout("the year is over").await?;
            ann.shadow(1, Share::ALL, "what would it have done?").await?;
            stage.explain()
        }
        "2006-12" => {
            stage.scene(
                "ann looks at the differences, and tries a variant that looks at the volume",
            )?;
            stage.differences().await?;
            ann.stop_shadow("seen enough").await?;
            let volume = EditionId::version(2).variant("volume");
            let guard = Guard::default().errors_up_to(Share::percent(10)).after_calls(4);
            let rollout = Rollout::of(volume, Share::ALL).guard(guard);
            ann.roll_out(rollout, "volume should help").await?;
            stage.explain()
        }
        "2007-01" => {
            stage.scene(
                "the guard has taken the rollout back by itself: the prices have no volume",
            )?;
            stage.taken_back().await?;
            stage.explain()
        }
        "2007-12" => {
            stage.scene("ann switches the strategy off")?;
            ann.disable(Scope::Everywhere, "the risk desk says stop").await?;
            stage.explain()
        }
        "2008-12" => {
            stage.scene(
                "while it is off, what is on record is decided again, by what is recorded",
            )?;
            stage.decide_again().await?;
            stage.scene("ann switches it on again")?;
            ann.enable(Scope::Everywhere, "the risk desk says go").await?;
            stage.explain()
        }
        _ => Ok(()),
    }
}
// ANCHOR_END: script
