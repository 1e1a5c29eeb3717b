//! What `sunpath top` costs while it looks on: 10,000 sockets in 100 processes, a look every second.

use crate::holders::{Holder, sunpath_binary};
use crate::stats::Series;
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::json;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

const PROCESSES: usize = 100;
const PAIRS: usize = 50;

/// A minute, in parts of five seconds, after it has looked into every process once.
const START: Duration = Duration::from_secs(5);
const PART: Duration = Duration::from_secs(5);
const PARTS: usize = 12;

/// Fills the machine with sockets, and measures the view on a terminal of its own.
pub fn run(json: bool) -> io::Result<()> {
    let sunpath = sunpath_binary()?;
    let holders = (0..PROCESSES).map(|_| Holder::start(PAIRS)).collect::<io::Result<Vec<_>>>()?;
    let view = View::start(&sunpath)?;
    sleep(START);
    let mut shares = Series::new("sunpath top");
    let mut before = (view.time()?, Instant::now());
    for _ in 0..PARTS {
        sleep(PART);
        let after = (view.time()?, Instant::now());
        let used = (after.0 - before.0).as_secs_f64();
        shares.samples.push(100.0 * used / (after.1 - before.1).as_secs_f64());
        before = after;
    }
    drop(holders);
    let title =
        format!("{} sockets in {PROCESSES} processes, a look every second", PROCESSES * PAIRS * 2);
    let (median, low, high) = (shares.median(), shares.quantile(0.1), shares.quantile(0.9));
    if json {
        println!(
            "{}",
            json!({"title": title, "rows": [{"name": shares.name,
            "median_percent": median, "p10_percent": low, "p90_percent": high}]})
        );
    } else {
        println!("{title}");
        println!("  {:<28} {:>12} {:>23}", "share of one core", "median", "10 % .. 90 %");
        let spread = format!("{low:.2} % .. {high:.2} %");
        println!("  {:<28} {:>12} {spread:>23}", shares.name, format!("{median:.2} %"));
    }
    Ok(())
}

/// The view, on a pseudo-terminal that somebody reads.
struct View(Child);

impl View {
    fn start(sunpath: &Path) -> io::Result<View> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let slave = ioctl_tiocgptpeer(&master, flags)?;
        tcsetwinsize(&slave, Winsize { ws_row: 50, ws_col: 160, ws_xpixel: 0, ws_ypixel: 0 })?;
        let child = Command::new(sunpath)
            .arg("top")
            .env("TERM", "xterm-256color")
            .stdin(slave.try_clone()?)
            .stdout(slave.try_clone()?)
            .stderr(slave)
            .spawn()?;
        let mut master = File::from(master);
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(1..) = master.read(&mut buffer) {}
        });
        Ok(View(child))
    }

    /// What all its threads have used so far, by the scheduler's count.
    fn time(&self) -> io::Result<Duration> {
        let mut ns = 0;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.0.id()))? {
            let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
            ns += text.split(' ').next().and_then(|used| used.parse().ok()).unwrap_or(0);
        }
        Ok(Duration::from_nanos(ns))
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
