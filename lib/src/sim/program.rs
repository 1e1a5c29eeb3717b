//! The processes and threads of a simulated program.

use super::handle::{Ended, Entered, Handle, Shared, current};
use super::panics;
use super::report::Failure;
use super::state::Status;
use crate::model::Credentials;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// A simulated program, as it is built up: see [`World::run`](super::World::run).
#[derive(Debug)]
pub struct Program {
    pub(super) handle: Handle,
    pub(super) threads: Arc<Mutex<Vec<thread::JoinHandle<()>>>>,
}

thread_local! {
    static THREADS: std::cell::RefCell<Threads> = const { std::cell::RefCell::new(None) };
}

/// The threads of the system on which the simulation runs.
type Threads = Option<Arc<Mutex<Vec<thread::JoinHandle<()>>>>>;

/// A thread of a simulated program.
#[derive(Debug)]
pub struct JoinHandle<T> {
    task: usize,
    value: Arc<Mutex<Option<T>>>,
}

impl<T> JoinHandle<T> {
    /// Waits for the end of the thread; what it returned, or `None` if it was killed.
    ///
    /// # Panics
    /// Outside of a simulation.
    pub fn join(self) -> Option<T> {
        let handle = here();
        // A thread that unwinds need not wait.
        drop(handle.wait(handle.lock(), Status::Joining(self.task)));
        self.value.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether it has ended.
    ///
    /// # Panics
    /// Outside of a simulation.
    pub fn is_finished(&self) -> bool {
        here().lock().tasks[self.task].status == Status::Done
    }

    /// Kills the process of the thread, as `SIGKILL` does: its descriptors are closed, the files
    /// that it made stay. Its threads unwind, but whatever they call meanwhile does nothing.
    ///
    /// # Panics
    /// Outside of a simulation.
    pub fn kill(&self) {
        let handle = here();
        let mut state = handle.lock();
        let process = state.tasks[self.task].process;
        state.kill(process);
        // For one that kills itself, this is the end.
        drop(handle.wait(state, Status::Ready));
    }
}

impl Program {
    pub(super) fn new(shared: Arc<Shared>, task: usize) -> Program {
        Program { handle: Handle { shared, task }, threads: Arc::default() }
    }

    /// Starts a process: see [`spawn`].
    pub fn spawn<T: Send + 'static>(
        &self,
        name: &str,
        body: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        start(&self.handle, &self.threads, New { foreground: true, ..New::process(name) }, body)
    }

    /// Starts a process of another user: see [`spawn_as`].
    pub fn spawn_as<T: Send + 'static>(
        &self,
        name: &str,
        user: Credentials,
        body: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        start(&self.handle, &self.threads, New::foreign(name, user), body)
    }

    /// Starts a process that the run does not wait for: see [`spawn_background`].
    pub fn spawn_background<T: Send + 'static>(
        &self,
        name: &str,
        body: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        start(&self.handle, &self.threads, New::process(name), body)
    }

    /// Makes this thread the first of the program; until the value is dropped.
    pub(super) fn enter(&self) -> Entered {
        THREADS.set(Some(self.threads.clone()));
        Entered::new(self.handle.clone())
    }
}

/// Starts a process of the simulation, with a thread that runs `body`. Sockets that move into it
/// are open in it as in a forked child. It is of the user who starts it; the first is root's.
///
/// # Panics
/// Outside of a simulation.
pub fn spawn<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    start(&here(), &threads(), New { foreground: true, ..New::process(name) }, body)
}

/// As [`spawn`], for another user: files are made and found with this one's permissions, and peers
/// see this one's ids.
///
/// ```
/// use sunpath::model::Credentials;
/// use sunpath::{Errno, Listener, Stream, sim};
///
/// sim::World::default().run(|program| {
///     let _listener = Listener::options().mode(0o600).bind("/run/server").unwrap();
///     let client = program.spawn_as("client", Credentials::user(1000, 1000), || {
///         Stream::connect("/run/server").unwrap_err()
///     });
///     let error = client.join().unwrap();
///     assert_eq!(error.errno(), Some(Errno::EACCES));
/// });
/// ```
///
/// # Panics
/// Outside of a simulation.
pub fn spawn_as<T: Send + 'static>(
    name: &str,
    user: Credentials,
    body: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    start(&here(), &threads(), New::foreign(name, user), body)
}

