//! What the person wrote in a mail, without what is quoted, announced, signed and added by machines.
//!
//! First what we sent ourselves is found by comparing (`ours`), then the marks of mail programs (`quote`). Each line gets
//! one `Part`; the reply is what is left as the person's.

use super::letter::Letter;
use super::quote::{self, Head};
use super::{ours, text};

/// A person's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The words, with their paragraphs; empty when the mail says nothing of its own.
    pub text: String,
    /// What told the quote from the reply: `sent`, `attribution:fr`, `header block`, `separator`, `forward`, `angle`,
    /// `reaction`, or `none` where nothing was cut.
    pub rule: String,
    /// The cut is certain: nothing of the reply can be a quote, nor the other way round.
    pub sure: bool,
    /// Something was quoted.
    pub quoted: bool,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The person's.
    Theirs,
    Blank,
    /// `>` or marked as quoted by its mail program.
    Quoted,
    /// Announces a quote.
    Head,
    /// Below an announcement, without any `>`.
    Below,
    /// Ours, by its words.
    Ours,
    /// A signature, a phone's line, a notice.
    Added,
}

/// Shortest signature separator's reach: more lines than this below `--` are no signature.
const SIGNATURE_LINES: usize = 12;
/// A quoted line this long may have been broken by a program.
const LONG_LINE: usize = 60;

/// So many lines in our own words are looked for in the quotes: answers are few, and looking costs time.
const MAX_REPEATED: usize = 40;

/// What a quote cut out of HTML leaves, as a pattern sees it.
const CUT_KEY: &str = "...";

/// Lines with what is known of each.
struct Page<'a> {
    lines: Vec<&'a str>,
    keys: Vec<String>,
    parts: Vec<Part>,
    /// What is left of a line of which only a part is the person's.
    left: Vec<Option<String>>,
    rule: Option<String>,
    sure: bool,
}

/// Cuts the reply out of a letter. `sent` is the text of the mail it answers, where known (several texts may be joined).
pub fn reply(letter: &Letter, sent: Option<&str>) -> Reply {
    if let Some(emoji) = &letter.reaction {
        return Reply { text: emoji.clone(), rule: "reaction".to_owned(), sure: false, quoted: false };
    }
    let body = text::clean(&letter.text);
    let mut page = Page::new(&body);
    page.mark_quotes();
    if let Some(sent) = sent {
        let cut_before = page.keys.iter().any(|k| k.trim_start_matches(['>', ' ']) == CUT_KEY && k.starts_with('>'));
        page.mark_ours(cut_before.then_some(letter.whole.as_str()), sent);
    }
    page.mark_added();
    page.result()
}

impl<'a> Page<'a> {
    fn new(body: &'a str) -> Self {
        let lines: Vec<&str> = body.split('\n').collect();
        let keys: Vec<String> = lines.iter().map(|l| text::key(l)).collect();
        let parts = keys.iter().map(|k| if k.is_empty() { Part::Blank } else { Part::Theirs }).collect();
        let left = vec![None; lines.len()];
        Self { lines, keys, parts, left, rule: None, sure: true }
    }

    /// Marks by mail programs: `>`, announcements, and what follows these.
    fn mark_quotes(&mut self) {
        let mut at = 0;
        while at < self.lines.len() {
            if quote::is_angled(self.lines[at]) {
                self.parts[at] = Part::Quoted;
                self.rule.get_or_insert_with(|| "angle".to_owned());
                at += 1;
            } else if let Some(head) = quote::head(&self.keys, at) {
                at = self.take_head(at, head);
            } else {
                at += 1;
            }
        }
        self.join_broken_quotes();
    }

    /// Marks an announcement; without `>` below it, all that follows is quoted.
    fn take_head(&mut self, at: usize, head: Head) -> usize {
        self.parts[at..head.end].fill(Part::Head);
        if let Some(top) = head.top {
            self.parts[at] = Part::Theirs;
            self.left[at] = Some(top);
        }
        for above in (0..at).rev() {
            match self.parts[above] {
                Part::Blank => {}
                Part::Theirs if quote::is_rule(&self.keys[above]) => self.parts[above] = Part::Head,
                _ => break,
            }
        }
        self.rule = self.rule.take().filter(|r| r != "angle").or(Some(head.rule));
        let next = (head.end..self.lines.len()).find(|n| !self.keys[*n].is_empty());
        match next {
            Some(n) if quote::is_angled(self.lines[n]) => n,
            _ => {
                for part in self.parts[head.end..].iter_mut().filter(|p| **p != Part::Blank) {
                    *part = Part::Below;
                }
                self.lines.len()
            }
        }
    }

