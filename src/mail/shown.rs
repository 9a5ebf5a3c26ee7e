//! A mail's HTML as it came, for showing it. What people mean is read from `letter`, never from here.

use mail_parser::{MessageParser, PartType};

/// The first HTML part, decoded; `None` for a mail without one.
pub fn html(raw: &[u8]) -> Option<String> {
    let message = MessageParser::default().parse(raw)?;
    message.parts.iter().find_map(|part| match &part.body {
        PartType::Html(html) => Some(html.to_string()),
        _ => None,
    })
}
