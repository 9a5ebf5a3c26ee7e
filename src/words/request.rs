//! The sentence to quote: what somebody asks of the group, word for word, without greeting and sign-off.

use super::label::Label;
use super::lexicon::TableName;
use super::normal::{Token, folded};
use super::scan::Reading;
use super::{Ask, Heard, Words, plan};
use crate::core::event::Meaning;

/// Sentences of so many words together are quoted as they are; of more, the first alone.
const QUOTE: usize = 45;
/// "Aidez-moi" with fewer words is a cry for help.
const WHOLE: usize = 6;
/// So many words before a comma only lead up to the sentence.
const FEW: usize = 3;
/// Most words and marks before the sentence that only lead up to it.
const INTRO: usize = 6;

impl Words {
    /// A text without its greeting and sign-off; lines stay as they are. What is nothing else stays as it is.
    pub fn without_courtesy<'a>(&self, text: &'a str, names: &[String]) -> &'a str {
        Some(self.body(text, names)).filter(|body| !body.is_empty()).unwrap_or(text)
    }

    /// The same, nothing where nothing else was said.
    pub(super) fn body<'a>(&self, text: &'a str, names: &[String]) -> &'a str {
        let text = self.without_greeting(text);
        self.without_sign_off(text, names)
    }

    fn without_greeting<'a>(&self, text: &'a str) -> &'a str {
        let text = text.trim();
        let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
        let reading = self.read(&[], line);
        let greets = reading.spans.first().is_some_and(|s| s.label == Label::Greeting && s.tokens.start == 0);
        if !greets {
            return text;
        }
        if reading.normal.words() <= 4 && (reading.unknown() <= 2) && !rest.is_empty() {
            return rest.trim();
        }
        let first = reading.spans.first().map_or(0, |s| s.tokens.end);
        let mark = (first..reading.normal.tokens.len()).find(|i| reading.normal.tokens[*i].is_mark());
        let near = mark.filter(|m| *m <= first + 2);
        let cut = near.map_or(reading.normal.tokens.get(first).map_or(line.len(), |t| t.from.start), |m| {
            reading.normal.tokens[m].from.end
        });
        text.get(cut..).unwrap_or(text).trim_start_matches(['!', '.', ',', ' ', '\n', '\r'])
    }

    fn without_sign_off<'a>(&self, text: &'a str, names: &[String]) -> &'a str {
        let mut end = text.len();
        let mut seen = 0;
        for line in text.lines().rev() {
            let line = line.trim();
            let start = line.as_ptr() as usize - text.as_ptr() as usize;
            if line.is_empty() {
                continue;
            }
            seen += 1;
            if seen > 4 || start == 0 {
                break;
            }
            if self.signs_off(line) {
                end = start;
            } else if seen > 1 || !is_name(line, text.get(..start).unwrap_or_default(), names) {
                break;
            } else {
                end = start;
            }
        }
        text.get(..end).unwrap_or(text).trim()
    }

    /// "Voilà ma phrase", "ok so": a few words before the sentence that say nothing but that it comes.
    fn introduces(&self, tokens: &[Token]) -> bool {
        let intro = |t: &Token| t.is_mark() || self.lexicon.persons.intro.contains(&t.text);
        tokens.len() <= INTRO && tokens.iter().all(intro)
    }

    /// "Help me …": the sentence is a request, whatever its words would mean elsewhere.
    pub(super) fn calls_for_help(&self, token: Option<&Token>) -> bool {
        token.is_some_and(|t| self.lexicon.persons.help.contains(&t.text))
    }

    /// "Bien à vous, Anne", "Merci d'avance !"
    pub fn signs_off(&self, line: &str) -> bool {
        let reading = self.read(&[], line);
        let closes = reading.spans.first().is_some_and(|s| s.label == Label::Closing && s.tokens.start == 0);
        closes && reading.unknown() <= 2 && reading.normal.words() <= 8
    }
}

/// A last line that is a name: a member's, or one or two capital words after a blank line.
fn is_name(line: &str, before: &str, names: &[String]) -> bool {
    let said = folded(line);
    let known = names.iter().map(|n| folded(n)).any(|n| n == said || n.split(' ').next() == Some(&said));
    let capital = |w: &str| w.starts_with(char::is_uppercase) && w.chars().all(|c| c.is_alphabetic() || c == '-');
    let words = line.split_whitespace().count();
    let apart = before.trim_end_matches([' ', '\r']).ends_with("\n\n") || before.ends_with("\r\n\r\n");
    known || (apart && words <= 2 && line.split_whitespace().all(capital))
}

