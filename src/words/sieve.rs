//! Which phrases may stand in a text at all: one pass over the text for all of them, where asking each takes thousands.

use aho_corasick::AhoCorasick;
use regex_syntax::hir::literal::{ExtractKind, Extractor, Seq};

/// A phrase whose words begin, or end, in more ways than this is looked for by itself.
const WAYS: usize = 128;

/// What the phrases begin or end with: a phrase none of whose beginnings stands in a text is not in it.
#[derive(Debug, Clone)]
pub(super) struct Sieve {
    search: AhoCorasick,
    /// The phrase that each thing searched for belongs to.
    owners: Vec<usize>,
    /// Phrases that may begin and end with anything.
    always: Vec<usize>,
}

impl Sieve {
    /// Of patterns in this order, each between two borders; nothing where they are too many to be searched for together.
    pub(super) fn of<'a>(patterns: impl Iterator<Item = &'a str>) -> Option<Self> {
        let (mut needles, mut owners, mut always) = (Vec::new(), Vec::new(), Vec::new());
        for (place, pattern) in patterns.enumerate() {
            match needed(pattern) {
                Some(ways) => {
                    owners.extend(std::iter::repeat_n(place, ways.len()));
                    needles.extend(ways);
                }
                None => always.push(place),
            }
        }
        Some(Self { search: AhoCorasick::new(needles).ok()?, owners, always })
    }

    /// The places of the patterns that may match, in their order.
    pub(super) fn may_match(&self, text: &str) -> Vec<usize> {
        let text = format!(" {text} ");
        let met = self.search.find_overlapping_iter(&text);
        let met = met.filter_map(|needle| self.owners.get(needle.pattern().as_usize()));
        let mut places: Vec<usize> = met.chain(&self.always).copied().collect();
        places.sort_unstable();
        places.dedup();
        places
    }
}

/// What any match begins with, behind the border, or ends with, before it: whichever says more.
fn needed(pattern: &str) -> Option<Vec<Vec<u8>>> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let ways = |kind: ExtractKind| {
        let mut extractor = Extractor::new();
        let found: Seq = extractor.kind(kind.clone()).limit_total(WAYS).extract(&hir);
        let found = found.literals()?;
        let bordered = |way: &[u8]| match kind {
            ExtractKind::Suffix => [way, b" "].concat(),
            _ => [b" ", way].concat(),
        };
        let ways: Vec<_> = found.iter().map(|l| bordered(l.as_bytes())).collect();
        ways.iter().all(|way| way.len() > 1).then_some(ways)
    };
    let shortest = |ways: &Vec<Vec<u8>>| ways.iter().map(Vec::len).min();
    [ways(ExtractKind::Prefix), ways(ExtractKind::Suffix)].into_iter().flatten().max_by_key(shortest)
}

#[cfg(test)]
mod tests {
    use super::Sieve;

    #[test]
    fn a_phrase_passes_wherever_it_matches() {
        let patterns = ["je (?:peux|viens)", "(?:oui |ok )?(?:non)", "[^ ]+ vient", "[^,]*", "(?:a|b)?c?", "no(?: |$)"];
        let sieve = Sieve::of(patterns.into_iter());
        let may_match = |text: &str| sieve.as_ref().map(|sieve| sieve.may_match(text)).unwrap_or_default();
        assert_eq!(may_match("je peux"), [0, 3, 4]);
        assert_eq!(may_match("bah non"), [1, 3, 4]);
        assert_eq!(may_match("paul vient"), [2, 3, 4]);
        assert_eq!(may_match("sujet non"), [1, 3, 4], "inside a word nothing begins");
        assert_eq!(may_match("no"), [3, 4, 5]);
        assert_eq!(may_match(""), [3, 4]);
    }
}
