//! HTML as text. Quotes are cut out first, where the mail program marked them; each leaves the line `> …`, so that what
//! follows sees that something was quoted there.

use std::sync::LazyLock;

use html2text::{Element, Handle, RcDom, config};
use regex::Regex;

use super::typed::Typed;

/// Wide enough that no line is broken: lines are the writer's.
const WIDTH: usize = 100_000;
/// Above these, HTML is a bomb or a machine's work: it is read without its structure, in linear time.
const MAX_DEPTH: usize = 300;
/// Bound on (open formatting elements × tags): the HTML standard has parsers repeat open ones for each paragraph.
const MAX_WORK: usize = 400_000;
/// Tags in all: a line break in each of many open paragraphs takes the reader the square of their number.
const MAX_TAGS: usize = 12_000;

/// What a mail program's mark says about the quote.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// This element is quoted.
    Element,
    /// This element and all that follows it is quoted.
    Rest,
    /// This element is the writer's signature.
    Signature,
}

/// Text without the quotes that are marked as such.
pub(super) fn to_text(html: &str) -> String {
    let plain = without_spans(html);
    if is_too_much(&plain) {
        return bare(html);
    }
    let said = |text: &String| text.lines().any(|line| !line.starts_with('>') && !line.trim().is_empty());
    // who writes into the signature has said it
    let text = render(&plain, true).filter(said).or_else(|| render(&plain, false));
    text.unwrap_or_else(|| bare(html))
}

/// The source without the tags that Word puts around each piece of text and that say nothing here: `<o:p>`, and a span
/// that bears no mark. A mail of a hundred paragraphs has hundreds of them, and each costs as much as a paragraph.
fn without_spans(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    // of the spans that are open, whether each was left in
    let mut open: Vec<bool> = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some(end) = verbatim(rest).or_else(|| rest.find('>').map(|end| end + 1)) else { break };
        let tag = &rest[..end];
        rest = &rest[end..];
        let goes = match name(tag) {
            ("", "o:p") | ("/", "o:p") => is_whole(tag),
            ("", "span") => {
                let low = tag.to_ascii_lowercase();
                open.push(!is_whole(tag) || low.contains("id") || low.contains("class"));
                open.last() == Some(&false)
            }
            ("/", "span") => open.pop() == Some(false),
            _ => false,
        };
        if !goes {
            out.push_str(tag);
        }
    }
    out.push_str(rest);
    out
}

/// A slash or none, and the name of a tag of those that may go; of others nothing.
fn name(tag: &str) -> (&str, &'static str) {
    let inside = &tag[1..];
    let (slash, inside) = inside.split_at(usize::from(inside.starts_with('/')));
    let is = |name: &str| {
        let begins = inside.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name));
        begins && inside[name.len()..].starts_with(|c: char| c == '>' || c == '/' || c.is_ascii_whitespace())
    };
    (slash, ["o:p", "span"].into_iter().find(|name| is(name)).unwrap_or_default())
}

/// A tag ends at its first `>` unless that stands in quotes.
fn is_whole(tag: &str) -> bool {
    ['"', '\''].iter().all(|quote| tag.matches(*quote).count().is_multiple_of(2))
}

/// How long what begins here is where it holds no tags: a comment, a style sheet, a script.
fn verbatim(rest: &str) -> Option<usize> {
    for (begin, end) in [("<!--", "-->"), ("<style", "</style"), ("<script", "</script"), ("<title", "</title")] {
        if rest.get(..begin.len()).is_some_and(|b| b.eq_ignore_ascii_case(begin)) {
            let behind = &rest.as_bytes()[begin.len()..];
            let at = behind.windows(end.len()).position(|w| w.eq_ignore_ascii_case(end.as_bytes()));
            return Some(at.map_or(rest.len(), |at| begin.len() + at + end.len()));
        }
    }
    None
}

