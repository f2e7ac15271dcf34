//! What is asked of Lucent beside the others.

use crate::{
    contenders::Kind,
    figure::{Figure, Goal},
    results::Results,
    workload::{WORKLOADS, Workload},
};

/// Holds Lucent's figures against those of the others, as far as both are there.
pub fn judge(results: &Results) -> Vec<Figure> {
    WORKLOADS.into_iter().flat_map(|workload| of(results, workload)).collect()
}

fn of(results: &Results, workload: Workload) -> Vec<Figure> {
    let Some(ours) = results.cell(workload, "lucent") else {
        return Vec::new();
    };
    let title = workload.title();
    let figure = |(against, value): (&str, f64), goal| {
        Figure::new(&title, ours.value, workload.unit(), (against, value), goal)
    };
    let named = |name: &'static str| Some((name, results.cell(workload, name)?.value));
    let best =
        |kinds: &[Kind]| results.best(workload, kinds).map(|(name, cell)| (name, cell.value));
    let framework = best(&[Kind::Framework]);
    let peer = best(&[Kind::Framework, Kind::Server]);
    let mut figures = Vec::new();
    let mut hold = |against: Option<(&'static str, f64)>, goal| {
        figures.extend(against.map(|against| figure(against, goal)));
    };
    match workload {
        Workload::Execute(64) => {
            hold(framework, Goal::RatioAtLeast(5.0));
            hold(named("umadb"), Goal::RatioAtLeast(3.0));
            hold(named("group-commit"), Goal::RatioAtLeast(0.7));
        }
        Workload::Execute(512) => {
            hold(framework, Goal::Open);
            hold(named("umadb"), Goal::Open);
            hold(named("group-commit"), Goal::RatioAtLeast(0.6));
        }
        Workload::Hot => hold(peer, Goal::RatioAtLeast(10.0)),
        Workload::CatchUp => {
            hold(peer, Goal::RatioAtLeast(20.0));
            hold(named("insert").map(|(_, value)| ("bare loop", value)), Goal::RatioAtLeast(0.5));
        }
        Workload::SeenUnderLoad => hold(peer, Goal::AtMost(20.0)),
        _ => hold(peer, Goal::Open),
    }
    if workload == Workload::Execute(1)
        && let Some((ours, _)) = ours.times
        && let Some((insert, _)) = results.cell(workload, "insert").and_then(|cell| cell.times)
    {
        let name = format!("{title}: latency");
        figures.push(Figure::new(&name, ours, "ms", ("insert", insert), Goal::RatioAtMost(1.3)));
    }
    figures
}
