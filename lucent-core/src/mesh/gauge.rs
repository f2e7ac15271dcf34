//! For how much of the time work waited, as the operating system measures it.
//!
//! Invariant: what cannot be read counts as unknown, never as no pressure at all.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

/// The shares of time that work waited, from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pressure {
    /// For a processor.
    pub cpu: f64,
    /// For memory.
    pub memory: f64,
}

/// Where a node learns under which pressure it is; see [`MeshNode::with_gauge`].
///
/// [`MeshNode::with_gauge`]: crate::mesh::MeshNode::with_gauge
pub trait Gauge: fmt::Debug + Send + Sync + 'static {
    /// The pressure now, or nothing if it cannot be found out. Called for each beat; must not block.
    fn read(&self) -> Option<Pressure>;
}

/// The pressure stall information of Linux: `some avg10`, the share of the last ten seconds in which
/// at least one task waited.
///
/// After <https://docs.kernel.org/accounting/psi.html>. In a control group of its own, as a
/// container or a service has, a process reads that of its group, so that neighbors and limits count
/// as far as they hold this process up.
///
/// ```
/// use lucent_core::mesh::{Gauge as _, LinuxGauge};
/// if let Some(pressure) = LinuxGauge::find().and_then(|gauge| gauge.read()) {
///     assert!((0.0..=1.0).contains(&pressure.cpu));
/// }
/// ```
#[derive(Clone, Debug)]
pub struct LinuxGauge {
    cpu: PathBuf,
    memory: PathBuf,
}

impl LinuxGauge {
    /// The gauge of this process's control group, else of the whole machine; nothing where there is
    /// none, as on other systems and on kernels that were started with `psi=0`.
    #[must_use]
    pub fn find() -> Option<Self> {
        let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let own = group(&groups).map(|group| Path::new(GROUPS).join(group));
        let folders = own.into_iter().chain([PathBuf::from(GROUPS)]);
        folders
            .map(|folder| Self {
                cpu: folder.join("cpu.pressure"),
                memory: folder.join("memory.pressure"),
            })
            .chain([Self {
                cpu: PathBuf::from("/proc/pressure/cpu"),
                memory: PathBuf::from("/proc/pressure/memory"),
            }])
            .find(|gauge| gauge.read().is_some())
    }
}

impl Gauge for LinuxGauge {
    fn read(&self) -> Option<Pressure> {
        let share = |file: &Path| some_avg10(&fs::read_to_string(file).ok()?);
        Some(Pressure { cpu: share(&self.cpu)?, memory: share(&self.memory)? })
    }
}

/// Where control groups of version 2 are mounted.
const GROUPS: &str = "/sys/fs/cgroup";

/// The control group of version 2 in `/proc/self/cgroup`, without its leading slash.
fn group(groups: &str) -> Option<&str> {
    groups.lines().find_map(|line| line.strip_prefix("0::/"))
}

/// The share of the last ten seconds in which some task waited.
fn some_avg10(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let percent = line.split(' ').find_map(|field| field.strip_prefix("avg10="))?;
    let percent: f64 = percent.parse().ok()?;
    (percent.is_finite()).then(|| (percent / 100.0).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_the_last_ten_seconds_is_read() {
        let text =
            "some avg10=37.50 avg60=1.00 avg300=0.10 total=1\nfull avg10=9.00 avg60=0 total=0\n";
        assert_eq!(some_avg10(text), Some(0.375));
        for unreadable in
            ["", "full avg10=9.00", "some avg60=1.00", "some avg10=", "some avg10=NaN"]
        {
            assert_eq!(some_avg10(unreadable), None, "{unreadable:?}");
        }
        assert_eq!(some_avg10("some avg10=100.01"), Some(1.0));
    }

    #[test]
    fn the_control_group_of_version_2_is_found() {
        let both = "4:memory:/old\n0::/system.slice/desk.service\n";
        assert_eq!(group(both), Some("system.slice/desk.service"));
        assert_eq!(group("0::/\n"), Some(""));
        assert_eq!(group("4:memory:/old\n"), None);
    }

    #[test]
    fn where_the_machine_measures_pressure_there_is_a_gauge() {
        let measures = fs::read_to_string("/proc/pressure/cpu").is_ok();
        assert!(!measures || LinuxGauge::find().is_some());
    }
}
