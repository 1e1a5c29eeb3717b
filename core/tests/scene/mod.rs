//! Facts for tests: a healthy server at `/run/app.sock`, and ways to spoil it.
#![allow(dead_code)]

use sunpath_core::fact::caller::{Capabilities, Ids, Seccomp};
use sunpath_core::fact::path::{End, FileId, FileKind, Mount, Step, Walk};
use sunpath_core::fact::process::{DescriptorUse, ProcessState, WaitsIn};
use sunpath_core::fact::socket::{Backlog, OwnSocket, State};
use sunpath_core::fact::{
    AbstractTarget, Caller, Descriptor, PathTarget, Process, Seen, SocketFact, Target,
};
use sunpath_core::{
    Call, Certainty, Diagnosis, Errno, Facts, Outcome, SocketType, Symptom, diagnose,
};

pub const HERE: u64 = 4026531841;
pub const ELSEWHERE: u64 = 4026532200;
pub const DISK: u64 = 254 << 32;
pub const INODE: u64 = 1001;

pub fn mount(fs_type: &str, point: &[u8]) -> Mount {
    Mount {
        point: point.to_vec(),
        root: b"/".to_vec(),
        fs_type: fs_type.into(),
        source: fs_type.as_bytes().to_vec(),
        ..Mount::default()
    }
}

pub fn step(path: &[u8], kind: FileKind, mode: u32, inode: u64) -> Step {
    Step {
        path: path.to_vec(),
        kind,
        mode,
        owner_name: Some("root".into()),
        group_name: Some("root".into()),
        file: FileId { device: DISK, inode },
        immutable: Seen::Known(false),
        acl: Seen::Known(None),
        mount: Seen::Known(mount("ext4", b"/")),
        ..Step::default()
    }
}

pub fn link(path: &[u8], target: &[u8]) -> Step {
    Step { link: Some(target.to_vec()), ..step(path, FileKind::Symlink, 0o777, 77) }
}

pub fn server() -> Process {
    Process {
        pid: 314,
        name: "app".into(),
        fd: Some(3),
        uid: Seen::Known(0),
        state: Seen::Known(ProcessState::Sleeping),
        waits_in: Seen::Known(WaitsIn::Events),
        frozen: Seen::Known(false),
        descriptors: Seen::Known(DescriptorUse { used: 8, limit: 1024 }),
        mount_namespace: Seen::Known(HERE),
        root: Seen::Known(b"/".to_vec()),
        ..Process::default()
    }
}

pub fn listener(name: &[u8], inode: u64) -> SocketFact {
    SocketFact {
        state: State::Listening,
        name: Some(name.to_vec()),
        file: Some(FileId { device: DISK, inode }),
        backlog: Some(Backlog { pending: 0, limit: 128 }),
        owners: Seen::Known(vec![server()]),
        all_owners: Seen::Known(()),
        stuck_ms: Seen::Known(0),
        ..SocketFact::new(9000, SocketType::Stream)
    }
}

pub fn datagram(name: &[u8], inode: u64) -> SocketFact {
    SocketFact {
        kind: SocketType::Datagram,
        state: State::Unconnected,
        backlog: None,
        ..listener(name, inode)
    }
}

pub fn caller() -> Caller {
    Caller {
        pid: Some(999),
        user_name: Some("ann".into()),
        ids: Seen::Known(Ids { uid: 1000, gid: 1000, groups: vec![27] }),
        capabilities: Seen::Known(Capabilities(0)),
        account_groups: Seen::Known(vec![]),
        root: Seen::Known(b"/".to_vec()),
        cwd: Seen::Known(b"/home/ann".to_vec()),
        mount_namespace: Seen::Known(HERE),
        seccomp: Seen::Known(Seccomp::Off),
        ..Caller::default()
    }
}

/// A live stream server that this caller may use.
pub fn healthy() -> Facts {
    let steps = vec![
        step(b"/", FileKind::Directory, 0o755, 2),
        step(b"/run", FileKind::Directory, 0o755, 3),
        step(b"/run/app.sock", FileKind::Socket, 0o666, INODE),
    ];
    let path = PathTarget {
        given: b"/run/app.sock".to_vec(),
        walk: Seen::Known(Walk { steps, end: End::Found, named: Some(2) }),
        attached: Seen::Known(vec![listener(b"/run/app.sock", INODE)]),
        namesakes: Seen::Known(vec![]),
        lookalikes: Seen::Known(vec![]),
        everywhere: Seen::Known(()),
        ..PathTarget::default()
    };
    let mut facts = Facts { caller: caller(), target: Target::Path(path), ..Facts::default() };
    facts.system.security_modules = Seen::Known(vec!["landlock".into()]);
    facts.system.unix_sockets = Seen::Known(300);
    facts
}

pub fn path(facts: &mut Facts) -> &mut PathTarget {
    match &mut facts.target {
        Target::Path(path) => path,
        other => panic!("not a path: {other:?}"),
    }
}

