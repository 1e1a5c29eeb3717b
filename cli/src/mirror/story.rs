//! A play as a trace, which people can read and `sunpath play` can repeat.

use super::script::{Play, Role};
use super::shrink::Finding;
use serde_json::{Value, json};
use sunpath::trace::{Event, Expectation, Expected, Outcome, Step, Trace};

/// The processes and their calls, with what the model said to each.
pub fn trace(cast: &[Role], play: &Play) -> Trace {
    let mut trace = Trace::new();
    for (number, role) in cast.iter().enumerate() {
        trace.push(Event::Spawn { name: name(number), credentials: role.credentials() });
    }
    for line in &play.lines {
        let event = Event::call(name(line.made.task as usize), line.made.op.clone());
        let is = match line.expected.to_outcome() {
            Outcome::Done(ret) => Expected::Gives(ret.into()),
            Outcome::Failed { errno, cause, signal } => {
                Expected::Fails { errno: Some(errno), cause, signal }
            }
            _ => Expected::Succeeds,
        };
        let expected = vec![Expectation { on: Vec::new(), is }];
        trace.lines.push(sunpath::trace::Line::Step(Step { event, expected, line: 0 }));
        if line.left.is_some() {
            trace.push(Event::Collect);
        }
    }
    if let Some(made) = &play.panicked {
        trace.push(Event::call(name(made.task as usize), made.op.clone()));
    }
    trace
}

fn name(task: usize) -> String {
    format!("p{task}")
}

/// A difference, for programs: the trace, and what each side says to its last call.
pub fn to_json(finding: &Finding) -> Value {
    let last = finding.play.lines.last();
    json!({
        "trace": trace(&finding.cast, &finding.play).to_string(),
        "model": match (&finding.play.panicked, last) {
            (Some(_), _) => "panics".to_string(),
            (None, Some(line)) => line.expected.to_string(),
            (None, None) => String::new(),
        },
        "kernel": finding.kernel,
        "repeats": finding.repeats,
    })
}
