//! What the person wrote in a mail, without what is quoted, announced, signed and added by machines.
//!
//! First what we sent ourselves is found by comparing (`ours`), then the marks of mail programs (`quote`). Each line gets
//! one `Line`; the reply is what is left as the person's.

use std::collections::HashMap;
use std::ops::Range;

use super::letter::Letter;
use super::parts::{Part, PartKind, Parts};
use super::quote::{self, Head};
use super::{damage, inline, ours, text};

/// A person's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The words, with their paragraphs; empty when the mail says nothing of its own.
    pub text: String,
    /// What told the quote from the reply: `sent`, `attribution:fr`, `header block`, `separator`, `forward`, `angle`,
    /// `reaction`, `typed in` where the answer stands in our own quoted lines, or `none` where nothing was cut.
    pub rule: String,
    /// The cut is certain: nothing of the reply can be a quote, nor the other way round.
    pub sure: bool,
    /// Something was quoted.
    pub quoted: bool,
    /// The text that was read, with `\n` line ends and without invisible characters: what `parts` counts in.
    pub body: String,
    /// Which part of that text is what, in its order.
    pub parts: Vec<Part>,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
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
    /// A signature, a phone's line, a notice: its rule tells which.
    Added,
}

/// A line of which a part is the person's.
struct Left {
    /// The person's words.
    text: String,
    /// Where they stand in the line.
    theirs: Vec<(usize, usize)>,
    /// What told them: `own`, or `typed in` where they stand in a quote.
    rule: &'static str,
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
    parts: Vec<Line>,
    /// What told each line: its number in `rules`.
    told: Vec<u16>,
    rules: Vec<String>,
    /// What is left of a line of which only a part is the person's.
    left: Vec<Option<Left>>,
    rule: Option<String>,
    sure: bool,
}

/// Cuts the reply out of a letter. `sent` is the text of the mail it answers, where known (several texts may be joined).
pub fn reply(letter: &Letter, sent: Option<&str>) -> Reply {
    if let Some(emoji) = &letter.reaction {
        let rule = "reaction".to_owned();
        let all = Part { kind: PartKind::Reply, bytes: 0..emoji.len(), lines: (1, 1), rule: rule.clone() };
        return Reply { text: emoji.clone(), rule, sure: false, quoted: false, body: emoji.clone(), parts: vec![all] };
    }
    let reply = cut(&letter.text, &letter.whole, sent, false);
    // typed into the one quote that was cut out of HTML: our text tells it from what we sent
    let cut_out = || reply.body.lines().filter(|line| is_cut_mark(&text::key(line))).count() == 1;
    if sent.is_some() && reply.text.is_empty() && cut_out() {
        let inside = cut(&letter.whole, &letter.whole, sent, true);
        if !inside.text.is_empty() {
            return Reply { sure: false, ..inside };
        }
    }
    reply
}

/// Cuts the reply out of a text; `whole` is all text of its mail. All of it may be known to be quoted.
fn cut(text: &str, whole: &str, sent: Option<&str>, quoted: bool) -> Reply {
    let body = text::clean(text);
    let came = sent.map(|sent| damage::as_it_came(sent, &body));
    let sent = came.as_deref();
    let mut page = Page::new(&body);
    // what we wrote ourselves is found by comparing; patterns tell the rest
    let ours = sent.map(|sent| (page.compared(whole, sent), sent));
    page.mark_quotes();
    if let Some((covers, _)) = ours.as_ref().filter(|_| quoted) {
        page.mark_all(covers);
    }
    if let Some((covers, sent)) = ours {
        page.mark_ours(&covers, sent);
    }
    page.mark_added();
    let reply = page.result();
    Reply { body, ..reply }
}

/// Is this the line that a quote cut out of HTML leaves?
fn is_cut_mark(key: &str) -> bool {
    key.starts_with('>') && key.trim_start_matches(['>', ' ']) == CUT_KEY
}

impl<'a> Page<'a> {
    fn new(body: &'a str) -> Self {
        let lines: Vec<&str> = body.split('\n').collect();
        let keys: Vec<String> = lines.iter().map(|l| text::key(l)).collect();
        let parts = keys.iter().map(|k| if k.is_empty() { Line::Blank } else { Line::Theirs }).collect();
        let left = lines.iter().map(|_| None).collect();
        let told = vec![0; lines.len()];
        Self { lines, keys, parts, told, rules: vec!["own".to_owned()], left, rule: None, sure: true }
    }

