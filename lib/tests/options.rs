//! Every option, set and read on real sockets of every type.

mod directory;

use directory::Directory;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;
use sunpath::sys::socket::{SocketFlags, socket};
use sunpath::{
    AncillaryBuffer, Call, Datagram, Errno, Error, Listener, RecvFlags, SeqPacket,
    SeqPacketListener, SockOpt, SocketType, Stream,
};

/// Both ends of a pair of each type.
fn pairs() -> [(std::os::fd::OwnedFd, std::os::fd::OwnedFd); 3] {
    let (a, b) = Stream::pair().unwrap();
    let (c, d) = Datagram::pair().unwrap();
    let (e, f) = SeqPacket::pair().unwrap();
    [(a.into(), b.into()), (c.into(), d.into()), (e.into(), f.into())]
}

fn unnamed_listener() -> Listener {
    Listener::bind(sunpath::Address::Unnamed).unwrap()
}

/// Whether the kernel has an option; if not, the error must say since when others have it.
#[track_caller]
fn has<T>(answer: &Result<T, Error>, since: &str) -> bool {
    match answer {
        Err(error) if error.errno() == Some(Errno::ENOPROTOOPT) => {
            assert!(error.to_string().contains(since), "{error}");
            eprintln!("skipped: {error}");
            false
        }
        _ => true,
    }
}

#[test]
fn sizes_are_doubled_and_cut_as_the_kernel_does() {
    let most = std::fs::read_to_string("/proc/sys/net/core/wmem_max").unwrap();
    let most = 2 * most.trim().parse::<u32>().unwrap();
    for (a, _b) in &pairs() {
        let options = SockOpt::of(a).unwrap();
        for (set, got) in
            [(0, 4608), (1, 4608), (10_000, 20_000), (u32::MAX, most), (1 << 31, most)]
        {
            options.set_send_buffer(set).unwrap();
            assert_eq!(options.send_buffer(), Ok(got), "{set}");
        }
        for (set, got) in [(0, 2304), (10_000, 20_000)] {
            options.set_receive_buffer(set).unwrap();
            assert_eq!(options.receive_buffer(), Ok(got), "{set}");
        }
        for (set, got) in [(0, 1), (1, 1), (77, 77), (u32::MAX, 0x7fff_ffff)] {
            options.set_receive_low_water(set).unwrap();
            assert_eq!(options.receive_low_water(), Ok(got), "{set}");
        }
    }
}

#[test]
fn the_receive_buffer_has_no_effect() {
    let (mut a, b) = Stream::pair().unwrap();
    b.sockopt().set_receive_buffer(0).unwrap();
    a.set_nonblocking(true).unwrap();
    assert!(a.write(&[0; 100_000]).unwrap() > 50_000);
}

#[test]
fn force_goes_past_the_limit_or_asks_for_privilege() {
    let (a, _b) = Stream::pair().unwrap();
    match a.sockopt().set_send_buffer_force(u32::MAX) {
        Ok(()) => assert_eq!(a.sockopt().send_buffer(), Ok(2_147_483_646)),
        Err(error) => {
            assert_eq!((error.call(), error.errno()), (Call::Setsockopt, Some(Errno::EPERM)));
            let text = "setsockopt: SO_SNDBUFFORCE: operation not permitted (EPERM)";
            assert_eq!(error.to_string(), text);
            eprintln!("skipped: {error}");
        }
    }
}

#[test]
fn the_longest_packet_is_the_buffer_less_32_bytes() {
    let (a, b) = SeqPacket::pair().unwrap();
    a.sockopt().set_send_buffer(10_000).unwrap();
    let longest = a.sockopt().send_buffer().unwrap() as usize - 32;
    a.send(&vec![1; longest]).unwrap();
    let error = a.send(&vec![1; longest + 1]).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EMSGSIZE));
    assert_eq!(b.recv(&mut vec![0; longest]).unwrap().bytes, longest);
}

#[test]
fn no_timeout_is_too_short_to_be_one() {
    for (a, _b) in &pairs() {
        let options = SockOpt::of(a).unwrap();
        assert_eq!((options.send_timeout(), options.receive_timeout()), (Ok(None), Ok(None)));
        for time in [Duration::ZERO, Duration::from_nanos(1), Duration::from_micros(999)] {
            options.set_receive_timeout(Some(time)).unwrap();
            options.set_send_timeout(Some(time)).unwrap();
            for set in [options.receive_timeout(), options.send_timeout()] {
                let set = set.unwrap().expect("not for ever");
                assert!(set >= time && set <= Duration::from_millis(10), "{time:?}: {set:?}");
            }
        }
        for time in [Duration::from_millis(1500), Duration::from_secs(1 << 33)] {
            options.set_send_timeout(Some(time)).unwrap();
            let set = options.send_timeout().unwrap().unwrap();
            assert!(set >= time && set - time <= Duration::from_millis(10), "{set:?}");
        }
        options.set_send_timeout(Some(Duration::MAX)).unwrap();
        let set = options.send_timeout().unwrap();
        assert!(set.is_none_or(|time| time > Duration::from_secs(1 << 40)), "{set:?}");
        options.set_send_timeout(None).unwrap();
        assert_eq!(options.send_timeout(), Ok(None));
    }
}

