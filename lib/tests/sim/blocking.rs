//! Blocking sockets: who waits, who is woken, and that a run can be had again.

use std::io::{Read, Write};
use sunpath::Stream;
use sunpath::sim::World;

#[test]
fn a_pair_of_streams_talks_across_threads() {
    let word = World::default().run(|program| {
        let (mut here, mut there) = Stream::pair().unwrap();
        program.spawn("writer", move || there.write_all(b"hello").unwrap());
        let mut word = String::new();
        here.read_to_string(&mut word).unwrap();
        word
    });
    assert_eq!(word, "hello");
}
