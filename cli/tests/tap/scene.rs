//! A server's address, a tap before it, and a client.

use crate::common::{Dir, spawn, sunpath};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use sunpath::sys::process::{Child as Process, Signal};
use sunpath::{Listener, SeqPacket, SeqPacketListener, Stream};

/// Nothing in a test takes longer, also on a machine that has much to do.
pub const LONG: Duration = Duration::from_secs(30);

/// A running tap. It is killed when this is dropped.
pub struct Tap {
    child: Child,
    said: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

/// How a tap ended.
pub struct Ended {
    pub code: Option<i32>,
    pub said: String,
}

impl Tap {
    /// Starts it, and waits until it is ready.
    pub fn start(command: &mut Command) -> Tap {
        let mut child = spawn(command.stderr(Stdio::piped())).expect("the tap starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("it was asked for"));
        let said = Arc::new(Mutex::new(String::new()));
        let mut first = String::new();
        stderr.read_line(&mut first).expect("its first line");
        let own = Arc::clone(&said);
        own.lock().unwrap().push_str(&first);
        let reader = std::thread::spawn(move || {
            let mut line = Vec::new();
            while stderr.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                own.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
        let tap = Tap { child, said, reader: Some(reader) };
        assert!(first.contains("ready, "), "{}", tap.said());
        tap
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to standard error until now.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    pub fn signal(&self, signal: Signal) {
        let child = std::mem::ManuallyDrop::new(Process::adopt(self.child.id()).unwrap());
        child.kill(signal).unwrap();
    }

    /// Waits until it has ended, and all that wrote to its standard error.
    pub fn wait(mut self) -> Ended {
        let status = self.child.wait().expect("it can be waited for");
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        Ended { code: status.code(), said: self.said() }
    }

    /// Stops it as a service manager does.
    pub fn stop(self) -> Ended {
        self.signal(Signal::TERM);
        self.wait()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A directory with a server's socket `s` and a tap's `t`.
pub struct Scene {
    pub dir: Dir,
}

impl Scene {
    pub fn new() -> Scene {
        Scene { dir: Dir::new() }
    }

    pub fn server(&self) -> PathBuf {
        self.dir.join("s")
    }

    pub fn tapped(&self) -> PathBuf {
        self.dir.join("t")
    }

    /// A tap between the two, that writes its transcript to `out`.
    pub fn command(&self) -> Command {
        let mut command = sunpath();
        command.arg("tap").arg(self.tapped()).arg(self.server());
        command.stdout(File::create(self.dir.join("out")).unwrap());
        command
    }

    pub fn tap(&self) -> Tap {
        Tap::start(&mut self.command())
    }

    /// The transcript as it is by now.
    pub fn transcript(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.dir.join("out")).unwrap()).into_owned()
    }
}

/// A client and a server with a tap between them.
pub struct Pair<T> {
    pub client: T,
    pub server: T,
    pub tap: Tap,
    pub scene: Scene,
}

impl Pair<Stream> {
    pub fn streams() -> Pair<Stream> {
        let scene = Scene::new();
        let listener = Listener::options().pass_rights(true).bind(scene.server()).unwrap();
        let tap = scene.tap();
        let client = Stream::options().pass_rights(true).connect(scene.tapped()).unwrap();
        let server = listener.accept().unwrap();
        for end in [&client, &server] {
            end.sockopt().set_receive_timeout(Some(LONG)).unwrap();
            end.sockopt().set_send_timeout(Some(LONG)).unwrap();
        }
        Pair { client, server, tap, scene }
    }
}

impl Pair<SeqPacket> {
    pub fn packets() -> Pair<SeqPacket> {
        let scene = Scene::new();
        let listener = SeqPacketListener::options().pass_rights(true).bind(scene.server()).unwrap();
        let tap = scene.tap();
        let client = SeqPacket::options().pass_rights(true).connect(scene.tapped()).unwrap();
        let server = listener.accept().unwrap();
        for end in [&client, &server] {
            end.sockopt().set_receive_timeout(Some(LONG)).unwrap();
            end.sockopt().set_send_timeout(Some(LONG)).unwrap();
        }
        Pair { client, server, tap, scene }
    }
}

/// Waits until something is so.
pub fn soon(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < deadline, "not soon: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Bytes that a seed decides.
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Noise {
        Noise(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| (self.next() >> 32) as u8).collect()
    }
}
