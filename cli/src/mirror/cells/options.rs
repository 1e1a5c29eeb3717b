//! Every option, looked at and set to all sorts of values.

use sunpath::op::Opt;

/// Options of other systems, which have no number here.
const FOREIGN: &[Opt] =
    &[Opt::LocalCreds, Opt::LocalCredsPersistent, Opt::LocalConnWait, Opt::LocalPeerCred];

/// What is set to each value.
fn values(option: Opt) -> &'static [&'static str] {
    match option {
        Opt::SndBuf | Opt::RcvBuf | Opt::SndBufForce | Opt::RcvBufForce => {
            &["1", "100000", "-1", "2147483647", "short", "unmapped"]
        }
        Opt::SndTimeo | Opt::RcvTimeo => {
            &["seconds=5,0", "seconds=0,1", "seconds=-1,0", "seconds=0,1000000", "short"]
        }
        Opt::Linger => &["linger=5", "no-linger", "short"],
        Opt::AttachFilter => {
            &["passing-filter=1", "dropping-filter=1", "passing-filter=4097", "passing-filter=0"]
        }
        Opt::PeekOff => &["0", "3", "-1", "-2", "short", "unmapped"],
        Opt::RcvLowat => &["3", "0", "-1", "short"],
        _ => &["1", "0", "2", "short", "unmapped"],
    }
}

/// The calls: one cell looks at all of them, others set each to one value after the other.
pub fn all() -> impl Iterator<Item = String> {
    let options = Opt::ALL.iter().filter(|option| !FOREIGN.contains(option)).chain([&Opt::Unknown]);
    let look = |option: &&Opt| format!("x = getsockopt s {}\n", option.name());
    let looks: String = options.clone().map(|option| look(&option)).collect();
    let sets = options.map(|option| {
        let name = option.name();
        let set = |value: &str| format!("setsockopt s {name} {value}\ngetsockopt s {name}\n");
        values(*option).iter().map(|value| set(value)).collect()
    });
    let level = ["getsockopt s level=other SO_TYPE", "setsockopt s level=other SO_SNDBUF 1"];
    std::iter::once(looks).chain(sets).chain(level.map(String::from))
}
