//! Restrictions that a process puts on itself and never gets rid of: seccomp and Landlock.

use super::{Result, last};
use sunpath_core::Errno;

/// `prctl(2)` `PR_SET_NO_NEW_PRIVS`: lets a process without privilege restrict itself.
pub fn give_up_new_privileges() -> Result<()> {
    rustix::thread::set_no_new_privs(true)
}

const fn statement(code: u32, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: 0, jf: 0, k }
}

const fn jump_unless_equal(k: u32, skip: u8) -> libc::sock_filter {
    let code = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    libc::sock_filter { code: code as u16, jt: 0, jf: skip, k }
}

/// Where argument `index` is in `struct seccomp_data`: the half of it that holds an `int`.
const fn argument(index: u32) -> u32 {
    16 + 8 * index + if cfg!(target_endian = "little") { 0 } else { 4 }
}

const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
const ANSWER: u32 = libc::BPF_RET | libc::BPF_K;

const fn refusal(errno: Errno) -> libc::sock_filter {
    statement(ANSWER, libc::SECCOMP_RET_ERRNO | super::errno::number(errno).cast_unsigned())
}

/// `seccomp(2)`: from now on `socket` with this family answers with this errno, as a service
/// manager's restriction of address families does. Lasts until the thread ends, and for its
/// children.
pub fn deny_family(family: i32, errno: Errno) -> Result<()> {
    filter(&mut [
        statement(LOAD, 0),
        jump_unless_equal(libc::SYS_socket as u32, 3),
        statement(LOAD, argument(0)),
        jump_unless_equal(family.cast_unsigned(), 1),
        refusal(errno),
        statement(ANSWER, libc::SECCOMP_RET_ALLOW),
    ])
}

/// `seccomp(2)`: from now on a system call (a number, `SYS_*`) answers with this errno, as where a
/// kernel lacks it or a sandbox forbids it. Lasts until the thread ends, and for its children.
pub fn deny_call(number: libc::c_long, errno: Errno) -> Result<()> {
    filter(&mut [
        statement(LOAD, 0),
        jump_unless_equal(number as u32, 1),
        refusal(errno),
        statement(ANSWER, libc::SECCOMP_RET_ALLOW),
    ])
}

/// `seccomp(2)`: from now on an option at `SOL_SOCKET` is unknown (`ENOPROTOOPT`), to set and to
/// get, as it is to a kernel from before its time. Lasts until the thread ends, and for its
/// children.
pub fn deny_option(name: i32) -> Result<()> {
    filter(&mut [
        statement(LOAD, 0),
        jump_unless_equal(libc::SYS_setsockopt as u32, 1),
        // Over the next comparison, whose answer is known.
        statement(libc::BPF_JMP | libc::BPF_JA, 1),
        jump_unless_equal(libc::SYS_getsockopt as u32, 5),
        statement(LOAD, argument(1)),
        jump_unless_equal(libc::SOL_SOCKET.cast_unsigned(), 3),
        statement(LOAD, argument(2)),
        jump_unless_equal(name.cast_unsigned(), 1),
        refusal(Errno::ENOPROTOOPT),
        statement(ANSWER, libc::SECCOMP_RET_ALLOW),
    ])
}

/// `seccomp(2)`: from now on this request of `ioctl` is unknown (`ENOTTY`). Lasts until the
/// thread ends, and for its children.
pub fn deny_request(request: u32) -> Result<()> {
    filter(&mut [
        statement(LOAD, 0),
        jump_unless_equal(libc::SYS_ioctl as u32, 3),
        statement(LOAD, argument(1)),
        jump_unless_equal(request, 1),
        refusal(Errno::ENOTTY),
        statement(ANSWER, libc::SECCOMP_RET_ALLOW),
    ])
}

fn filter(statements: &mut [libc::sock_filter]) -> Result<()> {
    give_up_new_privileges()?;
    let program =
        libc::sock_fprog { len: statements.len() as u16, filter: statements.as_mut_ptr() };
    // SAFETY: the kernel copies the program, which points to as many instructions as it says.
    let done = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0u32, &raw const program)
    };
    if done == 0 { Ok(()) } else { Err(last()) }
}

