//! The program that the kernel runs for each descriptor of each task, in BPF's instructions.

use super::types::Layout;

/// How many bytes it writes about a socket: inode number, process, descriptor, each of four.
pub(super) const RECORD: usize = 12;

/// How many bytes it writes about a process, when it comes to descriptor 0: an inode number that is
/// none, the process, its name, effective user and state, and nothing.
pub(super) const PROCESS_RECORD: usize = 3 * RECORD;

/// `AF_UNIX`
const UNIX: i32 = 1;

/// `bpf_seq_write`: adds bytes to the output. `bpf_sock_from_file` (Linux 5.11): the socket that a
/// file is, or null.
/// `bpf_probe_read_kernel` (Linux 5.5): copies from an address of the kernel's, whatever is there.
const SEQ_WRITE: i32 = 127;
const SOCK_FROM_FILE: i32 = 162;
const PROBE_READ: i32 = 113;

/// Offsets in the context that the kernel hands over, `struct bpf_iter__task_file`, and in what
/// its first member points to.
const META: i16 = 0;
const TASK: i16 = 8;
const FD: i16 = 16;
const FILE: i16 = 24;
const META_SEQ: i16 = 0;

/// Opcodes: load and store so many bytes, move and add, call, jump, leave.
const LOAD8: u8 = 0x79;
const LOAD4: u8 = 0x61;
const LOAD2: u8 = 0x69;
const STORE4: u8 = 0x63;
const STORE8: u8 = 0x7b;
const ZERO8: u8 = 0x7a;
const COPY: u8 = 0xbf;
const SET: u8 = 0xb7;
const ADD: u8 = 0x07;
const CALL: u8 = 0x85;
const IF_EQUAL: u8 = 0x15;
const IF_NOT: u8 = 0x55;
const IF_DIFFERENT: u8 = 0x5d;
const EXIT: u8 = 0x95;

/// Registers: the result, three arguments, four that a call leaves alone, the end of the stack.
const R0: u8 = 0;
const R1: u8 = 1;
const R2: u8 = 2;
const R3: u8 = 3;
const CONTEXT: u8 = 6;
const OPEN: u8 = 7;
const PROCESS: u8 = 8;
const NUMBER: u8 = 9;
const STACK: u8 = 10;

/// Where records are put together, and below them where the output is kept and an address.
const PLACE: i16 = -40;
const OUTPUT: i16 = -48;
const ADDRESS: i16 = -56;

/// A jump to the end, and one to what is written about a socket.
const END: i16 = i16::MAX;
const SOCKET: i16 = i16::MIN;

/// Opcode, the register written to and the one read from, an offset, a constant.
type Step = (u8, u8, u8, i16, i32);

/// The program for a kernel with this layout; `None`: its offsets are too large.
pub(super) fn sockets(layout: &Layout) -> Option<Vec<u64>> {
    let mut steps = first_descriptor(layout)?;
    let socket = steps.len();
    steps.extend(socket_record(layout)?);
    let end = steps.len();
    for (at, step) in steps.iter_mut().enumerate() {
        let to = match step.3 {
            END => end,
            SOCKET => socket,
            _ => continue,
        };
        // Counted from the next instruction.
        step.3 = i16::try_from(to - at - 1).ok()?;
    }
    steps.extend([(SET, R0, 0, 0, 0), (EXIT, 0, 0, 0, 0)]);
    Some(steps.into_iter().map(encode).collect())
}

/// Begins for every descriptor, and tells about a process at its first one.
fn first_descriptor(layout: &Layout) -> Option<Vec<Step>> {
    let (thread, process) = (near(layout.thread)?, near(layout.process)?);
    let (name, state) = (near(layout.name)?, near(layout.state)?);
    let (credentials, user) = (near(layout.credentials)?, near(layout.user)?);
    let mut steps = vec![
        (COPY, CONTEXT, R1, 0, 0),
        // After the last one, the kernel calls once more without any.
        (LOAD8, OPEN, CONTEXT, FILE, 0),
        (IF_EQUAL, OPEN, 0, END, 0),
        (LOAD8, PROCESS, CONTEXT, TASK, 0),
        (IF_EQUAL, PROCESS, 0, END, 0),
        // Only first threads. The others share their table, or have one that /proc/PID/fd leaves
        // out.
        (LOAD4, NUMBER, PROCESS, process, 0),
        (LOAD4, R3, PROCESS, thread, 0),
        (IF_DIFFERENT, NUMBER, R3, END, 0),
        // For each pointer that it follows, the verifier searches all types: they are followed once,
        // or past it.
        (LOAD8, R1, CONTEXT, META, 0),
        (LOAD8, R1, R1, META_SEQ, 0),
        (STORE8, STACK, R1, OUTPUT, 0),
        (LOAD4, R3, CONTEXT, FD, 0),
        (IF_NOT, R3, 0, SOCKET, 0),
        (ZERO8, STACK, 0, PLACE, 0),
        (STORE4, STACK, NUMBER, PLACE + 4, 0),
        (LOAD8, R1, PROCESS, name, 0),
        (STORE8, STACK, R1, PLACE + 8, 0),
        (LOAD8, R1, PROCESS, name.checked_add(8)?, 0),
        (STORE8, STACK, R1, PLACE + 16, 0),
        (LOAD4, R1, PROCESS, state, 0),
        (STORE4, STACK, R1, PLACE + 28, 0),
        (ZERO8, STACK, 0, PLACE + 32, 0),
        (COPY, R3, PROCESS, 0, 0),
    ];
    steps.extend(read(ADDRESS, 8, credentials));
    steps.push((LOAD8, R3, STACK, ADDRESS, 0));
    steps.extend(read(PLACE + 24, 4, user));
    steps.extend(write(PROCESS_RECORD));
    Some(steps)
}

