//! Who a document is from: by its address, by headers, by its shape. What fits two is nobody's.

use super::{Provider, all, find};
use crate::document::Node;

/// What a document came with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sent<'a> {
    /// The provider that the address or the sender names.
    pub named: Option<&'a str>,
    /// Names of headers, in small letters.
    pub headers: &'a [&'a str],
}

/// What speaks for a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// How much, of 100.
    pub score: u32,
    /// What was seen.
    pub seen: Vec<&'static str>,
}

/// Whose a document is.
#[derive(Debug, Clone)]
pub enum Detected {
    /// This provider's.
    Provider(&'static dyn Provider, Evidence),
    /// Named by its sender, and nobody has rules for it.
    WithoutRules {
        /// As named.
        name: String,
    },
    /// More than one could have sent it.
    Ambiguous {
        /// Who, the likeliest first.
        candidates: Vec<(&'static str, Evidence)>,
    },
    /// Nobody is recognized.
    Unknown,
}

/// So much is needed, of 100.
const ENOUGH: u32 = 60;
/// The second must be this far behind.
const LEAD: u32 = 20;

/// Finds out whose a record is. An address or a sender who says it is believed: it is what the merchant configured.
pub fn detect(sent: Sent<'_>, record: &Node) -> Detected {
    if let Some(name) = sent.named {
        return match find(name) {
            Some(provider) => {
                let mut evidence = shape(provider, sent, record);
                evidence.seen.insert(0, "named by the address or the sender");
                evidence.score = 100;
                Detected::Provider(provider, evidence)
            }
            None => Detected::WithoutRules { name: name.to_owned() },
        };
    }
    let mut scored: Vec<_> =
        all().iter().map(|provider| (*provider, shape(*provider, sent, record))).collect();
    scored.retain(|(_, evidence)| evidence.score > 0);
    scored.sort_by_key(|(_, evidence)| std::cmp::Reverse(evidence.score));
    let second = scored.get(1).map_or(0, |(_, evidence)| evidence.score);
    match scored.first() {
        Some((provider, evidence)) if evidence.score >= ENOUGH && evidence.score >= second + LEAD => {
            Detected::Provider(*provider, evidence.clone())
        }
        Some((_, evidence)) if evidence.score >= ENOUGH => Detected::Ambiguous {
            candidates: scored.into_iter().map(|(provider, evidence)| (provider.name(), evidence)).collect(),
        },
        _ => Detected::Unknown,
    }
}

fn shape(provider: &dyn Provider, sent: Sent<'_>, record: &Node) -> Evidence {
    let mut evidence = Evidence { score: 0, seen: Vec::new() };
    if provider.about().headers.iter().any(|header| sent.headers.contains(header)) {
        evidence.score += 80;
        evidence.seen.push("its header");
    }
    for mark in provider.about().marks {
        if (mark.is_there)(record) {
            evidence.score += mark.weight;
            evidence.seen.push(mark.what);
        }
    }
    evidence.score = evidence.score.min(100);
    evidence
}
