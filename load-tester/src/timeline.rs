//! Takes events of a run whose length nobody knows yet, and keeps a fixed number of equal slices that cover all of it:
//! when the run outgrows them, neighbours are joined and every slice becomes twice as long.

use std::time::Duration;

const SLICES: usize = 128;

/// What joining two slices, or two events in one slice, means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Join {
    Sum,
    Largest,
}

impl Join {
    fn of(self, a: u64, b: u64) -> u64 {
        match self {
            Self::Sum => a.saturating_add(b),
            Self::Largest => a.max(b),
        }
    }
}

/// A value per slice of time.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    join: Join,
    /// The length of a slice is `2^power` milliseconds, so that two timelines always fit together.
    power: u32,
    slices: Vec<u64>,
}

impl Timeline {
    pub(crate) fn new(join: Join) -> Self {
        Self {
            join,
            power: 0,
            slices: vec![0; SLICES],
        }
    }

    pub(crate) fn record(&mut self, at: Duration, value: u64) {
        let millis = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
        while (millis >> self.power) >= SLICES as u64 {
            self.coarsen();
        }
        // Smaller than SLICES by the loop above.
        let index = (millis >> self.power) as usize;
        self.slices[index] = self.join.of(self.slices[index], value);
    }

    fn coarsen(&mut self) {
        for index in 0..SLICES / 2 {
            self.slices[index] = self
                .join
                .of(self.slices[2 * index], self.slices[2 * index + 1]);
        }
        self.slices[SLICES / 2..].fill(0);
        self.power += 1;
    }

    pub(crate) fn coarsen_to(&mut self, power: u32) {
        while self.power < power {
            self.coarsen();
        }
    }

    pub(crate) fn merge(&mut self, mut other: Self) {
        let power = self.power.max(other.power);
        self.coarsen_to(power);
        other.coarsen_to(power);
        for (mine, theirs) in self.slices.iter_mut().zip(other.slices) {
            *mine = self.join.of(*mine, theirs);
        }
    }

    pub(crate) fn power(&self) -> u32 {
        self.power
    }

    pub(crate) fn slices(&self) -> &[u64] {
        &self.slices
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Join, SLICES, Timeline};

    #[test]
    fn a_long_run_makes_slices_longer_and_loses_nothing() {
        let mut sum = Timeline::new(Join::Sum);
        let mut largest = Timeline::new(Join::Largest);
        for second in 0..10_000 {
            sum.record(Duration::from_secs(second), 1);
            largest.record(Duration::from_secs(second), second);
        }
        assert_eq!(sum.slices().iter().sum::<u64>(), 10_000);
        assert_eq!(largest.slices().iter().max(), Some(&9_999));
        assert!(sum.power() == 17 && sum.slices().len() == SLICES);
    }

    #[test]
    fn timelines_of_different_length_merge_slice_by_slice() {
        let mut short = Timeline::new(Join::Sum);
        short.record(Duration::from_millis(3), 5);
        let mut long = Timeline::new(Join::Sum);
        long.record(Duration::from_millis(2), 1);
        long.record(Duration::from_millis(SLICES as u64), 1);
        short.merge(long);
        assert_eq!(
            (short.power(), short.slices()[1], short.slices()[SLICES / 2]),
            (1, 6, 1)
        );
    }
}
