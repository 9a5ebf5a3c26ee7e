//! What templates can do to names beyond Tera's own filters.

use super::clean::paragraphs;
use super::locale::Locale;
use serde_json::Value as Json;
use std::sync::Arc;
use tera::{Kwargs, State, Tera, Value};

/// Adds the filters:
/// - `person | elide(word="de")`: "d'Ana", "de Bo"; of a name as text too;
/// - `people | names`: first names as a list, "Ana, Bo et Chloé"; `names(full=true)` with last names;
/// - `words | list`: texts as a list;
/// - `text | inset`: each line two spaces in, for people's words in plain text;
/// - `text | lines`: a text's lines, for HTML.
pub(super) fn register(tera: &mut Tera, locale: &Arc<Locale>) {
    let own = Arc::clone(locale);
    tera.register_filter("elide", move |value: Value, args: Kwargs, _: &State| -> tera::TeraResult<String> {
        let word = args.must_get::<&str>("word")?;
        Ok(own.elide(word, &name(&json(&value)?, false)))
    });
    let own = Arc::clone(locale);
    tera.register_filter("names", move |value: Value, args: Kwargs, _: &State| -> tera::TeraResult<String> {
        let full = args.get::<bool>("full")?.unwrap_or(false);
        Ok(own.list(&each(&json(&value)?, full)))
    });
    let own = Arc::clone(locale);
    tera.register_filter("list", move |value: Value, _: Kwargs, _: &State| -> tera::TeraResult<String> {
        Ok(own.list(&each(&json(&value)?, true)))
    });
    tera.register_filter("inset", |text: &str, _: Kwargs, _: &State| -> String {
        text.lines().map(|l| format!("  {l}")).collect::<Vec<_>>().join("\n")
    });
    tera.register_filter("lines", |text: &str, _: Kwargs, _: &State| -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    });
    tera.register_filter("paragraphs", |text: &str, _: Kwargs, _: &State| -> Value {
        Value::from_serializable(&paragraphs(text))
    });
}

fn json(value: &Value) -> tera::TeraResult<Json> {
    serde_json::to_value(value).map_err(tera::Error::message)
}

/// A person's first or whole name; a text is its own name.
fn name(value: &Json, full: bool) -> String {
    let key = if full { "name" } else { "first_name" };
    let text = value.get(key).or_else(|| value.get("name")).unwrap_or(value);
    text.as_str().unwrap_or_default().to_owned()
}

fn each(value: &Json, full: bool) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|v| name(v, full)).collect()
}
