//! The task's side: carries one order after the other out.
//!
//! Orders and answers are lines of text:
//!
//! | order | what the worker does | answer |
//! |---|---|---|
//! | (to begin) | | `new PID`, or `failed ERRNO 0` |
//! | `call OP` | makes the call | `done RET`, `failed ERRNO SIGNAL` |
//! | `fork N` | makes the process of this task | `new PID` |
//! | `thread N` | starts the thread of this task | `done ok`; the thread says `new TID` |
//! | `join PID` | joins that process's network namespace | as `call` |
//! | `restrict WORD` | restricts itself | as `call` |
//! | `cover HEX` | puts an empty directory over this path, for itself alone | as `call` |
//! | `exit` | ends its process | none |

use super::pipes::{answers, orders, write_all};
use std::path::Path;
use sunpath::host::{self, Failed, Outcome};
use sunpath::op::{Control, Op, ProcessOp, Ret};
use sunpath::sys::namespace::{self, New, mount::MountFlags};
use sunpath::sys::{self, bare, libc, process, restrict, thread};

/// A task.
#[derive(Debug, Clone, Copy)]
pub struct Worker {
    /// Its number.
    pub task: usize,
    /// The process that gives orders: workers die with it.
    pub parent: u32,
}

impl Worker {
    /// Makes this process, which is `ready` or not, the worker; its exit status.
    pub fn run(mut self, ready: sys::Result<()>) -> i32 {
        match ready.and_then(|()| thread::allow_interrupts()) {
            Ok(()) => {
                self.answer(&format!("new {}", thread::id()));
                self.obey();
            }
            Err(errno) => self.answer(&told(Err(errno.into()))),
        }
        0
    }

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
        write_all(answers(self.task), format!("{answer}\n").as_bytes());
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