/// Without what is marked as quoted, and perhaps what is marked as the signature.
fn render(html: &str, unsigned: bool) -> Option<String> {
    let plain = || config::with_decorator(Typed).raw_mode(true).allow_width_overflow();
    let dom = plain().parse_html(html.as_bytes()).ok()?;
    let mark = plain().parse_html("<div>&gt; …</div>".as_bytes()).ok()?;
    cut_marked(&dom, &mark, unsigned);
    let tree = plain().dom_to_render_tree(&dom).ok()?;
    let text = plain().render_to_string(tree, WIDTH).ok()?;
    Some(super::text::clean(&text))
}

/// Replaces quotes by the mark, and empties signatures. Walks in document order without recursion.
fn cut_marked(dom: &RcDom, mark: &RcDom, unsigned: bool) {
    let Some(document) = dom.get_node_by_path(&[]) else {
        return;
    };
    let quote: Vec<Handle> = mark.get_node_by_path(&[]).map(|m| m.children.borrow().clone()).unwrap_or_default();
    let mut stack = vec![document];
    let mut rest = false;
    while let Some(node) = stack.pop() {
        if rest {
            node.children.borrow_mut().clear();
            continue;
        }
        match cut(&node) {
            Some(Cut::Signature) if unsigned => node.children.borrow_mut().clear(),
            Some(how) if how != Cut::Signature => {
                node.children.replace(quote.clone());
                rest = how == Cut::Rest;
                if rest {
                    empty_after(&mut stack);
                }
            }
            _ => stack.extend(node.children.borrow().iter().rev().cloned()),
        }
    }
}

/// Takes from their parents the nodes that come after a quote that goes to the end (text nodes too).
fn empty_after(stack: &mut Vec<Handle>) {
    for node in stack.drain(..) {
        let parent = node.parent.take();
        let above = parent.as_ref().and_then(std::rc::Weak::upgrade);
        node.parent.set(parent);
        if let Some(above) = above {
            above.children.borrow_mut().retain(|child| !std::rc::Rc::ptr_eq(child, &node));
        }
    }
}

/// Is this element a quote, by the marks of Gmail, Outlook, Apple Mail, Thunderbird, Yahoo and Proton?
fn cut(node: &Handle) -> Option<Cut> {
    let Element { name, attrs, .. } = &node.data else {
        return None;
    };
    let attrs = attrs.borrow();
    let attr =
        |key: &str| attrs.iter().find(|a| &*a.name.local == key).map(|a| a.value.to_string()).unwrap_or_default();
    let (id, classes, style) = (attr("id"), attr("class"), attr("style").replace(' ', "").to_ascii_lowercase());
    let tag: &str = &name.local;
    let has = |class: &str| classes.split_ascii_whitespace().any(|c| c == class || c.ends_with(&format!("_{class}")));
    if ["divRplyFwdMsg", "appendonsend", "mail-editor-reference-message-container", "OLK_SRC_BODY_SECTION"]
        .iter()
        .any(|known| id == *known || id.ends_with(&format!("_{known}")))
        || (tag == "div" && (style.contains("border-top:solid#e1e1e1") || style.contains("border-top:solid#b5c4df")))
    {
        return Some(if id.ends_with("appendonsend") && node.children.borrow().is_empty() {
            return None;
        } else {
            Cut::Rest
        });
    }
    let whole = classes.split_ascii_whitespace().any(|c| c.ends_with("yahoo_quoted"))
        || has("protonmail_quote")
        || has("moz-cite-prefix")
        || has("gmail_attr");
    let signature = ["gmail_signature", "protonmail_signature_block", "moz-signature"].iter().any(|class| has(class));
    if signature || attr("name") == "messageSignatureSection" || id == "ms-outlook-mobile-signature" {
        return Some(Cut::Signature);
    }
    // Gmail puts into the same element, without a block of its own, what is passed on
    let passed_on = tag == "div" && has("gmail_quote") && holds(node, "gmail_attr") && !holds(node, "blockquote");
    let quoted = tag == "blockquote" && (attr("type") == "cite" || has("gmail_quote") || !attr("cite").is_empty());
    (whole || quoted || passed_on || (tag == "div" && has("zmail_extra"))).then_some(Cut::Element)
}

