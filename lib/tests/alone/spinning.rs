//! On one core, nobody spins.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::time::Duration;
use sunpath::sys::process::{End, fork};
use sunpath::{Address, Listener, SeqPacket, Stream};

crate::tests! {
    on_one_core_it_does_not_spin
    on_two_cores_it_does
    a_pair_on_one_core_soon_stops_spinning
}

const SPIN: Duration = Duration::from_micros(50);

/// The CPUs that this process may use.
fn cpus() -> Vec<usize> {
    let set = sched_getaffinity(None).unwrap();
    (0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect()
}

fn confine_to(cpu: usize) {
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set).unwrap();
}

/// Whether a client confined to one CPU spins for a server on another or the same, and the server
/// for it.
fn spins(client_cpu: usize, server_cpu: usize) -> (bool, bool) {
    let listener = Listener::bind(&Address::Unnamed).unwrap();
    let address = listener.local_addr().unwrap();
    confine_to(server_cpu);
    let child = fork(|| {
        confine_to(client_cpu);
        let client = Stream::connect(&address).unwrap();
        client.recv(&mut [0; 1]).unwrap();
        let client = client.spin(SPIN);
        client.send(&[client.can_help().into()]).unwrap();
        client.recv(&mut [0; 1]).unwrap();
        0
    })
    .unwrap();
    let server = listener.accept().unwrap().spin(SPIN);
    server.send(b"x").unwrap();
    let mut byte = [9];
    server.recv(&mut byte).unwrap();
    server.send(b"x").unwrap();
    assert_eq!(child.wait(), Ok(End::Exited(0)));
    // The child has told who it is; where it is confined was known when it connected.
    (byte == [1], server.can_help())
}

fn on_one_core_it_does_not_spin() {
    let cpu = cpus()[0];
    assert_eq!(spins(cpu, cpu), (false, false));
}

fn on_two_cores_it_does() {
    let [one, other, ..] = cpus()[..] else {
        return eprintln!("skipped: needs two CPUs");
    };
    assert_eq!(spins(one, other), (true, true));
}

/// The kernel knows nobody at the other end of a pair: failure teaches.
fn a_pair_on_one_core_soon_stops_spinning() {
    confine_to(cpus()[0]);
    let (a, b) = SeqPacket::pair().unwrap();
    const ROUNDS: u32 = 3000;
    let child = fork(|| {
        let mut bytes = [0; 4];
        for _ in 0..ROUNDS {
            let length = b.recv(&mut bytes).unwrap().bytes;
            b.send(&bytes[..length]).unwrap();
        }
        0
    })
    .unwrap();
    let a = a.spin(Duration::from_millis(1));
    let before = worked();
    for round in 0..ROUNDS {
        a.send(&round.to_ne_bytes()).unwrap();
        let mut bytes = [0; 4];
        a.recv(&mut bytes).unwrap();
        assert_eq!(bytes, round.to_ne_bytes());
    }
    // A spin in vain works for a millisecond: thousands of them would show.
    assert!(worked() - before < Duration::from_millis(u64::from(ROUNDS) / 4));
    assert_eq!(child.wait(), Ok(End::Exited(0)));
}

/// For how long this process had a CPU.
fn worked() -> Duration {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}