/// Paragraphs joined where a mail program wrapped them.
fn unwrap_lines(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut long = false;
    for line in text.lines().map(str::trim) {
        let goes_on = long && line.starts_with(char::is_lowercase);
        match out.last_mut().filter(|_| goes_on) {
            Some(last) => *last = format!("{last} {line}"),
            None => out.push(line.to_owned()),
        }
        long = line.chars().count() >= 50;
    }
    out
}

/// The request in one sentence, from "Aidez-moi" or "Comment" on, without what stands around it.
fn cut(words: &Words, reading: &Reading<'_>) -> String {
    let tokens = &reading.normal.tokens;
    let begin = reading.first_request().map_or(0, |s| s.tokens.start);
    let after_mark = begin > 0 && tokens[begin - 1].is_mark();
    let light = [Label::Filler, Label::Greeting, Label::Ignore, Label::Ok];
    let before = reading.spans.iter().take_while(|s| s.tokens.end <= begin);
    let only_light = reading.unknown_before(begin) == 0 && { before }.all(|s| light.contains(&s.label));
    let introduced = begin > 0 && words.introduces(&tokens[..begin]) && words.calls_for_help(tokens.get(begin));
    let begin = if after_mark || only_light || introduced { begin } else { 0 };
    // "merci" at the very end belongs to the letter, not to the sentence.
    let letter = words.read(&[], reading.original);
    let last =
        letter.spans.last().filter(|s| s.label == Label::Closing && s.tokens.end >= tokens.len().saturating_sub(1));
    let end = last.map_or(tokens.len(), |s| s.tokens.start);
    let bytes: Option<std::ops::Range<usize>> =
        tokens.get(begin..end).and_then(|t| Some(t.first()?.from.start..t.last()?.from.end));
    let quote = bytes.map_or("", |b| reading.quote(&b));
    // « Aidez-moi … ». Bien à vous
    let opened = bytes_before(reading.original, quote);
    let quote = opened.and_then(|close| quote.split_once(close)).map_or(quote, |(inside, _)| inside);
    quote.trim_matches(['"', '«', '»', '“', '”', ' ', '\u{a0}', ',', ':']).to_owned()
}

/// The mark that closes the quotation that begins right before.
fn bytes_before(text: &str, quote: &str) -> Option<char> {
    let at = text.find(quote)?;
    let before = text.get(..at)?.trim_end();
    [('«', '»'), ('“', '”'), ('"', '"')].into_iter().find(|(open, _)| before.ends_with(*open)).map(|(_, close)| close)
}

impl Reading<'_> {
    fn first_request(&self) -> Option<&super::scan::Span> {
        self.all(Label::Request).next()
    }
}

impl Ask<'_> {
    pub(super) fn step_request(&self) -> Heard {
        let Some((text, clear)) = quote(self.words, self.text, &self.context.names) else { return Heard::none() };
        let light = [Label::Empty, Label::Maybe, Label::Closing, Label::Help];
        let postpones = self.reading.spans.iter().any(|s| light.contains(&s.label) && s.tokens.len() > 1);
        if text.split_whitespace().count() < 3 || ((postpones || self.says_nothing()) && !clear) {
            return Heard::none();
        }
        Heard::sure_if(Meaning::Request { text }, clear)
    }
}

