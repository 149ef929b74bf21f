//! Many plays at a time: they wait far more than they work.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

/// How many plays go on together. Most of a faulty run is spent in the pauses that the host makes
/// before it tries again.
const TOGETHER: usize = 16;

/// A play with a name, not yet begun.
pub(crate) type Act<'a, T> = (String, Box<dyn FnOnce() -> T + Send + 'a>);

/// Something asynchronous as an act, on a runtime of its own: the program that a play starts blocks
/// its thread, and the look-alike must go on answering meanwhile.
pub(crate) fn act<'a, T, F>(name: impl Into<String>, play: impl FnOnce() -> F + Send + 'a) -> Act<'a, T>
where
    F: Future<Output = T>,
{
    let on_a_runtime = move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(play())
    };
    (name.into(), Box::new(on_a_runtime))
}

/// Plays all of them, and fails with the names of those that failed.
pub(crate) fn all<T: Send>(acts: Vec<Act<'_, T>>) -> Vec<T> {
    let count = acts.len();
    let waiting: Mutex<VecDeque<_>> = Mutex::new(acts.into_iter().enumerate().collect());
    let done: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::with_capacity(count));
    let failed: Mutex<Vec<String>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..TOGETHER.min(count) {
            scope.spawn(|| {
                loop {
                    let Some((place, (name, act))) = waiting.lock().unwrap().pop_front() else { return };
                    match catch_unwind(AssertUnwindSafe(act)) {
                        Ok(value) => done.lock().unwrap().push((place, value)),
                        Err(panic) => {
                            let words = panic.downcast_ref::<String>().map(String::as_str);
                            let words = words.or(panic.downcast_ref::<&str>().copied()).unwrap_or_default();
                            failed.lock().unwrap().push(format!("{name}: {words}"));
                        }
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {count} failed:\n\n{}", failed.len(), failed.join("\n\n"));
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, value)| value).collect()
}
