//! Descriptors, processes and tasks that a trace calls by names.

use crate::op::{
    Control, ControlOut, Fd, FileOp, Ids, Internet, Op, ProcessOp, Ret, Setting, Value,
};
use alloc::string::String;
use alloc::vec::Vec;

/// A name in a trace: of a process, or of a descriptor.
pub type Name = String;

/// The names of references, one for each; `None`: the number says it.
pub(super) type Names = Vec<Option<Name>>;

/// A call or a result in which numbers can have names.
///
/// What has a name has the number -1 in `is` until it is known: see [`Named::with`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<T> {
    /// The call or result.
    pub is: T,
    /// The name of each of its [`Reference`]s, in their order; `None`, or nothing: it has none.
    pub names: Vec<Option<Name>>,
}

/// A number in a call or a result that means something only in one run.
#[derive(Debug, PartialEq, Eq)]
pub enum Reference<'a> {
    /// A descriptor.
    Fd(&'a mut Fd),
    /// The number of a process, which is called by the name of one of its tasks.
    Pid(&'a mut i32),
    /// A task.
    Task(&'a mut u32),
}

/// What has references.
pub trait References {
    /// Visits each of them, in the order in which they are written.
    fn visit(&mut self, visit: &mut dyn FnMut(Reference<'_>));
}

impl<T> From<T> for Named<T> {
    /// Numbers only.
    fn from(is: T) -> Named<T> {
        Named { is, names: Vec::new() }
    }
}

impl<T: References + Clone> Named<T> {
    /// The call or result with the numbers that the names stand for.
    pub fn with(&self, mut number: impl FnMut(&str, &mut Reference<'_>)) -> T {
        let mut is = self.is.clone();
        let mut names = self.names.iter();
        is.visit(&mut |mut reference| {
            if let Some(Some(name)) = names.next() {
                number(name, &mut reference);
            }
        });
        is
    }
}

impl References for Op {
    fn visit(&mut self, visit: &mut dyn FnMut(Reference<'_>)) {
        match self {
            Op::Bind { fd, .. }
            | Op::Listen { fd, .. }
            | Op::Accept { fd, .. }
            | Op::Connect { fd, .. }
            | Op::Shutdown { fd, .. }
            | Op::Getsockname { fd, .. }
            | Op::Getpeername { fd, .. }
            | Op::Getsockopt { fd, .. }
            | Op::Ioctl { fd, .. }
            | Op::Close { fd }
            | Op::Dup { fd }
            | Op::Nonblocking { fd, .. }
            | Op::Lseek { fd }
            | Op::File(FileOp::Fchmod { fd, .. }) => visit(Reference::Fd(fd)),
            Op::Recv(want) => visit(Reference::Fd(&mut want.fd)),
            Op::Setsockopt { fd, value, .. } => {
                visit(Reference::Fd(fd));
                value.visit(visit);
            }
            Op::Send(message) => {
                visit(Reference::Fd(&mut message.fd));
                message.control.iter_mut().for_each(|item| item.visit(visit));
            }
            Op::Poll { fds, .. } => fds.iter_mut().for_each(|(fd, _)| visit(Reference::Fd(fd))),
            Op::Process(ProcessOp::JoinNet { of }) => visit(Reference::Task(of)),
            Op::Socket(_) | Op::Socketpair(_) | Op::File(_) | Op::Process(_) => {}
        }
    }
}

impl References for Setting {
    fn visit(&mut self, visit: &mut dyn FnMut(Reference<'_>)) {
        match self {
            Setting::Restrict { task, .. } | Setting::Stop { task, .. } => {
                visit(Reference::Task(task));
            }
            Setting::Busy { task, fd, .. } | Setting::Internet(Internet::Destroy { task, fd }) => {
                visit(Reference::Task(task));
                visit(Reference::Fd(fd));
            }
            Setting::Mount { .. }
            | Setting::Immutable { .. }
            | Setting::ProtectedSymlinks { .. }
            | Setting::Member { .. }
            | Setting::KernelMemory { .. }
            | Setting::SystemLimit { .. }
            | Setting::Internet(_) => {}
        }
    }
}

impl References for Control {
    fn visit(&mut self, visit: &mut dyn FnMut(Reference<'_>)) {
        match self {
            Control::Rights(fds) => fds.iter_mut().for_each(|fd| visit(Reference::Fd(fd))),
            Control::Credentials(ids) => ids.visit(visit),
            Control::MalformedCredentials
            | Control::Malformed
            | Control::UnknownType
            | Control::ForeignLevel
            | Control::Filler(_) => {}
        }
    }
}

impl References for Ids {
    fn visit(&mut self, visit: &mut dyn FnMut(Reference<'_>)) {
        visit(Reference::Pid(&mut self.pid));
    }
}

impl References for Value {
    fn visit(&mut self, visit: &mut dyn FnMut(Reference<'_>)) {
        match self {
            Value::Peer(Some(ids)) => ids.visit(visit),
            Value::Fd(fd) => visit(Reference::Fd(fd)),
            _ => {}
        }
    }
}

impl References for Ret {
    fn visit(&mut self, visit: &mut dyn FnMut(Reference<'_>)) {
        match self {
            Ret::Fd(fd) | Ret::Accepted { fd, .. } => visit(Reference::Fd(fd)),
            Ret::Pair(a, b) => {
                visit(Reference::Fd(a));
                visit(Reference::Fd(b));
            }
            Ret::Value(value) => value.visit(visit),
            Ret::Received(received) => {
                received.control.iter_mut().for_each(|item| item.visit(visit));
            }
            Ret::Polled(polled) => {
                polled.iter_mut().for_each(|p| visit(Reference::Fd(&mut p.fd)));
            }
            Ret::Task(task) => visit(Reference::Task(task)),
            Ret::Unit | Ret::Count(_) | Ret::Name(_) => {}
        }
    }
}

impl References for ControlOut {
    fn visit(&mut self, visit: &mut dyn FnMut(Reference<'_>)) {
        match self {
            ControlOut::Rights(fds) => fds.iter_mut().for_each(|fd| visit(Reference::Fd(fd))),
            ControlOut::Credentials(ids) => ids.visit(visit),
            ControlOut::Pidfd(fd) => visit(Reference::Fd(fd)),
            ControlOut::Inq(_)
            | ControlOut::Timestamp
            | ControlOut::NoPidfd(_)
            | ControlOut::Cut(_) => {}
        }
    }
}
