//! Processes of any name that hold given sockets: servers and clients that do nothing else.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use crate::common::Dir;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use sunpath::activation::Launcher;
use sunpath::{Datagram, Listener, SeqPacket, Stream};

/// A process that is being made has, for a moment, every descriptor of this one. So there is one
/// town at a time.
static ONE: Mutex<()> = Mutex::new(());

/// A private directory and its processes, all gone when it is.
pub struct Town {
    dir: Dir,
    children: Vec<Child>,
    _alone: MutexGuard<'static, ()>,
}

impl Town {
    /// An empty one; `None`, with the reason told, if processes cannot be made so.
    pub fn new() -> Option<Town> {
        let alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = Dir::new();
        symlink(sleep()?, dir.join("probe")).unwrap();
        let works = Command::new(dir.join("probe")).arg("0").status();
        if !works.is_ok_and(|status| status.success()) {
            eprintln!("skipped: sleep does not run under another name here");
            return None;
        }
        Some(Town { dir, children: Vec::new(), _alone: alone })
    }

    /// A path in its directory.
    pub fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.dir.join(name.as_ref())
    }

    /// Starts a process of this name that holds these sockets, alone from then on.
    pub fn start(&mut self, name: &str, sockets: Vec<OwnedFd>) -> u32 {
        let program = self.path(format!("bin-{}", self.children.len()));
        let program = program.join(name);
        std::fs::create_dir(program.parent().unwrap()).unwrap();
        symlink(sleep().unwrap(), &program).unwrap();
        let mut launcher = Launcher::new(&program);
        launcher.command().arg("300").stdin(Stdio::null());
        for socket in &sockets {
            launcher.pass("", socket.as_fd()).unwrap();
        }
        let child = launcher.spawn().unwrap();
        let pid = child.id();
        self.children.push(child);
        pid
    }

    /// Five processes in everyday relations. A server of two connected clients, one of which has
    /// sent 12 bytes that are not read, and of one that waits; a helper of the server, and a
    /// receiver of datagrams. Returns the server's process id.
    pub fn everyday(&mut self) -> u32 {
        let path = self.path("app.sock");
        let listener = Listener::options().backlog(8).keep_file(true).bind(&path).unwrap();
        let connect = || {
            let client = Stream::connect(&path).unwrap();
            (client, listener.accept().unwrap())
        };
        let ((one, at_one), (two, at_two), (three, at_three)) = (connect(), connect(), connect());
        one.send(b"twelve bytes").unwrap();
        let (other, pair) = SeqPacket::pair().unwrap();
        let waiting = Stream::connect(&path).unwrap();
        let log = Datagram::options().keep_file(true).bind(self.path("log")).unwrap();
        let sender = Datagram::unbound().unwrap();
        sender.connect(self.path("log")).unwrap();
        let connections = [at_one, at_two, at_three].into_iter().map(own);
        let server = [own(listener), own(pair), own(sender)].into_iter().chain(connections);
        let server = self.start("app-server", server.collect());
        self.start("web", vec![own(one), own(two)]);
        self.start("shell", vec![own(three), own(waiting)]);
        self.start("helper", vec![own(other)]);
        self.start("logger", vec![own(log)]);
        server
    }

    /// A web site's processes: what a person would see who looks at a small server.
    pub fn services(&mut self) {
        let listen = |town: &Town, name: &str| {
            Listener::options().backlog(64).keep_file(true).bind(town.path(name)).unwrap()
        };
        let app = listen(self, "app.sock");
        let postgres = listen(self, ".s.PGSQL.5432");
        let redis = listen(self, "redis.sock");
        let log = Datagram::options().keep_file(true).bind(self.path("log")).unwrap();
        let connect = |town: &Town, name: &str, to: &Listener| {
            let client = Stream::connect(town.path(name)).unwrap();
            (own(client), own(to.accept().unwrap()))
        };
        let sender = |town: &Town| {
            let socket = Datagram::unbound().unwrap();
            socket.connect(town.path("log")).unwrap();
            own(socket)
        };
        let (mut front, mut database, mut cache) = (vec![sender(self)], Vec::new(), Vec::new());
        for worker in 0..3 {
            let mut held = vec![own(&app), sender(self)];
            for _ in 0..=worker {
                let (client, server) = connect(self, "app.sock", &app);
                front.push(client);
                held.push(server);
            }
            let (client, server) = connect(self, ".s.PGSQL.5432", &postgres);
            held.push(client);
            database.push(server);
            let (client, server) = connect(self, "redis.sock", &redis);
            held.push(client);
            cache.push(server);
            self.start("app-worker", held);
        }
        front.push(own(Stream::connect(self.path("app.sock")).unwrap()));
        self.start("nginx", front);
        let report = Stream::connect(self.path(".s.PGSQL.5432")).unwrap();
        database.push(own(postgres.accept().unwrap()));
        report.send(&[0; 48_000]).unwrap();
        self.start("nightly-report", vec![own(report), sender(self)]);
        let (mailer, server) = connect(self, "redis.sock", &redis);
        cache.push(server);
        self.start("mailer", vec![mailer]);
        let (shell, server) = connect(self, "redis.sock", &redis);
        cache.push(server);
        self.start("redis-cli", vec![shell]);
        database.push(own(postgres));
        cache.push(own(redis));
        self.start("postgres", database);
        self.start("redis-server", cache);
        self.start("log-daemon", vec![own(log)]);
    }

    /// So many servers with so many clients each, of which some talk to the next server, too.
    /// Each client has so many connections, and up to two more, to each.
    pub fn city(&mut self, servers: usize, clients: usize, connections: usize) {
        sunpath::sys::process::raise_descriptor_limit().unwrap();
        let mut ends: Vec<Vec<OwnedFd>> = (0..servers).map(|_| Vec::new()).collect();
        let address = |town: &Town, server: usize| town.path(format!("service-{server}.sock"));
        let listeners: Vec<Listener> = (0..servers)
            .map(|s| Listener::options().keep_file(true).bind(address(self, s)).unwrap())
            .collect();
        for client in 0..servers * clients {
            let mine = client % servers;
            let mut held = Vec::new();
            for server in [Some(mine), (client % 7 == 0).then_some((mine + 1) % servers)] {
                let Some(server) = server else { continue };
                for _ in 0..connections + client % 3 {
                    let end = Stream::connect(address(self, server)).unwrap();
                    ends[server].push(own(listeners[server].accept().unwrap()));
                    if client % 11 == 0 {
                        end.send(&[0; 3000]).unwrap();
                    }
                    held.push(own(end));
                }
            }
            let name = format!("client-{:02}", client % 40);
            self.start(&name, held);
        }
        for (server, (listener, mut ends)) in listeners.into_iter().zip(ends).enumerate() {
            ends.push(own(listener));
            self.start(&format!("service-{server}"), ends);
        }
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
        }
        for child in &mut self.children {
            let _ = child.wait();
        }
    }
}

/// The descriptor of a socket.
pub fn own(socket: impl AsFd) -> OwnedFd {
    socket.as_fd().try_clone_to_owned().unwrap()
}

fn sleep() -> Option<PathBuf> {
    let found =
        ["/bin/sleep", "/usr/bin/sleep"].into_iter().map(PathBuf::from).find(|p| p.exists());
    if found.is_none() {
        eprintln!("skipped: there is no sleep(1)");
    }
    found
}
