//! "No need to send it", "ne relancez pas", "wait before you share": what is refused or put off is not asked for. Read
//! without its refusal (`[refusals]` of the word lists), such a clause says what is not wanted; if that is all that was
//! heard, nothing was.

use super::arrival::Said;
use super::normal::Normal;
use super::{Heard, Words};
use crate::core::draft::Question;
use crate::core::event::{Certainty, Meaning};
use regex::Captures;
use std::mem::discriminant;
use std::ops::Range;

/// A clause ends at a mark, and after so many words behind its refusal.
const REACH: usize = 10;

impl Words {
    /// What was heard, if the text says it beside what it refuses.
    pub(super) fn unless_refused(&self, question: Option<Question>, said: Said<'_>, heard: Heard) -> Heard {
        let Said { language, text, context } = said;
        let refuses = refuses(&heard.meaning);
        if !refuses && !asks_for(&heard.meaning) {
            return heard;
        }
        let normal = self.lexicon.spelling.normal(super::head(text));
        let says = |text: &str| self.weighed(question, language, text, context);
        let by_phrases = |text: &str| self.understand_phrases(question, language, text, context);
        let refusals = self.refusals(&normal);
        if !refuses && !refusals.is_empty() && by_phrases(text).is_none() {
            // a guess at a text that refuses something
            return Heard::none();
        }
        // a refusal is taken back by words that are known for one, and by no guess: "je ne refuse pas"
        let without = |r: &Refused| if refuses { by_phrases(&r.without) } else { says(&r.without) };
        let clear = |said: &Heard| heard.meaning != Meaning::No || said.certainty == Certainty::Sure;
        let same = |said: Heard| clear(&said) && is_kin(&said.meaning, &heard.meaning);
        let refused = refusals.into_iter().find(|r| same(without(r)));
        let Some(Refused { tokens, .. }) = refused else { return heard };
        let beside = by_phrases(&words(&normal, (0..tokens.start).chain(tokens.end..normal.tokens.len())));
        if is_kin(&beside.meaning, &heard.meaning) { Heard::probable(beside.meaning) } else { Heard::none() }
    }

    /// The clauses of a text that refuse something, each read without its refusal.
    fn refusals(&self, normal: &Normal) -> Vec<Refused> {
        let (refusals, but) = (&self.lexicon.refusals, &self.lexicon.no_refusals);
        let kept: Vec<Range<usize>> = but.iter().flat_map(|b| b.find_iter(&normal.text)).map(|m| m.range()).collect();
        let found = refusals.iter().flat_map(|r| r.captures_iter(&normal.text));
        let found = found.filter(|groups| {
            let range = groups.name("all").map_or(0..0, |all| all.range());
            !kept.iter().any(|kept| kept.start < range.end && range.start < kept.end)
        });
        found.filter_map(|groups| self.refused(normal, &groups)).collect()
    }

    fn refused(&self, normal: &Normal, groups: &Captures<'_>) -> Option<Refused> {
        let all = normal.tokens_in(&groups.name("all")?.range());
        let gone = ["x", "y"].iter().filter_map(|name| groups.name(name)).map(|g| normal.tokens_in(&g.range()));
        let gone: Vec<Range<usize>> = gone.collect();
        let ends =
            |i: &usize| normal.tokens[*i].is_mark() || self.lexicon.clause_ends.contains(&normal.tokens[*i].text);
        let rest = (all.end..normal.tokens.len()).take(REACH).take_while(|i| !ends(i));
        // without groups all of the refusal goes
        let own = all.clone().filter(|i| !gone.is_empty() && !gone.iter().any(|g| g.contains(i)));
        let end = all.end + rest.clone().count();
        let without = words(normal, own.chain(rest));
        (!without.is_empty()).then_some(Refused { tokens: all.start..end, without })
    }
}

/// A clause that refuses something.
struct Refused {
    tokens: Range<usize>,
    /// What it would say without its refusal.
    without: String,
}

fn words(normal: &Normal, tokens: impl Iterator<Item = usize>) -> String {
    tokens.map(|i| normal.tokens[i].text.as_str()).collect::<Vec<_>>().join(" ")
}

/// The same is asked for, of somebody else or in another amount; "continue" goes on after a break too.
fn is_kin(a: &Meaning, b: &Meaning) -> bool {
    let goes_on = |m: &Meaning| matches!(m, Meaning::Next | Meaning::Resume { .. });
    let shares = |m: &Meaning| matches!(m, Meaning::ShareAll | Meaning::ShareTitle);
    match (a, b) {
        // "not finished" is something else than "finished"
        (Meaning::Progress { .. }, Meaning::Progress { .. }) => a == b,
        _ => discriminant(a) == discriminant(b) || goes_on(a) && goes_on(b) || shares(a) && shares(b),
    }
}

/// It is refused, or told to stand still.
fn refuses(meaning: &Meaning) -> bool {
    use Meaning as M;
    matches!(meaning, M::No | M::Refuse | M::Withdraw | M::ShareNothing | M::Progress { .. })
}

/// Something comes of it for others, or is consented to.
fn asks_for(meaning: &Meaning) -> bool {
    use Meaning as M;
    let consents = matches!(meaning, M::Yes | M::ShareAll | M::ShareTitle | M::Approve | M::Agree | M::Keep);
    let steers = matches!(meaning, M::Next | M::Back | M::Extend { .. } | M::Shorten { .. } | M::Pause | M::Stop);
    let names = matches!(meaning, M::Absent { .. } | M::Pass { .. } | M::Swap { .. } | M::Resume { .. });
    let orders = matches!(meaning, M::Remind | M::Open | M::Move | M::Short | M::Cancel | M::Undo);
    consents || steers || names || orders
}
