//! What is done to a template's source when it is loaded, so that authors can type plainly.
//!
//! - `[[venez-vous|viens-tu]]` is the formal and the informal way of saying it;
//! - plain quotes and spaces become the language's typography, outside tags and markup;
//! - in text, a line that holds one tag and nothing else leaves no line behind.
//!
//! Lines stay where they were, so that errors name the right one.

use super::locale::Locale;

/// The source as Tera gets it.
pub(super) fn prepare(path: &str, source: &str, locale: &Locale) -> String {
    let html = path.ends_with(".html");
    let source = if html { source.to_owned() } else { lone_tags(source) };
    let source = ways_of_address(&source);
    if path.contains('/') { typeset(&source, html, locale) } else { source }
}

/// Stands at the end of a line that is to vanish; taken out with the line's end by [`finish`].
const VANISHES: &str = "\u{E000}\n";

/// Marks the line ends after lone tags; not outside the blocks of a template that extends another,
/// where Tera lets nothing stand.
fn lone_tags(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut depth = usize::from(!source.trim_start().starts_with("{% extends"));
    for line in source.split_inclusive('\n') {
        let inner = line.trim();
        let lone = |open: &str, close: &str| {
            inner.starts_with(open) && inner.ends_with(close) && inner.matches(close).count() == 1
        };
        depth = (depth + inner.matches("{% block ").count()).saturating_sub(inner.matches("{% endblock").count());
        if depth > 0 && line.ends_with('\n') && (lone("{%", "%}") || lone("{#", "#}")) {
            out.push_str(inner);
            out.push_str(VANISHES);
        } else {
            out.push_str(line);
        }
    }
    out
}

/// What was rendered, without the lines that were to vanish.
pub(super) fn finish(text: &str) -> String {
    text.replace(VANISHES, "")
}

fn ways_of_address(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("[[") {
        out.push_str(before);
        let pair = after.split_once("]]").and_then(|(pair, tail)| Some((pair.split_once('|')?, tail)));
        match pair {
            Some(((formal, informal), tail)) if !formal.contains('\n') => {
                out.push_str("{% if informal %}");
                out.push_str(informal);
                out.push_str("{% else %}");
                out.push_str(formal);
                out.push_str("{% endif %}");
                rest = tail;
            }
            _ => {
                out.push_str("[[");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Typography between tags; in HTML also outside `<…>`.
fn typeset(source: &str, html: bool, locale: &Locale) -> String {
    let mut out = String::with_capacity(source.len() + source.len() / 50);
    let mut rest = source;
    while let Some((at, close)) = next_code(rest, html) {
        out.push_str(&locale.typeset(&rest[..at]));
        let end = rest[at..].find(close).map_or(rest.len(), |n| at + n + close.len());
        out.push_str(&rest[at..end]);
        rest = &rest[end..];
    }
    out.push_str(&locale.typeset(rest));
    out
}

fn next_code(text: &str, html: bool) -> Option<(usize, &'static str)> {
    let marks = [("{{", "}}"), ("{%", "%}"), ("{#", "#}"), ("<", ">")];
    let used = if html { &marks[..] } else { &marks[..3] };
    used.iter().filter_map(|(open, close)| text.find(open).map(|at| (at, *close))).min()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn french() -> Locale {
        toml::from_str(include_str!("../../templates/fr/locale.toml")).unwrap()
    }

    #[test]
    fn plain_typing_becomes_french_typography_but_not_inside_tags() {
        let source = "{{ 'a ?' }} l'an ? « oui »";
        assert_eq!(prepare("fr/x.txt", source, &french()), "{{ 'a ?' }} l’an\u{202F}? «\u{a0}oui\u{a0}»");
        let source = "<a title='x ?'>l'an</a>";
        assert_eq!(prepare("fr/x.html", source, &french()), "<a title='x ?'>l’an</a>");
    }

    #[test]
    fn both_ways_of_address_are_one_condition() {
        let ready = prepare("fr/x.txt", "[[Venez-vous|Viens-tu]] ?", &french());
        assert_eq!(ready, "{% if informal %}Viens-tu{% else %}Venez-vous{% endif %}\u{202F}?");
        assert_eq!(prepare("fr/x.txt", "a [[b", &french()), "a [[b");
    }

    #[test]
    fn a_lone_tag_leaves_no_line_and_moves_none() {
        let ready = prepare("_x.txt", "{% if a %}\nb\n  {% endif %}\nc\n", &french());
        assert_eq!(ready.lines().count(), 4);
        assert_eq!(finish(&ready), "{% if a %}b\n{% endif %}c\n");
        assert_eq!(prepare("_x.txt", "{% if a %}b{% endif %}\n", &french()), "{% if a %}b{% endif %}\n");
    }
}
