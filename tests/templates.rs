//! What holds for all shipped templates, and what wrong ones are told.

use codevd::render::Renderer;

fn with(path: &str, text: &str) -> String {
    Renderer::with_overrides(vec![(path.to_owned(), text.to_owned())])
        .map(|_| String::new())
        .unwrap_or_else(|e| e.to_string())
}

#[test]
fn no_template_switches_escaping_off() {
    for (path, text) in Renderer::embedded_files() {
        let tight: String = text.split_whitespace().collect();
        // a word list is no template: there it may be the word of a pattern
        let renders = path != "README.md" && !path.ends_with("words.toml");
        assert!(!(renders && tight.contains("|safe")), "{path}");
        assert!(!text.contains("<script") && !text.contains("<img") && !text.contains("<form"), "{path}");
    }
}

#[test]
fn every_language_has_the_same_files() {
    let of = |language: &str| {
        let start = format!("{language}/");
        let mut all: Vec<_> = Renderer::embedded_files()
            .into_iter()
            .filter_map(|(path, _)| path.strip_prefix(&start).map(str::to_owned))
            .filter(|path| path != "words.toml")
            .collect();
        all.sort();
        all
    };
    assert_eq!(of("fr"), of("en"));
}

#[test]
fn a_wrong_template_is_told_with_file_line_and_column() {
    let told = with("fr/invitation/text.txt", "un\n{% if %}\n");
    assert!(told.starts_with("templates/fr/invitation/text.txt:2:"), "{told}");
    let told = with("en/welcome/text.txt", "{% include \"en/_nowhere.txt\" %}");
    assert!(told.contains("en/_nowhere.txt"), "{told}");
    let told = with("en/welcome/text.txt", "a\n{{ reader.name | shout }}");
    assert!(told.contains("en/welcome/text.txt") && told.contains("shout"), "{told}");
}

#[test]
fn all_mistakes_are_told_at_once() {
    let files = vec![
        ("fr/welcome/text.txt".to_owned(), "{% if %}".to_owned()),
        ("fr/welcome/html.html".to_owned(), "a\nb {{ }}".to_owned()),
        ("en/locale.toml".to_owned(), "reference = 3\n".to_owned()),
    ];
    let told = Renderer::with_overrides(files).unwrap_err().to_string();
    for part in ["fr/welcome/text.txt:1:", "fr/welcome/html.html:2:", "templates/en/locale.toml:1:13:"] {
        assert!(told.contains(part), "{part} in {told}");
    }
}

#[test]
fn a_locale_that_misses_something_is_told() {
    let english = Renderer::embedded_files().into_iter().find(|(path, _)| path == "en/locale.toml").unwrap().1;
    let told = with("en/locale.toml", &english.replace("closing = \"Closing\"", ""));
    assert!(told.contains("templates/en/locale.toml: missing; expected a title for the step closing"), "{told}");
    let told = with("en/locale.toml", &english.replace("[clock]", "[clok]"));
    assert!(told.starts_with("templates/en/locale.toml:") && told.contains("clok"), "{told}");
}

#[test]
fn a_new_language_needs_files_alone() {
    let copied: Vec<_> = Renderer::embedded_files()
        .into_iter()
        .filter_map(|(path, text)| {
            path.strip_prefix("en/").map(|rest| (format!("nl/{rest}"), text.replace("\"en/", "\"nl/")))
        })
        .collect();
    let renderer = Renderer::with_overrides(copied).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(renderer.languages().iter().map(ToString::to_string).collect::<Vec<_>>(), ["en", "fr", "nl"]);
}

#[test]
fn a_missing_mail_is_told_when_templates_are_loaded() {
    let files = Renderer::embedded_files().into_iter().filter(|(path, _)| path != "fr/day_of/html.html").collect();
    let told = Renderer::load(files).unwrap_err().to_string();
    assert_eq!(told, "templates/fr/day_of/html.html: missing; expected the HTML of M13 day_of");
}

