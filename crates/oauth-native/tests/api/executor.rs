//! A small executor that polls a task only when it was woken, and can drop one half-way.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

pub struct Task<'a, R> {
    future: Option<Pin<Box<dyn Future<Output = R> + 'a>>>,
    flag: Arc<Flag>,
    pub output: Option<R>,
    pub polls: usize,
}

impl<'a, R> Task<'a, R> {
    pub fn new(future: impl Future<Output = R> + 'a) -> Self {
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        Self { future: Some(Box::pin(future)), flag, output: None, polls: 0 }
    }

    /// Polls if it was woken; returns whether it was.
    pub fn poll(&mut self) -> bool {
        let Some(future) = &mut self.future else { return false };
        if !self.flag.0.swap(false, Ordering::SeqCst) {
            return false;
        }
        self.polls += 1;
        let waker = Waker::from(Arc::clone(&self.flag));
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            (self.output, self.future) = (Some(output), None);
        }
        true
    }

    pub fn is_over(&self) -> bool {
        self.future.is_none()
    }

    pub fn cancel(&mut self) {
        self.future = None;
    }
}

/// How long a test waits for threads before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the tasks until that is so. `idle` is called when nobody was woken for a while: then the clock may go on.
pub fn run<R>(tasks: &mut [Task<'_, R>], mut until: impl FnMut(&[Task<'_, R>]) -> bool, mut idle: impl FnMut()) {
    let (start, mut last) = (Instant::now(), Instant::now());
    while !until(tasks) {
        let mut was_woken = false;
        for task in tasks.iter_mut() {
            was_woken |= task.poll();
        }
        if was_woken {
            last = Instant::now();
        } else {
            thread::sleep(Duration::from_micros(100));
        }
        if last.elapsed() > Duration::from_millis(30) {
            idle();
            last = Instant::now();
        }
        assert!(start.elapsed() < PATIENCE, "somebody waits for ever");
    }
}

pub fn block_on<R>(future: impl Future<Output = R>) -> R {
    let mut task = [Task::new(future)];
    run(&mut task, |tasks| tasks[0].is_over(), || {});
    let [task] = task;
    task.output.unwrap()
}
