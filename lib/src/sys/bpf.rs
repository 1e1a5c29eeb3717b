//! BPF iterators (Linux 5.8): a small program that the kernel runs for each of its objects of a
//! kind, and whose output is read like a file.
//!
//! Takes `CAP_BPF` and `CAP_PERFMON`, or `CAP_SYS_ADMIN`, in the initial user namespace. Everything
//! that was made is gone with the last of its descriptors.

use super::{Errno, Result, last};
use libc::{c_int, c_void};
use rustix::fs::{FsWord, Mode, OFlags, fstat, fstatfs, open};
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// `BPF_PROG_LOAD`, `BPF_LINK_CREATE`, `BPF_ITER_CREATE`
const PROG_LOAD: c_int = 5;
const LINK_CREATE: c_int = 28;
const ITER_CREATE: c_int = 33;
/// `BPF_PROG_TYPE_TRACING`, `BPF_TRACE_ITER`
const TRACING: u32 = 26;
const TRACE_ITER: u32 = 28;

/// Kernel functions that write output admit programs under the GPL only; a program that is given
/// to [`load`] is under it too, if the user so chooses.
const LICENCE: &CStr = c"Dual MIT/GPL";

/// The beginning of `union bpf_attr`, as it is for `BPF_PROG_LOAD`.
#[repr(C)]
#[derive(Default)]
struct Load {
    kind: u32,
    count: u32,
    instructions: u64,
    licence: u64,
    log: [u64; 2],
    version: u32,
    flags: u32,
    name: [u8; 16],
    device: u32,
    attach_kind: u32,
    debug: [u64; 4],
    lines: u32,
    attach_type: u32,
}

/// The same for `BPF_LINK_CREATE`.
#[repr(C)]
#[derive(Default)]
struct Link {
    program: c_int,
    target: u32,
    kind: u32,
    flags: u32,
    more: [u64; 2],
}

/// The same for `BPF_ITER_CREATE`.
#[repr(C)]
#[derive(Default)]
struct Create {
    link: c_int,
    flags: u32,
}

/// `bpf(2)` `BPF_PROG_LOAD`: a program of these instructions for the iterator whose function has
/// this number in the kernel's type information. `EPERM` without privilege or where the kernel is
/// locked down, `EACCES` or `EINVAL` if the kernel does not find it safe.
pub fn load(instructions: &[u64], iterator: u32) -> Result<OwnedFd> {
    let attributes = Load {
        kind: TRACING,
        count: u32::try_from(instructions.len()).map_err(|_| Errno::TOOBIG)?,
        instructions: instructions.as_ptr() as u64,
        licence: LICENCE.as_ptr() as u64,
        name: *b"sunpath_sockets\0",
        attach_kind: TRACE_ITER,
        attach_type: iterator,
        ..Load::default()
    };
    // SAFETY: the instructions and the licence are there until the call ends, and are as long as
    // is said or end with a NUL; all other pointers are null. What the program does to the kernel
    // is the kernel's verifier's concern, and this kind of program cannot write to memory.
    unsafe { bpf(PROG_LOAD, &attributes) }
}

/// `bpf(2)` `BPF_LINK_CREATE`: binds a program to its iterator, over all objects.
pub fn attach(program: &OwnedFd) -> Result<OwnedFd> {
    let program = program.as_raw_fd();
    // SAFETY: there is no pointer in it.
    unsafe { bpf(LINK_CREATE, &Link { program, kind: TRACE_ITER, ..Link::default() }) }
}

/// `bpf(2)` `BPF_ITER_CREATE`: a descriptor from which what the program writes about each object
/// can be read once.
pub fn iterate(link: BorrowedFd<'_>) -> Result<OwnedFd> {
    // SAFETY: there is no pointer in it.
    unsafe { bpf(ITER_CREATE, &Create { link: link.as_raw_fd(), flags: 0 }) }
}

/// # Safety
/// `attributes` has the layout that the command has, its pointers are good for what the command
/// does with them, and the command returns a descriptor.
unsafe fn bpf<T>(command: c_int, attributes: &T) -> Result<OwnedFd> {
    let size = size_of::<T>();
    // SAFETY: the kernel reads this many bytes, and takes those after the ones of an older kernel
    // for zeros that are not there. The rest is the caller's promise.
    let fd = unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_ref(attributes), size) };
    match c_int::try_from(fd) {
        // SAFETY: a descriptor that the call has just made, always close-on-exec.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(last()),
    }
}

/// The kernel's description of its types, in memory that is the kernel's own.
#[derive(Debug)]
pub struct Types {
    start: *mut c_void,
    length: usize,
}

/// Where the kernel shows it.
const TYPES: &str = "/sys/kernel/btf/vmlinux";
/// `SYSFS_MAGIC`
const SYSFS: FsWord = 0x6265_6572;

impl Types {
    /// `mmap(2)` of the type information (Linux 6.16). `ENODEV` where the kernel cannot do that,
    /// `ENOENT` if it has none.
    pub fn map() -> Result<Types> {
        let file = open(TYPES, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        if fstatfs(&file)?.f_type != SYSFS {
            return Err(Errno::NODEV);
        }
        let length = usize::try_from(fstat(&file)?.st_size).map_err(|_| Errno::FBIG)?;
        let (access, flags) = (libc::PROT_READ, libc::MAP_PRIVATE | libc::MAP_POPULATE);
        let fd = file.as_fd().as_raw_fd();
        // SAFETY: a new mapping at a place of the kernel's choice.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), length, access, flags, fd, 0) };
        if start == libc::MAP_FAILED { Err(last()) } else { Ok(Types { start, length }) }
    }

    /// All of it.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: so many bytes are mapped until `self` is dropped, readable. It is a file of
        // sysfs, so they are the kernel's own, which never change and never become fewer.
        unsafe { std::slice::from_raw_parts(self.start.cast(), self.length) }
    }
}

impl Drop for Types {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and nobody has a reference into it any more. Nothing could
        // be done about an error.
        unsafe { libc::munmap(self.start, self.length) };
    }
}
