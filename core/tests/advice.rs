//! What a diagnosis advises: commands that help, and none that do harm.

mod scene;

use scene::*;
use sunpath_core::fact::path::FileKind;
use sunpath_core::{Call, Diagnosis, Errno, Facts, SocketType, cause, diagnose};

fn answer(errno: Errno, facts: &Facts) -> Diagnosis {
    diagnose(Call::Connect, SocketType::Stream, Some(errno.into()), facts)
}

#[test]
fn what_is_in_the_place_of_a_socket_is_looked_at_and_never_removed() {
    for (kind, says) in [
        (FileKind::Directory, "is a directory; the socket is probably a file in it"),
        (FileKind::Regular, "is a regular file"),
    ] {
        let d = answer(Errno::ECONNREFUSED, &with(|f| file(f).kind = kind));
        let first = &d.causes[0];
        assert_eq!(first.cause.id, "connect/not-a-socket");
        assert!(first.because.contains(says), "{}", first.because);
        assert_eq!(first.commands, ["ls -la /run/app.sock"]);
    }
    let fix = cause::find("connect/not-a-socket").unwrap().fix.to_lowercase();
    assert!(!fix.contains("remove") && !fix.contains("rmdir"), "{fix}");
}

#[test]
fn a_link_to_the_directory_is_advised_only_where_it_makes_the_path_fit() {
    let too_long = |given: String| {
        let d = answer(Errno::EINVAL, &with(|f| path(f).given = given.into_bytes()));
        assert_eq!(d.causes[0].cause.id, "connect/path-too-long");
        d.causes[0].commands.clone()
    };
    let (far, name) = (format!("/{}", "d/".repeat(60)), "n".repeat(200));
    let dir = far.trim_end_matches('/');
    assert_eq!(too_long(format!("{far}app.sock")), [format!("ln -s {dir} /run/short")]);
    // 11 bytes of `/run/short/` and 96 are 107.
    assert_eq!(too_long(format!("{far}{}", &name[..96])).len(), 1);
    assert!(too_long(format!("{far}{}", &name[..97])).is_empty());
    assert!(too_long(format!("/run/{name}")).is_empty());
    assert!(too_long(format!("{}/app.sock", &name)).is_empty(), "a relative target would dangle");
}

#[test]
fn what_a_group_and_an_access_list_bring_with_them_is_said() {
    let fix = cause::find("connect/no-write-permission").unwrap().fix;
    for part in ["all that the group may", "new sessions", "lost when the server binds anew"] {
        assert!(fix.contains(part), "no {part:?} in {fix}");
    }
}
