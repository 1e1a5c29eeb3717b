//! Carries one recipe out and compares what happens with the catalogue.

use super::{Make, Observed, Recipe, Scene};
use crate::stage::client::{Client, Position};
use crate::stage::{Stage, Step, Trouble};
use serde_json::{Value, json};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::Duration;
use sunpath::observe::As;
use sunpath::sys::name::Name;
use sunpath::sys::socket::{self, RecvFlags, SendFlags, SocketFlags};
use sunpath::{
    Address, Call, Cause, Diagnosis, Endpoint, Facts, Outcome, Platform, Symptom, cause, diagnose,
};

/// What came of a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Errno and diagnosis are as the catalogue says.
    AsDocumented,
    /// Something else happened, or something else was diagnosed.
    Differs,
    /// It cannot happen on this system.
    NotHere,
    /// A need of the recipe is not met.
    Skipped,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Verdict; 4] =
        [Verdict::AsDocumented, Verdict::Differs, Verdict::NotHere, Verdict::Skipped];

    /// As JSON has it.
    pub const fn key(self) -> &'static str {
        match self {
            Verdict::AsDocumented => "as-documented",
            Verdict::Differs => "differs",
            Verdict::NotHere => "not-on-this-system",
            Verdict::Skipped => "skipped",
        }
    }

    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::AsDocumented => "as documented",
            Verdict::Differs => "differs",
            Verdict::NotHere => "not on this system",
            Verdict::Skipped => "skipped",
        }
    }
}

/// What came of a cause, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The id of the cause.
    pub id: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The reason; for a difference, what was expected and what happened. Empty if all is well.
    pub reason: String,
    /// What really happened, if the call was made: a symptom's name, or `ok`.
    pub happened: Option<String>,
    /// How sure the diagnosis of what happened was.
    pub certainty: Option<String>,
}

impl Report {
    /// A verdict without a call.
    pub fn new(id: &str, verdict: Verdict, reason: impl Into<String>) -> Self {
        let (happened, certainty) = (None, None);
        Report { id: id.to_string(), verdict, reason: reason.into(), happened, certainty }
    }

    /// As a JSON object.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "result": self.verdict.key(),
            "reason": self.reason,
            "happened": self.happened,
            "certainty": self.certainty,
        })
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    pub fn from_json(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let text = |name: &str| value[name].as_str().map(str::to_string);
        let verdict = text("result")?;
        Some(Report {
            id: text("id")?,
            verdict: Verdict::ALL.into_iter().find(|v| v.key() == verdict)?,
            reason: text("reason")?,
            happened: text("happened"),
            certainty: text("certainty"),
        })
    }
}

/// Carries the recipe out on the stage, in this process.
pub fn judge(recipe: &Recipe, stage: &mut Stage) -> Report {
    let Some(cause) = cause::find(recipe.id) else {
        return Report::new(recipe.id, Verdict::Differs, "the catalogue does not have this cause");
    };
    if let Some(missing) = recipe.needs.iter().find_map(|need| need.missing()) {
        return Report::new(recipe.id, Verdict::Skipped, missing);
    }
    let tried = match recipe.make {
        Make::Scene(make) => make(stage).and_then(|scene| try_scene(cause, scene)),
        Make::Direct(make) => make(stage).map(|observed| judge_observed(cause, &observed)),
    };
    match tried {
        Ok(report) => report,
        Err(Trouble::NotHere(why)) => Report::new(recipe.id, Verdict::NotHere, why),
        Err(Trouble::Failed(why)) => {
            Report::new(recipe.id, Verdict::Differs, format!("the recipe failed: {why}"))
        }
    }
}

/// Predicts, makes the call, and diagnoses what it gave.
fn try_scene(cause: &'static Cause, mut scene: Scene) -> Result<Report, Trouble> {
    let expected = cause.symptom(Platform::Linux, scene.socket);
    let mut client = start_client(&mut scene, expected)?;
    let predicted = if scene.hidden.is_none() {
        Some(diagnose(scene.call, scene.socket, None, &facts(&scene, &client)?))
    } else {
        None
    };
    let limit = if expected == Some(Symptom::Hangs) { 400 } else { 10_000 };
    let symptom = client.act(Duration::from_millis(limit))?;
    let facts = facts(&scene, &client)?;
    let observed = Observed { call: scene.call, socket: scene.socket, symptom, facts };
    let mut report = judge_observed(cause, &observed);
    if report.verdict == Verdict::AsDocumented
        && let (Some(predicted), Some(expected)) = (predicted, expected)
        && !(predicted.outcome == Outcome::from(expected) && names(&predicted, cause))
    {
        report.verdict = Verdict::Differs;
        report.reason = format!("predicted: {}", describe(&predicted));
    }
    Ok(report)
}