#[test]
fn a_timeout_ends_a_wait() {
    let (mut a, b) = Stream::pair().unwrap();
    a.sockopt().set_receive_timeout(Some(Duration::from_millis(20))).unwrap();
    // The clock that goes on with the kernel's ticks, by which it counts. A finer one shows less
    // where a tick came late, as on a virtual machine that waits for its processor.
    let ticks = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
        Duration::try_from(time).unwrap()
    };
    let start = ticks();
    let error = a.read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    // A tick is told with its fraction of a nanosecond cut off.
    let passed = ticks() - start + Duration::from_nanos(1);
    assert!(passed >= Duration::from_millis(20), "{passed:?}");
    a.sockopt().set_send_timeout(Some(Duration::ZERO)).unwrap();
    let stuck = std::iter::repeat_with(|| a.write(&[0; 100_000])).find(Result::is_err);
    assert_eq!(stuck.unwrap().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    drop(b);
    let listener = unnamed_listener();
    listener.sockopt().set_receive_timeout(Some(Duration::from_millis(1))).unwrap();
    assert_eq!(listener.accept().unwrap_err().errno(), Some(Errno::EAGAIN));
}

#[test]
fn a_receive_waits_for_the_low_water_mark() {
    let (mut a, mut b) = Stream::pair().unwrap();
    b.sockopt().set_receive_low_water(3).unwrap();
    b.sockopt().set_receive_timeout(Some(Duration::from_secs(20))).unwrap();
    let reader = std::thread::spawn(move || b.read(&mut [0; 9]).unwrap());
    a.write_all(b"x").unwrap();
    std::thread::sleep(Duration::from_millis(20));
    a.write_all(b"yz").unwrap();
    assert_eq!(reader.join().unwrap(), 3);
}

#[test]
fn switches_read_back() {
    let listener = unnamed_listener();
    let listener = std::os::fd::OwnedFd::from(listener);
    let pairs = pairs();
    let sockets = pairs.iter().map(|(a, _)| a).chain([&listener]);
    for options in sockets.map(|fd| SockOpt::of(fd).unwrap()) {
        type Get<'a> = fn(&SockOpt<'a>) -> Result<bool, Error>;
        type Set<'a> = fn(&SockOpt<'a>, bool) -> Result<(), Error>;
        let switches: [(Get<'_>, Set<'_>, &str); 5] = [
            (SockOpt::pass_credentials, SockOpt::set_pass_credentials, ""),
            (SockOpt::pass_security, SockOpt::set_pass_security, ""),
            (SockOpt::pass_pidfd, SockOpt::set_pass_pidfd, "SO_PASSPIDFD needs Linux 6.5"),
            (SockOpt::pass_rights, SockOpt::set_pass_rights, "SO_PASSRIGHTS needs Linux 6.16"),
            (SockOpt::urgent_inline, SockOpt::set_urgent_inline, ""),
        ];
        for (get, set, since) in switches {
            assert!(!get(&options).is_ok_and(|on| on && since.is_empty()));
            for on in [true, false, true] {
                let done = set(&options, on);
                if done.as_ref().is_err_and(|e| e.errno() == Some(Errno::EOPNOTSUPP)) {
                    eprintln!("skipped: this kernel was built without security modules");
                } else if has(&done, since) {
                    assert_eq!((done, get(&options)), (Ok(()), Ok(on)));
                }
            }
        }
    }
}

