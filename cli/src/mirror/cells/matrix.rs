//! Every state with every call.

use super::batch::Cell;
use super::scene::{Called, read};
use super::{calls, options, shapes, states};
use crate::stage::Trouble;
use sunpath::SocketType;
use sunpath::trace::{STATES, State};

/// The types.
pub const TYPES: [SocketType; 3] =
    [SocketType::Stream, SocketType::Datagram, SocketType::SeqPacket];

/// A state, and the way there.
struct Place {
    name: String,
    way: Vec<Called>,
}

/// The table.
pub struct Matrix {
    /// For each type the states, and the calls.
    types: Vec<(SocketType, Vec<Place>, Vec<Tried>)>,
}

/// A group of calls, and what it is called.
type Tried = (String, Vec<Called>);

/// The other socket that there always is.
fn other(kind: SocketType) -> &'static str {
    match kind {
        SocketType::Datagram => "o = socket KIND\nbind o \"other.sock\"\n",
        _ => "o = socket KIND\nbind o \"other.sock\"\nlisten o 5\n",
    }
}

/// Sockets that no call waits on.
const NONBLOCKING: [&str; 2] = ["s", "p"];

/// A state as it is shared with other tables.
fn shared(state: &State, kind: SocketType) -> Result<Place, Trouble> {
    let trace = state.trace(kind).to_string();
    let way: String = trace
        .lines()
        .filter_map(|line| line.strip_prefix("a: "))
        .fold(String::new(), |way, line| way + line + "\n");
    place(&state.name.replace('-', " "), way)
}

/// One of those that only this table has.
fn own(name: &str, kind: SocketType, way: &str) -> Result<Place, Trouble> {
    place(name, format!("{}{way}\n", other(kind)).replace("KIND", kind.name()))
}

fn place(name: &str, mut text: String) -> Result<Place, Trouble> {
    for socket in NONBLOCKING {
        let made = text.lines().any(|line| {
            line.split_once(" = ").is_some_and(|(gives, _)| gives.split(", ").any(|n| n == socket))
        });
        if made {
            text.push_str(&format!("nonblocking {socket} on\n"));
        }
    }
    Ok(Place { name: name.into(), way: read(&text)? })
}

/// The calls on a socket of a type, and what they are called.
fn calls_of(kind: SocketType) -> Result<Vec<(String, Vec<Called>)>, Trouble> {
    let stranger = match kind {
        SocketType::Stream => SocketType::Datagram,
        _ => SocketType::Stream,
    };
    let written = calls::CALLS.iter().map(|text| text.to_string());
    let named = written.chain(options::all()).map(|text| {
        let text = text.replace("KIND", kind.name()).replace("OTHER", stranger.name());
        Ok((text.trim_end().replace('\n', "; "), read(&text)?))
    });
    named.collect()
}

impl Matrix {
    /// The whole table.
    pub fn new() -> Result<Matrix, Trouble> {
        let mut types = Vec::new();
        for kind in TYPES {
            let shared_ones = STATES.iter().filter(|state| state.sockets.contains(kind));
            let mut places = shared_ones.map(|s| shared(s, kind)).collect::<Result<Vec<_>, _>>()?;
            let fixed = states::STATES.iter().filter(|(_, sockets, _)| sockets.contains(kind));
            for (name, _, way) in fixed {
                places.push(own(name, kind, way)?);
            }
            for (name, way) in shapes::all() {
                places.push(own(&name, kind, &way)?);
            }
            types.push((kind, places, calls_of(kind)?));
        }
        Ok(Matrix { types })
    }

    /// The cells, state by state.
    pub fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        let places = self
            .types
            .iter()
            .flat_map(|(kind, places, calls)| places.iter().map(move |place| (kind, place, calls)));
        places.flat_map(|(kind, place, calls)| {
            calls.iter().map(move |(name, calls)| Cell {
                name: format!("{kind}, {}: {name}", place.name),
                calls: place.way.iter().chain(calls).collect(),
            })
        })
    }
}
