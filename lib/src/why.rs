//! From an error, whoever reports it, to a diagnosis.

use crate::fact::arguments::{AddressArgument, Family};
use crate::fact::{Arguments, Descriptor};
use crate::observe::{As, Query, observe};
use crate::{Address, Call, Diagnosis, Endpoint, Errno, Error, Facts, SocketType, Symptom};
use crate::{diagnose, route, sys};
use std::error::Error as StdError;
use std::io;
use std::os::fd::BorrowedFd;

/// What is asked.
pub(crate) struct Question {
    pub(crate) call: Call,
    pub(crate) socket: SocketType,
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) symptom: Option<Symptom>,
    /// Whether the call was one of this library's, which take a path of any length.
    pub(crate) any_length: bool,
}

/// Why this call failed on this address with this error, by what the system looks like now.
///
/// The error may come from the standard library, tokio, hyper, or anything else that carries an
/// `io::Error` within. The socket is taken to be a stream; use [`why_of`] for another.
///
/// The errno is looked for in the error and in all that it was caused by. Without one:
///
/// - `io::ErrorKind::TimedOut` and tokio's `Elapsed` are taken as a call that hangs;
/// - `UnexpectedEof` and hyper's incomplete message as the end of the stream;
/// - other kinds that stand for one errno (`ConnectionRefused`, ...) as that errno;
/// - any other error tells nothing. The diagnosis then says what the call would do **now**, which
///   explains nothing: [`Diagnosis::caveat`] is set, and the text begins with `the error carries
///   no errno; now ...`.
///
/// Name the call that waited: a timeout around a request is mostly one of `recv`.
///
/// ```
/// use std::os::unix::net::UnixStream;
/// use sunpath::Call;
///
/// let path = "/nonexistent/app.sock";
/// if let Err(error) = UnixStream::connect(path) {
///     let diagnosis = sunpath::why(Call::Connect, &path.into(), &error);
///     assert_eq!(diagnosis.causes[0].cause.id, "connect/missing-directory");
/// }
/// ```
pub fn why(call: Call, address: &Address, error: &(dyn StdError + 'static)) -> Diagnosis {
    why_of(call, SocketType::Stream, &Endpoint::Unix(address.clone()), error)
}

/// As [`why`], for a socket of any type and an address of any family.
pub fn why_of(
    call: Call,
    socket: SocketType,
    endpoint: &Endpoint,
    error: &(dyn StdError + 'static),
) -> Diagnosis {
    let symptom = symptom(error);
    let endpoint = Some(endpoint.clone());
    let mut diagnosis =
        ask(&Question { call, socket, endpoint, symptom, any_length: false }, None, None).0;
    diagnosis.caveat = symptom.is_none().then(|| caveat(error));
    diagnosis
}

/// Observes and diagnoses. `own` is what is known of the caller's socket without looking.
pub(crate) fn ask(
    question: &Question,
    descriptor: Option<BorrowedFd<'_>>,
    own: Option<Descriptor>,
) -> (Diagnosis, Facts) {
    #[cfg(feature = "sim")]
    if let Some(sim) = crate::sim::current() {
        return sim.diagnose(question, arguments(question), descriptor, own);
    }
    let mut facts = facts(question, descriptor);
    if let Some(own) = own {
        facts.descriptor = own.into();
    }
    let diagnosis = diagnose(question.call, question.socket, question.symptom, &facts);
    (diagnosis, facts)
}

/// What an error, or one that it was caused by, says that the program saw.
fn symptom(error: &(dyn StdError + 'static)) -> Option<Symptom> {
    let told: Vec<Symptom> = chain(error).filter_map(told).collect();
    told.iter().find(|s| s.errno().is_some()).or(told.first()).copied()
}

/// The error and all that it was caused by.
fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    // A chain that leads back to itself must not hang.
    const DEEPEST: usize = 32;
    std::iter::successors(Some(error), |error| inner(*error)).take(DEEPEST)
}

/// Why an error tells nothing.
fn caveat(error: &(dyn StdError + 'static)) -> &'static str {
    let number = |e: &(dyn StdError + 'static)| e.downcast_ref::<io::Error>()?.raw_os_error();
    let numbered = |e: &(dyn StdError + 'static)| {
        number(e).is_some() || e.is::<Error>() || e.is::<sys::Errno>()
    };
    match chain(error).any(numbered) {
        true => "the error carries an errno that no known cause has",
        false => "the error carries no errno",
    }
}

/// The next error on the way to the first. `io::Error` leaves out its own inner error.
fn inner<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

/// What this one error tells.
fn told(error: &(dyn StdError + 'static)) -> Option<Symptom> {
    if let Some(error) = error.downcast_ref::<Error>() {
        return error.errno().map(Into::into);
    }
    if let Some(errno) = error.downcast_ref::<sys::Errno>() {
        return sys::errno::name(*errno).map(Into::into);
    }
    let Some(error) = error.downcast_ref::<io::Error>() else { return by_text(error) };
    match error.raw_os_error() {
        Some(number) => sys::errno::named(number).map(Into::into),
        None => by_kind(error.kind()),
    }
}

/// What errors of well-known libraries tell that have no kind: only their text tells them apart,
/// because this crate does not depend on those libraries.
fn by_text(error: &(dyn StdError + 'static)) -> Option<Symptom> {
    match error.to_string().as_str() {
        // tokio::time::error::Elapsed
        "deadline has elapsed" => Some(Symptom::Hangs),
        // hyper::Error::is_incomplete_message
        "connection closed before message completed" => Some(Symptom::EndOfFile),
        _ => None,
    }
}

/// What a kind of error without an errno stands for. The standard library itself refuses
/// addresses that it cannot encode, as `InvalidInput`.
fn by_kind(kind: io::ErrorKind) -> Option<Symptom> {
    let errno = match kind {
        io::ErrorKind::TimedOut => return Some(Symptom::Hangs),
        io::ErrorKind::UnexpectedEof => return Some(Symptom::EndOfFile),
        io::ErrorKind::NotFound => Errno::ENOENT,
        io::ErrorKind::PermissionDenied => Errno::EACCES,
        io::ErrorKind::ConnectionRefused => Errno::ECONNREFUSED,
        io::ErrorKind::ConnectionReset => Errno::ECONNRESET,
        io::ErrorKind::ConnectionAborted => Errno::ECONNABORTED,
        io::ErrorKind::NotConnected => Errno::ENOTCONN,
        io::ErrorKind::AddrInUse => Errno::EADDRINUSE,
        io::ErrorKind::AddrNotAvailable => Errno::EADDRNOTAVAIL,
        io::ErrorKind::BrokenPipe => Errno::EPIPE,
        io::ErrorKind::WouldBlock => Errno::EAGAIN,
        io::ErrorKind::Interrupted => Errno::EINTR,
        io::ErrorKind::InvalidInput => Errno::EINVAL,
        io::ErrorKind::OutOfMemory => Errno::ENOMEM,
        _ => return None,
    };
    Some(errno.into())
}

/// What the system looks like now, to this process.
fn facts(question: &Question, descriptor: Option<BorrowedFd<'_>>) -> Facts {
    let query = Query {
        call: question.call,
        socket: question.socket,
        endpoint: question.endpoint.clone(),
        caller: As::Myself,
        descriptor,
        arguments: arguments(question),
    };
    // Nobody else is asked about, so nobody can be missing.
    observe(&query).unwrap_or_default()
}

fn arguments(question: &Question) -> Arguments {
    Arguments { address: argument(question), ..Arguments::default() }
}

/// What was passed to the kernel, where the address itself was not.
fn argument(question: &Question) -> Option<AddressArgument> {
    let far = |path: &[u8]| question.any_length && route::is_far(path);
    match &question.endpoint {
        Some(Endpoint::Unix(Address::Path(path))) if far(path) => Some(AddressArgument {
            length: Address::from(route::LINK).socket_length() as i64,
            family: Some(Family::Unix),
        }),
        _ => bare_family(question),
    }
}

/// An address without a name, which is passed as a family alone. `bind` would take it.
fn bare_family(question: &Question) -> Option<AddressArgument> {
    let nameless = match &question.endpoint {
        Some(Endpoint::Unix(Address::Path(path))) => path.is_empty(),
        Some(Endpoint::Unix(address)) => *address == Address::Unnamed,
        Some(Endpoint::Inet { .. }) | None => false,
    };
    let length = Address::Unnamed.socket_length() as i64;
    let argument = AddressArgument { length, family: Some(Family::Unix) };
    (nameless && question.call != Call::Bind).then_some(argument)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt;

    /// As HTTP clients wrap their errors.
    #[derive(Debug)]
    struct Wrapper(io::Error);

    impl fmt::Display for Wrapper {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("error trying to connect")
        }
    }

    impl StdError for Wrapper {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }

    /// As tokio's `Elapsed` and hyper's incomplete message look from outside.
    #[derive(Debug)]
    struct Says(&'static str);

    impl fmt::Display for Says {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl StdError for Says {}

    #[test]
    fn libraries_that_give_no_kind_are_known_by_their_text() {
        let elapsed = || Says("deadline has elapsed");
        assert_eq!(symptom(&elapsed()), Some(Symptom::Hangs));
        assert_eq!(symptom(&io::Error::other(elapsed())), Some(Symptom::Hangs));
        let incomplete = Says("connection closed before message completed");
        assert_eq!(symptom(&Wrapper(io::Error::other(incomplete))), Some(Symptom::EndOfFile));
        assert_eq!(symptom(&Says("error trying to connect")), None);
    }

    #[test]
    fn an_error_that_tells_nothing_is_not_explained_by_a_prediction() {
        let path = std::env::temp_dir().join(format!("sunpath-told-{}", std::process::id()));
        let _server = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let address = crate::path_address(&path);
        let silent = [io::Error::other("what?"), io::Error::other(Says("odd"))];
        for error in silent {
            for call in [Call::Connect, Call::Recv] {
                let diagnosis = why(call, &address, &error);
                for text in [diagnosis.to_string(), format!("{diagnosis:#}")] {
                    assert!(text.starts_with("the error carries no errno; now "), "{text}");
                }
            }
        }
        let odd = why(Call::Connect, &address, &io::Error::from_raw_os_error(libc::EXFULL));
        assert!(odd.to_string().starts_with("the error carries an errno that no known"), "{odd}");
        let late = why(Call::Recv, &address, &Says("deadline has elapsed"));
        assert_eq!((late.symptom, late.caveat), (Some(Symptom::Hangs), None));
        assert!(late.to_string().starts_with("recv waits"), "{late}");
        let cut = why(Call::Recv, &address, &Says("connection closed before message completed"));
        assert_eq!(cut.symptom, Some(Symptom::EndOfFile));
        assert_eq!(cut.causes[0].cause.id, "recv/end-of-file");
        std::fs::remove_file(&path).unwrap();
    }

    fn refused() -> io::Error {
        io::Error::from_raw_os_error(libc::ECONNREFUSED)
    }

    #[test]
    fn the_errno_is_found_however_deep() {
        let expected = Some(Symptom::Errno(Errno::ECONNREFUSED));
        assert_eq!(symptom(&refused()), expected);
        assert_eq!(symptom(&Wrapper(refused())), expected);
        assert_eq!(symptom(&io::Error::other(Wrapper(refused()))), expected);
        let twice = io::Error::new(io::ErrorKind::TimedOut, io::Error::other(refused()));
        assert_eq!(symptom(&twice), expected);
        let own = Error::bare(Call::Connect, SocketType::Stream, sys::Errno::CONNREFUSED);
        assert_eq!(symptom(&own), expected);
        assert_eq!(symptom(&io::Error::from(own)), expected);
        assert_eq!(symptom(&sys::Errno::CONNREFUSED), expected);
    }

    #[test]
    fn an_error_without_an_errno_is_taken_by_its_kind() {
        let late = io::Error::new(io::ErrorKind::TimedOut, "deadline has elapsed");
        assert_eq!(symptom(&late), Some(Symptom::Hangs));
        let end = io::Error::from(io::ErrorKind::UnexpectedEof);
        assert_eq!(symptom(&end), Some(Symptom::EndOfFile));
        let long = std::os::unix::net::UnixStream::connect("a".repeat(200)).unwrap_err();
        assert_eq!(symptom(&long), Some(Symptom::Errno(Errno::EINVAL)));
        assert_eq!(symptom(&io::Error::other("what?")), None);
        assert_eq!(symptom(&fmt::Error), None);
    }
}
