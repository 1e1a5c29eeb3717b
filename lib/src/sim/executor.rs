//! Futures in a simulation: what they wait for, and an executor that takes part in it.
//!
//! A future that waits leaves a [`Watch`] behind: for a time, or for something to be the case of a
//! socket in the model. A thread all of whose futures wait is parked, and goes on when one of
//! its watches is due or a waker was used from elsewhere.

#[cfg(feature = "tokio")]
use super::call::Simulated;
use super::handle::Handle;
use super::program::here;
use super::state::Status;
#[cfg(feature = "tokio")]
use crate::model::TaskId;
use crate::model::World;
#[cfg(feature = "tokio")]
use crate::op::{Events, Fd};
use std::cell::RefCell;
use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// What a future waits for.
#[derive(Debug)]
pub(super) struct Watch {
    key: u64,
    /// The thread that polls it.
    pub(super) task: usize,
    what: What,
    waker: Waker,
}

#[derive(Debug, Clone, Copy)]
enum What {
    /// A time.
    Until(Duration),
    /// One of these events of a descriptor of a task.
    #[cfg(feature = "tokio")]
    Socket(TaskId, Fd, Events),
}

impl Watch {
    pub(super) fn until(&self) -> Option<Duration> {
        match self.what {
            What::Until(until) => Some(until),
            #[cfg(feature = "tokio")]
            What::Socket(..) => None,
        }
    }

    pub(super) fn is_ready(&self, world: &World) -> bool {
        match self.what {
            What::Until(until) => until <= world.now(),
            #[cfg(feature = "tokio")]
            What::Socket(task, fd, wanted) => {
                let always = Events::ERR | Events::HUP | Events::NVAL;
                !(world.events(task, fd) & (wanted | always)).is_empty()
            }
        }
    }
}

/// A place for one watch, which is empty again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    handle: Handle,
    key: u64,
}

impl Place {
    pub(crate) fn new(handle: &Handle) -> Place {
        let mut state = handle.lock();
        state.watch_keys += 1;
        Place { handle: handle.clone(), key: state.watch_keys }
    }

    fn watch(&self, what: What, waker: &Waker) {
        let Handle { task, .. } = self.handle;
        let mut state = self.handle.lock();
        state.watches.retain(|watch| watch.key != self.key);
        state.watches.push(Watch { key: self.key, task, what, waker: waker.clone() });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.handle.lock().watches.retain(|watch| watch.key != self.key);
    }
}

#[cfg(feature = "tokio")]
impl Simulated {
    pub(crate) fn place(&self) -> Place {
        Place::new(&self.handle)
    }

    /// What is the case of the socket.
    pub(crate) fn events(&self) -> Events {
        let state = self.handle.lock();
        state.world.events(state.tasks[self.handle.task].model, self.fd)
    }

    /// Wakes when one of these events is the case.
    pub(crate) fn watch(&self, place: &Place, wanted: Events, waker: &Waker) {
        let task = self.handle.lock().tasks[self.handle.task].model;
        place.watch(What::Socket(task, self.fd, wanted), waker);
    }
}

/// Lets virtual time pass in a future; others go on meanwhile.
///
/// # Panics
/// Outside of a simulation, when it is polled.
pub async fn sleep_async(time: Duration) {
    let handle = here();
    let until = handle.elapsed().saturating_add(time);
    let place = Place::new(&handle);
    std::future::poll_fn(|context| {
        if handle.elapsed() >= until {
            return Poll::Ready(());
        }
        place.watch(What::Until(until), context.waker());
        Poll::Pending
    })
    .await;
}

/// Parks this thread until a waker of its futures is used. An executor of any kind takes part in a
/// simulation if it calls this whenever none of its tasks can go on; so does a tokio runtime of
/// the kind `current_thread` with `on_thread_park(sim::park)`.
///
/// # Panics
/// Outside of a simulation.
pub fn park() {
    here().park();
}

