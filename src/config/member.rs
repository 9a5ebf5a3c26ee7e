//! One `[[member]]` of a group file.

use crate::config::table::{At, Span, Table};
use crate::config::values;
use crate::core::ids::{Email, Language, MemberId};
use crate::core::spec::MemberSpec;
use chrono_tz::Tz;

/// What a member takes from the group.
pub(crate) struct Context<'c> {
    pub(crate) language: &'c Language,
    pub(crate) zone: Tz,
    pub(crate) languages: &'c [Language],
    /// Keys of the file's top, for those written below a member by mistake.
    pub(crate) root: &'static [&'static str],
}

/// A person and where each part of what makes them stands.
pub(crate) struct Read {
    pub(crate) spec: MemberSpec,
    /// The part's header.
    pub(crate) span: Span,
    /// The short name, or the name it was made from.
    pub(crate) id_span: Span,
    /// Where each address stands, in the order of [`MemberSpec::addresses`].
    pub(crate) address_spans: Vec<Span>,
    pub(crate) reports_to: Option<Span>,
}

/// Reads a member. What cannot be read is noted and replaced by a stand-in.
pub(crate) fn read(mut table: Table, context: &Context, before: &[Read]) -> Option<Read> {
    let span = table.span.clone();
    let number = before.len() + 1;
    let name = table.required_line("name", "the person's name as others read it");
    let email = table.required("email", "the address mail goes to").and_then(|at| values::email(table.doc, at));
    let (id, id_span) = id(&mut table, name.as_ref(), before, number)?;
    let doc = table.doc;
    let language = table.text("language").and_then(|at| values::language(doc, &at, context.languages));
    let zone = table.text("timezone").and_then(|at| values::zone(doc, &at));
    let aliases = table.texts("aliases", "addresses in quotes");
    let aliases: Vec<At<Email>> = aliases.into_iter().filter_map(|at| values::email(doc, at)).collect();
    let delegates = table.texts("delegates", "addresses in quotes");
    let delegates = delegates.into_iter().filter_map(|at| values::email(doc, at)).map(|at| at.value).collect();
    let reports_to = table.line("reports_to");
    let root_only: Vec<_> = context.root.iter().copied().filter(|k| *k != "id").collect();
    table.finish(&[("above the first [[member]]", &root_only)]);
    let stand_in =
        || Some(At { value: values::stand_in(&format!("member-{number}@stand-in.invalid"))?, span: span.clone() });
    let email = email.or_else(stand_in)?;
    let address_spans = std::iter::once(&email).chain(&aliases).map(|at| at.span.clone()).collect();
    let spec = MemberSpec {
        id,
        name: name.map_or_else(|| format!("member {number}"), |at| at.value),
        email: email.value,
        aliases: aliases.into_iter().map(|at| at.value).collect(),
        delegates,
        language: language.unwrap_or_else(|| context.language.clone()),
        zone: zone.unwrap_or(context.zone),
        reports_to: reports_to.as_ref().map(|at| at.value.clone()),
    };
    Some(Read { spec, span, id_span, address_spans, reports_to: reports_to.map(|at| at.span) })
}

/// The short name: as said, else the first name, else (where somebody before has it) the whole name.
/// So nobody's short name changes when somebody is added at the end.
fn id(table: &mut Table, name: Option<&At<String>>, before: &[Read], number: usize) -> Option<(MemberId, Span)> {
    let stand_in = || values::stand_in(&format!("member-{number}"));
    if let Some(span) = table.value_span("id") {
        return Some((table.parsed("id").map(|at| at.value).or_else(stand_in)?, span));
    }
    table.text("id");
    let Some(name) = name else { return Some((stand_in()?, table.span.clone())) };
    let first = name.value.split_whitespace().next().and_then(values::slug);
    let whole = values::slug(&name.value);
    let free = |id: &MemberId| !before.iter().any(|p| p.spec.id == *id);
    let mut ids = [first, whole].into_iter().flatten().filter_map(|s| s.parse::<MemberId>().ok());
    let last = ids.clone().next_back();
    match ids.find(free).or(last) {
        Some(id) => Some((id, name.span.clone())),
        None => {
            let found = format!("no short name can be made from {:?}", name.value);
            table.doc.wrong(&name.span, found, "id = \"…\", a short name of letters a-z, digits and hyphens", None);
            Some((stand_in()?, name.span.clone()))
        }
    }
}