/// As [`spawn`], but the run does not wait for its end: it is ended when all others are done. For
/// servers that serve for ever.
///
/// # Panics
/// Outside of a simulation.
pub fn spawn_background<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    start(&here(), &threads(), New::process(name), body)
}

/// Starts another thread of the current process.
///
/// # Panics
/// Outside of a simulation.
pub fn spawn_thread<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let handle = here();
    let (process, foreground) = {
        let state = handle.lock();
        (state.tasks[handle.task].process, state.tasks[handle.task].foreground)
    };
    start(
        &handle,
        &threads(),
        New { process: Some(process), foreground, ..New::process(name) },
        body,
    )
}

/// What kind of thread is started.
struct New<'a> {
    name: &'a str,
    /// `None`: one of its own.
    process: Option<usize>,
    /// `None`: the user of whoever starts it.
    user: Option<Credentials>,
    foreground: bool,
}

impl<'a> New<'a> {
    /// A process in the background.
    fn process(name: &'a str) -> New<'a> {
        New { name, process: None, user: None, foreground: false }
    }

    fn foreign(name: &'a str, user: Credentials) -> New<'a> {
        New { user: Some(user), foreground: true, ..New::process(name) }
    }
}

pub(super) fn here() -> Handle {
    current().expect("this is called inside of a simulation: see sunpath::sim::World::run")
}

fn threads() -> Arc<Mutex<Vec<thread::JoinHandle<()>>>> {
    THREADS.with_borrow(|threads| threads.clone()).expect("a simulation has threads")
}

fn start<T: Send + 'static>(
    by: &Handle,
    threads: &Arc<Mutex<Vec<thread::JoinHandle<()>>>>,
    new: New<'_>,
    body: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let task = {
        let mut state = by.lock();
        match new.process {
            Some(process) => state.add_thread(new.name, process, new.foreground),
            None => {
                let parent = state.tasks[by.task].model;
                let user = new.user.unwrap_or_else(|| state.world.credentials(parent).clone());
                state.add_process(new.name, user, new.foreground)
            }
        }
    };
    let value = Arc::new(Mutex::new(None));
    let (place, handle) = (value.clone(), Handle { shared: by.shared.clone(), task });
    let others = threads.clone();
    let started = thread::Builder::new().name(new.name.into()).spawn(move || {
        THREADS.set(Some(others));
        let _entered = Entered::new(handle.clone());
        let ended = run_body(&handle, || {
            handle.begin();
            let value = body();
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        });
        finish(&handle, ended);
    });
    let started = started.expect("the system has room for a thread");
    threads.lock().unwrap_or_else(PoisonError::into_inner).push(started);
    JoinHandle { task, value }
}

/// Runs what a thread does; why it ended, if not by itself.
pub(super) fn run_body<R>(handle: &Handle, body: impl FnOnce() -> R) -> Result<R, Why> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        if payload.is::<Ended>() {
            return Why::Ended;
        }
        let task = handle.lock().tasks[handle.task].name.clone();
        let (place, message) = (panics::take_place(), said(&*payload));
        Why::Panicked(Failure::Panicked { task, place, message })
    })
}

/// Why a thread did not come to its own end.
pub(super) enum Why {
    /// It was killed, or the run was over.
    Ended,
    /// It panicked.
    Panicked(Failure),
}

fn said(payload: &(dyn Any + Send)) -> String {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "something that is no text".to_owned(),
    }
}

/// The thread has ended: the turn goes to another.
fn finish(handle: &Handle, ended: Result<(), Why>) {
    let mut state = handle.lock();
    state.tasks[handle.task].status = Status::Done;
    if let Err(Why::Panicked(failure)) = ended {
        state.end(Some(failure));
    }
    if state.over {
        return;
    }
    state.sweep();
    if !state.pass_turn() {
        let deadlock = state.deadlock();
        state.end(Some(deadlock));
    }
}
