//! Measures Sunpath beside what people use today, in interleaved rounds of one run.
//!
//! ```text
//! cargo run --release -p sunpath-bench -- errors   # the cost of a failing call
//! cargo run --release -p sunpath-bench -- why      # `sunpath why` beside `ss -xap`
//! cargo run --release -p sunpath-bench -- speed    # every kind of traffic, beside other crates
//! ```
//! Each prints medians and ratios; `--json` prints the same as JSON. Absolute times depend on the
//! machine: the ratios are what counts.

mod errors;
mod speed;
mod stats;
mod why;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let json = args.iter().any(|a| a == "--json");
    args.retain(|a| a != "--json");
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["errors"] => errors::run(json),
        ["why"] => why::run(json),
        ["speed", options @ ..] => speed::run(json, options),
        ["hold", pairs] => why::hold(pairs),
        _ => {
            eprintln!("usage: sunpath-bench errors|why [--json]\n{}", speed::USAGE);
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
