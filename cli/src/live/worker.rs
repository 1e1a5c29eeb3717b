//! A task of a trace, as a real process or thread: carries one order after the other out.
//!
//! Orders and answers are lines of text:
//!
//! | order | what the worker does | answer |
//! |---|---|---|
//! | `call OP` | makes the call | `done RET`, `failed ERRNO SIGNAL` |
//! | `fork N`, `thread N` | makes the task of this number | `new PID` |
//! | `join PID` | joins that process's network namespace | as `call` |
//! | `restrict WORD` | restricts itself | as `call` |
//! | `cover HEX` | puts an empty directory over this path, for itself alone | as `call` |
//! | `exit` | ends its process | none |

use super::place::Place;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use sunpath::host::{self, Failed, Outcome};
use sunpath::model::{Caps, Credentials};
use sunpath::op::{Control, Op, ProcessOp, Ret};
use sunpath::sys::namespace::{self, New, mount::MountFlags};
use sunpath::sys::process::{self, ThreeIds};
use sunpath::sys::{self, bare, libc, restrict, thread};

/// Where the ends of pipes are among the descriptors that calls cannot reach.
const fn orders(task: usize) -> usize {
    2 * task
}

const fn answers(task: usize) -> usize {
    2 * task + 1
}

/// A task.
#[derive(Debug, Clone, Copy)]
pub struct Worker {
    /// Its number.
    pub task: usize,
    /// The process that gives orders: workers die with it.
    pub parent: u32,
}

