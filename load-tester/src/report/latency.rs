//! A histogram's figures, in milliseconds.

use hdrhistogram::Histogram;
use serde::Serialize;

/// The points of the curve in the HTML page: every step halves or so what is left above.
const CURVE: [f64; 16] = [
    0.0, 10.0, 25.0, 50.0, 62.5, 75.0, 82.0, 87.5, 90.0, 95.0, 97.5, 99.0, 99.5, 99.9, 99.99, 100.0,
];

/// How long requests took, in milliseconds. All zero if nothing was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Latency {
    /// How many requests were measured.
    pub count: u64,
    /// The fastest.
    pub min_ms: f64,
    /// The mean, which hides what percentiles show.
    pub mean_ms: f64,
    /// Half were faster.
    pub p50_ms: f64,
    /// 90 of 100 were faster.
    pub p90_ms: f64,
    /// 95 of 100 were faster.
    pub p95_ms: f64,
    /// 99 of 100 were faster.
    pub p99_ms: f64,
    /// 999 of 1000 were faster.
    pub p99_9_ms: f64,
    /// The slowest.
    pub max_ms: f64,
    /// The whole distribution.
    pub curve: Vec<Percentile>,
}

/// One point of a distribution.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Percentile {
    /// So many of 100 requests ...
    pub percentile: f64,
    /// ... took at most so long.
    pub ms: f64,
}

impl Latency {
    pub(super) fn of(histogram: &Histogram<u64>) -> Self {
        let millis = |micros: u64| {
            if histogram.is_empty() {
                0.0
            } else {
                micros as f64 / 1e3
            }
        };
        // A bucket's upper end may lie above the largest value that was recorded.
        let at = |percentile| {
            millis(
                histogram
                    .value_at_percentile(percentile)
                    .min(histogram.max()),
            )
        };
        Self {
            count: histogram.len(),
            min_ms: millis(histogram.min()),
            mean_ms: histogram.mean() / 1e3,
            p50_ms: at(50.0),
            p90_ms: at(90.0),
            p95_ms: at(95.0),
            p99_ms: at(99.0),
            p99_9_ms: at(99.9),
            max_ms: millis(histogram.max()),
            curve: CURVE
                .iter()
                .map(|&percentile| Percentile {
                    percentile,
                    ms: at(percentile),
                })
                .collect(),
        }
    }
}
