//! What holds for all shipped templates, and what wrong ones are told.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

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
        assert!(path == "README.md" || !tight.contains("|safe"), "{path}");
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