/// Is there an element of this name or class inside?
fn holds(node: &Handle, sought: &str) -> bool {
    let mut stack: Vec<Handle> = node.children.borrow().iter().cloned().collect();
    while let Some(node) = stack.pop() {
        if let Element { name, attrs, .. } = &node.data {
            let classed = |value: &str| value.split_ascii_whitespace().any(|class| class == sought);
            if &*name.local == sought || attrs.borrow().iter().any(|a| &*a.name.local == "class" && classed(&a.value)) {
                return true;
            }
        }
        stack.extend(node.children.borrow().iter().cloned());
    }
    false
}

/// All text of an HTML source, tags taken out and nothing else understood. Linear, for any input.
pub(super) fn bare(html: &str) -> String {
    static UNSEEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?is)<(?:style|script|head|title)\b.*?</(?:style|script|head|title)\s*>|<!--.*?-->").ok()
    });
    static ENDS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[\r\n]").ok());
    static BREAKS: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?i)</?(?:br|p|div|tr|li|h[1-6]|blockquote|table)\b[^>]*>").ok());
    static TAGS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"<[a-zA-Z/!][^>]*>").ok());
    // text that is called HTML and has not one tag
    let plain = TAGS.as_ref().is_some_and(|tags| !tags.is_match(html));
    let mut text = html.to_owned();
    let ends = (!plain).then_some((&ENDS, " "));
    for (pattern, by) in ends.into_iter().chain([(&UNSEEN, " "), (&BREAKS, "\n"), (&TAGS, "")]) {
        if let Some(pattern) = pattern.as_ref() {
            text = pattern.replace_all(&text, by).into_owned();
        }
    }
    super::text::clean(&entities(&text))
}

