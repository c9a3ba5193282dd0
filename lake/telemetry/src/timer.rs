use std::time::Instant;

use crate::Histogram;

/// Times an operation until it is dropped, however it ends.
#[derive(Debug)]
pub struct Timer {
    histogram: &'static Histogram<1>,
    operation: &'static str,
    begun: Instant,
}

impl Timer {
    /// From now on.
    pub fn start(histogram: &'static Histogram<1>, operation: &'static str) -> Self {
        Self { histogram, operation, begun: Instant::now() }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.histogram.record([self.operation], self.begun.elapsed().as_secs_f64());
    }
}
