//! Panics of simulated threads: the report has them, with the place where they happened.
//!
//! Where a program is run very often, they are not printed as well. For this a panic hook is put
//! before the one that there was, once: it leaves threads that are in no simulation alone.

use super::handle::current;
use std::cell::RefCell;
use std::panic::{PanicHookInfo, set_hook, take_hook};
use std::path::Path;
use std::sync::Once;

thread_local! {
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// From now on, panics are noted.
pub(super) fn note() {
    static ONCE: Once = Once::new();
    // A thread that unwinds may not touch the hook.
    if std::thread::panicking() {
        return;
    }
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            let quiet = current().is_some_and(|handle| {
                let _ = PLACE.try_with(|place| place.replace(place_of(info)));
                handle.shared.quiet
            });
            // A panic that ends the program must be seen.
            if !quiet || cfg!(panic = "abort") {
                before(info);
            }
        }));
    });
}

/// The place of the last panic of this thread.
pub(super) fn take_place() -> Option<String> {
    PLACE.take()
}

/// The file's name without its directory: that depends on where the program was built.
fn place_of(info: &PanicHookInfo<'_>) -> Option<String> {
    let place = info.location()?;
    let file = Path::new(place.file()).file_name()?.to_string_lossy();
    Some(format!("{file}:{}:{}", place.line(), place.column()))
}
