//! Medians, spread and the table that shows them.

use serde_json::{Value, json};

/// Samples of one subject, in nanoseconds.
pub struct Series {
    /// What was measured.
    pub name: &'static str,
    /// One sample a round.
    pub samples: Vec<f64>,
}

impl Series {
    /// An empty series.
    pub fn new(name: &'static str) -> Self {
        Series { name, samples: Vec::new() }
    }

    /// The value that this share of the samples stays below, in nanoseconds.
    pub fn quantile(&self, q: f64) -> f64 {
        let mut sorted = self.samples.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        sorted.get((last as f64 * q).round() as usize).copied().unwrap_or(f64::NAN)
    }

    /// The median, in nanoseconds.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }
}

/// The ratio `a / b` of each round: noise that hits both in a round cancels out.
pub fn ratios(a: &Series, b: &Series) -> Series {
    let samples = a.samples.iter().zip(&b.samples).map(|(a, b)| a / b).collect();
    Series { name: a.name, samples }
}

/// The median of the [`ratios`].
pub fn ratio(a: &Series, b: &Series) -> f64 {
    ratios(a, b).median()
}

/// Prints a group: the first series is what the others are compared with. The ratio is their time
/// to its time; `times`, how many of them fit into its time.
pub fn print(title: &str, series: &[Series], json: bool) {
    let base = &series[0];
    if json {
        let rows: Vec<Value> = series
            .iter()
            .map(|s| {
                json!({"name": s.name, "median_ns": s.median(), "p10_ns": s.quantile(0.1),
                       "p90_ns": s.quantile(0.9), "ratio": ratio(s, base),
                       "times": ratio(base, s)})
            })
            .collect();
        println!("{}", json!({"title": title, "base": base.name, "rows": rows}));
        return;
    }
    println!("{title}");
    println!("  {:<28} {:>12} {:>23} {:>8} {:>8}", "", "median", "10 % .. 90 %", "ratio", "times");
    for s in series {
        let spread = format!("{} .. {}", time(s.quantile(0.1)), time(s.quantile(0.9)));
        let (ratio, times) = (ratio(s, base), ratio(base, s));
        let median = time(s.median());
        println!("  {:<28} {median:>12} {spread:>23} {ratio:>8.3} {times:>8.1}", s.name);
    }
}

/// A time in a unit that suits it.
pub fn time(ns: f64) -> String {
    match ns {
        ns if ns < 10_000.0 => format!("{ns:.0} ns"),
        ns if ns < 10_000_000.0 => format!("{:.1} us", ns / 1e3),
        ns => format!("{:.1} ms", ns / 1e6),
    }
}