    /// A line between two quoted ones that is the end of the first, broken off by a program.
    fn join_broken_quotes(&mut self) {
        for n in 1..self.lines.len().saturating_sub(1) {
            let between =
                self.parts[n] == Part::Theirs && self.parts[n - 1] == Part::Quoted && self.parts[n + 1] == Part::Quoted;
            if between && is_broken_off(self.lines[n - 1], &self.keys[n]) {
                self.parts[n] = Part::Quoted;
            }
        }
    }

    /// Marks what we sent. Above all quotes, what the person repeats of it stays the person's.
    fn mark_ours(&mut self, whole: Option<&str>, sent: &str) {
        let covers = ours::cover(&self.lines, whole, sent);
        let first_quote = self
            .parts
            .iter()
            .position(|p| matches!(p, Part::Quoted | Part::Head | Part::Below))
            .unwrap_or(self.lines.len());
        let quoted = self.quoted_words();
        let (mut first_ours, mut tries) = (None, 0);
        for (n, cover) in covers.iter().enumerate().filter(|(_, c)| c.ours > 0) {
            if self.parts[n] != Part::Theirs || (n < first_quote && cover.repeated) {
                continue;
            }
            if tries < MAX_REPEATED && self.stands_alone(n) {
                tries += 1;
                if self.repeats(n, cover, &quoted) {
                    continue;
                }
            }
            first_ours = first_ours.or(Some(n));
            if cover.is_whole() {
                self.parts[n] = Part::Ours;
            } else {
                let pieces: Vec<&str> = cover.theirs.iter().map(|(a, b)| &self.lines[n][*a..*b]).collect();
                self.left[n] = Some(pieces.join(" "));
                self.sure = false;
            }
        }
        if let Some(first) = first_ours {
            self.wordless(first, sent);
            self.announce(self.parts.iter().position(|p| *p == Part::Ours).unwrap_or(first).min(first));
            self.rule = Some("sent".to_owned());
        }
        self.answers_below(&covers);
    }

    /// The words on lines marked with `>`, as patterns see them, each between blanks.
    fn quoted_words(&self) -> String {
        let marked = self.parts.iter().zip(&self.keys).filter(|(p, _)| **p == Part::Quoted);
        let words = marked.flat_map(|(_, key)| key.trim_start_matches(['>', '|', ' ']).split(' '));
        std::iter::once("").chain(words).chain([""]).collect::<Vec<_>>().join(" ").to_lowercase()
    }

    /// A short line between blank ones.
    fn stands_alone(&self, n: usize) -> bool {
        let blank = |at: Option<&Part>| at.is_none_or(|p| *p == Part::Blank);
        self.lines[n].len() <= LONG_LINE && n > 0 && blank(self.parts.get(n - 1)) && blank(self.parts.get(n + 1))
    }

    /// An answer of our own words, alone between blank lines, while what it repeats is marked as quoted elsewhere: the
    /// "Yes" below "> Was it you? Yes or No". The end of a broken line never stands alone.
    fn repeats(&self, n: usize, cover: &ours::Cover, quoted: &str) -> bool {
        let line = self.lines[n];
        let ends = cover.theirs.iter().flat_map(|(from, to)| [*from, *to]);
        let cuts: Vec<usize> = std::iter::once(0).chain(ends).chain([line.len()]).collect();
        let ours = cuts.chunks_exact(2).filter_map(|cut| line.get(cut[0]..cut[1]));
        let signs = |c: char| !c.is_alphanumeric();
        let mut pieces =
            ours.map(|piece| text::key(piece.trim_matches(signs)).to_lowercase()).filter(|p| !p.is_empty());
        pieces.all(|piece| {
            quoted
                .match_indices(&piece)
                .any(|(at, found)| quoted[..at].ends_with(signs) && quoted[at + found.len()..].starts_with(signs))
        })
    }

    /// An announcement in a language we do not know: the line right above our text, with a number and `:` or an address.
    fn announce(&mut self, first_ours: usize) {
        let Some(above) = (0..first_ours).rev().find(|n| self.parts[*n] != Part::Blank) else {
            return;
        };
        let key = &self.keys[above];
        let says = key.contains('@') || (key.ends_with(':') && key.contains(|c: char| c.is_ascii_digit()));
        if self.parts[above] == Part::Theirs && first_ours - above <= 3 && says && self.left[above].is_none() {
            self.parts[above] = Part::Head;
        }
    }