/// The process that will make the call of a scene, in its position.
pub fn start_client(scene: &mut Scene, expected: Option<Symptom>) -> Result<Client, Trouble> {
    let name = encode(&scene.endpoint)?;
    let (call, kind, nonblocking) = (scene.call, scene.socket, scene.nonblocking);
    let listens_on = expected == Some(Symptom::Hangs);
    let position = Position { uid: scene.caller, enter: scene.enter.take() };
    Client::start(position, move || {
        let flags = if nonblocking { SocketFlags::NONBLOCK } else { SocketFlags::empty() };
        let fd = match socket::socket(kind, flags) {
            Ok(fd) => fd,
            Err(errno) => return Ok(super::failed::<()>(Err(errno))),
        };
        Ok(attempt(call, &fd, &name, listens_on))
    })
}

/// Makes the call. A client that waits for an answer shows what a silent server does to it.
fn attempt(call: Call, fd: &OwnedFd, name: &Name, listens_on: bool) -> Option<Symptom> {
    let done = match call {
        Call::Bind => socket::bind(fd, name),
        Call::Send => socket::send_to(fd, b"x", SendFlags::empty(), name).map(drop),
        _ => socket::connect(fd, name),
    };
    if done.is_ok() && listens_on {
        return super::failed(socket::recv(fd, &mut [0], RecvFlags::empty()));
    }
    super::failed(done)
}

/// The address as bytes, too long a path as it is: the kernel is to refuse it.
fn encode(endpoint: &Endpoint) -> Result<Name, Trouble> {
    match endpoint {
        Endpoint::Unix(address @ Address::Path(path)) => {
            const AF_UNIX: u16 = 1;
            Ok(Name::new(address).unwrap_or_else(|_| Name::from_bytes(AF_UNIX, path)))
        }
        Endpoint::Unix(address) => Name::new(address).step("encode the address"),
        Endpoint::Inet { host, port, .. } => {
            let ip: IpAddr = host.parse().step("read the host's address")?;
            Ok(Name::internet(&SocketAddr::new(ip, *port)))
        }
    }
}

/// The facts of a scene, as an observer sees them who is not the client.
pub fn facts(scene: &Scene, client: &Client) -> Result<Facts, Trouble> {
    let nonblocking = scene.nonblocking.then_some(true);
    let arguments = sunpath::fact::Arguments { nonblocking, ..Default::default() };
    super::Look::new(scene.call, scene.socket)
        .endpoint(scene.endpoint.clone())
        .by(As::Process(client.pid()))
        .arguments(arguments)
        .facts()
}

/// Compares what happened with the catalogue, and diagnoses it.
fn judge_observed(cause: &'static Cause, observed: &Observed) -> Report {
    let Observed { call, socket, symptom, ref facts } = *observed;
    let happened = symptom.map_or("ok", Symptom::name);
    let mut report = Report::new(cause.id, Verdict::AsDocumented, "");
    report.happened = Some(happened.to_string());
    let expected = cause.symptom(Platform::Linux, socket);
    if symptom.is_none() || symptom != expected {
        let expected = expected.map_or("nothing", Symptom::name);
        report.verdict = Verdict::Differs;
        report.reason = format!("expected {expected} from {call}, got {happened}");
        return report;
    }
    let diagnosis = diagnose(call, socket, symptom, facts);
    if !names(&diagnosis, cause) {
        report.verdict = Verdict::Differs;
        report.reason = format!("diagnosed: {}", describe(&diagnosis));
    }
    let found = diagnosis.causes.iter().find(|r| r.cause.id == cause.id);
    report.certainty = found.map(|r| r.certainty.name().to_string());
    report
}

/// Whether the cause of this id happened and was recognised.
pub fn is_as_documented(id: &str, observed: &Observed) -> bool {
    let cause = cause::find(id);
    cause.is_some_and(|cause| judge_observed(cause, observed).verdict == Verdict::AsDocumented)
}

/// Whether the diagnosis names the cause first, or after one that leaves the same facts.
fn names(diagnosis: &Diagnosis, cause: &Cause) -> bool {
    let Some(first) = diagnosis.causes.first() else { return false };
    let listed = diagnosis.causes.iter().any(|r| r.cause.id == cause.id);
    first.cause.id == cause.id || (listed && cause.confusable.contains(&first.cause.id))
}

/// The diagnosis in a line.
pub fn describe(diagnosis: &Diagnosis) -> String {
    let outcome = match diagnosis.outcome {
        Outcome::Fails(errno) => format!("fails with {errno}"),
        Outcome::Misleads(symptom) => format!("misleads with {}", symptom.name()),
        other => other.name().to_string(),
    };
    let causes: Vec<_> = diagnosis
        .causes
        .iter()
        .map(|r| format!("{} ({}: {})", r.cause.id, r.certainty.name(), r.because))
        .collect();
    if causes.is_empty() { outcome } else { format!("{outcome}: {}", causes.join(", ")) }
}
