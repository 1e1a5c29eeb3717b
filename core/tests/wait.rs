//! A full backlog, and servers that do not answer.

mod scene;

use scene::*;
use sunpath_core::fact::Seen;
use sunpath_core::fact::process::{DescriptorUse, ProcessState, WaitsIn};
use sunpath_core::fact::socket::{Backlog, Peer, State};
use sunpath_core::{Call, Errno, Facts, Symptom};

const REFUSED: Errno = Errno::ECONNREFUSED;

fn full(stuck: Seen<u32>) -> Facts {
    serving(|s| {
        s.backlog = Some(Backlog { pending: 2, limit: 1 });
        s.stuck_ms = stuck;
    })
}

#[test]
fn a_full_backlog() {
    let mut quick = full(Seen::Known(60));
    quick.arguments.nonblocking = Some(true);
    connect(Errno::EAGAIN, "connect/backlog-full", quick).both();
    let hangs = |id, facts| Expect { symptom: Symptom::Hangs, ..connect(REFUSED, id, facts) };
    hangs("wait/backlog-full", full(Seen::Known(60))).both();
    hangs("wait/backlog-full", full(Seen::default())).both();
    hangs("wait/backlog-full", full(Seen::Known(0))).likely().both();
}

#[test]
fn servers_that_do_not_answer() {
    let hangs = |id, facts| Expect { symptom: Symptom::Hangs, ..connect(REFUSED, id, facts) };
    let spoilt = |change: fn(&mut sunpath_core::fact::Process)| {
        serving(|s| {
            s.backlog = Some(Backlog { pending: 1, limit: 128 });
            s.stuck_ms = Seen::Known(60);
            let mut owner = server();
            change(&mut owner);
            s.owners = Seen::Known(vec![owner]);
        })
    };
    let stop: fn(&mut sunpath_core::fact::Process) =
        |p| p.state = Seen::Known(ProcessState::Stopped);
    hangs("wait/server-stopped", spoilt(stop)).both();
    hangs("wait/server-stopped", spoilt(|p| p.frozen = Seen::Known(true))).both();
    let full: fn(&mut sunpath_core::fact::Process) =
        |p| p.descriptors = Seen::Known(DescriptorUse { used: 64, limit: 64 });
    hangs("wait/server-out-of-descriptors", spoilt(full)).both();
    let asleep: fn(&mut sunpath_core::fact::Process) =
        |p| p.waits_in = Seen::Known(WaitsIn::Elsewhere { call: "nanosleep".into() });
    hangs("wait/server-not-accepting", spoilt(asleep)).likely().both();

    let mut mine = own(State::Connected);
    let mut peer = Peer { inode: Seen::Known(0), closed: Seen::Known(false), ..Peer::default() };
    peer.process = Seen::Known(server());
    mine.peer = Seen::Known(Some(peer));
    let facts = holding(healthy(), mine);
    hangs("wait/server-not-accepting", facts).call(Call::Recv).explained();
}