    /// Marks lines, and remembers what told it.
    fn mark(&mut self, lines: Range<usize>, line: Line, rule: &str) {
        let known = self.rules.iter().position(|r| r == rule);
        let number = known.unwrap_or_else(|| {
            self.rules.push(rule.to_owned());
            self.rules.len() - 1
        });
        self.parts[lines.clone()].fill(line);
        self.told[lines].fill(u16::try_from(number).unwrap_or(0));
    }

    /// Marks by mail programs: `>`, announcements, and what follows these.
    fn mark_quotes(&mut self) {
        let mut at = 0;
        while at < self.lines.len() {
            if quote::is_angled(self.lines[at]) {
                self.mark(at..at + 1, Line::Quoted, "angle");
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
        self.mark(at..head.end, Line::Head, &head.rule);
        if let Some(top) = head.top {
            self.parts[at] = Line::Theirs;
            let end = text::end_of(self.lines[at], &top);
            self.left[at] = Some(Left { text: top, theirs: vec![(0, end)], rule: "own" });
        }
        for above in (0..at).rev() {
            match self.parts[above] {
                Line::Blank => {}
                Line::Theirs if quote::is_rule(&self.keys[above]) || quote::is_dashed(&self.keys[above]) => {
                    self.mark(above..above + 1, Line::Head, &head.rule)
                }
                _ => break,
            }
        }
        self.rule = self.rule.take().filter(|r| r != "angle").or_else(|| Some(head.rule.clone()));
        let next = (head.end..self.lines.len()).find(|n| !self.keys[*n].is_empty());
        match next {
            Some(n) if quote::is_angled(self.lines[n]) => n,
            _ => {
                for n in head.end..self.lines.len() {
                    if self.parts[n] != Line::Blank {
                        self.mark(n..n + 1, Line::Below, &head.rule);
                    }
                }
                self.lines.len()
            }
        }
    }

    /// All of it is quoted: what stands above the first line of ours announces it.
    fn mark_all(&mut self, covers: &[ours::Cover]) {
        let first = covers.iter().position(|cover| cover.ours > 0).unwrap_or(covers.len());
        for n in 0..self.lines.len() {
            if self.keys[n].is_empty() {
                continue;
            }
            if n < first {
                self.mark(n..n + 1, Line::Head, "cut out");
            } else if self.parts[n] == Line::Theirs {
                self.mark(n..n + 1, Line::Below, "cut out");
            }
        }
    }

    /// A line between two quoted ones that is the end of the first, broken off by a program.
    fn join_broken_quotes(&mut self) {
        for n in 1..self.lines.len().saturating_sub(1) {
            let between =
                self.parts[n] == Line::Theirs && self.parts[n - 1] == Line::Quoted && self.parts[n + 1] == Line::Quoted;
            if between && is_broken_off(self.lines[n - 1], &self.keys[n]) {
                self.mark(n..n + 1, Line::Quoted, "broken line");
            }
        }
    }

    /// How much of each line is what we sent. Where a program cut the quote out, all of the mail is compared.
    fn compared(&self, whole: &str, sent: &str) -> Vec<ours::Cover> {
        let cut_before = self.keys.iter().any(|k| is_cut_mark(k));
        ours::cover(&self.lines, cut_before.then_some(whole), sent)
    }

    /// Marks what we sent. Above all quotes, what the person repeats of it stays the person's.
    fn mark_ours(&mut self, covers: &[ours::Cover], sent: &str) {
        let first_quote = self
            .parts
            .iter()
            .position(|p| matches!(p, Line::Quoted | Line::Head | Line::Below))
            .unwrap_or(self.lines.len());
        let quoted = self.quoted_words();
        let (mut first_ours, mut tries) = (None, 0);
        for (n, cover) in covers.iter().enumerate().filter(|(_, c)| c.ours > 0) {
            if self.parts[n] != Line::Theirs || (n < first_quote && cover.repeated) {
                continue;
            }
            if tries < MAX_REPEATED && self.stands_alone(n) {
                tries += 1;
                if self.repeats(n, cover, &quoted) {
                    continue;
                }
            }
            first_ours = first_ours.or(Some(n));
            self.mark(n..n + 1, Line::Ours, "sent");
            if !cover.is_whole() {
                self.parts[n] = Line::Theirs;
                let pieces: Vec<&str> = cover.theirs.iter().map(|(a, b)| &self.lines[n][*a..*b]).collect();
                let theirs = cover.theirs.clone();
                self.left[n] = Some(Left { text: pieces.join(" "), theirs, rule: "own" });
                self.sure = false;
            }
        }
        if let Some(first) = first_ours {
            self.wordless(first, sent);
            self.announce(self.parts.iter().position(|p| *p == Line::Ours).unwrap_or(first).min(first));
            self.rule = Some("sent".to_owned());
        }
        self.answers_below(covers, sent);
        self.typed_in(sent);
    }

    /// Words typed into our quoted lines, and answers below a numbered one, which take its number.
    fn typed_in(&mut self, sent: &str) {
        let below = (0..self.lines.len()).find(|n| self.parts[*n] == Line::Below);
        let end = below.map_or(self.lines.len(), |first| {
            (first..self.lines.len()).find(|n| quote::head(&self.keys, *n).is_some()).unwrap_or(self.lines.len())
        });
        let ours = |line: &Line| matches!(line, Line::Quoted | Line::Below | Line::Ours);
        let quoted: Vec<usize> = (0..end).filter(|n| ours(&self.parts[*n])).collect();
        if quoted.is_empty() {
            return;
        }
        let sheet = inline::Sheet::new(sent);
        self.number(&sheet, &quoted);
        for (n, typed) in sheet.typed(&self.lines, &quoted) {
            self.mark(n..n + 1, Line::Theirs, "sent");
            self.left[n] =
                Some(Left { text: typed.text, theirs: vec![(typed.bytes.start, typed.bytes.end)], rule: "typed in" });
            self.sure = false;
            self.rule = Some("typed in".to_owned());
        }
    }

    /// Between two of our quoted lines, an answer right below a numbered one is that number's.
    fn number(&mut self, sheet: &inline::Sheet, quoted: &[usize]) {
        for two in quoted.windows(2) {
            let between = two[0] + 1..two[1];
            let Some(first) = between.clone().find(|n| self.parts[*n] == Line::Theirs) else { continue };
            let numbered = self.keys[first].starts_with(|c: char| c.is_ascii_digit()) || self.left[first].is_some();
            // a quotation mark or a rule answers nothing; "?" and a thumb may
            let key = &self.keys[first];
            let says = !is_wordless(key) || !key.is_ascii() || key.chars().all(|c| "?!+ ".contains(c));
            let numbered = numbered || !says;
            if let Some(number) = sheet.number(self.lines[two[0]]).filter(|_| !numbered) {
                let (text, whole) = (format!("{number} {}", self.lines[first].trim()), (0, self.lines[first].len()));
                self.left[first] = Some(Left { text, theirs: vec![whole], rule: "own" });
                self.sure = false;
            }
        }
    }

    /// The words on lines marked with `>`, as patterns see them, each between blanks.
    fn quoted_words(&self) -> String {
        let marked = self.parts.iter().zip(&self.keys).filter(|(p, _)| **p == Line::Quoted);
        let words = marked.flat_map(|(_, key)| key.trim_start_matches(['>', '|', ' ']).split(' '));
        std::iter::once("").chain(words).chain([""]).collect::<Vec<_>>().join(" ").to_lowercase()
    }

    /// A short line between blank ones.
    fn stands_alone(&self, n: usize) -> bool {
        let blank = |at: Option<&Line>| at.is_none_or(|p| *p == Line::Blank);
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
        let Some(above) = (0..first_ours).rev().find(|n| self.parts[*n] != Line::Blank) else {
            return;
        };
        let key = &self.keys[above];
        let says = key.contains('@') || (key.ends_with(':') && key.contains(|c: char| c.is_ascii_digit()));
        if self.parts[above] == Line::Theirs && first_ours - above <= 3 && says && self.left[above].is_none() {
            self.mark(above..above + 1, Line::Head, "above sent");
        }
    }

    /// Lines of signs alone among ours: a rule, a bullet, a stray colon that we sent; above our first words, the signs
    /// that our text begins with and a host turned into others.
    fn wordless(&mut self, first_ours: usize, sent: &str) {
        let alone = wordless_lines(sent);
        let begins = sent.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let mut first = first_ours;
        while let Some(n) = (0..first).rev().find(|n| self.parts[*n] != Line::Blank)
            && self.parts[n] == Line::Theirs
            && is_wordless(begins)
            && !begins.is_ascii()
            && is_wordless(self.lines[n])
        {
            self.mark(n..n + 1, Line::Ours, "sent");
            first = n;
        }
        for n in 0..self.lines.len() {
            let line = self.lines[n].trim();
            if self.parts[n] == Line::Theirs
                && is_wordless(line)
                && (alone.contains(&line) || (n > first_ours && of_signs_in(line, sent)))
            {
                self.mark(n..n + 1, Line::Ours, "sent");
            }
        }
    }

    /// Where nothing stands above an unmarked quote of ours, the lines in and after it that are not ours may be the
    /// answer: taken, never for sure.
    fn answers_below(&mut self, covers: &[ours::Cover], sent: &str) {
        let mut below = (0..self.lines.len()).filter(|n| self.parts[*n] == Line::Below);
        let Some(first) = below.find(|n| covers[*n].ours > 0) else {
            return;
        };
        let own = |n: &usize| !quote::is_added(&self.keys[*n]) && !quote::is_rule(&self.keys[*n]);
        if (0..self.lines.len()).any(|n| self.parts[n] == Line::Theirs && own(&n)) {
            return;
        }
        let alone = wordless_lines(sent);
        let mut whole = lines_of(sent);
        for n in (0..covers.len()).filter(|n| covers[*n].is_whole()) {
            whole.entry(words_of(self.lines[n])).and_modify(|left| *left = left.saturating_sub(1));
        }
        for (n, cover) in covers.iter().enumerate().skip(first) {
            if cover.ours == 0 && self.parts[n] == Line::Below {
                if quote::head(&self.keys, n).is_some() || quote::is_angled(self.lines[n]) {
                    break;
                }
                let line = self.lines[n].trim();
                let asks =
                    line.chars().all(|c| matches!(c, '?' | '!')) && self.stands_alone(n) && !alone.contains(&line);
                if is_wordless(line) && of_signs_in(line, sent) && !asks {
                    continue;
                }
                // a line of a few words that answers before and below it cut off from the rest of ours
                if whole.get_mut(&words_of(line)).is_some_and(|left| left.checked_sub(1).map(|l| *left = l).is_some()) {
                    continue;
                }
                self.mark(n..n + 1, Line::Theirs, "own");
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
            if self.parts[at] != Line::Theirs {
                at += 1;
            } else if let Some(rule) = self.begins_added(at, spoken) {
                // a notice ends with its paragraph
                while at < self.lines.len()
                    && matches!(self.parts[at], Line::Theirs | Line::Blank)
                    && !(rule == "notice" && self.parts[at] == Line::Blank)
                {
                    if self.parts[at] != Line::Blank {
                        self.mark(at..at + 1, Line::Added, rule);
                    }
                    at += 1;
                }
            } else {
                if quote::is_added(&self.keys[at]) {
                    self.mark(at..at + 1, Line::Added, "banner");
                }
                spoken |= self.parts[at] == Line::Theirs;
                at += 1;
            }
        }
    }

    /// What begins at this line that is nobody's words: a signature, a list's footer, a company's notice.
    fn begins_added(&self, at: usize, spoken: bool) -> Option<&'static str> {
        if self.begins_signature(at) {
            Some("signature")
        } else if spoken && quote::is_footer(&self.keys, at) {
            Some("list")
        } else {
            (spoken && quote::is_notice(&self.keys[at])).then_some("notice")
        }
    }

    /// `-- ` (RFC 3676 §4.3), or `--` and `—` with only a few lines below.
    fn begins_signature(&self, at: usize) -> bool {
        if self.lines[at] == "-- " {
            return true;
        }
        let below = self.parts[at + 1..].iter().take_while(|p| matches!(p, Line::Theirs | Line::Blank));
        matches!(self.keys[at].as_str(), "--" | "—" | "–")
            && below.filter(|p| **p == Line::Theirs).take(SIGNATURE_LINES + 1).count() <= SIGNATURE_LINES
    }

    fn result(mut self) -> Reply {
        let quoted = self.parts.iter().any(|p| matches!(p, Line::Quoted | Line::Head | Line::Below | Line::Ours))
            || self.left.iter().any(Option::is_some);
        if let Some(last) = self.parts.iter().rposition(|p| *p == Line::Theirs)
            && quote::is_rule(&self.keys[last])
        {
            self.mark(last..last + 1, Line::Added, "rule");
        }
        let mut out = String::new();
        let mut gap = false;
        let (mut cuts, mut open) = (0, false);
        for n in 0..self.lines.len() {
            if self.parts[n] != Line::Theirs {
                gap = true;
                open &= matches!(self.parts[n], Line::Blank | Line::Added);
                continue;
            }
            if !open {
                cuts += 1;
                open = true;
            }
            if !out.is_empty() {
                out.push_str(if gap { "\n\n" } else { "\n" });
            }
            out.push_str(self.left[n].as_ref().map_or(self.lines[n], |l| &l.text).trim_end());
            gap = false;
        }
        let text = out.trim().to_owned();
        let sure = self.sure && cuts <= 1 && !text.is_empty();
        let parts = self.spans();
        let rule = self.rule.unwrap_or_else(|| "none".to_owned());
        Reply { text, rule, sure, quoted, body: String::new(), parts }
    }

    /// Each line's stretches over the whole text.
    fn spans(&self) -> Vec<Part> {
        let mut parts = Parts::default();
        let mut from = 0;
        for (n, line) in self.lines.iter().enumerate() {
            let rule = self.rules[usize::from(self.told[n])].as_str();
            let mut add = |kind, range: Range<usize>, rule: &str| {
                if !line[range.clone()].trim().is_empty() {
                    parts.add(kind, from + range.start..from + range.end, n + 1, rule);
                }
            };
            match (self.parts[n], &self.left[n]) {
                (Line::Blank, _) => {}
                (Line::Theirs, Some(left)) => {
                    let beside = if rule == "sent" { PartKind::Quote } else { PartKind::Header };
                    let mut at = 0;
                    for (from, to) in &left.theirs {
                        add(beside, at..*from, rule);
                        add(PartKind::Reply, *from..*to, left.rule);
                        at = *to;
                    }
                    add(beside, at..line.len(), rule);
                }
                (Line::Theirs, None) => add(PartKind::Reply, 0..line.len(), "own"),
                (Line::Quoted | Line::Below | Line::Ours, _) => add(PartKind::Quote, 0..line.len(), rule),
                (Line::Head, _) => add(PartKind::Header, 0..line.len(), rule),
                (Line::Added, _) => add(added(rule), 0..line.len(), rule),
            }
            from += line.len() + 1;
        }
        parts.done()
    }
}

fn added(rule: &str) -> PartKind {
    match rule {
        "signature" => PartKind::Signature,
        "notice" | "list" => PartKind::Notice,
        "rule" => PartKind::Header,
        _ => PartKind::Banner,
    }
}

/// Signs and no letter or digit: a rule, a bullet, a thumb.
fn is_wordless(line: &str) -> bool {
    !line.is_empty() && !line.contains(char::is_alphanumeric)
}

/// The lines of a text that are signs alone.
fn wordless_lines(sent: &str) -> Vec<&str> {
    sent.lines().map(str::trim).filter(|line| is_wordless(line)).collect()
}

/// A line's words, for telling lines of ours; without the address of a button, which programs write behind its words.
fn words_of(line: &str) -> String {
    text::words(line.split("<mailto:").next().unwrap_or(line)).collect::<Vec<_>>().join(" ")
}

/// The lines of a text that have words, and how often each stands there.
fn lines_of(sent: &str) -> HashMap<String, usize> {
    let mut lines = HashMap::new();
    for line in sent.lines().map(words_of).filter(|line| !line.is_empty()) {
        *lines.entry(line).or_default() += 1;
    }
    lines
}

/// A short line of nothing but signs that we sent.
fn of_signs_in(line: &str, sent: &str) -> bool {
    line.len() <= LONG_LINE && line.chars().all(|c| c.is_whitespace() || sent.contains(c))
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
