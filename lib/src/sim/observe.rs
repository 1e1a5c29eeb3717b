//! What could be seen of a simulated system, for the diagnosis of an error.

use super::handle::Handle;
use crate::fact::{Arguments, Descriptor, Seen};
use crate::op::{Name, Op};
use crate::why::Question;
use crate::{Address, Credentials, Diagnosis, Endpoint, Facts, diagnose_on};
use std::os::fd::BorrowedFd;

impl Handle {
    /// Diagnoses by what the model shows an observer. `own` is what is known of the caller's
    /// socket without looking.
    pub(crate) fn diagnose(
        &self,
        question: &Question,
        arguments: Arguments,
        descriptor: Option<BorrowedFd<'_>>,
        own: Option<Descriptor>,
    ) -> (Diagnosis, Facts) {
        let fd = descriptor.and_then(|fd| self.descriptor(fd));
        let name = match &question.endpoint {
            Some(Endpoint::Unix(address)) => address.clone(),
            _ => Address::Unnamed,
        };
        // Any call with a descriptor and an address leads to the same facts about them.
        let op = Op::Connect { fd: fd.unwrap_or(-1), name: Name::Unix(name) };
        let mut state = self.lock();
        state.sweep();
        let mut facts = state.world.facts(state.tasks[self.task].model, &op);
        facts.arguments = arguments;
        match (own, fd) {
            (Some(own), _) => facts.descriptor = own.into(),
            (None, None) => facts.descriptor = Seen::default(),
            (None, Some(_)) => {}
        }
        let platform = state.world.platform();
        drop(state);
        let diagnosis =
            diagnose_on(platform, question.call, question.socket, question.symptom, &facts);
        (diagnosis, facts)
    }

    /// The ids of the process.
    pub(crate) fn credentials(&self) -> Credentials {
        let state = self.lock();
        let ids = state.world.ids(state.tasks[self.task].model);
        Credentials { pid: ids.pid, uid: ids.uid, gid: ids.gid }
    }
}
