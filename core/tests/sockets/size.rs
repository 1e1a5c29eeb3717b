//! `send`: sizes that can never be sent.

use super::*;
use sunpath_core::Errno::*;

fn long(length: u64) -> Arguments {
    Arguments { length: Some(length), ..Arguments::default() }
}

#[test]
fn a_message_larger_than_the_buffer() {
    for kind in [DATAGRAM, SEQPACKET] {
        let too_long = failed(Call::Send, kind, EMSGSIZE);
        let facts = passing(paired(kind), long(212_961));
        too_long.is("send/message-too-long", &facts);
        predicts(Call::Send, kind, &facts, fails(EMSGSIZE), "send/message-too-long");
        let fits = passing(paired(kind), long(212_960));
        too_long.is_not("send/message-too-long", &fits);
        works(Call::Send, kind, &fits);
        // The length was not recorded: nothing but it, and the number of buffers, can be wrong.
        let d = too_long.diagnose(&with(paired(kind)));
        let ids: Vec<_> = d.causes.iter().map(|r| r.cause.id).collect();
        assert_eq!(ids, ["send/too-many-buffers", "send/message-too-long"]);
    }
    works(Call::Send, STREAM, &passing(paired(STREAM), long(10_000_000)));
}

#[test]
fn a_message_larger_than_any_piece_of_memory() {
    for kind in [DATAGRAM, SEQPACKET] {
        let raised = OwnSocket { send_buffer: 8 << 20, ..paired(kind) };
        let facts = passing(raised.clone(), long(4_263_617));
        failed(Call::Send, kind, ENOBUFS).is("send/no-contiguous-memory", &facts);
        predicts(Call::Send, kind, &facts, fails(ENOBUFS), "send/no-contiguous-memory");
        works(Call::Send, kind, &passing(raised, long(4_263_616)));
        let lower = passing(paired(kind), long(4_263_617));
        predicts(Call::Send, kind, &lower, fails(EMSGSIZE), "send/message-too-long");
    }
}

#[test]
fn too_many_buffers() {
    for call in [Call::Send, Call::Recv] {
        for kind in UNIX {
            let buffers = |n| Arguments { buffers: Some(n), ..Arguments::default() };
            let ready = OwnSocket { readable: Seen::Known(1), ..paired(kind) };
            let facts = passing(ready.clone(), buffers(1025));
            failed(call, kind, EMSGSIZE).is("send/too-many-buffers", &facts);
            predicts(call, kind, &facts, fails(EMSGSIZE), "send/too-many-buffers");
            let fits = passing(ready, buffers(1024));
            failed(call, kind, EMSGSIZE).is_not("send/too-many-buffers", &fits);
            works(call, kind, &fits);
        }
    }
}

#[test]
fn too_much_ancillary_data() {
    let control = |n| Arguments { control_length: Some(n), ..Arguments::default() };
    for length in [131_073, 1 << 31] {
        let facts = passing(paired(STREAM), control(length));
        failed(Call::Send, STREAM, ENOBUFS).is("send/control-too-large", &facts);
        predicts(Call::Send, STREAM, &facts, fails(ENOBUFS), "send/control-too-large");
    }
    let fits = passing(paired(STREAM), control(131_072));
    failed(Call::Send, STREAM, ENOBUFS).is_not("send/control-too-large", &fits);
    let mut unknown = passing(paired(STREAM), control(200_000));
    unknown.system.optmem_max = Seen::default();
    failed(Call::Send, STREAM, ENOBUFS).may_be("send/control-too-large", &unknown);
}

#[test]
fn too_little_memory() {
    let calls = [
        (Call::Socket, "socket/out-of-memory"),
        (Call::Bind, "bind/out-of-memory"),
        (Call::Connect, "connect/out-of-memory"),
        (Call::Send, "send/out-of-memory"),
    ];
    for (call, id) in calls {
        failed(call, STREAM, ENOMEM).may_be(id, &with(paired(STREAM)));
    }
}
