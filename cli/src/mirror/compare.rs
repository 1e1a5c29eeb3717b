//! What the two sides number differently, and whether they agree.

use super::script::Expected;
use std::borrow::Cow;
use sunpath::Address;
use sunpath::host::Outcome;
use sunpath::op::{Control, ControlOut, FileOp, Ids, Name, Op, ProcessOp, Ret, Value};

/// Users of scripts: these, and as many after it, are others on the kernel's side, so that no
/// other process counts against their limits.
const USERS: std::ops::Range<u32> = 1000..1100;

/// How many bytes an automatic name has.
pub const AUTOMATIC: usize = 5;

/// An automatic name.
pub type Automatic = [u8; AUTOMATIC];

/// Pairs of what is the same, the model's first.
#[derive(Debug, Clone, Default)]
pub struct Dictionary {
    /// Process ids.
    pub pids: Vec<(i32, i32)>,
    /// Automatic names.
    pub names: Vec<(Automatic, Automatic)>,
    /// What is added to the number of a user.
    pub users: u32,
    /// The user and the group that are the model's root and its group, if this is not root.
    pub own: Option<[u32; 2]>,
}

impl Dictionary {
    /// A call as the kernel's side makes it.
    pub fn to_host<'a>(&self, op: &'a Op) -> Cow<'a, Op> {
        let mut op = Cow::Borrowed(op);
        match &*op {
            Op::Send(message) if message.to.is_some() || !message.control.is_empty() => {
                if let Op::Send(message) = op.to_mut() {
                    if let Some(Name::Unix(address)) = &mut message.to {
                        self.address_to_host(address);
                    }
                    for item in &mut message.control {
                        if let Control::Credentials(ids) = item {
                            *ids = self.ids_to_host(*ids);
                        }
                    }
                }
            }
            Op::Bind { name: Name::Unix(_), .. } | Op::Connect { name: Name::Unix(_), .. } => {
                if let Op::Bind { name: Name::Unix(address), .. }
                | Op::Connect { name: Name::Unix(address), .. } = op.to_mut()
                {
                    self.address_to_host(address);
                }
            }
            Op::File(FileOp::Chown { .. }) => {
                if let Op::File(FileOp::Chown { uid, gid, .. }) = op.to_mut() {
                    (*uid, *gid) = (self.user_to_host(*uid), self.group_to_host(*gid));
                }
            }
            Op::Process(ProcessOp::Become { .. } | ProcessOp::SetEffective { .. }) => {
                match op.to_mut() {
                    Op::Process(ProcessOp::Become { uid, gid, groups }) => {
                        (*uid, *gid) = (self.user_to_host(*uid), self.group_to_host(*gid));
                        groups.iter_mut().for_each(|group| *group = self.group_to_host(*group));
                    }
                    Op::Process(ProcessOp::SetEffective { uid, gid }) => {
                        (*uid, *gid) = (self.user_to_host(*uid), self.group_to_host(*gid));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        op
    }

    /// The number of a user on the kernel's side.
    pub fn user_to_host(&self, id: u32) -> u32 {
        self.to_host_of(0, id)
    }

    fn group_to_host(&self, id: u32) -> u32 {
        self.to_host_of(1, id)
    }

    /// `which`: of users (0) or groups (1).
    fn to_host_of(&self, which: usize, id: u32) -> u32 {
        match self.own {
            Some(own) if id == 0 => own[which],
            _ if USERS.contains(&id) => id + self.users,
            _ => id,
        }
    }

    fn to_model_of(&self, which: usize, id: u32) -> u32 {
        let back = id.wrapping_sub(self.users);
        match self.own {
            Some(own) if id == own[which] => 0,
            _ if USERS.contains(&back) => back,
            _ => id,
        }
    }

    fn ids_to_host(&self, ids: Ids) -> Ids {
        let known = self.pids.iter().find(|(model, _)| *model == ids.pid);
        Ids {
            pid: known.map_or(ids.pid, |(_, real)| *real),
            uid: self.user_to_host(ids.uid),
            gid: self.group_to_host(ids.gid),
        }
    }

    /// What is as expected needs no translation: 65534 may be this user, and stands for nobody, too.
    fn ids_to_model(&self, ids: Ids, expected: Ids) -> Ids {
        let number = |which, id, expected| match id == expected {
            true => id,
            false => self.to_model_of(which, id),
        };
        Ids {
            pid: self.pid_to_model(ids.pid),
            uid: number(0, ids.uid, expected.uid),
            gid: number(1, ids.gid, expected.gid),
        }
    }

    fn pid_to_model(&self, pid: i32) -> i32 {
        let known = self.pids.iter().find(|(_, real)| *real == pid);
        known.map_or(pid, |(model, _)| *model)
    }

    fn address_to_host(&self, address: &mut Address) {
        let Some(name) = automatic(address) else { return };
        if let Some((_, real)) = self.names.iter().find(|(model, _)| *model == name) {
            *address = Address::Abstract(real.to_vec());
        }
    }

    /// Whether both sides agree; what the kernel's side said is translated for it. An automatic
    /// name that is seen for the first time is noted.
    pub fn agree(&mut self, expected: &Expected, outcome: &mut Outcome) -> bool {
        match (expected, outcome) {
            (Expected::Done(expected), Ok(given)) => {
                self.translate(expected, given);
                expected == given
            }
            (Expected::Fails { errno, signal, .. }, Err(failed)) => {
                failed.errno() == Some(*errno) && failed.signal == *signal
            }
            _ => false,
        }
    }

    fn translate(&mut self, expected: &Ret, given: &mut Ret) {
        match (given, expected) {
            (Ret::Name(given), Ret::Name(expected)) => self.address_to_model(expected, given),
            (
                Ret::Accepted { name: Some(given), .. },
                Ret::Accepted { name: Some(expected), .. },
            ) => self.address_to_model(expected, given),
            (Ret::Received(given), Ret::Received(expected)) => {
                if let (Some(given), Some(expected)) = (&mut given.from, &expected.from) {
                    self.address_to_model(expected, given);
                }
                for (place, item) in given.control.iter_mut().enumerate() {
                    let expected = expected.control.get(place);
                    if let (ControlOut::Credentials(ids), Some(ControlOut::Credentials(expected))) =
                        (item, expected)
                    {
                        *ids = self.ids_to_model(*ids, *expected);
                    }
                }
            }
            (Ret::Value(given), Ret::Value(expected)) => match (given, expected) {
                (Value::Peer(Some(ids)), Value::Peer(Some(expected))) => {
                    *ids = self.ids_to_model(*ids, *expected);
                }
                // Nobody but root can give up the groups that it has.
                (Value::Groups(groups), Value::Groups(expected)) if self.own.is_some() => {
                    groups.clone_from(expected);
                }
                (Value::Groups(groups), _) => {
                    groups.iter_mut().for_each(|group| *group = self.to_model_of(1, *group));
                }
                (Value::Name(Some(given)), Value::Name(Some(expected))) => {
                    self.address_to_model(expected, given);
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn address_to_model(&mut self, expected: &Address, given: &mut Address) {
        let Some(real) = automatic(given) else { return };
        let wanted = automatic(expected);
        // Sockets of two types, or in two networks, have the same name now and then, as the kernel
        // draws lots: what is seen for the first time may be one that is known.
        if let Some(model) = wanted
            && self.names.iter().all(|(known, _)| *known != model)
        {
            self.names.push((model, real));
        }
        let mut models = self.names.iter().filter(|(_, known)| *known == real).map(|pair| pair.0);
        let first = models.clone().next();
        if let Some(model) = models.find(|model| Some(*model) == wanted).or(first) {
            *given = Address::Abstract(model.to_vec());
        }
    }

    /// A process id that a call gave as a number.
    pub fn number_to_model(&self, op: &Op, given: &mut Outcome) {
        if let (Op::Process(ProcessOp::Getpid), Ok(Ret::Value(Value::Int(pid)))) = (op, given) {
            *pid = self.pid_to_model(*pid);
        }
    }
}

/// The bytes of a name that looks like an automatic one.
pub fn automatic(address: &Address) -> Option<Automatic> {
    let Address::Abstract(name) = address else { return None };
    let name: Automatic = name.as_slice().try_into().ok()?;
    name.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).then_some(name)
}
