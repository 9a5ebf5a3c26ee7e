//! Coming and volunteering: yes, no, perhaps, with the conditions people put to them.

use super::label::Label;
use super::normal::Token;
use super::scan::Span;
use super::{Ask, Heard};
use crate::core::event::Meaning;

/// A text so long tells more than it answers: only a plain yes or no at its start counts (§7, advice 6).
const LONG: usize = 40;
/// With more words than this that no phrase knows, a clear word is asked back: they may turn it round.
const FEW: usize = 2;

/// Which way the words pull.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pull {
    Yes,
    No,
    Maybe,
    /// Both, and nothing says which holds.
    Both,
    Nothing,
}

/// A weighed answer.
struct Weighed {
    pull: Pull,
    sure: bool,
}

impl Ask<'_> {
    pub(super) fn attendance(&self) -> Heard {
        let weighed = self.weigh();
        let long = self.reading.normal.words() > LONG;
        if let Some(plain) = self.plain_start().filter(|_| long) {
            return Heard::sure_if(plain, self.undisturbed(weighed.pull));
        }
        let moves = self.reading.all(Label::NewTime).any(|s| !self.reading.negated(s) && !self.hangs_on(s));
        if moves {
            let alone = weighed.pull == Pull::Nothing && self.reading.unknown() <= FEW;
            let beside = self.reading.has(Label::Late) || self.reading.has(Label::Negation);
            return Heard::sure_if(Meaning::NewTime, alone && !beside && !self.reading.asks() && !self.hedged());
        }
        if let Some(late) =
            self.reading.first(Label::Late).filter(|_| weighed.pull != Pull::No && !self.conditional(weighed.pull))
        {
            let minutes = self.minutes(late);
            let plain = matches!(weighed.pull, Pull::Yes | Pull::Nothing) && !self.reading.asks();
            // "en retard", and no minutes: perhaps of something else
            let told = minutes.is_some() || self.reading.unknown() <= FEW;
            return Heard::sure_if(Meaning::Late { minutes }, plain && told && !self.reading.has(Label::Condition));
        }
        self.said(&weighed)
    }

    pub(super) fn volunteer(&self) -> Heard {
        let weighed = self.weigh();
        if let Some(plain) = self.plain_start().filter(|_| self.reading.normal.words() > LONG) {
            return Heard::sure_if(plain, self.undisturbed(weighed.pull));
        }
        self.said(&weighed)
    }

    /// A time that was proposed: taken or not. Minds are changed by a plain word alone.
    pub(super) fn counter(&self) -> Heard {
        self.volunteer()
    }

    fn said(&self, weighed: &Weighed) -> Heard {
        let meaning = match weighed.pull {
            Pull::Yes => Meaning::Yes,
            Pull::No => Meaning::No,
            Pull::Maybe => Meaning::Maybe,
            Pull::Both | Pull::Nothing => return Heard::none(),
        };
        Heard::sure_if(meaning, weighed.sure)
    }

    /// "Je viens si mon rendez-vous est décalé": what moves is what the yes before hangs on.
    fn hangs_on(&self, moved: &Span) -> bool {
        let r = &self.reading;
        let condition = r.all(Label::Condition).map(|s| s.tokens.start).find(|c| *c < moved.tokens.start);
        condition.is_some_and(|c| r.all(Label::Yes).any(|s| s.tokens.end <= c))
    }

    /// Minutes of a lateness; hours count sixty.
    fn minutes(&self, late: &Span) -> Option<u32> {
        let tokens = &self.reading.normal.tokens;
        let counted = || {
            let min = |w: &&[Token]| w[1].text == "min" || w[1].text == "m";
            tokens.windows(2).find(min).and_then(|w| w[0].text.parse().ok())
        };
        let said = late.n.or_else(|| self.reading.all(Label::Late).find_map(|s| s.n)).or_else(counted);
        said.filter(|n| (1..=240).contains(n))
    }

    /// A condition, a "but", or a negation left over.
    fn hedged(&self) -> bool {
        self.reading.has(Label::Condition) || self.reading.has(Label::But)
    }

    /// A clear yes or no with which the text begins.
    fn plain_start(&self) -> Option<Meaning> {
        let r = &self.reading;
        let courtesy = [Label::Greeting, Label::Filler, Label::Closing, Label::Ignore];
        let first = r.spans.iter().find(|s| !courtesy.contains(&s.label))?;
        let early = r.unknown_before(first.tokens.start) <= 2 && !r.asked(first) && !r.negated(first);
        match first.label {
            Label::Yes if early => Some(Meaning::Yes),
            Label::No if early => Some(Meaning::No),
            _ => None,
        }
    }

    /// The rest of a long text neither takes the start back nor puts a condition to it.
    fn undisturbed(&self, pull: Pull) -> bool {
        let r = &self.reading;
        matches!(pull, Pull::Yes | Pull::No) && !self.hedged() && !r.has(Label::Change) && !r.asks()
    }

    /// A yes under a condition, whatever else is said of lateness.
    fn conditional(&self, pull: Pull) -> bool {
        pull == Pull::Maybe && self.reading.has(Label::Condition)
    }

    /// The clause speaks of somebody else: a member's name or "she" just before it.
    pub(super) fn of_another(&self, span: &Span) -> bool {
        let r = &self.reading;
        let word = |i: usize| r.normal.tokens.get(i).map_or("", |t| t.text.as_str());
        let persons = &self.words.lexicon.persons;
        let own = span.tokens.clone().any(|i| persons.first.contains(word(i)));
        let near = r.clause(span).start.max(span.tokens.start.saturating_sub(3))..span.tokens.start;
        let other = |i: usize| persons.third.contains(word(i)) || self.names_member(word(i));
        !own && { near }.any(other)
    }

    /// "I will …", "je peux …": a word follows that no phrase knows, and the answer hangs on it.
    pub(super) fn hangs(&self, span: &Span) -> bool {
        let r = &self.reading;
        let word = |i: usize| r.normal.tokens.get(i);
        let last = span.tokens.end.checked_sub(1).and_then(word);
        let open = last.is_some_and(|t| self.words.lexicon.persons.open.contains(&t.text));
        let next = span.tokens.end..span.tokens.end + 1;
        open && word(next.start).is_some_and(|t| !t.is_mark())
            && !r.spans.iter().any(|s| s.tokens.contains(&next.start))
    }

    /// "Non je n'ai pas reçu le lien", "en dépannage oui": one word in a clause that tells something else, or that
    /// words before it may take back.
    fn swallowed(&self, span: &Span) -> bool {
        let clause = self.reading.clause(span);
        span.tokens.len() == 1 && (!self.leads(span) || self.reading.unknown_in(&clause) > 3)
    }

    /// No unknown word stands before it in its clause.
    fn leads(&self, span: &Span) -> bool {
        self.reading.unknown_in(&(self.reading.clause(span).start..span.tokens.start)) == 0
    }

    /// Yes phrases that are meant: neither asked nor negated.
    fn weigh(&self) -> Weighed {
        let r = &self.reading;
        let own = |s: &&Span| !r.asked(s) && !self.of_another(s);
        let meant = |label: Label| r.all(label).any(|s| own(&s) && !r.negated(s) && !self.hangs(s));
        let turned = |label: Label| r.all(label).any(|s| !r.asked(s) && r.negated(s));
        let strong = meant(Label::Yes) || meant(Label::Early);
        let weak = meant(Label::Ok) || meant(Label::Ack);
        let no = r.all(Label::No).any(|s| own(&s) && !r.negated_before(s));
        if r.all(Label::Maybe).any(|s| !r.asked(s) && !self.of_another(s)) {
            if no && self.turns_to(Label::No) {
                return Weighed { pull: Pull::No, sure: false };
            }
            if strong && !no && self.turns_to(Label::Yes) && !r.has(Label::Condition) {
                return Weighed { pull: Pull::Yes, sure: false };
            }
            let mixed = no || r.asks() || strong || r.unknown() > FEW;
            return Weighed { pull: Pull::Maybe, sure: !mixed };
        }
        match (strong, weak, no) {
            (true, _, true) | (_, true, true) if self.no_is_the_condition() => {
                Weighed { pull: Pull::Maybe, sure: false }
            }
            (true, _, true) if self.concluded() == Some(Label::Yes) => Weighed { pull: Pull::Yes, sure: false },
            (true, _, true) if self.concluded() == Some(Label::No) => Weighed { pull: Pull::No, sure: false },
            // "… je lirai la synthèse avec plaisir": a yes to something else
            (true, _, true) if !r.all(Label::Yes).chain(r.all(Label::Early)).any(|s| own(&s) && self.leads(s)) => {
                Weighed { pull: Pull::No, sure: false }
            }
            (true, _, true) => self.last_word(),
            (_, _, true) => Weighed {
                pull: Pull::No,
                sure: self.sure_no() && r.all(Label::No).any(|s| own(&s) && !self.hangs(s) && !self.swallowed(s)),
            },
            (_, _, false) if turned(Label::Yes) && r.has(Label::Condition) => {
                Weighed { pull: Pull::Maybe, sure: false }
            }
            (true, _, _) | (_, true, _) if turned(Label::Yes) => Weighed { pull: Pull::Both, sure: false },
            (true, _, false) => self.yes(true),
            (false, true, false) => self.yes(false),
            (false, false, false) if turned(Label::Yes) => Weighed { pull: Pull::Both, sure: false },
            (false, false, false) if self.only_a_condition() => Weighed { pull: Pull::Maybe, sure: false },
            (false, false, false) => Weighed { pull: Pull::Nothing, sure: false },
        }
    }

    /// "J'aimerais, mais je ne peux pas": after the "but" there is a no (or a yes) and no perhaps.
    fn turns_to(&self, word: Label) -> bool {
        let turn = self.reading.all(Label::But).last().map(|s| s.tokens.start);
        let after = |label: Label| turn.is_some_and(|t| self.reading.all(label).any(|s| s.tokens.start > t));
        after(word) && !after(Label::Maybe)
    }

    /// "Ok, unless I'm sick": the no stands under the condition.
    fn no_is_the_condition(&self) -> bool {
        let condition = self.reading.all(Label::Condition).next().map(|s| s.tokens.start);
        let first_no = self.reading.all(Label::No).next().map(|s| s.tokens.start);
        condition.zip(first_no).is_some_and(|(c, n)| c < n)
    }

    /// "Si ma réunion finit à temps": nothing but what it hangs on.
    fn only_a_condition(&self) -> bool {
        let r = &self.reading;
        let first = r.all(Label::Condition).next();
        !r.asks() && r.normal.words() <= 14 && first.is_some_and(|s| r.unknown_before(s.tokens.start) == 0)
    }

    fn sure_no(&self) -> bool {
        let r = &self.reading;
        !r.asks() && !r.has(Label::Condition) && r.unknown() <= FEW
    }

    /// A yes, unless a condition or a leftover negation makes it a perhaps.
    fn yes(&self, strong: bool) -> Weighed {
        let r = &self.reading;
        let at = r.spans.iter().find(|s| matches!(s.label, Label::Yes | Label::Ok | Label::Ack | Label::Early));
        let start = at.map_or(0, |s| s.tokens.start);
        if r.has(Label::Condition) {
            return Weighed { pull: Pull::Maybe, sure: false };
        }
        if r.negation_after(start) && !r.has(Label::Early) {
            let pull = if r.has(Label::But) { Pull::Maybe } else { Pull::Nothing };
            return Weighed { pull, sure: false };
        }
        let early = r.unknown_before(start) <= 8;
        // A polite word is an answer where it is a clause of its own, or with few words after it.
        let alone = at.is_some_and(|s| r.unknown_in(&r.clause(s)) == 0);
        let plain = r.all(Label::Yes).chain(r.all(Label::Early)).any(|s| !self.swallowed(s));
        let clear =
            if strong { r.unknown() <= FEW && early && plain } else { !r.has(Label::Ack) && alone && r.unknown() <= 3 };
        let but = r.has(Label::But) && !r.has(Label::Early);
        let begins = r.unknown_before(start) == 0 && r.unknown() <= 4;
        let vague = !(strong || begins || alone && r.unknown() <= 10);
        let pull = if vague { Pull::Nothing } else { Pull::Yes };
        Weighed { pull, sure: clear && !but && !r.asks() }
    }

    /// "I have to cancel something else, so yes": the yes or no that what stands before leads up to.
    pub(super) fn concluded(&self) -> Option<Label> {
        let r = &self.reading;
        let answers = |s: &&Span| matches!(s.label, Label::Yes | Label::No | Label::Maybe);
        let last = r.spans.iter().rev().find(answers).filter(|s| !r.asked(s) && !r.negated(s))?;
        let before = r.normal.tokens.get(..last.tokens.start)?.iter().rev().find(|t| !t.is_mark())?;
        let so = self.words.lexicon.persons.so.contains(&before.text);
        // "I'll miss something else, but yes"
        let ends = r.normal.tokens.get(last.tokens.end).is_none_or(Token::is_mark);
        let but = ends && r.all(Label::But).any(|s| s.tokens.end == last.tokens.start);
        (so || but).then_some(last.label)
    }

    /// A clear yes and a clear no: after "finalement" or "mais" the last word holds, else nobody knows.
    fn last_word(&self) -> Weighed {
        let r = &self.reading;
        let both = Weighed { pull: Pull::Both, sure: false };
        let turns = |s: &&Span| matches!(s.label, Label::Change | Label::But);
        let Some(turn) = r.spans.iter().rev().find(turns).map(|s| s.tokens.start) else { return both };
        let clear = |s: &&Span| matches!(s.label, Label::Yes | Label::No) && !r.asked(s);
        let last = r.spans.iter().rev().find(clear);
        match last.filter(|s| s.tokens.start > turn || r.has(Label::Change)).map(|s| s.label) {
            Some(Label::No) => Weighed { pull: Pull::No, sure: false },
            Some(Label::Yes) if r.has(Label::Change) => Weighed { pull: Pull::Yes, sure: false },
            _ => both,
        }
    }
}
