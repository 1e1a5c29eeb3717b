//! Tests that need a process of their own with a single thread: each runs in a forked child.

mod activation;
mod adversity;
#[cfg(feature = "tokio")]
mod asynchronous;
mod binding;
mod descriptors;
mod identity;
mod interrupted;
mod killed;
mod leaks;
mod namespaces;
mod options;
mod owners;
mod processes;
mod spinning;
mod storms;
mod traps;
mod views;

use std::process::ExitCode;
use std::time::{Duration, Instant};
use sunpath::sys;
use sunpath::sys::process::{Child, End, fork};

type Test = (&'static str, fn());

/// A file's tests, by name.
macro_rules! tests {
    ($($name:ident)*) => {
        pub const TESTS: &[crate::Test] = &[
            $((concat!(module_path!(), "::", stringify!($name)), $name),)*
        ];
    };
}
pub(crate) use tests;

/// Whether this process is root and may do everything in the initial user namespace; if not,
/// says that the test is skipped.
fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: needs root");
    }
    root
}

/// A name that no other test has.
fn unique(what: &str) -> String {
    format!("sunpath-alone-{what}-{}", std::process::id())
}

/// How a test ended; one that hangs is killed after a minute.
fn wait(mut child: Child) -> sys::Result<End> {
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        if let Some(end) = child.try_wait()? {
            return Ok(end);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Err(sys::Errno::TIMEDOUT)
}

fn main() -> ExitCode {
    if let Some(part) = std::env::var_os(activation::PART) {
        return activation::serve(&part);
    }
    let all = [
        activation::TESTS,
        adversity::TESTS,
        binding::TESTS,
        #[cfg(feature = "tokio")]
        asynchronous::TESTS,
        descriptors::TESTS,
        identity::TESTS,
        interrupted::TESTS,
        killed::TESTS,
        leaks::TESTS,
        namespaces::TESTS,
        options::TESTS,
        owners::TESTS,
        processes::TESTS,
        spinning::TESTS,
        storms::TESTS,
        traps::TESTS,
        views::TESTS,
    ]
    .concat();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|a| a == "--list") {
        all.iter().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    let filters: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
    let wanted = |name: &str| filters.is_empty() || filters.iter().any(|f| name.contains(*f));
    let mut failed = 0;
    for (name, test) in all.iter().filter(|(name, _)| wanted(name)) {
        let child = fork(|| {
            test();
            0
        });
        let end = child.and_then(wait);
        println!("test {name} ... {}", if end == Ok(End::Exited(0)) { "ok" } else { "FAILED" });
        failed += usize::from(end != Ok(End::Exited(0)));
    }
    println!("test result: {failed} failed");
    ExitCode::from(u8::from(failed > 0))
}
