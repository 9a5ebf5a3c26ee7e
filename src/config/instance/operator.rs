//! `[operator]`: who is told when something is wrong.

use super::Operator;
use crate::config::table::{Document, Table};
use crate::config::values;
use crate::core::ids::Language;

/// The part; what can't be read is noted.
pub(super) fn read(doc: &Document, mut table: Table) -> Option<Operator> {
    let address = table.required("address", "the operator's address, such as \"admin@example.org\"");
    let language = match table.line("language") {
        None => Some(Language::english()),
        Some(at) => {
            let known = [Language::english(), Language::french()].into_iter().find(|l| l.as_str() == at.value);
            if known.is_none() {
                let found = format!("`language` is {:?}", at.value);
                doc.wrong(&at.span, found, "\"en\" or \"fr\"", None);
            }
            known
        }
    };
    table.finish(&[]);
    let address = values::email(doc, address?)?.value;
    Some(Operator { address, language: language? })
}
