//! What is wrong or unusual with a group as a whole, told at the line that it comes from.

use crate::config::member::Read as Person;
use crate::config::table::{Document, Span};
use crate::core::format::Formats;
use crate::core::spec::{GroupSpec, SpecProblem};

/// Where the parts stand that problems of the whole are told at.
pub(crate) struct Spans {
    pub(crate) format: Option<Span>,
    /// Whether the file says who facilitates; what is wrong with that was told when it was read.
    pub(crate) facilitators_said: bool,
    pub(crate) quorum: Option<Span>,
}

/// Tells the core's problems and warnings at their lines. Where parts of the file could not be
/// read, nothing is said of the whole.
pub(crate) fn tell(doc: &Document, formats: &Formats, spec: &GroupSpec, people: &[Person], spans: &Spans) {
    if doc.is_torn() || people.is_empty() {
        return;
    }
    let last = people.last().map(|p| p.span.clone()).unwrap_or_default();
    let mut told: Vec<Span> = Vec::new();
    for problem in spec.problems(formats) {
        let (span, remedy) = match &problem {
            SpecProblem::Size { found } => (last.clone(), size_remedy(spec, *found)),
            SpecProblem::Twice { what, first, second } => twice(what, first, second, people),
            SpecProblem::Hierarchy { member, .. } => (chief_span(member, people), None),
            // those named who are not there were told when the names were read
            SpecProblem::NoSuchFacilitator { .. } => continue,
            SpecProblem::NoFacilitator if spans.facilitators_said => continue,
            SpecProblem::NoFacilitator => {
                doc.missing(&(0..0), problem.to_string());
                continue;
            }
            SpecProblem::NoSuchFormat { .. } => (spans.format.clone().unwrap_or_default(), None),
        };
        if !told.contains(&span) {
            doc.wrong(&span, problem.to_string(), "", remedy);
            told.push(span);
        }
    }
    quorum(doc, spec, spans);
    warnings(doc, formats, spec, spans, &last);
}

fn size_remedy(spec: &GroupSpec, found: usize) -> Option<String> {
    if found > 8 {
        return Some("make two groups of them".to_owned());
    }
    let out = spec.facilitators.len();
    (!spec.facilitators_in_circle && out > 0 && found + out >= 5).then(|| {
        let who = spec.facilitators.iter().map(|f| f.as_str()).collect::<Vec<_>>().join(", ");
        format!("facilitators are not counted ({who}); facilitators_in_circle = true counts them")
    })
}

/// The second person's line: the short name, or the address that is the first one's too.
fn twice(what: &str, first: &str, second: &str, people: &[Person]) -> (Span, Option<String>) {
    let by_id = what.starts_with("the short name");
    for (i, b) in people.iter().enumerate().filter(|(_, p)| p.spec.name == second) {
        for a in people[..i].iter().filter(|p| p.spec.name == first) {
            if by_id && a.spec.id == b.spec.id {
                let remedy = format!(
                    "give one of them a short name of its own, such as id = \"{}-2\"",
                    shorten(b.spec.id.as_str())
                );
                return (b.id_span.clone(), Some(remedy));
            }
            let same = b.spec.addresses().position(|y| a.spec.addresses().any(|x| x.is(y.as_str())));
            if let Some(span) = same.filter(|_| !by_id).and_then(|k| b.address_spans.get(k)) {
                return (span.clone(), Some("each person has an address of their own".to_owned()));
            }
        }
    }
    (people.last().map(|p| p.span.clone()).unwrap_or_default(), None)
}

fn shorten(id: &str) -> &str {
    id.get(..30).unwrap_or(id).trim_end_matches('-')
}

fn chief_span(member: &str, people: &[Person]) -> Span {
    let person = people.iter().find(|p| p.spec.name == member && p.reports_to.is_some());
    person.and_then(|p| p.reports_to.clone()).unwrap_or_default()
}

fn quorum(doc: &Document, spec: &GroupSpec, spans: &Spans) {
    let size = spec.circle_size();
    if let Some(span) = spans.quorum.as_ref().filter(|_| spec.settings.quorum as usize > size) {
        let found = format!("a quorum of {} with {size} people in the circle is never met", spec.settings.quorum);
        doc.wrong(span, found, &format!("at most {size}"), None);
    }
}

fn warnings(doc: &Document, formats: &Formats, spec: &GroupSpec, spans: &Spans, last: &Span) {
    for text in spec.warnings(formats) {
        let of_format = text.starts_with("format ");
        let span = spans.format.as_ref().filter(|_| of_format).unwrap_or(last);
        doc.warn(span, text);
    }
    let size = u32::try_from(spec.circle_size()).unwrap_or(u32::MAX);
    if let Some(format) = formats.get(&spec.format)
        && !(format.people.0..=format.people.2).contains(&size)
    {
        let (least, _, most) = format.people;
        let text = format!("format \"{}\" is made for {least} to {most} people, the circle has {size}", format.id);
        doc.warn(spans.format.as_ref().unwrap_or(last), text);
    }
}
