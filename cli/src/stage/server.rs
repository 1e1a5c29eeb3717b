//! Processes that hold sockets.

use super::client::{Enter, mark, trouble};
use super::{Stage, Step, Trouble, chmod, wait_until};
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, PipeWriter, Write, pipe};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::thread::sleep;
use std::time::Duration;
use sunpath::sys::name::Name;
use sunpath::sys::process::{self, Child, Signal};
use sunpath::sys::socket::{self, PollFlags, RecvFlags, Shutdown, SocketFlags};
use sunpath::{Address, SocketType};

/// What a server is to do. It binds and, if its type has connections, listens.
pub struct Server {
    address: Address,
    socket: SocketType,
    backlog: i32,
    then: Then,
    enter: Option<Enter>,
}

/// What a server does once it is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Never listens; sleeps.
    OnlyBinds,
    /// Sleeps, and never accepts or receives.
    Sleeps,
    /// Waits for clients, accepts every connection and keeps it open, receives every message.
    Accepts,
    /// As [`Accepts`](Then::Accepts), with a short rest after each client.
    AcceptsSlowly,
    /// As [`Accepts`](Then::Accepts), but waits inside `accept`.
    BlocksInAccept,
    /// Shuts its listener down; sleeps.
    ShutsDown,
    /// Waits for clients, but has no descriptor left to accept one.
    HasNoDescriptor,
}

impl Server {
    /// A stream server with a backlog of 16 that sleeps.
    pub fn new(address: &Address) -> Self {
        Server {
            address: address.clone(),
            socket: SocketType::Stream,
            backlog: 16,
            then: Then::Sleeps,
            enter: None,
        }
    }

    /// Of this type.
    pub fn socket(self, socket: SocketType) -> Self {
        Server { socket, ..self }
    }

    /// With this backlog.
    pub fn backlog(self, backlog: i32) -> Self {
        Server { backlog, ..self }
    }

    /// In this manner.
    pub fn then(self, then: Then) -> Self {
        Server { then, ..self }
    }

    /// After its process did this to itself.
    pub fn inside(self, enter: impl FnOnce() -> Result<(), Trouble> + 'static) -> Self {
        Server { enter: Some(Box::new(enter)), ..self }
    }

    /// The socket, ready.
    fn open(&mut self) -> Result<OwnedFd, Trouble> {
        if let Some(enter) = self.enter.take() {
            enter()?;
        }
        let name = Name::new(&self.address).step("encode the server's address")?;
        let fd = socket::socket(self.socket, SocketFlags::empty()).step("make the server")?;
        socket::bind(&fd, &name).step("bind the server")?;
        if let Address::Path(path) = &self.address {
            // Only a recipe that is about permissions takes them away.
            chmod(OsStr::from_bytes(path), 0o777)?;
        }
        if self.socket.is_connection_oriented() && self.then != Then::OnlyBinds {
            socket::listen(&fd, self.backlog).step("listen")?;
        }
        match self.then {
            Then::ShutsDown => socket::shutdown(&fd, Shutdown::Both).step("shut down")?,
            Then::HasNoDescriptor => use_up_descriptors()?,
            _ => {}
        }
        Ok(fd)
    }

    /// The rest of its life.
    pub fn serve(&self, fd: &OwnedFd) -> ! {
        let mut clients = Vec::new();
        loop {
            // An error anywhere here is a client that went away, or the limit that is wanted.
            match self.then {
                Then::OnlyBinds | Then::Sleeps | Then::ShutsDown => sleep(Duration::from_secs(60)),
                Then::BlocksInAccept => clients.extend(socket::accept(fd, SocketFlags::empty())),
                Then::Accepts | Then::AcceptsSlowly | Then::HasNoDescriptor => {
                    let _ = socket::poll(fd.as_fd(), PollFlags::IN, Duration::from_secs(60));
                    if !self.socket.is_connection_oriented() {
                        let _ = socket::recv(fd, &mut [0; 64], RecvFlags::DONTWAIT);
                        continue;
                    }
                    let accepted = socket::accept(fd, SocketFlags::empty());
                    // A server that cannot accept must not spin.
                    if accepted.is_err() || self.then == Then::AcceptsSlowly {
                        let _ =
                            socket::poll(fd.as_fd(), PollFlags::empty(), Duration::from_millis(25));
                    }
                    clients.extend(accepted);
                }
            }
        }
    }
}

