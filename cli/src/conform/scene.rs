//! What a recipe hands back: a scene to be tried, or what was observed.

use crate::stage::Trouble;
use crate::stage::client::Enter;
use std::os::fd::{AsFd, BorrowedFd};
use sunpath::fact::{Arguments, Descriptor, Facts, Seen, socket::History};
use sunpath::observe::{As, Query, observe};
use sunpath::sys;
use sunpath::{Call, Diagnosis, Endpoint, SocketType, Symptom, diagnose};

/// An address at which a call fails, and who makes it. The stage keeps its servers alive.
pub struct Scene {
    /// The call.
    pub call: Call,
    /// The type of the client's socket.
    pub socket: SocketType,
    /// The address.
    pub endpoint: Endpoint,
    /// Whether the client's socket is non-blocking.
    pub nonblocking: bool,
    /// The user who calls; `None`: whoever runs the recipe.
    pub caller: Option<u32>,
    /// What the client does to itself before the call.
    pub enter: Option<Enter>,
    /// Why no observer can foresee it.
    pub hidden: Option<&'static str>,
}

impl Scene {
    /// A stream client connects to the address.
    pub fn connect(endpoint: Endpoint) -> Self {
        Scene {
            call: Call::Connect,
            socket: SocketType::Stream,
            endpoint,
            nonblocking: false,
            caller: None,
            enter: None,
            hidden: None,
        }
    }

    /// A stream server binds to the address.
    pub fn bind(endpoint: Endpoint) -> Self {
        Scene { call: Call::Bind, ..Scene::connect(endpoint) }
    }

    /// With a socket of this type.
    pub fn socket(self, socket: SocketType) -> Self {
        Scene { socket, ..self }
    }

    /// With `O_NONBLOCK`.
    pub fn nonblocking(self) -> Self {
        Scene { nonblocking: true, ..self }
    }

    /// By this user. An ordinary user who runs the recipe makes the call in person: every scene
    /// that uses it fails for the owner of the files too.
    pub fn by(self, uid: u32) -> Self {
        Scene { caller: Some(uid), ..self }
    }

    /// After the client did this to itself.
    pub fn inside(self, enter: impl FnOnce() -> Result<(), Trouble> + 'static) -> Self {
        Scene { enter: Some(Box::new(enter)), ..self }
    }

    /// Not foreseeable, for this reason.
    pub fn hidden(self, why: &'static str) -> Self {
        Scene { hidden: Some(why), ..self }
    }
}

/// What a direct recipe saw.
pub struct Observed {
    /// The call.
    pub call: Call,
    /// The type of its socket.
    pub socket: SocketType,
    /// What really happened; `None`: it succeeded.
    pub symptom: Option<Symptom>,
    /// The facts right after it.
    pub facts: Facts,
}

impl Observed {
    /// Gathers the facts that belong to what happened.
    pub fn of(look: Look<'_>, symptom: Option<Symptom>) -> Result<Self, Trouble> {
        let (call, socket) = (look.call, look.socket);
        Ok(Observed { call, socket, symptom, facts: look.facts()? })
    }
}

/// What is known of a call when facts are gathered for it.
pub struct Look<'a> {
    call: Call,
    socket: SocketType,
    endpoint: Option<Endpoint>,
    caller: As,
    descriptor: Option<BorrowedFd<'a>>,
    arguments: Arguments,
    history: History,
}

impl<'a> Look<'a> {
    /// A call of this process on a socket of this type.
    pub fn new(call: Call, socket: SocketType) -> Self {
        Look {
            call,
            socket,
            endpoint: None,
            caller: As::Myself,
            descriptor: None,
            arguments: Arguments::default(),
            history: History::default(),
        }
    }

    /// With this address.
    pub fn endpoint(self, endpoint: Endpoint) -> Self {
        Look { endpoint: Some(endpoint), ..self }
    }

    /// By somebody else.
    pub fn by(self, caller: As) -> Self {
        Look { caller, ..self }
    }

    /// On this descriptor.
    pub fn descriptor(self, fd: &'a impl AsFd) -> Self {
        Look { descriptor: Some(fd.as_fd()), ..self }
    }

    /// With these arguments.
    pub fn arguments(self, arguments: Arguments) -> Self {
        Look { arguments, ..self }
    }

    /// With what the program knows of its socket's past.
    pub fn history(self, history: History) -> Self {
        Look { history, ..self }
    }

    /// What the call would do, by the facts.
    pub fn predict(self) -> Result<Diagnosis, Trouble> {
        let (call, socket) = (self.call, self.socket);
        Ok(diagnose(call, socket, None, &self.facts()?))
    }

    /// Gathers the facts.
    pub fn facts(self) -> Result<Facts, Trouble> {
        let query = Query {
            call: self.call,
            socket: self.socket,
            endpoint: self.endpoint,
            caller: self.caller,
            descriptor: self.descriptor,
            arguments: self.arguments,
        };
        let mut facts =
            observe(&query).map_err(|error| Trouble::Failed(format!("gather facts: {error}")))?;
        if let Seen::Known(Descriptor::Socket(own)) = &mut facts.descriptor {
            own.history = self.history;
        }
        Ok(facts)
    }
}

/// The error of a call that was to fail; `None` if it succeeded. An error that no cause knows is
/// shown as `EIO`, which none of them shows either.
pub fn failed<T>(result: sys::Result<T>) -> Option<Symptom> {
    let errno = result.err()?;
    Some(Symptom::Errno(sys::errno::name(errno).unwrap_or(sunpath::Errno::EIO)))
}
