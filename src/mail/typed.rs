//! HTML as its writer would have typed it: links by their words, headings without signs, lists with dots and numbers.

use html2text::render::TextDecorator;

/// Adds nothing to what is read but the marks of lists, quotes and pictures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Typed;

impl TextDecorator for Typed {
    type Annotation = ();

    fn decorate_link_start(&mut self, _url: &str) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_link_end(&mut self) -> String {
        String::new()
    }
    fn decorate_em_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_em_end(&self) -> String {
        String::new()
    }
    fn decorate_strong_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_strong_end(&self) -> String {
        String::new()
    }
    fn decorate_strikeout_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_strikeout_end(&self) -> String {
        String::new()
    }
    fn decorate_code_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_code_end(&self) -> String {
        String::new()
    }
    fn decorate_preformat_first(&self) {}
    fn decorate_preformat_cont(&self) {}

    /// An emoji that came as a picture is one; of others it is seen that they stood there.
    fn decorate_image(&mut self, _src: &str, title: &str) -> (String, ()) {
        let emoji = !title.is_ascii() && !title.contains(char::is_alphanumeric);
        (if emoji { title.to_owned() } else { format!("[{title}]") }, ())
    }
    fn header_prefix(&self, _level: usize) -> String {
        String::new()
    }
    fn quote_prefix(&self) -> String {
        "> ".to_owned()
    }
    fn unordered_item_prefix(&self) -> String {
        "* ".to_owned()
    }
    fn ordered_item_prefix(&self, i: i64) -> String {
        format!("{i}. ")
    }
    fn make_subblock_decorator(&self) -> Self {
        *self
    }
}
