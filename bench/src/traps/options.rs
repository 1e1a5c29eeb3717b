//! Options and queues that programs need, and have to spell out themselves with `libc`.

use super::{Outcome, trap};
use std::io;
use sunpath::{AncillaryBuffer, Errno, Error, SeqPacket, Stream};

trap! {
    OFFERED, "options", "8 options and queues of UNIX sockets";
    run {
        Sunpath: sunpath,
    }
    // Their sources have none of the names, so there is no call to compile.
    absent {
        "none":
            Std Nix Rustix Uds Socket2 Tokio TokioSeqpacket Interprocess Sendfd Passfd UnixAncillary
            IpcChannel;
    }
}

type Use = (&'static str, fn() -> Result<(), Error>);

const USES: [Use; 8] = [
    ("SO_PEERGROUPS", || {
        let (a, _b) = Stream::pair()?;
        a.peer().groups().map(drop)
    }),
    ("SO_PASSPIDFD", || {
        let (a, b) = SeqPacket::pair()?;
        b.sockopt().set_pass_pidfd(true)?;
        a.send(b"x")?;
        let mut ancillary = AncillaryBuffer::new(1);
        b.recv_with(&mut [0; 8], &mut ancillary)?;
        assert!(ancillary.take_pidfd().is_some(), "SO_PASSPIDFD brings no pidfd");
        Ok(())
    }),
    ("SO_PASSSEC", || Stream::pair()?.0.sockopt().set_pass_security(true)),
    ("SO_PASSRIGHTS", || Stream::pair()?.0.sockopt().set_pass_rights(false)),
    ("SO_PEEK_OFF", || Stream::pair()?.0.sockopt().set_peek_offset(Some(0))),
    ("SO_INQ", || Stream::pair()?.0.sockopt().set_inq(true)),
    ("SIOCOUTQ", || Stream::pair()?.0.sockopt().unread_by_peer().map(drop)),
    ("SIOCUNIXFILE", || {
        let path = super::cell::path("s").unwrap_or_default();
        sunpath::Listener::bind(path)?.sockopt().bound_file().map(drop)
    }),
];

/// Compiling is the proof that an option is offered. This kernel may lack one, or want a privilege
/// for it: that is said.
fn sunpath() -> io::Result<Outcome> {
    let mut names = Vec::new();
    for (name, used) in USES {
        match used() {
            Ok(()) => names.push(name.to_owned()),
            Err(error) if error.errno() == Some(Errno::EPERM) => {
                names.push(format!("{name} (with privilege)"));
            }
            Err(error) if error.cause() == Some("option/unknown") => {
                names.push(format!("{name} (not on this kernel)"));
            }
            Err(error) => return Ok(Outcome::fails(error.to_string())),
        }
    }
    Ok(Outcome::ok(names.join(", ")))
}