/// The entities mail programs write in text.
fn entities(text: &str) -> String {
    const NAMED: [(&str, &str); 8] = [
        ("&nbsp;", "\u{a0}"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&apos;", "'"),
        ("&eacute;", "é"),
        ("&amp;", "&"),
    ];
    NAMED.iter().fold(text.to_owned(), |t, (from, to)| t.replace(from, to))
}

/// Could this HTML take long to build? Counts open elements without building anything.
fn is_too_much(html: &str) -> bool {
    const LOOSE: [&str; 18] = [
        "p", "li", "td", "tr", "th", "dt", "dd", "br", "hr", "img", "meta", "link", "input", "col", "option", "wbr",
        "tbody", "o:p",
    ];
    const FORMATTING: [&str; 9] = ["b", "i", "u", "a", "font", "em", "strong", "small", "big"];
    let (mut depth, mut deepest, mut formatting, mut most, mut tags) = (0usize, 0usize, 0usize, 1usize, 0usize);
    for piece in html.split('<').skip(1) {
        let closes = piece.starts_with('/');
        let name = piece
            .trim_start_matches('/')
            .split(|c: char| c.is_whitespace() || c == '>' || c == '/')
            .next()
            .unwrap_or_default();
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            continue;
        }
        tags += 1;
        let is = |known: &&str| name.eq_ignore_ascii_case(known);
        if LOOSE.iter().any(is) {
            continue;
        }
        let step = |n: usize| if closes { n.saturating_sub(1) } else { n + 1 };
        depth = step(depth);
        deepest = deepest.max(depth);
        if FORMATTING.iter().any(is) {
            formatting = step(formatting);
            most = most.max(formatting);
        }
    }
    deepest > MAX_DEPTH || most * tags > MAX_WORK || tags > MAX_TAGS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squeezed(html: &str) -> String {
        super::super::text::one_line(&to_text(html))
    }

    #[test]
    fn marked_quotes_leave_a_line() {
        for quote in [
            "<div class=gmail_quote><div dir=ltr class=gmail_attr>Le … a écrit :<br></div><blockquote class=gmail_quote>Q</blockquote></div>",
            "<div id=\"divRplyFwdMsg\"><b>De :</b> codev</div><div>Q</div>tail",
            "<div class=\"moz-cite-prefix\">Le … :</div><blockquote type=\"cite\" cite=\"mid:x\"><p>Q</p></blockquote>",
            "<div style=\"border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt\"><p><b>De :</b></p></div><p>Q</p>",
            "<div class=\"protonmail_quote\">Le …<blockquote>Q</blockquote></div>",
            "<div id=\"ydp1yahoo_quoted_2\" class=\"ydp12yahoo_quoted\">Q</div>",
        ] {
            let text = squeezed(&format!("<html><body><p>Oui, je viens</p>{quote}</body></html>"));
            assert!(text.starts_with("Oui, je viens >"), "{text}");
            assert!(!text.contains('Q') && !text.contains("tail"), "{text}");
        }
    }

    #[test]
    fn links_and_headings_are_their_words_and_emoji_pictures_are_emoji() {
        let html = "<h3>Oui</h3><p>Voir <a href=\"https://example.org\">le site</a> <img src=\"x\" alt=\"👍\"></p><ul><li>un</ul>";
        assert_eq!(squeezed(html), "Oui Voir le site 👍 * un");
    }

    #[test]
    fn marked_signatures_go_unless_they_hold_the_answer() {
        let signed = "<div class=\"gmail_signature\">Anne Dupont<br>06 01</div>";
        assert_eq!(squeezed(&format!("<div>Oui</div>{signed}")), "Oui");
        let quote = "<blockquote type=cite>Q</blockquote>";
        assert_eq!(squeezed(&format!("<div class=\"gmail_signature\">Oui<br>Anne</div>{quote}")), "Oui Anne > > …");
    }

    #[test]
    fn what_gmail_passes_on_is_no_answer() {
        let html = "<div>Voici.</div><div class=\"gmail_quote\"><div class=\"gmail_attr\">---- Forwarded</div><div>Q</div></div>";
        assert_eq!(squeezed(html), "Voici. > …");
    }

    #[test]
    fn answers_between_quotes_stay() {
        let html = "<blockquote type=cite>un ?</blockquote><p>Premier</p><blockquote type=cite>deux ?</blockquote><p>Second</p>";
        assert_eq!(squeezed(html), "> > … Premier > > … Second");
    }

    #[test]
    fn spans_without_a_mark_go_and_nothing_else() {
        for (html, plain) in [
            ("<p><span lang=FR>Oui<o:p></o:p></span></p>", "<p>Oui</p>"),
            ("<P><SPAN STYLE='x'>a<SPAN CLASS=y>b</SPAN>c</SPAN>d", "<P>a<SPAN CLASS=y>b</SPAN>cd"),
            ("<span id=m>a<span>b</span>c</span>d", "<span id=m>abc</span>d"),
            ("<!-- <span> --><span>a</span>", "<!-- <span> -->a"),
            ("<style>a<span>b</style><span>c</span>", "<style>a<span>b</style>c"),
            ("<span title=\"a>b\">c</span>", "<span title=\"a>b\">c</span>"),
            ("</span>a</span>", "</span>a</span>"),
            ("a < b <spanish>c</spanish> <span", "a < b <spanish>c</spanish> <span"),
            ("é<o:p>\u{a0}</o:p>é<!-- ", "é\u{a0}é<!-- "),
        ] {
            assert_eq!(without_spans(html), plain, "{html}");
        }
    }

    #[test]
    fn bombs_are_read_without_structure() {
        assert_eq!(squeezed(&("<div>".repeat(50_000) + "oui")), "oui");
        assert_eq!(squeezed(&("<p><br>".repeat(30_000) + "oui")), "oui");
        assert_eq!(squeezed(&("<b a=1><i x=2>".repeat(60) + &"<p>".repeat(100_000) + "oui")), "oui");
    }
}
