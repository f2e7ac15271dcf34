//! What is measured.

/// A line of the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Workload {
    /// Commands by this many callers, each on accounts of its own.
    Execute(usize),
    /// Commands by 16 callers on one account.
    Hot,
    /// Loading an account of 1,000 events.
    Load,
    /// Appends on condition of a tag, by 64 callers.
    Tagged,
    /// Building a read model from the first event on.
    CatchUp,
    /// From commit to the projector, while 200 events come in a second.
    Seen,
    /// The same, while 64 callers commit as fast as they can.
    SeenUnderLoad,
}

/// Every workload, in the order of the lines.
pub const WORKLOADS: [Workload; 10] = [
    Workload::Execute(1),
    Workload::Execute(8),
    Workload::Execute(64),
    Workload::Execute(512),
    Workload::Hot,
    Workload::Load,
    Workload::Tagged,
    Workload::CatchUp,
    Workload::Seen,
    Workload::SeenUnderLoad,
];

/// Callers on the account that all share.
pub const HOT_CALLERS: usize = 16;
/// Callers who append under a condition.
pub const TAGGED_CALLERS: usize = 64;
/// Events of an account that is loaded.
pub const LONG: usize = 1_000;

impl Workload {
    /// Its name, which `--workload` selects it by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Execute(1) => "execute-1",
            Self::Execute(8) => "execute-8",
            Self::Execute(64) => "execute-64",
            Self::Execute(_) => "execute-512",
            Self::Hot => "hot",
            Self::Load => "load",
            Self::Tagged => "tagged",
            Self::CatchUp => "catch-up",
            Self::Seen => "seen",
            Self::SeenUnderLoad => "seen-64",
        }
    }

    /// What it is, for readers.
    pub fn title(self) -> String {
        match self {
            Self::Execute(1) => "commands, 1 caller".to_owned(),
            Self::Execute(callers) => format!("commands, {callers} callers"),
            Self::Hot => format!("commands, {HOT_CALLERS} callers on one account"),
            Self::Load => "load an account of 1,000 events".to_owned(),
            Self::Tagged => format!("append on condition of a tag, {TAGGED_CALLERS} callers"),
            Self::CatchUp => "catch-up into a read model".to_owned(),
            Self::Seen => "commit to projector, 200 commits/s".to_owned(),
            Self::SeenUnderLoad => "commit to projector, 64 callers".to_owned(),
        }
    }

    /// What its value counts.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Execute(_) | Self::Hot | Self::Tagged => "/s",
            Self::CatchUp => "events/s",
            Self::Load | Self::Seen | Self::SeenUnderLoad => "ms",
        }
    }

    /// Whether a projection is measured, and not commands.
    pub const fn projects(self) -> bool {
        matches!(self, Self::CatchUp | Self::Seen | Self::SeenUnderLoad)
    }

    /// Whether the greater value is the better one.
    pub const fn more_is_better(self) -> bool {
        !matches!(self, Self::Load | Self::Seen | Self::SeenUnderLoad)
    }
}
