//! The sockets for tokio, on real sockets.

mod batches;
mod cancel;
mod connecting;
mod datagrams;
#[path = "../directory/mod.rs"]
mod directory;
mod framing;
mod packets;
mod streams;
mod waking;

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Longer than anything here takes: what is not done by then hangs.
const LONG: Duration = Duration::from_secs(20);

/// Long enough to see that something waits.
const WHILE: Duration = Duration::from_millis(150);

/// The value of a future that has to come.
#[track_caller]
fn soon<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let place = std::panic::Location::caller();
    async move {
        match tokio::time::timeout(LONG, future).await {
            Ok(value) => value,
            Err(_) => panic!("hangs: {place}"),
        }
    }
}

/// Counts how often a future is polled: one that waits for an event is polled a few times, one
/// that spins as often as the processor can.
struct Counted<'a, F> {
    future: Pin<Box<F>>,
    polls: &'a Cell<u32>,
}

fn counted<F: Future>(polls: &Cell<u32>, future: F) -> Counted<'_, F> {
    Counted { future: Box::pin(future), polls }
}

impl<F: Future> Future for Counted<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.polls.set(self.polls.get() + 1);
        self.future.as_mut().poll(context)
    }
}

/// Polls a future once, and drops it if it waits.
async fn once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
