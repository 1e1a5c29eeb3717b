//! Options that programs need and have to spell out themselves.

use super::{Outcome, trap};
use std::io;

trap! {
    OFFERED, "options", "8 options and queues, see below";
    run {
        Sunpath: sunpath,
    }
    // Searched in their sources for each name; there is no call to compile.
    absent {
        "0 of 8":
            Std Nix Rustix Uds Socket2 Tokio TokioSeqpacket Interprocess Sendfd Passfd UnixAncillary
            IpcChannel;
    }
}

fn sunpath() -> io::Result<Outcome> {
    Err(io::Error::other("to come"))
}
