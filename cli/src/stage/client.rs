//! The process whose call fails: it takes its position, waits, acts when told, and stays in
//! position while it is looked at.

use super::place::become_ordinary;
use super::{Step, Trouble};
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};
use sunpath::Symptom;
use sunpath::sys::process::{self, Child};
use sunpath::sys::socket::{self, PollFlags};

/// What a process does to itself before it acts: gives up rights, enters a namespace.
pub type Enter = Box<dyn FnOnce() -> Result<(), Trouble>>;

/// Who a client is.
#[derive(Default)]
pub struct Position {
    /// Its user, with a group of the same number and no others; `None`: the caller's own ids. An
    /// ordinary user stays who it is.
    pub uid: Option<u32>,
    /// What else it does to itself, after that.
    pub enter: Option<Enter>,
}

impl Position {
    /// Takes the position, in the process that calls it, for ever.
    pub fn take(self) -> Result<(), Trouble> {
        if let Some(uid) = self.uid {
            become_ordinary(uid)?;
        }
        self.enter.map_or(Ok(()), |enter| enter())
    }
}

/// A process in its position. It ends when this is dropped.
pub struct Client {
    child: Child,
    go: Option<PipeWriter>,
    answers: PipeReader,
}

impl Client {
    /// Starts a process that takes the position and waits; told to [`act`](Client::act), it runs
    /// `job` and reports what it returns.
    pub fn start(
        position: Position,
        job: impl FnOnce() -> Result<Option<Symptom>, Trouble>,
    ) -> Result<Client, Trouble> {
        let (mut told, go) = pipe().step("make a pipe")?;
        let (answers, mut answer) = pipe().step("make a pipe")?;
        let mut go = Some(go);
        let parent = std::process::id();
        let child = process::fork(|| {
            // Closes the child's copy only.
            drop(go.take());
            let tie = || process::die_with(parent).step("tie a process to its parent");
            // A change of ids cuts the tie to the parent, so it is made twice.
            let ready = tie().and_then(|()| position.take()).and_then(|()| tie());
            i32::from(live(ready, job, &mut told, &mut answer).is_err())
        });
        let mut client = Client { child: child.step("start a client")?, go, answers };
        match client.line(Duration::from_secs(10))?.as_deref() {
            Some("ready") => Ok(client),
            other => Err(trouble(other)),
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Lets it act: what it saw, or [`Symptom::Hangs`] if it does not come back in time.
    pub fn act(&mut self, limit: Duration) -> Result<Option<Symptom>, Trouble> {
        self.tell()?;
        self.hear(limit)
    }

    /// Tells it to act, and does not wait.
    pub fn tell(&mut self) -> Result<(), Trouble> {
        let go = self.go.as_mut();
        go.map_or(Ok(()), |go| go.write_all(b"g")).step("tell the client to act")
    }

    /// What it saw, or [`Symptom::Hangs`] if it says nothing in time.
    pub fn hear(&mut self, limit: Duration) -> Result<Option<Symptom>, Trouble> {
        match self.line(limit)?.as_deref() {
            None => Ok(Some(Symptom::Hangs)),
            Some("ok") => Ok(None),
            Some(text) => match text.parse() {
                Ok(symptom) => Ok(Some(symptom)),
                Err(_) => Err(trouble(Some(text))),
            },
        }
    }

    /// The next line that it says; `None` if it says nothing in time.
    fn line(&mut self, limit: Duration) -> Result<Option<String>, Trouble> {
        let end = Instant::now() + limit;
        let mut line = Vec::new();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let ready = socket::poll(self.answers.as_fd(), PollFlags::IN, left);
            if ready.step("wait for the client")?.is_empty() {
                return Ok(None);
            }
            let mut byte = [0];
            match self.answers.read(&mut byte).step("hear the client")? {
                0 => return Err(Trouble::Failed("the client ended before it answered".into())),
                _ if byte[0] == b'\n' => break,
                _ => line.push(byte[0]),
            }
        }
        Ok(Some(String::from_utf8_lossy(&line).into_owned()))
    }
}

/// What a client does in its life.
fn live(
    ready: Result<(), Trouble>,
    job: impl FnOnce() -> Result<Option<Symptom>, Trouble>,
    told: &mut PipeReader,
    answer: &mut PipeWriter,
) -> std::io::Result<()> {
    if let Err(trouble) = ready {
        return say(answer, &mark(&trouble));
    }
    say(answer, "ready")?;
    if told.read(&mut [0])? == 0 {
        return Ok(());
    }
    match job() {
        Ok(None) => say(answer, "ok")?,
        Ok(Some(symptom)) => say(answer, symptom.name())?,
        Err(trouble) => say(answer, &mark(&trouble))?,
    }
    told.read(&mut [0]).map(drop)
}

fn say(answer: &mut PipeWriter, line: &str) -> std::io::Result<()> {
    answer.write_all(line.replace('\n', " ").as_bytes())?;
    answer.write_all(b"\n")
}

/// A trouble as a line that is no symptom's name; [`trouble`] reads it.
pub(super) fn mark(trouble: &Trouble) -> String {
    match trouble {
        Trouble::NotHere(why) => format!("?{why}"),
        Trouble::Failed(why) => format!("!{why}"),
    }
}

pub(super) fn trouble(line: Option<&str>) -> Trouble {
    let line = line.unwrap_or("!a process took too long to get ready");
    match line.strip_prefix('?') {
        Some(why) => Trouble::NotHere(why.to_string()),
        None => Trouble::Failed(line.strip_prefix('!').unwrap_or(line).to_string()),
    }
}
