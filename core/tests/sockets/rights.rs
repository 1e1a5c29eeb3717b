//! Descriptors and credentials as ancillary data.

use super::*;
use sunpath_core::Errno::*;
use sunpath_core::fact::arguments::Control;
use sunpath_core::fact::caller::UserNamespace;

fn rights(count: u64) -> Control {
    Control::Rights { count, not_open: vec![], not_passable: vec![] }
}

fn sending(kind: SocketType, control: Vec<Control>) -> Facts {
    passing(paired(kind), Arguments { control, length: Some(1), ..Arguments::default() })
}

/// These items show this cause, on every type; one good descriptor does not.
fn shows(control: &[Control], errno: Errno, id: &str) {
    for kind in UNIX {
        let facts = sending(kind, control.to_vec());
        failed(Call::Send, kind, errno).is(id, &facts);
        predicts(Call::Send, kind, &facts, fails(errno), id);
        let good = sending(kind, vec![rights(1)]);
        failed(Call::Send, kind, errno).is_not(id, &good);
        works(Call::Send, kind, &good);
    }
}

#[test]
fn descriptors_that_cannot_be_passed() {
    shows(&[rights(254)], EINVAL, "rights/too-many");
    shows(&[rights(253), rights(1)], EINVAL, "rights/too-many");
    let closed = Control::Rights { count: 2, not_open: vec![9999], not_passable: vec![] };
    shows(&[rights(1), closed], EBADF, "rights/bad-descriptor");
    let ring = Control::Rights { count: 1, not_open: vec![], not_passable: vec![7] };
    shows(&[ring], EINVAL, "rights/not-passable");
    works(Call::Send, STREAM, &sending(STREAM, vec![rights(253)]));
}

#[test]
fn the_socket_or_one_of_the_descriptors() {
    let control = vec![Control::Rights { count: 1, not_open: vec![9], not_passable: vec![] }];
    let arguments = Arguments { control, ..Arguments::default() };
    let both = Facts { arguments, descriptor: Descriptor::NotOpen.into(), ..Facts::default() };
    failed(Call::Send, STREAM, EBADF).is("send/bad-descriptor", &both);
}

#[test]
fn items_that_are_malformed() {
    shows(&[Control::Malformed], EINVAL, "ancillary/malformed");
    shows(&[Control::UnknownType(77)], EINVAL, "ancillary/unknown-type");
    shows(&[Control::MalformedCredentials], EINVAL, "credentials/malformed");
}

fn claim(exists: bool, permitted: bool) -> Control {
    let (exists, permitted) = (exists.into(), permitted.into());
    Control::Credentials { pid: 1, uid: 0, gid: 0, exists, permitted }
}

#[test]
fn credentials_that_are_not_true() {
    shows(&[claim(true, false)], EPERM, "credentials/not-permitted");
    // Whoever may not claim a process is not told that it does not exist.
    shows(&[claim(false, false)], EPERM, "credentials/not-permitted");
    shows(&[claim(false, true)], ESRCH, "credentials/no-such-process");
    works(Call::Send, STREAM, &sending(STREAM, vec![claim(true, true)]));
    let unchecked = Control::Credentials {
        pid: 1,
        uid: 0,
        gid: 0,
        exists: Seen::default(),
        permitted: Seen::default(),
    };
    let facts = sending(STREAM, vec![unchecked]);
    failed(Call::Send, STREAM, EPERM).is_not("credentials/no-such-process", &facts);
}

#[test]
fn too_many_in_flight() {
    let toomany = failed(Call::Send, STREAM, ETOOMANYREFS);
    let mut facts = sending(STREAM, vec![rights(1)]);
    toomany.is("rights/too-many-in-flight", &facts);
    assert!(toomany.diagnose(&facts).causes[0].because.contains("RLIMIT_NOFILE, 1024"));
    facts.caller.capabilities = Seen::Known(Capabilities(1 << Capabilities::SYS_ADMIN));
    facts.caller.user_namespace =
        Seen::Known(UserNamespace { initial: true, ..UserNamespace::default() });
    toomany.may_be("rights/too-many-in-flight", &facts);
    facts.caller.user_namespace = Seen::Known(UserNamespace::default());
    toomany.is("rights/too-many-in-flight", &facts);
}

#[test]
fn a_receiver_that_wants_none() {
    for kind in UNIX {
        let refusing = |refuses| {
            let theirs = Peer { refuses_rights: refuses, ..peer() };
            let mut facts = sending(kind, vec![rights(1)]);
            let own = OwnSocket { peer: Seen::Known(Some(theirs)), ..paired(kind) };
            facts.descriptor = Seen::Known(Descriptor::Socket(own));
            facts
        };
        let denied = failed(Call::Send, kind, EPERM);
        let facts = refusing(Seen::Known(true));
        denied.is("rights/refused-by-receiver", &facts);
        predicts(Call::Send, kind, &facts, fails(EPERM), "rights/refused-by-receiver");
        denied.is_not("rights/refused-by-receiver", &refusing(Seen::Known(false)));
        denied.may_be("rights/refused-by-receiver", &refusing(Seen::default()));
        works(Call::Send, kind, &refusing(Seen::default()));
    }
}

#[test]
fn descriptors_without_a_byte() {
    let lost = Symptom::DescriptorsLost;
    let mut facts = sending(STREAM, vec![rights(1)]);
    Failed(Call::Send, STREAM, lost).is_not("rights/dropped-with-empty-send", &facts);
    facts.arguments.length = Some(0);
    Failed(Call::Send, STREAM, lost).is("rights/dropped-with-empty-send", &facts);
    let outcome = Outcome::Misleads(lost);
    predicts(Call::Send, STREAM, &facts, outcome, "rights/dropped-with-empty-send");
    let mut datagram = sending(DATAGRAM, vec![rights(1)]);
    datagram.arguments.length = Some(0);
    works(Call::Send, DATAGRAM, &datagram);
}