#[test]
fn a_value_that_no_mail_is_given_is_told_with_its_place() {
    let told = with("fr/day_of/text.txt", "un\ndeux {{ metting.date }}\n");
    assert!(told.starts_with("templates/fr/day_of/text.txt:2:9: no mail is given a value \"metting\""), "{told}");
}

/// Contrast of two colours (WCAG 2.2, relative luminance).
fn contrast(a: &str, b: &str) -> f64 {
    let channel = |hex: &str, n: usize| {
        let value = f64::from(u8::from_str_radix(&hex[1 + 2 * n..3 + 2 * n], 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = |hex: &str| 0.2126 * channel(hex, 0) + 0.7152 * channel(hex, 1) + 0.0722 * channel(hex, 2);
    let (x, y) = (luminance(a) + 0.05, luminance(b) + 0.05);
    if x > y { x / y } else { y / x }
}

#[test]
fn colours_can_be_read_in_light_and_in_dark() {
    let file = |name: &str| Renderer::embedded_files().into_iter().find(|(path, _)| path == name).unwrap().1;
    let both = format!("{}{}", file("_styles.toml"), file("_layout.html"));
    // Text on its ground: body, small print, link, quote, button, dots; first light, then dark.
    let pairs = [
        ("#2b2926", "#fdfbf8"),
        ("#2b2926", "#f3efe8"),
        ("#5e5850", "#fdfbf8"),
        ("#1b5e58", "#fdfbf8"),
        ("#2b2926", "#e8f0ee"),
        ("#fdfbf8", "#1b5e58"),
        ("#ece8e1", "#282623"),
        ("#ece8e1", "#1c1b19"),
        ("#bdb6aa", "#282623"),
        ("#9bdacf", "#282623"),
        ("#ece8e1", "#24332f"),
        ("#14211e", "#8fd3c7"),
        ("#8fd3c7", "#282623"),
    ];
    for (text, ground) in pairs {
        assert!(contrast(text, ground) >= 4.5, "{text} on {ground}: {:.1}", contrast(text, ground));
        assert!(both.contains(text) && both.contains(ground), "{text} or {ground} is no longer used");
    }
    let used: std::collections::BTreeSet<_> = both
        .match_indices('#')
        .filter_map(|(at, _)| both.get(at..at + 7))
        .filter(|c| c[1..].bytes().all(|b| b.is_ascii_hexdigit()))
        .collect();
    let checked: std::collections::BTreeSet<_> =
        pairs.iter().flat_map(|(a, b)| [*a, *b]).chain(["#e2dbcf", "#4a4640"]).collect();
    assert!(used.is_subset(&checked), "colours nobody checked: {:?}", used.difference(&checked));
}

#[test]
fn every_value_that_the_documentation_names_is_given_to_mails() {
    let page = include_str!("../docs/templates.md");
    let table = page.split("## The values").nth(1).unwrap();
    let first = |row: &str| row.split('|').nth(1).map(str::to_owned);
    let cells: Vec<String> = table.lines().filter(|l| l.starts_with("| `")).filter_map(first).collect();
    let name = |code: &str| code.split('.').next().unwrap_or_default().to_owned();
    let names = cells.iter().flat_map(|c| c.split('`').skip(1).step_by(2)).map(name).filter(|n| !n.is_empty());
    let all: std::collections::BTreeSet<String> = names.collect();
    assert!(all.len() > 25, "{all:?}");
    let text: String = all.iter().map(|name| format!("{{{{ {name} }}}}\n")).collect();
    assert_eq!(with("en/invitation/subject.txt", &text), "");
    // every mail's folder is one that the page's rule finds
    for path in ["en/_mail.txt", "en/calendar/summary.txt", "_styles.toml", "en/preview/note.txt"] {
        assert!(Renderer::embedded_files().iter().any(|(known, _)| known == path), "{path}");
    }
}
