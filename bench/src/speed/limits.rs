//! What must hold in the medians.

use super::report::{BASE, Report};
use serde_json::{Value, json};

/// A ratio of times and how large it may be.
pub struct Limit {
    text: String,
    /// Across two cores and on one; `None` if it was not measured.
    found: [Option<f64>; 2],
    bound: Bound,
}

/// On which side of a number the ratio has to stay. It is compared as it is shown, in hundredths:
/// beyond them is noise.
#[derive(Debug, Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Bound {
    fn admits(self, ratio: f64) -> bool {
        let shown = (ratio * 100.0).round() / 100.0;
        match self {
            Bound::AtMost(most) => shown <= most,
            Bound::AtLeast(least) => shown >= least,
        }
    }
}

impl Limit {
    /// Whether it holds wherever it was measured; `None` if it was not.
    fn met(&self) -> Option<bool> {
        let mut found = self.found.iter().flatten().peekable();
        found.peek()?;
        Some(found.all(|ratio| self.bound.admits(*ratio)))
    }

    pub fn json(&self) -> Value {
        let (sign, value) = self.bound.parts();
        json!({
            "text": self.text, "across": self.found[0], "same": self.found[1],
            "limit": format!("{sign} {value:.2}"), "met": self.met(),
        })
    }
}

impl Bound {
    fn parts(self) -> (&'static str, f64) {
        match self {
            Bound::AtMost(most) => ("<=", most),
            Bound::AtLeast(least) => (">=", least),
        }
    }
}

const PLACEMENTS: [&str; 2] = ["across", "same"];
const TRAFFIC: [(&str, &str); 4] = [
    ("round-trip", "round trip"),
    ("one-way-64", "one way, 64 B"),
    ("one-way-1k", "one way, 1 KiB"),
    ("one-way-64k", "one way, 64 KiB"),
];

/// Every line, whether measured or not.
pub fn all(report: &Report) -> Vec<Limit> {
    let found = |id: &str, kind: &str, name: &str, base: &str| {
        PLACEMENTS.map(|place| report.group(id, place)?.ratio(kind, name, base))
    };
    let mut all = Vec::new();
    for (id, what) in TRAFFIC {
        for kind in ["stream", "seqpacket", "datagram"] {
            all.push(Limit {
                text: format!("{what}, {kind} / rustix"),
                found: found(id, kind, "sunpath", BASE),
                bound: Bound::AtMost(1.02),
            });
        }
    }
    for (id, what) in TRAFFIC {
        all.push(Limit {
            text: format!("{what}, seqpacket / rustix with recvmsg"),
            found: found(id, "seqpacket", "sunpath", "rustix recvmsg"),
            bound: Bound::AtMost(1.02),
        });
    }
    for kind in ["stream", "datagram"] {
        all.push(Limit {
            text: format!("one way, 64 B, {kind}: throughput / std"),
            found: found("one-way-64", kind, "std", "sunpath"),
            bound: Bound::AtLeast(1.3),
        });
    }
    for (id, what) in TRAFFIC {
        for kind in ["stream", "datagram"] {
            for flavour in ["current_thread", "multi_thread"] {
                let [ours, theirs] = ["sunpath::tokio", "tokio"].map(|n| format!("{n}, {flavour}"));
                all.push(Limit {
                    text: format!("{what}, {kind}, {flavour} / tokio"),
                    found: found(id, kind, &ours, &theirs),
                    bound: Bound::AtMost(1.0),
                });
            }
        }
    }
    all.push(Limit {
        text: "framed 64 B: throughput / plain writes of std".into(),
        found: found("framing", "stream", "std", "sunpath, framed"),
        bound: Bound::AtLeast(8.0),
    });
    let spin = found("round-trip", "stream", "std", "sunpath, spin");
    all.push(Limit {
        text: "round trip with spin: times faster than std".into(),
        // On one core it is told not to spin.
        found: [spin[0], None],
        bound: Bound::AtLeast(5.0),
    });
    all
}

/// Prints the closing table.
pub fn print(report: &Report) {
    println!("What must hold in the medians");
    println!("  {:<50} {:>6} {:>8}  {:>7}", "", "across", "one core", "limit");
    let mut unmeasured = 0;
    for limit in all(report) {
        let Some(met) = limit.met() else {
            unmeasured += 1;
            continue;
        };
        let [across, same] =
            limit.found.map(|ratio| ratio.map_or_else(|| "-".into(), |r| format!("{r:.2}")));
        let (sign, value) = limit.bound.parts();
        let met = if met { "met" } else { "not met" };
        println!("  {:<50} {across:>6} {same:>8}  {sign} {value:.2}  {met}", limit.text);
    }
    if unmeasured > 0 {
        println!("  {unmeasured} more were not measured");
    }
    println!("  ({} s)", report.seconds);
}
