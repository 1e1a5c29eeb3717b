//! Garbage: sockets that nothing but messages refers to, in queues that nobody can ever read.
//!
//! ```text
//!      ┌───────────────┐        A socket in flight points to the one whose queue it is in (of a
//!      ▼               │        connection that was not accepted, to the listener). Sockets that
//!   socket a ─────► socket b    point to each other in a circle are one component. It is garbage
//!   (closed)        (closed)    if no member is open anywhere and nothing points out of it.
//! ```
//! Kernels look for it at times of their own; here [`World::collect_garbage`] does when it is
//! called. It is due ([`World::garbage_collection_due`]) when a socket is released while others are
//! in flight.

use crate::model::file::{FileId, What};
use crate::model::socket::{Message, SocketId, State};
use crate::model::world::World;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// The sockets in flight, and which queues they are in.
struct Graph {
    sockets: Vec<SocketId>,
    files: Vec<FileId>,
    /// Where each points to; `None`: to a socket that is not in flight.
    edges: Vec<Vec<Option<usize>>>,
}

impl World {
    /// Whether the collector was asked to run and has not yet.
    pub fn garbage_collection_due(&self) -> bool {
        self.in_flight.collection_due
    }

    /// Whether there are sockets that nobody can ever use again, and that only
    /// [`World::collect_garbage`] frees.
    pub fn has_garbage(&self) -> bool {
        self.in_flight.sockets > 0 && !self.graph().garbage().is_empty()
    }

    /// Whether sockets in flight form circles that have a socket in common, which is in the
    /// queues of two others. Linux 6.18 may never free such, whatever becomes of
    /// them: its collector numbers the members of a component in a way that depends on the order
    /// in which it meets them, and takes those with different numbers for strangers.
    pub fn has_circles_that_share_a_socket(&self) -> bool {
        self.in_flight.sockets > 0 && self.graph().is_tangled()
    }

    /// Closes the sockets that nobody can ever use again, and what is in flight in their queues,
    /// until there is none. Kernels do so by themselves, some time after a socket was closed.
    pub fn collect_garbage(&mut self) {
        while self.in_flight.sockets > 0 {
            let dead = self.graph().garbage();
            if dead.is_empty() {
                break;
            }
            let mut thrown_away = Vec::new();
            for id in dead {
                for queue in self.queues_of(id) {
                    thrown_away.extend(self.sockets[queue].queue.drain());
                }
            }
            thrown_away.into_iter().for_each(|message: Message| self.discard(message));
        }
        self.in_flight.collection_due = false;
    }

    /// How many sockets there are: open, in flight, and the servers' ends of connections that wait
    /// to be accepted.
    pub fn living_sockets(&self) -> usize {
        self.sockets.iter().filter(|(_, socket)| !socket.dead).count()
    }

    /// A socket was released: those in flight may be garbage now.
    #[inline]
    pub(crate) fn ask_for_collection(&mut self) {
        self.in_flight.collection_due |= self.in_flight.sockets > 0;
    }

    /// The sockets whose queues the owner of this one can read: itself, or the ends that wait to
    /// be accepted.
    fn queues_of(&self, id: SocketId) -> Vec<SocketId> {
        match &self.sockets[id].state {
            State::Listening(listening) => listening.pending.iter().copied().collect(),
            _ => [id].into(),
        }
    }

    fn graph(&self) -> Graph {
        let mut graph = Graph { sockets: Vec::new(), files: Vec::new(), edges: Vec::new() };
        let mut place_of = BTreeMap::new();
        for (id, socket) in self.sockets.iter() {
            let Some(file) = socket.file.filter(|file| self.files[*file].in_flight > 0) else {
                continue;
            };
            place_of.insert(id, graph.sockets.len());
            graph.sockets.push(id);
            graph.files.push(file);
            graph.edges.push(Vec::new());
        }
        let listener_of = self.listeners();
        for (id, socket) in self.sockets.iter() {
            let holder = listener_of.get(&id).copied().unwrap_or(id);
            let target = place_of.get(&holder).copied();
            let rights = socket.queue.iter().filter_map(Message::rights);
            for file in rights.flat_map(|rights| &rights.files) {
                if let What::Socket(in_flight) = self.files[*file].what {
                    graph.edges[place_of[&in_flight]].push(target);
                }
            }
        }
        // What is referred to from elsewhere is open somewhere.
        for (place, file) in graph.files.iter().enumerate() {
            let file = &self.files[*file];
            if file.references > file.in_flight {
                graph.edges[place].push(None);
            }
        }
        graph
    }

    /// The listener of each connection that was not accepted.
    fn listeners(&self) -> BTreeMap<SocketId, SocketId> {
        let mut listeners = BTreeMap::new();
        for (id, socket) in self.sockets.iter() {
            if let State::Listening(listening) = &socket.state {
                listeners.extend(listening.pending.iter().map(|embryo| (*embryo, id)));
            }
        }
        listeners
    }
}

impl Graph {
    /// The members of components that nothing outside can reach.
    fn garbage(&self) -> Vec<SocketId> {
        let component = components(&self.edges);
        let mut alive = Vec::new();
        alive.resize(self.sockets.len(), false);
        for (place, edges) in self.edges.iter().enumerate() {
            let inside =
                |edge: &Option<usize>| edge.is_some_and(|to| component[to] == component[place]);
            if !edges.iter().all(inside) {
                alive[component[place]] = true;
            }
        }
        let all = self.sockets.iter().enumerate();
        all.filter(|(place, _)| !alive[component[*place]]).map(|(_, id)| *id).collect()
    }

    /// Whether some component is more than one circle.
    fn is_tangled(&self) -> bool {
        let component = components(&self.edges);
        self.edges.iter().enumerate().any(|(place, edges)| {
            let others = edges.iter().flatten().filter(|to| **to != place);
            let mut others = others.filter(|to| component[**to] == component[place]);
            others.next().is_some_and(|first| others.any(|other| other != first))
        })
    }
}

/// The strongly connected component of each vertex, by Tarjan's algorithm, without recursion: as
/// many sockets can be nested in each other as there are.
fn components(edges: &[Vec<Option<usize>>]) -> Vec<usize> {
    const UNSEEN: usize = usize::MAX;
    let count = edges.len();
    let (mut index, mut low) = (alloc::vec![UNSEEN; count], alloc::vec![0; count]);
    let mut component = alloc::vec![UNSEEN; count];
    let (mut open, mut path) = (Vec::new(), Vec::new());
    let (mut next_index, mut next_component) = (0, 0);
    for start in 0..count {
        if index[start] != UNSEEN {
            continue;
        }
        path.push((start, 0));
        while let Some((vertex, edge)) = path.pop() {
            if edge == 0 {
                (index[vertex], low[vertex]) = (next_index, next_index);
                next_index += 1;
                open.push(vertex);
            }
            match edges[vertex].get(edge) {
                Some(to) => {
                    path.push((vertex, edge + 1));
                    match *to {
                        Some(to) if index[to] == UNSEEN => path.push((to, 0)),
                        Some(to) if component[to] == UNSEEN => {
                            low[vertex] = low[vertex].min(index[to]);
                        }
                        _ => {}
                    }
                }
                None => {
                    if let Some((parent, _)) = path.last() {
                        low[*parent] = low[*parent].min(low[vertex]);
                    }
                    if low[vertex] == index[vertex] {
                        while component[vertex] == UNSEEN {
                            let member = open.pop().expect("the vertex itself is open");
                            component[member] = next_component;
                        }
                        next_component += 1;
                    }
                }
            }
        }
    }
    component
}