/// Tells about a descriptor that is a socket of the family.
fn socket_record(layout: &Layout) -> Option<Vec<Step>> {
    let (inode, number) = (near(layout.inode)?, near(layout.number)?);
    let (network, family) = (near(layout.network)?, near(layout.family)?);
    let mut steps = vec![
        (COPY, R1, OPEN, 0, 0),
        (CALL, 0, 0, 0, SOCK_FROM_FILE),
        (IF_EQUAL, R0, 0, END, 0),
        (LOAD8, R1, R0, network, 0),
        (LOAD2, R1, R1, family, 0),
        (IF_NOT, R1, 0, END, UNIX),
        // Of the inode number, sock_diag too shows the low half.
        (LOAD8, R1, OPEN, inode, 0),
        (LOAD8, R1, R1, number, 0),
        (STORE4, STACK, R1, PLACE, 0),
        (STORE4, STACK, NUMBER, PLACE + 4, 0),
        (LOAD4, R3, CONTEXT, FD, 0),
        (STORE4, STACK, R3, PLACE + 8, 0),
    ];
    steps.extend(write(RECORD));
    Some(steps)
}

/// `bpf_seq_write(output, record, length)`
fn write(length: usize) -> [Step; 5] {
    [
        (LOAD8, R1, STACK, OUTPUT, 0),
        (COPY, R2, STACK, 0, 0),
        (ADD, R2, 0, 0, i32::from(PLACE)),
        (SET, R3, 0, 0, length as i32),
        (CALL, 0, 0, 0, SEQ_WRITE),
    ]
}

/// `bpf_probe_read_kernel(place, length, R3 + offset)`
fn read(place: i16, length: i32, offset: i16) -> [Step; 5] {
    [
        (COPY, R1, STACK, 0, 0),
        (ADD, R1, 0, 0, i32::from(place)),
        (SET, R2, 0, 0, length),
        (ADD, R3, 0, 0, i32::from(offset)),
        (CALL, 0, 0, 0, PROBE_READ),
    ]
}

fn near(offset: u32) -> Option<i16> {
    i16::try_from(offset).ok().filter(|offset| *offset < END)
}

/// `struct bpf_insn`
fn encode((code, to, from, offset, constant): Step) -> u64 {
    let registers = if cfg!(target_endian = "little") { to | from << 4 } else { to << 4 | from };
    let ([a, b], [c, d, e, f]) = (offset.to_ne_bytes(), constant.to_ne_bytes());
    u64::from_ne_bytes([code, registers, a, b, c, d, e, f])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jumps_lead_to_the_end_or_the_next_part() {
        let layout = Layout { iterator: 1, thread: 8, process: 12, ..Layout::default() };
        let program = sockets(&layout).unwrap();
        let mut jumps = 0;
        for (at, instruction) in program.iter().enumerate() {
            let [code, _, a, b, ..] = instruction.to_ne_bytes();
            if [IF_EQUAL, IF_NOT, IF_DIFFERENT].contains(&code) {
                let to = at + 1 + usize::try_from(i16::from_ne_bytes([a, b])).unwrap();
                let targets = [(SET, R0, 0, 0, 0), (COPY, R1, OPEN, 0, 0)].map(encode);
                assert!(targets.contains(&program[to]));
                jumps += 1;
            }
        }
        assert_eq!(jumps, 6);
        assert_eq!(program.last(), Some(&encode((EXIT, 0, 0, 0, 0))));
    }

    #[test]
    fn an_offset_that_does_not_fit_makes_no_program() {
        assert_eq!(sockets(&Layout { family: 40_000, ..Layout::default() }), None);
    }
}