/// Leaves no descriptor free: below this limit are only the standard streams, which stay open.
/// What is open above it may be closed without making room.
fn use_up_descriptors() -> Result<(), Trouble> {
    process::limit_descriptors(3).step("set the limit")
}

/// A running server; it ends with its stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running {
    /// Its process id.
    pub pid: u32,
}

/// A process that its parent waits for no longer than it lives.
struct Held(Child);

impl Stage {
    /// Starts a server, and waits until it is ready.
    pub fn serve(&mut self, mut server: Server) -> Result<Running, Trouble> {
        self.spawn(
            move || {
                let fd = server.open()?;
                Ok((server, fd))
            },
            |(server, fd)| server.serve(&fd),
        )
    }

    /// Starts a process that prepares something, and, once that is done, goes on. It ends with
    /// the stage.
    pub fn spawn<T>(
        &mut self,
        prepare: impl FnOnce() -> Result<T, Trouble>,
        go_on: impl FnOnce(T),
    ) -> Result<Running, Trouble> {
        let (said, mut says) = pipe().step("make a pipe")?;
        let parent = std::process::id();
        // Ids may have changed meanwhile, which cuts the tie to the parent.
        let tie = || process::die_with(parent).step("tie a process to its parent");
        // Or it would go by the name of the link that it was started from.
        let name = || process::set_name(c"server").step("name a process");
        let child =
            process::fork(move || match tie().and_then(|()| name()).and_then(|()| prepare()) {
                Ok(prepared) if tie().is_ok() => {
                    // It stays open: a descriptor that is closed now would be free for a client.
                    tell(&mut says, "ready");
                    go_on(prepared);
                    0
                }
                Ok(_) => 1,
                Err(trouble) => {
                    tell(&mut says, &mark(&trouble));
                    1
                }
            });
        let child = child.step("start a process")?;
        let mut line = String::new();
        let mut said = BufReader::new(said);
        said.read_line(&mut line).step("hear a process")?;
        let line = line.trim_end();
        if line != "ready" {
            let ended = "!a process ended before it was ready";
            return Err(trouble(Some(if line.is_empty() { ended } else { line })));
        }
        let running = Running { pid: child.pid() };
        self.keep(Held(child));
        Ok(running)
    }

    /// Kills a server as a crash would: nothing is cleaned up but what the kernel does.
    pub fn end(&mut self, server: Running) -> Result<(), Trouble> {
        let at = self.guards.iter().position(|guard| {
            guard.downcast_ref::<Held>().is_some_and(|held| held.0.pid() == server.pid)
        });
        let at = at.ok_or_else(|| Trouble::Failed("that server has ended already".into()))?;
        self.guards.remove(at);
        Ok(())
    }

    /// Stops a server, as Ctrl-Z or a debugger would.
    pub fn stop(&self, server: Running) -> Result<(), Trouble> {
        let held = self.guards.iter().filter_map(|guard| guard.downcast_ref::<Held>());
        for child in held.filter(|held| held.0.pid() == server.pid) {
            child.0.kill(Signal::STOP).step("stop the server")?;
        }
        wait_until("the server is stopped", || {
            let stat = fs::read_to_string(format!("/proc/{}/stat", server.pid));
            stat.is_ok_and(|s| s.rsplit(')').next().is_some_and(|s| s.starts_with(" T")))
        })
    }

    /// A connection to the address from this process, kept until the stage ends.
    pub fn pending(&mut self, socket: SocketType, address: &Address) -> Result<(), Trouble> {
        let name = Name::new(address).step("encode an address")?;
        let fd = socket::socket(socket, SocketFlags::NONBLOCK).step("make a client")?;
        socket::connect(&fd, &name).step("connect a client")?;
        self.keep(fd);
        Ok(())
    }
}

fn tell(says: &mut PipeWriter, line: &str) {
    // A parent that is gone takes this process with it.
    let _ = says.write_all(format!("{}\n", line.replace('\n', " ")).as_bytes());
}
