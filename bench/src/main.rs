//! Measures Sunpath beside what people use today, in interleaved rounds of one run.
//!
//! ```text
//! cargo run --release -p sunpath-bench -- errors   # the cost of a failing call
//! cargo run --release -p sunpath-bench -- model    # the model beside the kernel
//! cargo run --release -p sunpath-bench -- why      # `sunpath why` beside `ss -xap`
//! cargo run --release -p sunpath-bench -- list     # `sunpath ls` beside `ss -xap` and `lsof -U`
//! cargo run --release -p sunpath-bench -- tap      # `sunpath tap` beside socat and nothing
//! cargo run --release -p sunpath-bench -- speed    # every kind of traffic, beside other crates
//! cargo run --release -p sunpath-bench -- top      # the cost of `sunpath top` while it looks on
//! cargo run --release -p sunpath-bench -- traps    # what each crate does where sockets trap it
//! ```
//! All but the last print medians and ratios; `--json` prints the same as JSON. Absolute times depend on
//! the machine: the ratios are what counts. `traps` fails if Sunpath is caught in one; `--only`
//! and words pick rows.

mod errors;
mod holders;
mod list;
mod model;
mod speed;
mod stats;
mod tap;
mod top;
mod traps;
mod why;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let json = args.iter().any(|a| a == "--json");
    args.retain(|a| a != "--json");
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["errors"] => errors::run(json),
        ["model"] => model::run(json),
        ["top"] => top::run(json),
        ["why"] => why::run(json),
        ["list"] => list::run(json),
        ["tap"] => tap::run(json),
        ["speed", options @ ..] => speed::run(json, options),
        ["traps"] => traps::run(json, &[]),
        ["traps", "--only", only @ ..] => traps::run(json, only),
        ["hold", pairs] => holders::hold(pairs),
        [tap::PEER, path] => tap::peer(path),
        ["trap-cell", trap, peer] => traps::run_cell(trap, peer),
        ["trap-watch", process, number] => traps::watch(process, number),
        _ => {
            eprintln!(
                "usage: sunpath-bench errors|model|top|why|list|tap|traps [--only WORDS] [--json]
{}",
                speed::USAGE
            );
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sunpath-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
