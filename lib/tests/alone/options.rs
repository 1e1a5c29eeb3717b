//! Kernels that lack an option, as a filter of system calls plays them.

use sunpath::sys::libc;
use sunpath::sys::option::{
    SIOCATMARK, SIOCUNIXFILE, SO_INQ, SO_PASSPIDFD, SO_PASSRIGHTS, SO_PEERGROUPS, SO_PEERPIDFD,
};
use sunpath::sys::restrict::{deny_option, deny_request};
use sunpath::{Call, Errno, Error, Stream};

crate::tests! {
    a_missing_option_names_the_kernel_that_has_it
    a_missing_request_names_the_kernel_that_has_it
    descriptors_pass_where_nothing_can_stop_them
    without_labels_there_is_no_label
}

#[track_caller]
fn names<T: std::fmt::Debug>(answer: Result<T, Error>, call: Call, text: &str) {
    let error = answer.unwrap_err();
    assert_eq!((error.call(), error.errno()), (call, Some(Errno::ENOPROTOOPT)));
    assert_eq!(error.cause(), Some("option/unknown"));
    let text = format!("{call}: {text}, and the running kernel lacks it (ENOPROTOOPT)");
    assert_eq!(error.to_string(), text);
}

fn a_missing_option_names_the_kernel_that_has_it() {
    let (a, _b) = Stream::pair().unwrap();
    let numbers = [
        SO_PASSPIDFD,
        SO_INQ,
        libc::SO_PEEK_OFF,
        libc::SO_COOKIE,
        libc::SO_MEMINFO,
        SO_PEERGROUPS,
        SO_PEERPIDFD,
    ];
    numbers.into_iter().for_each(|number| deny_option(number).unwrap());
    let (options, peer) = (a.sockopt(), a.peer());
    names(options.set_pass_pidfd(true), Call::Setsockopt, "SO_PASSPIDFD needs Linux 6.5");
    names(options.pass_pidfd(), Call::Getsockopt, "SO_PASSPIDFD needs Linux 6.5");
    names(options.set_inq(true), Call::Setsockopt, "SO_INQ needs Linux 6.17");
    names(options.set_peek_offset(None), Call::Setsockopt, "SO_PEEK_OFF needs Linux 3.4");
    names(options.peek_offset(), Call::Getsockopt, "SO_PEEK_OFF needs Linux 3.4");
    names(options.cookie(), Call::Getsockopt, "SO_COOKIE needs Linux 4.12");
    names(options.memory(), Call::Getsockopt, "SO_MEMINFO needs Linux 4.12");
    names(peer.groups(), Call::Getsockopt, "SO_PEERGROUPS needs Linux 4.13");
    names(peer.pidfd(), Call::Getsockopt, "SO_PEERPIDFD needs Linux 6.5");
    names(peer.process(), Call::Getsockopt, "SO_PEERPIDFD needs Linux 6.5");
    names(peer.is_alive(), Call::Getsockopt, "SO_PEERPIDFD needs Linux 6.5");
    // The rest is as before.
    options.set_pass_credentials(true).unwrap();
    assert_eq!(options.pass_credentials(), Ok(true));
    assert_eq!(peer.credentials(), Ok(sunpath::Credentials::current()));
}

fn a_missing_request_names_the_kernel_that_has_it() {
    let (a, _b) = Stream::pair().unwrap();
    deny_request(SIOCATMARK as u32).unwrap();
    deny_request(SIOCUNIXFILE as u32).unwrap();
    let errors = [a.sockopt().is_at_mark().unwrap_err(), a.sockopt().bound_file().unwrap_err()];
    for (error, name) in
        errors.iter().zip(["SIOCATMARK needs Linux 5.15", "SIOCUNIXFILE needs Linux 4.16"])
    {
        assert_eq!(error.cause(), Some("option/unknown-request"));
        let text = format!("ioctl: {name}, and the running kernel lacks it (ENOTTY)");
        assert_eq!(error.to_string(), text);
    }
    assert_eq!(a.sockopt().readable(), Ok(0));
}

fn descriptors_pass_where_nothing_can_stop_them() {
    deny_option(SO_PASSRIGHTS).unwrap();
    let (a, b) = Stream::pair().unwrap();
    assert_eq!(b.sockopt().pass_rights(), Ok(true));
    b.sockopt().set_pass_rights(true).unwrap();
    names(b.sockopt().set_pass_rights(false), Call::Setsockopt, "SO_PASSRIGHTS needs Linux 6.16");
    let file = std::fs::File::open("/dev/null").unwrap();
    let files = [std::os::fd::AsFd::as_fd(&file)];
    a.send_with(b"x", &sunpath::Ancillary::descriptors(&files)).unwrap();
}

fn without_labels_there_is_no_label() {
    let (a, _b) = Stream::pair().unwrap();
    deny_option(libc::SO_PEERSEC).unwrap();
    assert_eq!(a.peer().security_label(), Ok(None));
}