/// The sentence to quote, and whether it asks for something in so many words.
fn quote(words: &Words, text: &str, names: &[String]) -> Option<(String, bool)> {
    let lines = unwrap_lines(words.body(super::head(text), names));
    let sentences: Vec<&str> = lines.iter().flat_map(|l| plan::sentences(l)).collect();
    let readings: Vec<_> = sentences.iter().map(|s| words.read(&[TableName::StepRequest], s)).collect();
    let asks = |r: &&Reading<'_>| {
        let hangs = |s: &super::scan::Span| {
            r.all(Label::Condition).any(|c| c.tokens.start == 0 && c.tokens.end <= s.tokens.start)
        };
        r.first_request().is_some_and(|s| !r.negated(s) && !hangs(s))
    };
    if let Some(asking) = readings.iter().find(asks) {
        let text = cut(words, asking);
        // "no advice on leaving, tell me how to stay": what was left out may belong to it
        let before = asking.original.split(text.as_str()).next().unwrap_or_default().trim_end();
        let half = before.ends_with(',') && before.split_whitespace().count() > FEW;
        return Some((text, !half));
    }
    let told: Vec<_> = readings.iter().filter(|r| !r.is_courtesy() && !words.signs_off(r.original)).collect();
    let first = *told.first()?;
    let whole: usize = told.iter().map(|r| r.normal.words()).sum();
    let parts: Vec<String> =
        if whole <= QUOTE { told.iter().map(|r| without_intro(r)).collect() } else { vec![without_intro(first)] };
    let text = parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" ");
    let colon = |end: usize| {
        let mark = first.normal.tokens.get(end).filter(|t| t.is_mark());
        mark.is_some_and(|t| first.quote(&t.from).is_empty() || first.quote(&t.from).starts_with(':'))
    };
    let introduced =
        first.spans.first().is_some_and(|s| s.label == Label::Ignore && s.tokens.start == 0 && colon(s.tokens.end));
    (!text.is_empty()).then_some((text, introduced))
}

/// "Ma demande : …": what follows the colon.
fn without_intro(reading: &Reading<'_>) -> String {
    let intro = reading.spans.first().filter(|s| s.label == Label::Ignore && s.tokens.start == 0);
    let start = intro.and_then(|s| reading.normal.tokens.get(s.tokens.end)).filter(|t| t.is_mark()).map(|t| t.from.end);
    reading.original.get(start.unwrap_or(0)..).unwrap_or_default().trim().to_owned()
}

/// "demande: …", "voilà où elle en est : « Aidez-moi à … »" from the facilitator: the sentence, word for word.
pub(super) fn noted(ask: &Ask<'_>) -> Option<String> {
    labelled(ask).or_else(|| asked_for_help(ask))
}

/// "On y est : Aidez-moi à …", "got it at last, help me to …": from the call for help on.
fn without_lead<'a>(words: &Words, text: &'a str) -> &'a str {
    let reading = words.read(&[TableName::StepRequest], text);
    let tokens = &reading.normal.tokens;
    let begin = reading.first_request().map_or(0, |s| s.tokens.start);
    let leads = words.introduces(&tokens[..begin]) && words.calls_for_help(tokens.get(begin));
    tokens.get(begin).filter(|_| leads).and_then(|t| text.get(t.from.start..)).unwrap_or(text)
}

/// After a mark a sentence that asks for help.
fn asked_for_help(ask: &Ask<'_>) -> Option<String> {
    // from the first mark on; without one the sentence is all there is
    let mark = ask.text.find([':', '"', '«', '“']).unwrap_or(0);
    let body = ask.words.without_sign_off(ask.text.get(mark..)?, &ask.context.names);
    let body = if mark > 0 { body } else { without_lead(ask.words, body) };
    let text = body.trim_matches(['"', '«', '»', '“', '”', ' ', '\u{a0}', ':', '\n', '\r']);
    let reading = ask.words.read(&[TableName::StepRequest], text);
    let asks = reading.spans.iter().any(|s| s.label == Label::Request && s.tokens.start == 0);
    let whole = || {
        let first = reading.normal.tokens.first();
        first.is_some_and(|t| ask.words.lexicon.persons.help.contains(&t.text)) && reading.normal.words() > WHOLE
    };
    (asks && reading.normal.words() >= 4 && (mark > 0 || whole())).then(|| text.to_owned())
}

/// What follows the label.
fn labelled(ask: &Ask<'_>) -> Option<String> {
    let r = &ask.reading;
    let label = r.spans.iter().find(|s| s.label == Label::Request && r.unknown_before(s.tokens.start) <= 4)?;
    let mark = r.normal.tokens.get(label.tokens.end)?;
    let written = r.quote(&mark.from).starts_with([':', '\n', '-', '=', '«', '"', '–', '—']);
    if !mark.is_mark() || !written {
        return None;
    }
    let rest = ask.text.get(mark.from.end..)?;
    let body = ask.words.without_sign_off(rest, &ask.context.names);
    let text = body.trim_matches(['"', '«', '»', '“', '”', ' ', '\u{a0}', ':', '\n', '\r']);
    (text.split_whitespace().count() >= 2).then(|| text.to_owned())
}
