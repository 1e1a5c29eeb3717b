//! Calls of which the outcome is certain, as far as the model can know it: for the model a call is
//! one moment, for the kernel a long one is not.

use super::pair::Pair;
use sunpath::SocketType;
use sunpath::model::{Step, TaskId};
use sunpath::op::{Fd, Level, Op, Opt, Request, Ret, Value, Want};

/// A stream takes no more than this in one go, with the smallest send buffer there is.
pub const PIECE: usize = 2000;

/// Whether nobody who sleeps could be woken in the midst of this call, act, and so change what
/// comes of it: a sender that fills up what a reader is emptying, a reader that takes the first of
/// many pieces.
pub fn is_fair(pair: &Pair<'_>, task: u32, op: &Op) -> bool {
    let sleeping = || pair.waiting.values().map(|waiting| &waiting.op);
    let long = |op: &Op| matches!(op, Op::Send(message) if message.data.len() > PIECE);
    let takes = |op: &Op| matches!(op, Op::Recv(_) | Op::Poll { .. });
    match op {
        Op::Recv(want) if sleeping().any(|op| matches!(op, Op::Send(_))) => {
            !want.flags.wait_all && is_there(pair, task, want)
        }
        Op::Send(_) if long(op) => !sleeping().any(|op| takes(op) || matches!(op, Op::Send(_))),
        Op::Send(_) => !sleeping().any(long),
        // What polls notices that the number is gone as soon as anything happens to the socket
        // that it asked for, which the model does not tell from what it did not ask for.
        Op::Close { fd } => !sleeping().any(|op| polls(op, *fd)),
        _ => true,
    }
}

fn polls(op: &Op, fd: Fd) -> bool {
    matches!(op, Op::Poll { fds, .. } if fds.iter().any(|(polled, _)| *polled == fd))
}

/// Whether a stream has as much as is wanted, so that the call takes nothing that comes later.
/// Messages are taken one at a time anyway.
fn is_there(pair: &Pair<'_>, task: u32, want: &Want) -> bool {
    let ask = |op: Op| match pair.world().clone().step(TaskId(task), &op) {
        Step::Done(Ret::Value(value)) => Some(value),
        _ => None,
    };
    let (fd, level, option) = (want.fd, Level::Socket, Opt::Type);
    if ask(Op::Getsockopt { fd, level, option }) != Some(Value::Type(SocketType::Stream)) {
        return true;
    }
    match ask(Op::Ioctl { fd, request: Request::Inq }) {
        Some(Value::Int(bytes)) => want.length <= bytes as usize,
        _ => true,
    }
}
