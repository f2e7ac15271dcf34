//! Keeps callers busy for a while, and measures them.

use std::{
    future::IntoFuture,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// How long each side runs, after it has warmed up.
pub const TIME: Duration = Duration::from_secs(2);
const WARM_UP: Duration = Duration::from_millis(500);

/// What was measured.
#[derive(Clone, Copy)]
pub struct Pace {
    /// Commands in a second.
    pub rate: f64,
    /// The middle latency, in microseconds.
    pub p50: f64,
    /// The latency that one of a hundred exceeds, in microseconds.
    pub p99: f64,
}

/// Notes how long each command of a caller takes.
#[derive(Clone, Default)]
pub struct Timer {
    measuring: Arc<AtomicBool>,
    latencies: Arc<Mutex<Vec<f64>>>,
}

impl Timer {
    pub async fn time<F: IntoFuture>(&self, work: F) -> F::Output {
        let start = Instant::now();
        let output = work.await;
        if self.measuring.load(Ordering::Relaxed) {
            let mut latencies = self.latencies.lock().expect("nobody panics with the lock");
            latencies.push(start.elapsed().as_secs_f64() * 1e6);
        }
        output
    }
}

/// Runs a loop in each caller for a while; `work` is given the caller's number and its timer.
pub async fn drive<F, T>(callers: usize, work: F) -> Pace
where
    F: Fn(usize, Timer) -> T + Clone + Send + 'static,
    T: Future<Output = ()> + Send,
{
    let stop = Arc::new(AtomicBool::new(false));
    let measuring = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..callers)
        .map(|number| {
            let timer = Timer { measuring: Arc::clone(&measuring), ..Timer::default() };
            let (stop, work, mine) = (Arc::clone(&stop), work.clone(), timer.clone());
            let task = tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    work(number, mine.clone()).await;
                }
            });
            (task, timer)
        })
        .collect();
    tokio::time::sleep(WARM_UP).await;
    let start = Instant::now();
    measuring.store(true, Ordering::Relaxed);
    tokio::time::sleep(TIME).await;
    measuring.store(false, Ordering::Relaxed);
    let elapsed = start.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    let mut latencies = Vec::new();
    for (task, timer) in callers {
        task.await.expect("a caller ends well");
        latencies.append(&mut timer.latencies.lock().expect("nobody panics with the lock"));
    }
    latencies.sort_by(f64::total_cmp);
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    Pace { rate: latencies.len() as f64 / elapsed, p50: at(0.5), p99: at(0.99) }
}
