//! The manager's side.

use super::{Error, variables};
use crate::sys::inherit;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command};

/// Starts a program as a service manager does: with sockets, and their names in the environment.
///
/// No shell and no helper program is involved, and that the program cannot be started is an error
/// of [`spawn`](Launcher::spawn).
///
/// ```no_run
/// use sunpath::Listener;
/// use sunpath::activation::Launcher;
///
/// let listener = Listener::bind("/run/app/api.sock")?;
/// let mut service = Launcher::new("/usr/bin/appd");
/// service.pass("api", &listener)?;
/// service.command().arg("--foreground");
/// let child = service.spawn()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Launcher {
    command: Command,
    inherits: bool,
    descriptors: Vec<OwnedFd>,
    names: Vec<String>,
}

impl Launcher {
    /// A launcher of this program, found as [`Command::new`] finds it.
    pub fn new(program: impl AsRef<OsStr>) -> Launcher {
        let command = Command::new(program);
        Launcher { command, inherits: true, descriptors: Vec::new(), names: Vec::new() }
    }

    /// Adds a descriptor. The program gets a duplicate: the socket is the same, and can be used
    /// here too, for example to start the program again when it has crashed.
    ///
    /// # Errors
    /// [`Error::Name`] for a name that cannot be told. If the limit of descriptors is reached,
    /// that comes as an [`io::Error`].
    pub fn pass(&mut self, name: &str, socket: impl AsFd) -> io::Result<&mut Launcher> {
        let fit =
            name.len() <= 255 && name.bytes().all(|b| (b' '..=b'~').contains(&b) && b != b':');
        if !fit {
            let error = Error::Name { name: name.into() };
            return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
        }
        self.descriptors.push(socket.as_fd().try_clone_to_owned()?);
        self.names.push(name.into());
        Ok(self)
    }

    /// The command, to set its arguments, environment, directory, ids and standard streams. Two
    /// settings are out of reach and have no effect: [`Command::env_clear`], for which
    /// [`clear_environment`](Launcher::clear_environment) stands in, and `arg0`.
    pub fn command(&mut self) -> &mut Command {
        &mut self.command
    }

    /// The program gets only the variables that are set by [`command`](Launcher::command), and
    /// those that tell of the sockets.
    pub fn clear_environment(&mut self) -> &mut Launcher {
        self.inherits = false;
        self
    }

    /// Starts the program. Its sockets are open under the numbers from 3 on; every other descriptor
    /// of this process that is not close-on-exec is inherited as always.
    pub fn spawn(self) -> io::Result<Child> {
        let environment = self.environment();
        inherit::spawn(self.command, &self.descriptors, &environment)
    }

    fn environment(&self) -> Vec<(OsString, OsString)> {
        let mut all: BTreeMap<OsString, OsString> = BTreeMap::new();
        if self.inherits {
            all.extend(std::env::vars_os());
        }
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => all.insert(name.into(), value.into()),
                None => all.remove(name),
            };
        }
        // What this process was told of its own sockets is not for its children.
        variables::NAMES.iter().for_each(|name| drop(all.remove(OsStr::new(name))));
        all.insert(variables::COUNT.into(), self.descriptors.len().to_string().into());
        all.insert(variables::LABELS.into(), self.names.join(":").into());
        all.into_iter().collect()
    }
}
