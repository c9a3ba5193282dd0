//! A figure as a type: its name, its help and its labels are said once, and a record with other labels does not compile.

use std::sync::atomic::{AtomicBool, Ordering};

use metrics::{Key, Label, Level, Metadata, SharedString, Unit};

/// How a figure behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only rises; what happens in a time is its increase.
    Counter,
    /// Is now what it is.
    Gauge,
    /// Many values, of which parts and sums are kept. Seconds, or parts of one.
    Histogram,
}

impl Kind {
    /// Its name, as Prometheus has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// What a figure is, whatever its kind.
#[derive(Debug, Clone, Copy)]
pub struct Figure {
    /// As it is asked for.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// What it tells apart.
    pub labels: &'static [&'static str],
    /// What it says, in a sentence.
    pub help: &'static str,
    /// Only where figures cost nothing: functions send it to CloudWatch only if they are told to send details.
    pub is_detail: bool,
}

impl Figure {
    /// Tells whoever collects figures in this process what this one is. A counter that tells nothing apart begins at zero:
    /// else its first rise would not be seen.
    pub fn describe(&self) {
        let (unit, name, help) = (self.unit(), self.name.into(), SharedString::const_str(self.help));
        metrics::with_recorder(|recorder| match self.kind {
            Kind::Counter => {
                recorder.describe_counter(name, unit, help);
                if self.labels.is_empty() {
                    let counter = recorder.register_counter(&Key::from_static_name(self.name), &METADATA);
                    counter.increment(0);
                }
            }
            Kind::Gauge => recorder.describe_gauge(name, unit, help),
            Kind::Histogram => recorder.describe_histogram(name, unit, help),
        });
    }

    fn unit(&self) -> Option<Unit> {
        match self.name {
            name if name.ends_with("_seconds") => Some(Unit::Seconds),
            name if name.ends_with("_bytes_total") => Some(Unit::Bytes),
            name if name.ends_with("_total") => Some(Unit::Count),
            _ => None,
        }
    }
}

static WITHOUT_DETAILS: AtomicBool = AtomicBool::new(false);

/// From now on nothing is recorded that is a detail: every series that is kept costs.
pub fn without_details() {
    WITHOUT_DETAILS.store(true, Ordering::Relaxed);
}

/// What recorders are told of where a figure comes from: nobody asks.
const METADATA: Metadata<'static> = Metadata::new("cauce", Level::INFO, None);

fn key<const N: usize>(
    name: &'static str,
    labels: [&'static str; N],
    values: [impl Into<SharedString>; N],
) -> Key {
    let labels: Vec<Label> =
        labels.into_iter().zip(values).map(|(name, value)| Label::new(name, value)).collect();
    Key::from_parts(name, labels)
}

macro_rules! kind {
    ($(#[$doc:meta])* $kind:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $kind<const N: usize> {
            name: &'static str,
            labels: [&'static str; N],
            help: &'static str,
            is_detail: bool,
        }

        impl<const N: usize> $kind<N> {
            /// A figure of this name with these labels.
            pub const fn new(name: &'static str, labels: [&'static str; N], help: &'static str) -> Self {
                Self { name, labels, help, is_detail: false }
            }

            /// A detail: on CloudWatch its series would cost more than they tell, or AWS counts it itself.
            pub const fn detail(self) -> Self {
                Self { is_detail: true, ..self }
            }

            /// Whether anybody wants it.
            fn is_wanted(&self) -> bool {
                !self.is_detail || !WITHOUT_DETAILS.load(Ordering::Relaxed)
            }

            /// What it is.
            pub const fn figure(&'static self) -> Figure {
                Figure {
                    name: self.name,
                    kind: Kind::$kind,
                    labels: &self.labels,
                    help: self.help,
                    is_detail: self.is_detail,
                }
            }
        }
    };
}

kind! {
    /// Only rises.
    Counter
}
kind! {
    /// Is now what it is.
    Gauge
}
kind! {
    /// Many values.
    Histogram
}

impl<const N: usize> Counter<N> {
    /// Adds `count` for these values of its labels.
    pub fn add(&self, values: [impl Into<SharedString>; N], count: u64) {
        if !self.is_wanted() {
            return;
        }
        let key = key(self.name, self.labels, values);
        metrics::with_recorder(|recorder| recorder.register_counter(&key, &METADATA)).increment(count);
    }
}

impl Counter<0> {
    /// Adds `count`.
    pub fn count(&self, count: u64) {
        self.add([""; 0], count);
    }
}

impl<const N: usize> Gauge<N> {
    /// It is `value` now.
    pub fn set(&self, values: [impl Into<SharedString>; N], value: f64) {
        if !self.is_wanted() {
            return;
        }
        let key = key(self.name, self.labels, values);
        metrics::with_recorder(|recorder| recorder.register_gauge(&key, &METADATA)).set(value);
    }
}

impl<const N: usize> Histogram<N> {
    /// One more value.
    pub fn record(&self, values: [impl Into<SharedString>; N], value: f64) {
        if !self.is_wanted() {
            return;
        }
        let key = key(self.name, self.labels, values);
        metrics::with_recorder(|recorder| recorder.register_histogram(&key, &METADATA)).record(value);
    }
}

impl Histogram<0> {
    /// One more value.
    pub fn note(&self, value: f64) {
        self.record([""; 0], value);
    }
}
