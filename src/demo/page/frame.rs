//! A mail's HTML as the page's frame shows it: each `mailto:` button opens the page's own form, as a mail program
//! would open a window to write in; other links lead to a page that names where they would go.

use regex::{Captures, Regex};
use std::fmt::Write as _;
use std::sync::LazyLock;

#[allow(clippy::expect_used, reason = "a pattern of our own, compiled by a test")]
static LINK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"\shref="([^"]*)""#).expect("a pattern"));

/// What a `mailto:` link fills in (RFC 6068).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filled {
    /// Addresses.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// Text.
    pub body: String,
}

/// The HTML with its links led to the page. `compose` is the address of the form.
pub fn shown(html: &str, compose: &str) -> String {
    let lead = |found: &Captures<'_>| {
        let link = found[1].replace("&amp;", "&");
        let target = match link.strip_prefix("mailto:") {
            Some(rest) => composing(compose, &filled(rest)),
            None if link.starts_with('#') => return found[0].to_owned(),
            None => format!("/elsewhere?link={}", encoded(&link)),
        };
        format!(" target=\"_top\" href=\"{}\"", target.replace('&', "&amp;"))
    };
    LINK.replace_all(html, lead).into_owned()
}

fn composing(compose: &str, filled: &Filled) -> String {
    let Filled { to, subject, body } = filled;
    format!("{compose}?to={}&subject={}&body={}", encoded(to), encoded(subject), encoded(body))
}

/// The parts of a `mailto:` link, without its scheme.
pub fn filled(rest: &str) -> Filled {
    let (to, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut filled = Filled { to: decoded(to), ..Filled::default() };
    for (name, value) in query.split('&').filter_map(|part| part.split_once('=')) {
        match name.to_ascii_lowercase().as_str() {
            "subject" => filled.subject = decoded(value),
            "body" => filled.body = decoded(value),
            _ => {}
        }
    }
    filled
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let coded = (*first == b'%').then(|| more.get(..2)).flatten();
        let byte = coded.and_then(|two| std::str::from_utf8(two).ok()).and_then(|two| u8::from_str_radix(two, 16).ok());
        match byte {
            Some(byte) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            None => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Fit for the query of an address.
pub fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' => out.push(char::from(byte)),
            // writing to a String does not fail
            byte => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_button_opens_the_form_and_the_rest_is_named() {
        let html = r#"<a href="mailto:codev@x.example?subject=Re%3A%20S%C3%A9ance%20%5Bk7%5D&amp;body=%2B5" style="a">+5</a>
            <a href="https://visio.example/a?b=1&amp;c=2">la visio</a> <a href="javascript:alert(1)">x</a>"#;
        let shown = shown(html, "/p/ana/m/3/compose");
        let led = r#"<a target="_top" href="/p/ana/m/3/compose?to=codev@x.example&amp;subject=Re%3A%20S%C3%A9ance%20%5Bk7%5D&amp;body=%2B5" style="a">+5</a>"#;
        assert!(shown.contains(led), "{shown}");
        assert!(shown.contains(r#"href="/elsewhere?link=https%3A%2F%2Fvisio.example%2Fa%3Fb%3D1%26c%3D2""#), "{shown}");
        assert!(shown.contains(r#"href="/elsewhere?link=javascript%3Aalert%281%29""#), "{shown}");
    }

    #[test]
    fn a_link_gives_back_what_was_filled_in() {
        let filled = filled("a%40b.example?Subject=peut-%C3%AAtre&body=100%25%zz&x=y");
        let expected = Filled { to: "a@b.example".into(), subject: "peut-être".into(), body: "100%%zz".into() };
        assert_eq!(filled, expected);
    }
}
