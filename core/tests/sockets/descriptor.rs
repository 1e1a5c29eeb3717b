//! Causes that every call shares: the descriptor, the pointers, signals.

use super::*;

fn family(call: Call) -> &'static str {
    match call {
        Call::Getsockname | Call::Getpeername => "name",
        Call::Getsockopt | Call::Setsockopt | Call::Ioctl => "option",
        call => call.name(),
    }
}

const ON_SOCKETS: [Call; 9] = [
    Call::Bind,
    Call::Listen,
    Call::Accept,
    Call::Connect,
    Call::Send,
    Call::Recv,
    Call::Shutdown,
    Call::Getpeername,
    Call::Setsockopt,
];

#[test]
fn descriptors_that_are_no_sockets() {
    for call in ON_SOCKETS {
        let closed = format!("{}/bad-descriptor", family(call));
        let other = format!("{}/not-a-socket-descriptor", family(call));
        let facts = |d| Facts { descriptor: Seen::Known(d), ..Facts::default() };
        let (ebadf, enotsock) = (Errno::EBADF, Errno::ENOTSOCK);
        for descriptor in [Descriptor::NotOpen, Descriptor::PathOnly] {
            failed(call, STREAM, ebadf).is(&closed, &facts(descriptor.clone()));
            failed(call, STREAM, enotsock).is_not(&other, &facts(descriptor.clone()));
            predicts(call, STREAM, &facts(descriptor), fails(ebadf), &closed);
        }
        let device = facts(Descriptor::NotSocket("a character device".into()));
        failed(call, STREAM, enotsock).is(&other, &device);
        predicts(call, STREAM, &device, fails(enotsock), &other);
        // It may have been closed and opened again meanwhile: nothing else gives the error.
        if call != Call::Send {
            failed(call, STREAM, ebadf).may_be(&closed, &with(paired(STREAM)));
            failed(call, STREAM, ebadf).may_be(&closed, &Facts::default());
        }
        failed(call, STREAM, enotsock).may_be(&other, &Facts::default());
    }
}

#[test]
fn pointers_to_no_memory() {
    for call in ON_SOCKETS {
        if matches!(call, Call::Listen | Call::Shutdown) {
            assert!(
                failed(call, STREAM, Errno::EFAULT).diagnose(&Facts::default()).causes.is_empty()
            );
            continue;
        }
        let id = format!("{}/bad-pointer", family(call));
        let bad = Arguments { bad_pointer: true, ..Arguments::default() };
        let facts = Facts { arguments: bad, ..Facts::default() };
        failed(call, STREAM, Errno::EFAULT).is(&id, &facts);
        predicts(call, STREAM, &facts, fails(Errno::EFAULT), &id);
        failed(call, STREAM, Errno::EFAULT).may_be(&id, &Facts::default());
    }
}

#[test]
fn signals() {
    for call in [Call::Send, Call::Recv, Call::Accept, Call::Bind] {
        let id = format!("{}/interrupted", call.name());
        failed(call, STREAM, Errno::EINTR).is(&id, &Facts::default());
    }
}

#[test]
fn a_command_for_a_process_needs_one() {
    let nobody = Facts::default();
    let ebadf = failed(Call::Recv, STREAM, Errno::EBADF);
    assert!(ebadf.diagnose(&nobody).causes[0].commands.is_empty());
    let somebody = Facts { caller: caller(), ..Facts::default() };
    let command = &ebadf.diagnose(&somebody).causes[0].commands[0];
    assert!(command.ends_with("-p 999"), "{command}");
}
