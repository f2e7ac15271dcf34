//! What came out, by workload and contender.

use std::collections::BTreeMap;

use crate::{
    contender::Fault,
    contenders::{Kind, ROSTER},
    measure::Cell,
    workload::{WORKLOADS, Workload},
};

/// Everything that was measured.
#[derive(Debug)]
pub struct Results {
    /// The server.
    pub server: String,
    /// How many tasks wanted a core in the minute before the run; others' work spoils the figures.
    pub others: f64,
    /// By line of the workload and column of the contender.
    pub outcomes: BTreeMap<(usize, usize), Outcome>,
}

/// What came of one contender's measurements of one workload.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The median one.
    Measured(Cell),
    /// The contender has no such thing.
    Absent(String),
    /// It failed.
    Failed(String),
}

impl Outcome {
    /// The median of the runs that succeeded; if none did, the reason.
    pub fn of(runs: Vec<Result<Cell, Fault>>) -> Option<Self> {
        let mut cells = Vec::new();
        let mut reason = None;
        for run in runs {
            match run {
                Ok(cell) => cells.push(cell),
                Err(Fault::Absent(why)) => reason = Some(Self::Absent(why.to_owned())),
                Err(fault) => reason = Some(Self::Failed(fault.to_string())),
            }
        }
        cells.sort_by(|a, b| a.value.total_cmp(&b.value));
        match cells.get(cells.len().saturating_sub(1) / 2) {
            Some(cell) => Some(Self::Measured(*cell)),
            None => reason,
        }
    }
}

impl Results {
    /// The figure of a contender.
    pub fn cell(&self, workload: Workload, contender: &str) -> Option<Cell> {
        let line = WORKLOADS.iter().position(|one| *one == workload)?;
        let column = ROSTER.iter().position(|entry| entry.name == contender)?;
        match self.outcomes.get(&(line, column))? {
            Outcome::Measured(cell) => Some(*cell),
            Outcome::Absent(_) | Outcome::Failed(_) => None,
        }
    }

    /// The best contender among those of some kinds.
    pub fn best(&self, workload: Workload, kinds: &[Kind]) -> Option<(&'static str, Cell)> {
        let cells = ROSTER.iter().filter(|entry| kinds.contains(&entry.kind));
        let cells = cells.filter_map(|entry| Some((entry.name, self.cell(workload, entry.name)?)));
        let worth = |cell: &Cell| if workload.more_is_better() { cell.value } else { -cell.value };
        cells.max_by(|(_, a), (_, b)| worth(a).total_cmp(&worth(b)))
    }

    /// The columns in which there is anything.
    pub fn columns(&self) -> Vec<usize> {
        let has = |column: usize| self.outcomes.keys().any(|(_, other)| *other == column);
        (0..ROSTER.len()).filter(|column| has(*column)).collect()
    }

    /// The lines in which there is anything.
    pub fn lines(&self) -> Vec<(usize, Workload)> {
        let has = |line: usize| self.outcomes.keys().any(|(other, _)| *other == line);
        WORKLOADS.into_iter().enumerate().filter(|(line, _)| has(*line)).collect()
    }
}