pub fn walk(facts: &mut Facts) -> &mut Walk {
    match &mut path(facts).walk {
        Seen::Known(walk) => walk,
        Seen::Unseen(why) => panic!("no walk: {why}"),
    }
}

pub fn file(facts: &mut Facts) -> &mut Step {
    walk(facts).steps.last_mut().unwrap()
}

pub fn attached(facts: &mut Facts) -> &mut Vec<SocketFact> {
    match &mut path(facts).attached {
        Seen::Known(sockets) => sockets,
        Seen::Unseen(why) => panic!("not seen: {why}"),
    }
}

/// The healthy server, spoilt.
pub fn with(change: impl FnOnce(&mut Facts)) -> Facts {
    let mut facts = healthy();
    change(&mut facts);
    facts
}

/// The server's listener, spoilt.
pub fn serving(change: impl FnOnce(&mut SocketFact)) -> Facts {
    with(|f| change(&mut attached(f)[0]))
}

/// Nobody is bound to the file.
pub fn stale() -> Facts {
    with(|f| attached(f).clear())
}

/// The last component does not exist, and nothing is bound to it.
pub fn missing() -> Facts {
    with(|f| {
        let walk = walk(f);
        walk.steps.pop();
        walk.named = None;
        walk.end = End::Missing { name: b"app.sock".to_vec(), last: true, link: None };
        attached(f).clear();
    })
}

/// A live server that was bound by the path, but whose file is not the one there.
pub fn namesake(facts: &mut Facts, change: impl FnOnce(&mut SocketFact)) {
    let mut socket = listener(b"/run/app.sock", 555);
    change(&mut socket);
    path(facts).namesakes = Seen::Known(vec![socket]);
}

/// A caller of an abstract name that nobody has.
pub fn abstract_name() -> Facts {
    let target = AbstractTarget {
        name: b"app".to_vec(),
        bound: Seen::Known(vec![]),
        elsewhere: Seen::Known(vec![]),
        padded: Seen::Known(vec![]),
        everywhere: Seen::Known(()),
        as_path: Seen::Known(None),
    };
    Facts { target: Target::Abstract(target), ..healthy() }
}

pub fn named(change: impl FnOnce(&mut AbstractTarget)) -> Facts {
    let mut facts = abstract_name();
    match &mut facts.target {
        Target::Abstract(target) => change(target),
        other => panic!("not an abstract name: {other:?}"),
    }
    facts
}

/// The caller's own socket, in this state.
pub fn own(state: State) -> OwnSocket {
    OwnSocket { inode: 4242, state, ..OwnSocket::fresh(SocketType::Stream) }
}

pub fn holding(mut facts: Facts, own: OwnSocket) -> Facts {
    facts.descriptor = Seen::Known(Descriptor::Socket(own));
    facts
}

/// What a test expects of a diagnosis.
pub struct Expect {
    pub call: Call,
    pub socket: SocketType,
    pub symptom: Symptom,
    pub id: &'static str,
    pub certainty: Certainty,
    pub facts: Facts,
}

pub fn connect(errno: Errno, id: &'static str, facts: Facts) -> Expect {
    Expect {
        call: Call::Connect,
        socket: SocketType::Stream,
        symptom: errno.into(),
        id,
        certainty: Certainty::Certain,
        facts,
    }
}

pub fn bind(errno: Errno, id: &'static str, facts: Facts) -> Expect {
    Expect { call: Call::Bind, ..connect(errno, id, facts) }
}

impl Expect {
    pub fn likely(self) -> Self {
        Expect { certainty: Certainty::Likely, ..self }
    }

    pub fn socket(self, socket: SocketType) -> Self {
        Expect { socket, ..self }
    }

    pub fn call(self, call: Call) -> Self {
        Expect { call, ..self }
    }

    /// The symptom leads to the cause.
    pub fn explained(self) -> Self {
        let d = diagnose(self.call, self.socket, Some(self.symptom), &self.facts);
        self.named(&d);
        self
    }

    /// So do the facts alone.
    pub fn foreseen(self) -> Self {
        let d = diagnose(self.call, self.socket, None, &self.facts);
        assert_eq!(d.outcome, Outcome::from(self.symptom), "{}: {:#?}", self.id, d.causes);
        self.named(&d);
        self
    }

    pub fn both(self) {
        self.explained().foreseen();
    }

    fn named(&self, d: &Diagnosis) {
        let first = d.causes.first().map(|r| (r.cause.id, r.certainty));
        let all: Vec<_> =
            d.causes.iter().map(|r| (r.cause.id, r.certainty, r.because.as_str())).collect();
        assert_eq!(first, Some((self.id, self.certainty)), "{all:#?}");
    }
}

/// The facts speak for a call that works.
pub fn works(call: Call, socket: SocketType, facts: &Facts, what: &str) {
    let d = diagnose(call, socket, None, facts);
    assert_eq!(d.outcome, Outcome::Succeeds, "{what}: {:#?}", d.causes);
    assert!(d.causes.is_empty(), "{what}");
}
