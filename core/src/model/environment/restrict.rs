//! What single processes may not do, and what they are in the midst of.

use crate::model::namespace::{Namespace, NodeId};
use crate::model::process::ProcessId;
use crate::model::socket::SocketId;
use crate::model::stop::{Tried, fail};
use crate::model::wait::{Line, Wake};
use crate::model::world::{Caller, TaskId, World};
use crate::op::{Fd, Restriction};
use crate::{Address, Errno};
use alloc::vec::Vec;
use core::iter::successors;

/// The number of a scope.
pub(crate) type Scope = u32;

/// What a process may not do. A child has what its parent has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Restrictions {
    /// Which abstract names it reaches: see [`World::check_scope`].
    pub(crate) scope: Option<Scope>,
    /// It may not make UNIX domain sockets.
    pub(crate) no_unix: bool,
    /// It is in a user namespace of its own.
    pub(crate) user_namespace: bool,
    /// Files and directories that a security module keeps it from.
    pub(crate) denied: Vec<NodeId>,
    /// Directories, and what it sees in their place.
    pub(crate) covered: Vec<(NodeId, NodeId)>,
}

impl World {
    pub(super) fn restrict(&mut self, task: u32, how: &Restriction) -> Result<(), Errno> {
        let process = self.process_of(task)?;
        let (rules, policies) = (&self.profile.names, &self.profile.environment);
        let exists = match how {
            Restriction::Denied { .. } => *rules.security_modules,
            Restriction::Covered { .. } => *rules.private_mounts,
            Restriction::AbstractScope => *policies.abstract_scopes,
            Restriction::NoUnixSockets => *policies.call_filters,
            Restriction::UserNamespace => *policies.user_namespaces,
        };
        if !exists {
            return Err(Errno::EOPNOTSUPP);
        }
        let node = match how {
            Restriction::Denied { path } | Restriction::Covered { path } => self.file_at(path)?,
            _ => Namespace::ROOT,
        };
        let restrictions = &mut self.processes[process].restrictions;
        match how {
            Restriction::AbstractScope => {
                let outer = restrictions.scope.replace(self.environment.scopes.len() as Scope);
                self.environment.scopes.push(outer);
            }
            Restriction::NoUnixSockets => restrictions.no_unix = true,
            Restriction::UserNamespace => restrictions.user_namespace = true,
            Restriction::Denied { .. } => restrictions.denied.push(node),
            Restriction::Covered { .. } if !self.namespace.is_directory(node) => {
                return Err(Errno::ENOTDIR);
            }
            Restriction::Covered { .. } => {
                let empty = self.namespace.empty_over(node);
                restrictions.covered.push((node, empty));
            }
        }
        Ok(())
    }

    /// Whether a process may reach this socket: one with an abstract name must have been made in
    /// its scope, or in one inside of it.
    pub(crate) fn check_scope(&self, caller: Caller, socket: SocketId) -> Tried<()> {
        let Some(own) = self.processes[caller.process].restrictions.scope else { return Ok(()) };
        let socket = &self.sockets[socket];
        let name = socket.name.as_ref().map(|bound| &bound.address);
        let outer = |scope: &Scope| self.environment.scopes[*scope as usize];
        let inside = || successors(socket.scope, outer).any(|scope| scope == own);
        match name {
            Some(Address::Abstract(_)) if !inside() => Err(fail("connect/landlock-scope")),
            _ => Ok(()),
        }
    }

    /// The same for datagrams: a socket reaches the peer that it has, wherever that is.
    #[inline]
    pub(crate) fn check_datagram_scope(
        &self,
        caller: Caller,
        from: SocketId,
        to: SocketId,
    ) -> Tried<()> {
        match self.sockets[from].peer() == Some(to) {
            true => Ok(()),
            false => self.check_scope(caller, to),
        }
    }

    pub(crate) fn process_of(&self, task: u32) -> Result<ProcessId, Errno> {
        let process = self.tasks.get(task as usize).ok_or(Errno::ESRCH)?.process;
        if self.processes[process].gone { Err(Errno::ESRCH) } else { Ok(process) }
    }

    pub(super) fn socket_of(&self, task: u32, fd: Fd) -> Result<SocketId, Errno> {
        let caller = Caller { task: TaskId(task), process: self.process_of(task)?, began_on: None };
        self.socket(caller, fd, ["", ""]).map(|(_, socket)| socket).map_err(|_| Errno::EBADF)
    }

    pub(super) fn set_busy(&mut self, socket: SocketId, busy: bool) {
        self.sockets[socket].busy = busy;
        if !busy {
            self.wake(socket, Line::Writable, Wake::All);
        }
    }
}