/// Makes this process a worker that knows nothing but the root directory. `ends` are the ends of
/// pipes for orders and answers, task by task.
pub fn run(mut worker: Worker, place: &Place, who: &Credentials, ends: &[BorrowedFd<'_>]) -> i32 {
    let hello = match prepare(place, who, ends) {
        Ok(()) => format!("new {}", thread::id()),
        Err(errno) => format!("failed {} 0", errno.raw_os_error()),
    };
    worker.answer(&hello);
    worker.obey();
    0
}

fn prepare(place: &Place, who: &Credentials, ends: &[BorrowedFd<'_>]) -> sys::Result<()> {
    // Not by chroot(2), from which no user namespace could be made.
    namespace::unshare(New::MOUNT)?;
    namespace::follow_mounts()?;
    namespace::pivot(place.root())?;
    bare::begin(place.null.as_fd(), ends, place.machine.descriptors)?;
    bare::hold_pipe_signal()?;
    thread::allow_interrupts()?;
    bare::umask(0o022);
    let groups = place.privileged.then_some(&who.supplementary[..]);
    process::become_exactly(ThreeIds(who.users), ThreeIds(who.groups), groups, capabilities(who))
}

/// The effective and the permitted capabilities, unless they are those that a user has anyway.
fn capabilities(who: &Credentials) -> Option<(u64, u64)> {
    let all_if = |root| if root { Caps::ALL } else { Caps::NONE };
    let usual = (all_if(who.users[1] == 0), all_if(who.users.contains(&0)));
    let bits = |caps: Caps| {
        let held = NUMBERS.iter().filter(|(_, cap)| caps.contains(*cap));
        held.fold(0, |bits, (number, _)| bits | 1 << number)
    };
    ((who.caps, who.permitted) != usual).then(|| (bits(who.caps), bits(who.permitted)))
}

/// The capabilities that the model knows, with their numbers.
const NUMBERS: [(u32, Caps); 10] = [
    (0, Caps::CHOWN),
    (1, Caps::DAC_OVERRIDE),
    (2, Caps::DAC_READ_SEARCH),
    (3, Caps::FOWNER),
    (6, Caps::SETGID),
    (7, Caps::SETUID),
    (10, Caps::NET_BIND_SERVICE),
    (12, Caps::NET_ADMIN),
    (21, Caps::SYS_ADMIN),
    (24, Caps::SYS_RESOURCE),
];

impl Worker {
    /// Carries orders out until there are no more.
    fn obey(&mut self) {
        // A change of ids makes a process forget whom it dies with; a new one never knew.
        while process::die_with(self.parent).is_ok() {
            let Some(order) = self.next_order() else { break };
            if let Some(answer) = self.carry_out(&order) {
                self.answer(&answer);
            }
        }
        bare::exit(0)
    }

    fn next_order(&self) -> Option<String> {
        let mut line = Vec::new();
        let mut chunk = vec![0; 1 << 16];
        while line.last() != Some(&b'\n') {
            match bare::read_reserved(orders(self.task), &mut chunk) {
                Err(sys::Errno::INTR) => {}
                Ok(0) | Err(_) => return None,
                Ok(read) => line.extend_from_slice(&chunk[..read]),
            }
        }
        line.pop();
        String::from_utf8(line).ok()
    }

    fn answer(&self, answer: &str) {
        let line = format!("{answer}\n");
        let mut rest = line.as_bytes();
        while !rest.is_empty() {
            match bare::write_reserved(answers(self.task), rest) {
                Ok(written) => rest = &rest[written..],
                Err(sys::Errno::INTR) => {}
                // Nobody listens any more.
                Err(_) => bare::exit(1),
            }
        }
    }

    /// `None`: this is the new process that an order made.
    fn carry_out(&mut self, order: &str) -> Option<String> {
        let (word, rest) = order.split_once(' ').unwrap_or((order, ""));
        let unit = |done: sys::Result<()>| told(done.map(|()| Ret::Unit).map_err(Failed::from));
        Some(match word {
            "call" => match rest.parse::<Op>() {
                Ok(op) => told(make(&op)),
                Err(error) => format!("trouble {error}"),
            },
            "fork" => match bare::fork_sibling() {
                Ok(0) => {
                    self.task = rest.parse().ok()?;
                    return None;
                }
                Ok(pid) => format!("new {pid}"),
                Err(errno) => told(Err(errno.into())),
            },
            "thread" => match rest.parse() {
                Ok(task) => self.start_thread(task),
                Err(_) => "trouble no number".into(),
            },
            "join" => match rest.parse() {
                Ok(pid) => unit(namespace::join_network_of(pid)),
                Err(_) => "trouble no number".into(),
            },
            "restrict" => unit(restricted(rest)),
            "cover" => unit(cover(rest)),
            "exit" => bare::exit(0),
            _ => format!("trouble {word}"),
        })
    }

    /// The thread itself says who it is.
    fn start_thread(self, task: usize) -> String {
        let builder = std::thread::Builder::new().stack_size(1 << 20);
        let started = builder.spawn(move || {
            let mut worker = Worker { task, ..self };
            worker.answer(&format!("new {}", thread::id()));
            worker.obey();
        });
        match started {
            Ok(_) => "done ok".into(),
            Err(error) => {
                let number = error.raw_os_error().unwrap_or(libc::EAGAIN);
                told(Err(Failed { number, signal: false }))
            }
        }
    }
}

/// Makes a call, with less memory than it may ask for if that is more than a worker has.
fn make(op: &Op) -> Outcome {
    /// More than any socket takes or gives at once.
    const MOST: usize = 64 << 20;
    let mut op = op.clone();
    match &mut op {
        Op::Recv(want) => {
            want.length = want.length.min(MOST);
            want.control = want.control.min(MOST);
        }
        Op::Send(message) => {
            for item in &mut message.control {
                if let Control::Filler(bytes) = item {
                    *bytes = (*bytes).min(MOST);
                }
            }
        }
        _ => {}
    }
    match op {
        Op::Process(ProcessOp::Exit) => bare::exit(0),
        op => host::perform(&op),
    }
}

fn told(outcome: Outcome) -> String {
    match outcome {
        Ok(ret) => format!("done {ret}"),
        Err(Failed { number, signal }) => format!("failed {number} {}", u8::from(signal)),
    }
}

fn restricted(how: &str) -> sys::Result<()> {
    match how {
        "abstract-scope" => restrict::landlock(0, restrict::SCOPE_ABSTRACT),
        "no-unix-sockets" => restrict::deny_family(libc::AF_UNIX, sunpath::Errno::EAFNOSUPPORT),
        _ => namespace::unshare(New::USER),
    }
}

fn cover(path: &str) -> sys::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    let digits = path.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).unwrap_or_default();
        u8::from_str_radix(pair, 16).unwrap_or(b'?')
    });
    let path: Vec<u8> = digits.collect();
    namespace::unshare(New::MOUNT)?;
    let path = Path::new(std::ffi::OsStr::from_bytes(&path));
    namespace::mount("tmpfs", "sunpath", path, MountFlags::NODEV, c"mode=0755,size=1m")
}