    /// Lines of signs alone among ours: a rule, a bullet, a stray colon that we sent.
    fn wordless(&mut self, first_ours: usize, sent: &str) {
        let alone: Vec<&str> =
            sent.lines().map(str::trim).filter(|l| !l.is_empty() && !l.contains(char::is_alphanumeric)).collect();
        let signs = |line: &str| line.chars().all(|c| c.is_whitespace() || sent.contains(c));
        for n in 0..self.lines.len() {
            let line = self.lines[n].trim();
            let wordless = self.parts[n] == Part::Theirs && !line.contains(char::is_alphanumeric);
            if wordless && (alone.contains(&line) || (n > first_ours && line.len() <= LONG_LINE && signs(line))) {
                self.parts[n] = Part::Ours;
            }
        }
    }

    /// Where nothing stands above an unmarked quote of ours, the lines in and after it that are not ours may be the
    /// answer: taken, never for sure.
    fn answers_below(&mut self, covers: &[ours::Cover]) {
        let mut below = (0..self.lines.len()).filter(|n| self.parts[*n] == Part::Below);
        let Some(first) = below.find(|n| covers[*n].ours > 0) else {
            return;
        };
        if self.parts.contains(&Part::Theirs) {
            return;
        }
        for (n, cover) in covers.iter().enumerate().skip(first) {
            if cover.ours == 0 && self.parts[n] == Part::Below {
                if quote::head(&self.keys, n).is_some() || quote::is_angled(self.lines[n]) {
                    break;
                }
                self.parts[n] = Part::Theirs;
                self.sure = false;
                self.rule = Some("sent".to_owned());
            }
        }
    }

    /// Phones' lines, hosts' banners, signatures and notices among what is left.
    fn mark_added(&mut self) {
        let mut at = 0;
        let mut spoken = false;
        while at < self.lines.len() {
            if self.parts[at] != Part::Theirs {
                at += 1;
            } else if self.begins_signature(at) || (spoken && quote::is_notice(&self.keys[at])) {
                let notice = !self.keys[at].starts_with(['-', '—']);
                while at < self.lines.len()
                    && matches!(self.parts[at], Part::Theirs | Part::Blank)
                    && !(notice && self.parts[at] == Part::Blank)
                {
                    self.parts[at] = if self.parts[at] == Part::Blank { Part::Blank } else { Part::Added };
                    at += 1;
                }
            } else {
                if quote::is_added(&self.keys[at]) {
                    self.parts[at] = Part::Added;
                }
                spoken |= self.parts[at] == Part::Theirs;
                at += 1;
            }
        }
    }

    /// `-- ` (RFC 3676 §4.3), or `--` and `—` with only a few lines below.
    fn begins_signature(&self, at: usize) -> bool {
        if self.lines[at] == "-- " {
            return true;
        }
        let below = self.parts[at + 1..].iter().take_while(|p| matches!(p, Part::Theirs | Part::Blank));
        matches!(self.keys[at].as_str(), "--" | "—" | "–")
            && below.filter(|p| **p == Part::Theirs).take(SIGNATURE_LINES + 1).count() <= SIGNATURE_LINES
    }

    fn result(mut self) -> Reply {
        let quoted = self.parts.iter().any(|p| matches!(p, Part::Quoted | Part::Head | Part::Below | Part::Ours))
            || self.left.iter().any(Option::is_some);
        if let Some(last) = self.parts.iter().rposition(|p| *p == Part::Theirs)
            && quote::is_rule(&self.keys[last])
        {
            self.parts[last] = Part::Added;
        }
        let mut out = String::new();
        let mut gap = false;
        let (mut cuts, mut open) = (0, false);
        for n in 0..self.lines.len() {
            if self.parts[n] != Part::Theirs {
                gap = true;
                open &= matches!(self.parts[n], Part::Blank | Part::Added);
                continue;
            }
            if !open {
                cuts += 1;
                open = true;
            }
            if !out.is_empty() {
                out.push_str(if gap { "\n\n" } else { "\n" });
            }
            out.push_str(self.left[n].as_deref().unwrap_or(self.lines[n]).trim_end());
            gap = false;
        }
        let text = out.trim().to_owned();
        let sure = self.sure && cuts <= 1 && !text.is_empty();
        Reply { text, rule: self.rule.unwrap_or_else(|| "none".to_owned()), sure, quoted }
    }
}

/// Was `tail` broken off the quoted line before it? It closes a bracket opened there, is a link, or goes on in lower
/// case after a long line.
fn is_broken_off(quoted: &str, tail: &str) -> bool {
    let opens = |open: char, close: char| {
        quoted.rfind(open).is_some_and(|at| !quoted[at..].contains(close)) && tail.contains(close)
    };
    let goes_on = tail.starts_with(|c: char| c.is_lowercase() || c == '(') && quoted.chars().count() >= LONG_LINE;
    opens('(', ')') || opens('<', '>') || goes_on || (tail.starts_with(['(', '<']) && tail.contains("://"))
}
