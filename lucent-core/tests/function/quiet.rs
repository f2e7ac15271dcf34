//! What holds when an order has returned: no call that began before it still runs.

use std::{
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use lucent_core::{
    function::{CallError, OrderError, Scope},
    prelude::*,
};

/// How many calls run now, and whether any did after it was forbidden.
static RUNNING: AtomicUsize = AtomicUsize::new(0);
static FORBIDDEN: AtomicBool = AtomicBool::new(false);
static VIOLATIONS: AtomicUsize = AtomicUsize::new(0);

#[function]
fn counted(rounds: &u32) -> u32 {
    RUNNING.fetch_add(1, Ordering::SeqCst);
    let mut sum = *rounds;
    for round in 0..*rounds {
        sum = std::hint::black_box(sum ^ round);
        if FORBIDDEN.load(Ordering::SeqCst) {
            VIOLATIONS.fetch_add(1, Ordering::SeqCst);
        }
    }
    RUNNING.fetch_sub(1, Ordering::SeqCst);
    sum
}

/// A gate that calls stop at.
static GATE: (Mutex<Gate>, Condvar) =
    (Mutex::new(Gate { entered: false, open: false }), Condvar::new());

struct Gate {
    entered: bool,
    open: bool,
}

#[function]
fn gated(_: &()) {
    let (gate, moved) = &GATE;
    let mut gate = gate.lock().unwrap();
    gate.entered = true;
    moved.notify_all();
    drop(moved.wait_while(gate, |gate| !gate.open).unwrap());
}

lucent_core::registry! { functions: [counted, gated] }

async fn functions() -> FunctionManager<Registry> {
    FunctionManager::new(registry()).store(MemoryStore::new()).start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn not_one_call_runs_after_disable_has_returned() {
    let functions = functions().await;
    let stop = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (functions, stop) = (functions.clone(), Arc::clone(&stop));
            std::thread::spawn(move || {
                let (mut ran, mut refused) = (0_u32, 0_u32);
                while !stop.load(Ordering::SeqCst) {
                    match functions.call::<counted>(CallContext::nobody(), &200) {
                        Ok(_) => ran += 1,
                        Err(CallError::Refused(_)) => refused += 1,
                        Err(other) => panic!("{other}"),
                    }
                }
                (ran, refused)
            })
        })
        .collect();
    let control = functions.control::<counted>("ann");
    for _ in 0..200 {
        control.disable(Scope::Everywhere, "now").await.unwrap();
        FORBIDDEN.store(true, Ordering::SeqCst);
        assert_eq!(RUNNING.load(Ordering::SeqCst), 0);
        tokio::task::yield_now().await;
        assert_eq!(RUNNING.load(Ordering::SeqCst), 0);
        FORBIDDEN.store(false, Ordering::SeqCst);
        control.enable(Scope::Everywhere, "again").await.unwrap();
    }
    // All of them ran at some time, or the test has shown nothing.
    while functions.call::<counted>(CallContext::nobody(), &1).is_err() {}
    stop.store(true, Ordering::SeqCst);
    for caller in callers {
        let (ran, refused) = caller.join().unwrap();
        assert!(ran > 0 && refused > 0, "ran {ran}, refused {refused}");
    }
    assert_eq!(VIOLATIONS.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_order_waits_for_a_call_that_began_before_it_and_says_so_if_that_takes_too_long() {
    let functions = functions().await;
    let caller = functions.clone();
    let calling = std::thread::spawn(move || {
        caller.call::<gated>(CallContext::nobody(), &()).map(|called| called.ran.epoch)
    });
    let (gate, moved) = &GATE;
    drop(moved.wait_while(gate.lock().unwrap(), |gate| !gate.entered).unwrap());
    let control = functions.control::<gated>("ann").within(Duration::from_millis(20));
    let error = control.disable(Scope::Everywhere, "now").await.unwrap_err();
    let OrderError::NotApplied { running: Some(epoch), .. } = &error else { panic!("{error}") };
    assert!(error.to_string().ends_with(&format!("a call that began before {epoch} still runs")));
    // New calls are refused already.
    assert!(matches!(
        functions.call::<gated>(CallContext::nobody(), &()),
        Err(CallError::Refused(_))
    ));
    gate.lock().unwrap().open = true;
    moved.notify_all();
    let ran_at = calling.join().unwrap().unwrap();
    assert!(ran_at <= *epoch);
    functions.control::<gated>("ann").disable(Scope::Everywhere, "now").await.unwrap();
}
