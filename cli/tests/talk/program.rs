//! The binary at work: it is fed, watched and stopped while it runs.

use crate::common::{spawn, sunpath};
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use sunpath::sys::process::{self, Signal};

/// Longer than anything takes, even on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `sunpath`.
pub struct Program {
    child: Child,
    input: Option<ChildStdin>,
    out: Stream,
    err: Stream,
}

/// What was printed until now, and the thread that reads it.
struct Stream(Arc<Mutex<Vec<u8>>>, JoinHandle<()>);

impl Stream {
    fn of(mut from: impl Read + Send + 'static) -> Stream {
        let all = Arc::new(Mutex::new(Vec::new()));
        let copy = all.clone();
        let reading = move || {
            let mut buffer = [0; 65536];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                copy.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        };
        Stream(all, thread::spawn(reading))
    }

    fn text(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

/// How it ended, and all that it printed.
pub struct Done {
    pub code: Option<i32>,
    pub out: Vec<u8>,
    pub err: String,
}

impl Done {
    #[track_caller]
    pub fn assert_code(&self, code: i32) -> &Done {
        assert_eq!(self.code, Some(code), "{}{}", String::from_utf8_lossy(&self.out), self.err);
        self
    }

    /// The events of `--json` of this name.
    pub fn events(&self, name: &str) -> Vec<Value> {
        events(&self.err, name)
    }

    /// The first cause of the failure that was told with `--json`.
    #[track_caller]
    pub fn cause(&self) -> String {
        let failed = self.events("failed");
        let id = failed.first().and_then(|event| event["causes"][0]["id"].as_str());
        id.unwrap_or_else(|| panic!("no cause: {}", self.err)).to_string()
    }
}

fn events(err: &str, name: &str) -> Vec<Value> {
    let lines = err.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|event| event["event"] == name).collect()
}

impl Program {
    /// Starts it with these arguments.
    pub fn start<S: AsRef<OsStr>>(args: &[S]) -> Program {
        let mut command = sunpath();
        command.args(args).stdin(Stdio::piped());
        Program::of(&mut command)
    }

    /// Starts a command.
    pub fn of(command: &mut Command) -> Program {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = spawn(command).expect("it runs");
        let out = Stream::of(child.stdout.take().unwrap());
        let err = Stream::of(child.stderr.take().unwrap());
        Program { input: child.stdin.take(), child, out, err }
    }

    /// Starts it, and waits until it listens.
    pub fn listening<S: AsRef<OsStr>>(args: &[S]) -> Program {
        let mut all: Vec<&OsStr> = vec![OsStr::new("listen"), OsStr::new("--json")];
        all.extend(args.iter().map(AsRef::as_ref));
        let program = Program::start(&all);
        program.tells("listening");
        program
    }

    /// Gives it input.
    pub fn give(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("the input was not ended");
        input.write_all(bytes).expect("it reads");
        input.flush().unwrap();
    }

    pub fn end_input(&mut self) {
        self.input = None;
    }

    /// Waits until an event was told.
    #[track_caller]
    pub fn tells(&self, event: &str) -> Value {
        let mut found = None;
        self.until(event, |_, err| {
            found = events(&String::from_utf8_lossy(err), event).pop();
            found.is_some()
        });
        found.unwrap()
    }

    /// Waits until this was printed.
    #[track_caller]
    pub fn prints(&self, bytes: &[u8]) {
        self.until(&String::from_utf8_lossy(bytes), |out, _| out == bytes);
    }

    #[track_caller]
    fn until(&self, what: &str, mut met: impl FnMut(&[u8], &[u8]) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !met(&self.out.text(), &self.err.text()) {
            let (out, err) = (self.out.text(), self.err.text());
            let shown = [String::from_utf8_lossy(&out), String::from_utf8_lossy(&err)];
            assert!(Instant::now() < deadline, "no {what:?}: {shown:?}");
            thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn signal(&self, signal: Signal) {
        let pidfd = process::pidfd(self.child.id()).unwrap();
        process::signal(pidfd.as_fd(), signal).unwrap();
    }

    /// Ends its input and waits for its end.
    #[track_caller]
    pub fn finish(mut self) -> Done {
        self.end_input();
        self.wait()
    }

    /// Waits for its end, while its input stays open.
    #[track_caller]
    pub fn wait(mut self) -> Done {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() >= deadline {
                self.child.kill().unwrap();
                self.child.wait().unwrap();
                panic!("it did not end: {}", String::from_utf8_lossy(&self.err.text()));
            }
            thread::sleep(Duration::from_millis(2));
        };
        let whole = |stream: Stream| {
            stream.1.join().unwrap();
            Arc::into_inner(stream.0).unwrap().into_inner().unwrap()
        };
        let err = String::from_utf8(whole(self.err)).expect("errors are text");
        assert!(!err.contains("panicked"), "{err}");
        let wild = err.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(wild, None, "a control character in {err:?}");
        Done { code: status.code(), out: whole(self.out), err }
    }
}

/// Runs it to its end with this input.
#[track_caller]
pub fn talk<S: AsRef<OsStr>>(args: &[S], input: &[u8]) -> Done {
    let mut program = Program::start(args);
    let mut stdin = program.input.take().unwrap();
    let input = input.to_vec();
    let feeding = thread::spawn(move || {
        // It may end before it has read all.
        let _ = stdin.write_all(&input);
    });
    let done = program.wait();
    feeding.join().unwrap();
    done
}

/// Bytes that do not repeat soon.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(next).collect()
}
