//! A socket's queue of messages.
//!
//! Most queues hold no message or one: that one lies in the socket itself, so that to send and to
//! receive it touches no further memory. Only who is ahead of its reader pays for a list, and only
//! until it has been read.

use super::socket::Message;
use crate::op::Bytes;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use core::iter;
use core::mem;
use core::ops::{Index, IndexMut};

/// Messages, first come first read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Queue {
    /// There is none if the queue is empty.
    first: Option<Message>,
    rest: Option<Box<Rest>>,
}

/// The messages after the first: at least one.
#[derive(Debug, Clone, Default)]
struct Rest {
    messages: VecDeque<Message>,
}

impl Queue {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        let rest = self.rest.as_ref().map_or(0, |rest| rest.messages.len());
        usize::from(self.first.is_some()) + rest
    }

    #[inline]
    pub(crate) fn front(&self) -> Option<&Message> {
        self.first.as_ref()
    }

    #[inline]
    pub(crate) fn front_mut(&mut self) -> Option<&mut Message> {
        self.first.as_mut()
    }

    pub(crate) fn get(&self, place: usize) -> Option<&Message> {
        match place.checked_sub(1) {
            None => self.first.as_ref(),
            Some(place) => self.rest.as_ref()?.messages.get(place),
        }
    }

    pub(crate) fn get_mut(&mut self, place: usize) -> Option<&mut Message> {
        match place.checked_sub(1) {
            None => self.first.as_mut(),
            Some(place) => self.rest.as_mut()?.messages.get_mut(place),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Message> {
        self.first.iter().chain(self.rest.iter().flat_map(|rest| &rest.messages))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Message> {
        self.first.iter_mut().chain(self.rest.iter_mut().flat_map(|rest| &mut rest.messages))
    }

    #[inline(always)]
    pub(crate) fn push_back(&mut self, message: Message) {
        match self.first {
            None => self.first = Some(message),
            Some(_) => self.push_rest(message),
        }
    }

    #[inline(never)]
    fn push_rest(&mut self, message: Message) {
        self.rest.get_or_insert_default().messages.push_back(message);
    }

    #[inline]
    pub(crate) fn pop_front(&mut self) -> Option<Message> {
        let first = self.first.take();
        if self.rest.is_some() {
            self.first = self.pop_rest();
        }
        first
    }

    /// The bytes of the first message, which is thrown away.
    #[inline(always)]
    pub(crate) fn advance(&mut self) -> Bytes {
        let first = self.first.take();
        if self.rest.is_some() {
            self.first = self.pop_rest();
        }
        match first {
            Some(Message { data, .. }) => data,
            None => Bytes::EMPTY,
        }
    }

    #[inline(never)]
    fn pop_rest(&mut self) -> Option<Message> {
        let rest = self.rest.as_mut()?;
        let next = rest.messages.pop_front();
        if rest.messages.is_empty() {
            self.rest = None;
        }
        next
    }

    pub(crate) fn remove(&mut self, place: usize) -> Option<Message> {
        let Some(place) = place.checked_sub(1) else { return self.pop_front() };
        let rest = self.rest.as_mut()?;
        let removed = rest.messages.remove(place);
        if rest.messages.is_empty() {
            self.rest = None;
        }
        removed
    }

    /// Takes all messages.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Message> + use<> {
        let mut all = mem::take(self);
        iter::from_fn(move || all.pop_front())
    }
}

impl Index<usize> for Queue {
    type Output = Message;
    fn index(&self, place: usize) -> &Message {
        self.get(place).expect("a place in the queue")
    }
}

impl IndexMut<usize> for Queue {
    fn index_mut(&mut self, place: usize) -> &mut Message {
        self.get_mut(place).expect("a place in the queue")
    }
}
