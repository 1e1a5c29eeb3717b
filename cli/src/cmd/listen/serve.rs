//! One connection after the other, served by the standard streams.

use super::{Server, count, deadline, tell_accepted};
use crate::args::Listen;
use crate::cmd::why::failed;
use crate::exit::Exit;
use crate::out::Stop;
use crate::talk::pump::{self, End, Task};
use crate::talk::setup::Console;
use crate::talk::tell::Teller;
use crate::talk::wait::{Wake, wait};
use crate::talk::who;
use std::os::fd::AsFd;
use std::process::ExitCode;
use sunpath::Address;

/// Serves as many as are wanted. What fails with one of many ends its conversation only.
pub fn run(
    args: &Listen,
    console: &mut Console,
    server: &Server,
    teller: &Teller,
    address: &Address,
) -> Result<ExitCode, Stop> {
    let count = count(args);
    let (mut number, mut until) = (0, deadline(args));
    let mut end = End::Finished;
    while count.is_none_or(|count| number < count) {
        match wait(&console.stopping, &[server.as_fd()], until)? {
            Wake::Stopped => return Ok(Exit::Interrupted.into()),
            Wake::Late if number > 0 => break,
            Wake::Late => {
                teller.note("nobody connected in time");
                return Ok(Exit::Fails.into());
            }
            Wake::Ready => {}
        }
        let mut wire = match server.accept() {
            Ok(Some(wire)) => wire,
            Ok(None) => continue,
            Err(error) => {
                failed::tell(teller, &error, address, Some(server.as_fd()));
                return Ok(Exit::Fails.into());
            }
        };
        number += 1;
        let teller = teller.about(number);
        tell_accepted(&teller, &wire);
        if args.talk.peer {
            who::peer(&teller, wire.peer());
        }
        let task = Task { address, patience: args.talk.timeout, answers: true, count: None };
        end = pump::run(console, &mut wire, &teller, &task)?;
        if end == End::Stopped {
            break;
        }
        until = deadline(args);
    }
    let one_of_many = count != Some(1) && end == End::Failed;
    Ok(if one_of_many { Exit::Success } else { crate::cmd::connect::exit(end) }.into())
}