impl Handle {
    fn park(&self) {
        // A thread that unwinds need not wait.
        let Ok(mut state) = self.wait(self.lock(), Status::Parked) else { return };
        state.tasks[self.task].notified.store(false, Ordering::Release);
        let world = &state.world;
        let mut due = Vec::new();
        let mut left = Vec::new();
        for (place, watch) in state.watches.iter().enumerate() {
            let is_due = watch.task == self.task && watch.is_ready(world);
            if is_due { due.push(watch.waker.clone()) } else { left.push(place) }
        }
        if !due.is_empty() {
            let mut place = 0;
            state.watches.retain(|_| {
                place += 1;
                left.binary_search(&(place - 1)).is_ok()
            });
        }
        // A waker may do anything, also make calls.
        drop(state);
        due.into_iter().for_each(Waker::wake);
    }
}

/// A task of [`block_on`], woken or not.
struct Flag {
    woken: AtomicBool,
    /// That of its thread.
    notified: Arc<AtomicBool>,
}

impl Wake for Flag {
    fn wake(self: Arc<Flag>) {
        self.woken.store(true, Ordering::Release);
        self.notified.store(true, Ordering::Release);
    }
}

type Future = Pin<Box<dyn std::future::Future<Output = ()>>>;

thread_local! {
    /// Tasks that were started and not polled yet.
    static STARTED: RefCell<Vec<Future>> = const { RefCell::new(Vec::new()) };
}

/// Starts a task on the executor of this thread: see [`block_on`]. It is dropped with the executor.
pub fn spawn_local(future: impl std::future::Future<Output = ()> + 'static) {
    STARTED.with_borrow_mut(|started| started.push(Box::pin(future)));
}

/// Runs a future, and what it starts with [`spawn_local`], to the end of that future. Which of
/// several tasks goes on, the seed decides.
///
/// # Panics
/// Outside of a simulation.
///
/// ```
/// use sunpath::{AddressRef, sim, tokio::{Listener, Stream}};
///
/// sim::World::default().run(|_| sim::block_on(async {
///     let name = AddressRef::Abstract(b"server");
///     let listener = Listener::bind(name).unwrap();
///     sim::spawn_local(async move {
///         let client = Stream::connect(name).await.unwrap();
///         client.send(b"hello").await.unwrap();
///     });
///     let server = listener.accept().await.unwrap();
///     let mut word = [0; 5];
///     assert_eq!(server.recv(&mut word).await.unwrap(), 5);
/// }));
/// ```
pub fn block_on<F: std::future::Future>(future: F) -> F::Output {
    let handle = here();
    let notified = handle.lock().tasks[handle.task].notified.clone();
    let outer = STARTED.take();
    let executor = Executor { handle, notified, tasks: Vec::new() };
    let output = executor.run(future);
    STARTED.set(outer);
    output
}

struct Executor {
    handle: Handle,
    notified: Arc<AtomicBool>,
    tasks: Vec<(Future, Arc<Flag>)>,
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor").field("tasks", &self.tasks.len()).finish_non_exhaustive()
    }
}

impl Executor {
    fn flag(&self) -> Arc<Flag> {
        Arc::new(Flag { woken: AtomicBool::new(true), notified: self.notified.clone() })
    }

    fn run<F: std::future::Future>(mut self, future: F) -> F::Output {
        let mut first = pin!(future);
        let first_flag = self.flag();
        loop {
            for started in STARTED.take() {
                let flag = self.flag();
                self.tasks.push((started, flag));
            }
            let woken = |flag: &Flag| flag.woken.load(Ordering::Acquire);
            let mut able: Vec<_> = (0..self.tasks.len())
                .filter(|task| woken(&self.tasks[*task].1))
                .map(Some)
                .collect();
            able.extend(woken(&first_flag).then_some(None));
            if able.is_empty() {
                self.handle.park();
                continue;
            }
            let chosen = able[(self.handle.random() % able.len() as u64) as usize];
            let Some(number) = chosen else {
                first_flag.woken.store(false, Ordering::Release);
                let waker = Waker::from(first_flag.clone());
                match first.as_mut().poll(&mut Context::from_waker(&waker)) {
                    Poll::Ready(output) => return output,
                    Poll::Pending => continue,
                }
            };
            let (task, flag) = &mut self.tasks[number];
            flag.woken.store(false, Ordering::Release);
            let waker = Waker::from(flag.clone());
            if task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                drop(self.tasks.remove(number));
            }
        }
    }
}
