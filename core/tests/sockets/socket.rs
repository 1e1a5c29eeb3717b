//! `socket`, `socketpair`, and sockets treated as files.

use super::*;
use sunpath_core::fact::arguments::{Creation, Family};
use sunpath_core::fact::path::{End, FileKind, Step, Walk};
use sunpath_core::fact::{PathTarget, Target};

fn asking(family: Family, known: bool, kind: i32, protocol: i32) -> Facts {
    let creation = Creation { family, family_known: Some(known), kind, protocol };
    let arguments = Arguments { creation: Some(creation), ..Arguments::default() };
    Facts { caller: caller(), arguments, ..Facts::default() }
}

#[test]
fn numbers_that_make_no_socket() {
    let cases = [
        (asking(Family::Other(255), false, 1, 0), Errno::EAFNOSUPPORT, "family-unsupported"),
        (asking(Family::Unspec, false, 1, 0), Errno::EAFNOSUPPORT, "family-unsupported"),
        (asking(Family::Unix, true, 1, 6), Errno::EPROTONOSUPPORT, "protocol-unsupported"),
        // The protocol is looked at before the type.
        (asking(Family::Unix, true, 4, 6), Errno::EPROTONOSUPPORT, "protocol-unsupported"),
        (asking(Family::Unix, true, 11, 0), Errno::EINVAL, "bad-type"),
        (asking(Family::Unix, true, 0x101, 6), Errno::EINVAL, "bad-type"),
        (asking(Family::Unix, true, 4, 0), Errno::ESOCKTNOSUPPORT, "type-unsupported"),
    ];
    for call in [Call::Socket, Call::Socketpair] {
        for (facts, errno, id) in &cases {
            let id = format!("socket/{id}");
            failed(call, STREAM, *errno).is(&id, facts);
            predicts(call, STREAM, facts, fails(*errno), &id);
        }
    }
    for (kind, protocol) in [(1, 0), (2, 0), (3, 0), (5, 0), (1, 1)] {
        works(Call::Socket, STREAM, &asking(Family::Unix, true, kind, protocol));
    }
    let plain = asking(Family::Unix, true, 1, 0);
    failed(Call::Socket, STREAM, Errno::EAFNOSUPPORT).is_not("socket/family-unsupported", &plain);
    failed(Call::Socket, STREAM, Errno::EPROTONOSUPPORT)
        .is_not("socket/protocol-unsupported", &plain);
    failed(Call::Socket, STREAM, Errno::ESOCKTNOSUPPORT).is_not("socket/type-unsupported", &plain);
}

#[test]
fn pairs_are_of_the_unix_domain() {
    let pair = failed(Call::Socketpair, SocketType::Tcp, Errno::EOPNOTSUPP);
    pair.is("socket/no-pairs-in-family", &asking(Family::Inet, true, 1, 0));
    works(Call::Socketpair, STREAM, &asking(Family::Unix, true, 1, 0));
}

#[test]
fn an_arp_request_of_another_family() {
    use sunpath_core::fact::arguments::AddressArgument;
    let request = |family| {
        let address = Some(AddressArgument { length: 16, family: Some(family) });
        let arguments = Arguments { address, ..Arguments::default() };
        passing(OwnSocket::fresh(SocketType::Udp), arguments)
    };
    let refused = failed(Call::Ioctl, SocketType::Udp, Errno::EPFNOSUPPORT);
    refused.is("socket/protocol-family-unsupported", &request(Family::Unix));
    refused.is_not("socket/protocol-family-unsupported", &request(Family::Inet));
    // No family, however wrong, gives it from socket on Linux.
    let socket = failed(Call::Socket, STREAM, Errno::EPFNOSUPPORT);
    assert!(socket.diagnose(&asking(Family::Other(255), false, 1, 0)).causes.is_empty());
}

#[test]
fn no_descriptor_left() {
    let left = |used, limit| {
        let mut facts = asking(Family::Unix, true, 1, 0);
        facts.caller.descriptors = Seen::Known(DescriptorUse { used, limit });
        facts
    };
    for call in [Call::Socket, Call::Socketpair] {
        let emfile = failed(call, STREAM, Errno::EMFILE);
        emfile.is("socket/descriptor-limit", &left(64, 64));
        predicts(call, STREAM, &left(64, 64), fails(Errno::EMFILE), "socket/descriptor-limit");
        emfile.may_be("socket/descriptor-limit", &left(10, 64));
        works(call, STREAM, &left(62, 64));
        emfile.may_be("socket/descriptor-limit", &Facts::default());
    }
    // A pair needs two.
    failed(Call::Socketpair, STREAM, Errno::EMFILE).is("socket/descriptor-limit", &left(63, 64));
    works(Call::Socket, STREAM, &left(63, 64));
}

#[test]
fn no_open_file_left() {
    let enfile = failed(Call::Socket, STREAM, Errno::ENFILE);
    let mut facts = with(OwnSocket::fresh(STREAM));
    enfile.may_be("socket/system-limit", &facts);
    facts.system.files_open = Seen::Known(1_000_000);
    enfile.is("socket/system-limit", &facts);
    facts.caller.capabilities = Seen::Known(Capabilities(1 << Capabilities::SYS_ADMIN));
    enfile.may_be("socket/system-limit", &facts);
    facts.system.unix_sockets = Seen::Known(2_000_001);
    enfile.is("socket/system-limit", &facts);
    for call in [Call::Socket, Call::Socketpair, Call::Connect, Call::Accept] {
        failed(call, STREAM, Errno::ENFILE).is("socket/system-limit", &facts);
    }
}

fn opening(kind: FileKind) -> Facts {
    let step = Step { path: b"/run/app".to_vec(), kind, ..Step::default() };
    let walk = Walk { steps: vec![step], end: End::Found, named: Some(0) };
    let path = PathTarget {
        given: b"/run/app".to_vec(),
        walk: Seen::Known(walk),
        ..PathTarget::default()
    };
    Facts { target: Target::Path(path), ..Facts::default() }
}

#[test]
fn a_socket_is_not_a_file() {
    let nxio = failed(Call::Open, STREAM, Errno::ENXIO);
    nxio.is("socket/opened-as-file", &opening(FileKind::Socket));
    nxio.is_not("socket/opened-as-file", &opening(FileKind::Fifo));
    let because = nxio.diagnose(&opening(FileKind::Socket)).causes[0].commands.clone();
    assert_eq!(because, ["socat - UNIX-CONNECT:/run/app"]);
    let seek = failed(Call::Lseek, STREAM, Errno::ESPIPE);
    seek.is("socket/not-seekable", &with(paired(STREAM)));
    let file = Descriptor::NotSocket("a regular file".into());
    let file = Facts { descriptor: Seen::Known(file), ..Facts::default() };
    seek.is_not("socket/not-seekable", &file);
}