#[test]
fn sockets_refuse_descriptors_until_they_are_wanted() {
    let (a, b) = Stream::pair().unwrap();
    match b.sockopt().pass_rights() {
        Ok(false) => {}
        Ok(true) => return eprintln!("skipped: SO_PASSRIGHTS came with Linux 6.16"),
        Err(error) => panic!("{error}"),
    }
    let (file, listener) = (std::fs::File::open("/dev/null").unwrap(), unnamed_listener());
    let files = [file.as_fd()];
    let ancillary = sunpath::Ancillary::descriptors(&files);
    assert_eq!(a.send_with(b"x", &ancillary).unwrap_err().errno(), Some(Errno::EPERM));
    b.sockopt().set_pass_rights(true).unwrap();
    assert_eq!(a.send_with(b"x", &ancillary).unwrap(), 1);
    let mut room = AncillaryBuffer::new(1);
    b.recv_with(&mut [0; 1], &mut room).unwrap();
    assert_eq!(room.take_descriptors().count(), 1);
    // Accepted sockets have what the listener had when the client connected.
    let _early = Stream::connect(listener.local_addr().unwrap()).unwrap();
    listener.sockopt().set_pass_rights(true).unwrap();
    let _late = Stream::connect(listener.local_addr().unwrap()).unwrap();
    assert_eq!(listener.accept().unwrap().sockopt().pass_rights(), Ok(false));
    assert_eq!(listener.accept().unwrap().sockopt().pass_rights(), Ok(true));
}

#[test]
fn requests_of_streams_are_refused_on_other_sockets() {
    let (a, mut b) = Stream::pair().unwrap();
    let set = a.sockopt().set_inq(true);
    assert!(!has(&set, "SO_INQ needs Linux 6.17") || set.is_ok(), "{set:?}");
    let (c, _d) = Datagram::pair().unwrap();
    let (e, _f) = SeqPacket::pair().unwrap();
    for options in [c.sockopt(), e.sockopt()] {
        let errors = [options.set_inq(true).unwrap_err(), options.is_at_mark().unwrap_err()];
        let texts = [
            "setsockopt: SO_INQ is for streams only (EOPNOTSUPP)",
            "ioctl: SIOCATMARK is for streams only (EOPNOTSUPP)",
        ];
        for (error, text) in errors.iter().zip(texts) {
            assert_eq!(error.cause(), Some("option/not-for-this-socket"));
            assert_eq!(error.to_string(), text);
        }
    }
    if let Err(error) = b.sockopt().is_at_mark() {
        assert!(error.to_string().contains("SIOCATMARK needs Linux 5.15"), "{error}");
        return eprintln!("skipped: {error}");
    }
    let sent = sunpath::sys::socket::send(&a, b"ab", sunpath::sys::socket::SendFlags::OOB);
    assert_eq!(sent, Ok(2));
    assert_eq!(b.sockopt().is_at_mark(), Ok(false));
    b.sockopt().set_urgent_inline(true).unwrap();
    assert_eq!(b.read(&mut [0; 9]).unwrap(), 1);
    assert_eq!(b.sockopt().is_at_mark(), Ok(true));
    assert_eq!(b.read(&mut [0; 9]).unwrap(), 1);
}

#[test]
fn a_peek_starts_where_it_is_told() {
    let (mut a, b) = Stream::pair().unwrap();
    let options = b.sockopt();
    assert_eq!(options.peek_offset(), Ok(None));
    options.set_peek_offset(Some(2)).unwrap();
    a.write_all(b"abcdef").unwrap();
    let peek = || {
        let (mut buffer, mut none) = ([0; 3], AncillaryBuffer::default());
        let room = &mut [std::io::IoSliceMut::new(&mut buffer)];
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let bytes = b.recv_message(room, &mut none, flags).unwrap().bytes;
        buffer[..bytes].to_vec()
    };
    assert_eq!((peek(), peek()), (b"cde".to_vec(), b"f".to_vec()));
    assert_eq!(options.peek_offset(), Ok(Some(6)));
    options.set_peek_offset(Some(u32::MAX)).unwrap();
    assert_eq!(options.peek_offset(), Ok(Some(0x7fff_ffff)));
    options.set_peek_offset(None).unwrap();
    assert_eq!((peek(), options.peek_offset()), (b"abc".to_vec(), Ok(None)));
}

#[test]
fn facts_of_every_socket() {
    let listener = unnamed_listener();
    let packets = SeqPacketListener::bind(sunpath::Address::Unnamed).unwrap();
    let (a, _b) = Stream::pair().unwrap();
    let (c, _d) = Datagram::pair().unwrap();
    let facts = [
        (listener.sockopt(), SocketType::Stream, true),
        (packets.sockopt(), SocketType::SeqPacket, true),
        (a.sockopt(), SocketType::Stream, false),
        (c.sockopt(), SocketType::Datagram, false),
    ];
    let mut cookies = Vec::new();
    for (options, kind, listening) in facts {
        assert_eq!((options.socket_type(), options.is_listening()), (Ok(kind), Ok(listening)));
        assert_eq!((options.domain(), options.protocol()), (Ok(1), Ok(0)));
        assert_eq!(options.is_nonblocking(), Ok(false));
        assert_eq!(options.cookie(), options.cookie());
        cookies.push(options.cookie().unwrap());
    }
    cookies.sort_unstable();
    cookies.dedup();
    assert_eq!(cookies.len(), 4);
    a.set_nonblocking(true).unwrap();
    assert_eq!(a.sockopt().is_nonblocking(), Ok(true));
}