/// Landlock: making socket files is handled, and so denied (`LANDLOCK_ACCESS_FS_MAKE_SOCK`).
pub const MAKE_SOCKET: u64 = 1 << 9;
/// Landlock: abstract names outside of the domain are out of reach
/// (`LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET`, version 6).
pub const SCOPE_ABSTRACT: u64 = 1;

#[repr(C)]
struct RulesetAttributes {
    files: u64,
    network: u64,
    scoped: u64,
}

/// `landlock_create_ruleset(2)`: the version of Landlock. `ENOSYS` or `EOPNOTSUPP` if the kernel
/// has none or it is off.
pub fn landlock_version() -> Result<u32> {
    const VERSION: u32 = 1;
    let none = std::ptr::null::<RulesetAttributes>();
    // SAFETY: with this flag the kernel wants a null pointer and reads nothing.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, none, 0usize, VERSION) };
    u32::try_from(version).map_err(|_| last())
}

/// `landlock_restrict_self(2)`: from now on what is handled in `files` is denied everywhere, and
/// what is `scoped` is out of reach. Lasts until the thread ends, and for its children. `EINVAL`
/// if the kernel's version knows less.
pub fn landlock(files: u64, scoped: u64) -> Result<()> {
    give_up_new_privileges()?;
    let attributes = RulesetAttributes { files, network: 0, scoped };
    // The last field is new in version 6; an older kernel takes the structure without it.
    let size = if scoped == 0 { 8 } else { size_of::<RulesetAttributes>() };
    // SAFETY: the kernel reads `size` bytes, at most the size of `attributes`.
    let ruleset = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, &raw const attributes, size, 0u32)
    };
    let ruleset = i32::try_from(ruleset).ok().filter(|fd| *fd >= 0).ok_or_else(last)?;
    // SAFETY: the kernel has just made this descriptor and nobody else knows of it.
    let ruleset = unsafe { <std::os::fd::OwnedFd as std::os::fd::FromRawFd>::from_raw_fd(ruleset) };
    let number = std::os::fd::AsRawFd::as_raw_fd(&ruleset);
    // SAFETY: takes numbers only.
    let done = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, number, 0u32) };
    if done == 0 { Ok(()) } else { Err(last()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::name::Name;
    use crate::sys::socket::{SocketFlags, bind, connect, socket};
    use crate::sys::{Errno as Host, errno::host};
    use sunpath_core::SocketType;

    // Both restrictions are a thread's own: each test puts them on a thread that then ends.

    #[test]
    fn a_denied_family_answers_with_the_chosen_errno() {
        std::thread::spawn(|| {
            deny_family(libc::AF_UNIX, Errno::EAFNOSUPPORT).unwrap();
            let unix = socket(SocketType::Stream, SocketFlags::empty()).unwrap_err();
            assert_eq!(unix, host(Errno::EAFNOSUPPORT));
            socket(SocketType::Tcp, SocketFlags::empty()).unwrap();
        })
        .join()
        .unwrap();
    }

    #[test]
    fn landlock_keeps_from_abstract_names_and_from_making_socket_files() {
        let version = landlock_version();
        if version.is_ok_and(|version| version < 6) || version.is_err() {
            eprintln!("skipped: Landlock version 6 is needed, there is {version:?}");
            return;
        }
        let text = format!("sunpath-landlock-{}", std::process::id());
        let name = Name::abstract_name(text.as_bytes()).unwrap();
        let path = std::env::temp_dir().join(&text);
        let listener = socket(SocketType::Stream, SocketFlags::empty()).unwrap();
        bind(&listener, &name).unwrap();
        crate::sys::socket::listen(&listener, 1).unwrap();
        std::thread::spawn(move || {
            landlock(MAKE_SOCKET, SCOPE_ABSTRACT).unwrap();
            let fd = socket(SocketType::Stream, SocketFlags::empty()).unwrap();
            assert_eq!(connect(&fd, &name), Err(Host::PERM));
            let file = Name::path(path.as_os_str().as_encoded_bytes()).unwrap();
            assert_eq!(bind(&fd, &file), Err(Host::ACCESS));
        })
        .join()
        .unwrap();
    }
}
