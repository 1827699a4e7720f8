//! The caller that sends is dropped half-way.

use crate::executor::{run, Task};
use crate::world::World;
use std::sync::atomic::Ordering;

/// Drops the first of four callers after each number of polls. Returns how often the first had to be polled to the end.
fn drop_at_every_point(is_quick: bool) -> usize {
    for polls in 1.. {
        let world = World::new();
        let api = world.tasks(900).patience_secs(30);
        world.server.delay(4);
        world.server.0.is_quick.store(is_quick, Ordering::SeqCst);
        let mut first = [Task::new(api.bearer())];
        run(&mut first, |tasks| tasks[0].polls == polls || tasks[0].is_over(), || panic!("nobody was woken"));
        let is_over = first[0].is_over();
        let mut others: Vec<_> = (0..3).map(|_| Task::new(api.bearer())).collect();
        // They begin to wait.
        for other in &mut others {
            other.poll();
        }
        first[0].cancel();
        let now = world.clock.time();
        run(
            &mut others,
            |tasks| tasks.iter().all(Task::is_over),
            || assert!(world.clock.skip(), "dropped after {polls}"),
        );
        for other in &others {
            let Some(Ok(bearer)) = &other.output else { panic!("dropped after {polls}: {:?}", other.output) };
            assert_eq!(bearer.token().reveal(), "AT2");
        }
        assert!(
            world.clock.time().saturating_since(now) <= 2,
            "dropped after {polls}: they must not wait for the deadline"
        );
        let sent = world.server.sent();
        assert!(!sent.twice_at_once, "dropped after {polls}");
        assert!(sent.refreshes.iter().all(|token| token == "RT1") && sent.refreshes.len() <= 2, "{:?}", sent.refreshes);
        assert!(world.store.has("RT2"));
        if is_over {
            return polls;
        }
    }
    unreachable!()
}

#[test]
fn the_others_get_their_token() {
    assert!(drop_at_every_point(false) > 4);
}

#[test]
fn also_if_the_server_had_the_request_already() {
    assert!(drop_at_every_point(true) > 4);
}

#[test]
fn a_dropped_caller_that_waits_takes_nobody_with_it() {
    let world = World::new();
    let api = world.tasks(900);
    world.server.delay(3);
    let mut tasks: Vec<_> = (0..5).map(|_| Task::new(api.bearer())).collect();
    for task in &mut tasks {
        task.poll();
    }
    for task in &mut tasks[1..4] {
        task.cancel();
    }
    run(&mut tasks, |tasks| tasks.iter().all(Task::is_over), || panic!("nobody was woken"));
    assert!(tasks[0].output.as_ref().unwrap().is_ok() && tasks[4].output.as_ref().unwrap().is_ok());
    assert_eq!(world.server.refreshes(), 1);
}

#[test]
fn everybody_may_be_dropped() {
    let world = World::new();
    let api = world.tasks(900).patience_secs(30);
    world.server.delay(50);
    let mut tasks: Vec<_> = (0..5).map(|_| Task::new(api.bearer())).collect();
    run(&mut tasks, |_| world.server.refreshes() == 1, || panic!("nobody was woken"));
    drop(tasks);
    world.clock.advance(2);
    world.server.delay(1);
    let mut task = [Task::new(api.bearer())];
    run(&mut task, |tasks| tasks[0].is_over(), || panic!("nobody was woken"));
    assert!(task[0].output.as_ref().unwrap().is_ok());
    assert!(!world.server.sent().twice_at_once);
}

#[test]
fn a_request_that_was_not_sent_is_made_again_at_once() {
    let world = World::new();
    let api = world.tasks(900);
    let other = oauth_native::store::Store::lock(&*world.store).unwrap();
    let mut first = Task::new(api.bearer());
    first.poll();
    first.cancel();
    drop(other);
    let mut task = [Task::new(api.bearer())];
    run(&mut task, |tasks| tasks[0].is_over(), || panic!("nobody was woken"));
    assert!(task[0].output.as_ref().unwrap().is_ok(), "without a wait");
    assert_eq!(world.server.refreshes(), 1);
}
