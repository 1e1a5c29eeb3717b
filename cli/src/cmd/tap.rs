//! `sunpath tap`: relays between clients and a server, and writes down what passes.

use crate::args::Tap;
use crate::exit::Exit;
use crate::out::Stop;

/// Relays until it is stopped.
pub fn run(args: &Tap) -> Result<Exit, Stop> {
    crate::tap::run(args)
}