#[test]
fn queues_are_measured() {
    let (mut a, b) = Stream::pair().unwrap();
    a.write_all(b"hello").unwrap();
    assert_eq!(b.sockopt().readable(), Ok(5));
    let unread = a.sockopt().unread_by_peer().unwrap();
    assert!(unread >= 5);
    let memory = a.sockopt().memory().unwrap();
    assert_eq!((memory.unread_by_peer, memory.received, memory.drops), (unread, 0, 0));
    assert_eq!(Ok(memory.send_buffer), a.sockopt().send_buffer());
    assert_eq!(Ok(memory.receive_buffer), a.sockopt().receive_buffer());
    assert_eq!(b.sockopt().memory().unwrap().received, 0);
    (&b).read_exact(&mut [0; 5]).unwrap();
    assert_eq!((b.sockopt().readable(), a.sockopt().unread_by_peer()), (Ok(0), Ok(0)));
    let (c, d) = Datagram::pair().unwrap();
    c.send(b"one").unwrap();
    c.send(b"three").unwrap();
    assert_eq!(d.sockopt().readable(), Ok(3));
    let error = unnamed_listener().sockopt().readable().unwrap_err();
    assert_eq!((error.call(), error.errno()), (Call::Ioctl, Some(Errno::EINVAL)));
}

#[test]
fn a_pending_error_is_taken_once() {
    let (mut a, b) = Stream::pair().unwrap();
    a.write_all(b"unread").unwrap();
    assert_eq!(a.sockopt().take_error(), Ok(None));
    drop(b);
    let pending = a.sockopt().take_error().unwrap().unwrap();
    assert_eq!((pending.call(), pending.errno()), (Call::Recv, Some(Errno::ECONNRESET)));
    assert_eq!(a.sockopt().take_error(), Ok(None));
    assert_eq!(a.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn the_bound_file_is_the_sockets_own() {
    let directory = Directory::new();
    let path = directory.path("server");
    let listener = Listener::bind(&path).unwrap();
    let inode = std::fs::metadata(&path).unwrap().ino();
    std::fs::rename(&path, directory.path("elsewhere")).unwrap();
    match listener.sockopt().bound_file() {
        Ok(file) => {
            let flags = rustix::io::fcntl_getfd(&file).unwrap();
            assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
            assert_eq!(std::fs::File::from(file).metadata().unwrap().ino(), inode);
            let unbound = Stream::pair().unwrap().0.sockopt().bound_file().unwrap_err();
            assert_eq!((unbound.call(), unbound.errno()), (Call::Ioctl, Some(Errno::ENOENT)));
            let text = "ioctl: SIOCUNIXFILE: no such file or directory (ENOENT)";
            assert_eq!(unbound.to_string(), text);
        }
        Err(error) => {
            assert_eq!((error.call(), error.errno()), (Call::Ioctl, Some(Errno::EPERM)));
            eprintln!("skipped: {error}");
        }
    }
}

#[test]
fn sockets_of_other_libraries_have_options_too() {
    let (a, _b) = std::os::unix::net::UnixStream::pair().unwrap();
    let options = SockOpt::of(&a).unwrap();
    options.set_receive_timeout(Some(Duration::from_secs(1))).unwrap();
    assert_eq!(a.read_timeout().unwrap(), Some(Duration::from_secs(1)));
    assert_eq!(options.socket_type(), Ok(SocketType::Stream));
    let tcp = socket(SocketType::Tcp, SocketFlags::empty()).unwrap();
    let error = SockOpt::of(&tcp).unwrap_err();
    let text = "getsockopt: the descriptor is a tcp socket, not a UNIX domain socket (EPROTOTYPE)";
    assert_eq!(error.to_string(), text);
    let file = std::fs::File::open("/dev/null").unwrap();
    assert_eq!(SockOpt::of(&file).unwrap_err().errno(), Some(Errno::ENOTSOCK));
}

#[test]
fn options_outlive_the_peer() {
    let (a, b) = Stream::pair().unwrap();
    b.shutdown(Shutdown::Both).unwrap();
    drop(b);
    a.sockopt().set_send_buffer(9_000).unwrap();
    assert_eq!(a.sockopt().send_buffer(), Ok(18_000));
    assert_eq!(a.sockopt().readable(), Ok(0));
}
