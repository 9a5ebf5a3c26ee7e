//! What lies ahead if nobody answers: the agenda played forward on a copy. Changes nothing (`decisions.md` 7, 20).

use crate::core::agenda::next_due;
use crate::core::decide::decide;
use crate::core::draft::{Draft, DraftKey, Facts, Lane, Role, WhenLate};
use crate::core::event::{Event, Moment, Order};
use crate::core::group::{Change, Group, Member};
use crate::core::ids::MemberId;
use chrono::{DateTime, Duration, Utc};

/// Decisions one projection takes at most: years of any group.
const MOST: usize = 20_000;
/// For so long previews of a group that is not live are sent; then it has been forgotten about.
const PREVIEWED: Duration = Duration::days(120);
/// A preview is of use for a day after its time.
const OF_USE: Duration = Duration::days(1);

/// Plays a copy of the group forward from `from` to `until`, with nobody answering. Each decision is
/// shown with its time. Gives when the group would be looked at next after that.
pub fn foresee(
    group: &Group,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    mut each: impl FnMut(DateTime<Utc>, &Change),
) -> Option<DateTime<Utc>> {
    let mut group = group.clone();
    let mut at = from;
    for _ in 0..MOST {
        let next = next_due(&group)?;
        at = next.max(at);
        if at > until {
            return Some(at);
        }
        // UIDs that are the same each time, and nobody's
        let moment = Moment { now: at, fresh: "projection".to_owned() };
        let change = decide(&group, &Event::Due, &moment).ok()?;
        if change.drafts.is_empty() && change.group == group {
            return None;
        }
        each(at, &change);
        group = change.group;
    }
    None
}

/// The group as it would be if it went live at that time.
pub fn as_live(group: &Group, at: DateTime<Utc>) -> Group {
    let moment = Moment { now: at, fresh: String::new() };
    match decide(group, &Event::Order(Order::GoLive), &moment) {
        Ok(change) if !group.live => change.group,
        _ => group.clone(),
    }
}

/// What the facilitator of a group that is not live is shown in place of the mails to all.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The mail as it would go to the first of its receivers.
    pub draft: Draft,
    /// The group as it would be then.
    pub group: Group,
    /// Who would get it, or one that differs by their name alone.
    pub to: Vec<MemberId>,
    /// The preview's own draft: another key, no question, to the facilitator.
    pub own: Draft,
}

/// The previews due at `now`, and when the next ones are. Each has its own key for good, so that one that
/// was queued before is not queued again.
pub fn previews(group: &Group, now: DateTime<Utc>) -> (Vec<Preview>, Option<DateTime<Utc>>) {
    let Some((shadow, since)) = shadow(group) else { return (Vec::new(), None) };
    let until = now.min(since + PREVIEWED);
    let Some(leads) = group.facilitators().into_iter().find(|m| m.gets_mail()) else { return (Vec::new(), None) };
    let mut all = Vec::new();
    let next = foresee(&shadow, since, until, |at, change| {
        if at + OF_USE > now {
            all.extend(shown_to(leads, change, at));
        }
    });
    (all, next.filter(|next| *next <= since + PREVIEWED))
}

/// When a group that changed is to be looked at: a live one by its agenda, another at once for its previews.
pub fn next_look(group: &Group, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if group.live {
        return next_due(group);
    }
    shadow(group).filter(|(_, since)| now <= *since + PREVIEWED).map(|_| now)
}

/// A copy that is live since the first of its people joined.
fn shadow(group: &Group) -> Option<(Group, DateTime<Utc>)> {
    let since = group.members.iter().filter(|m| m.is_active()).map(|m| m.joined).min()?;
    (!group.live).then(|| (Group { live: true, ..group.clone() }, since))
}

/// One preview of each mail and part: eight invitations that differ by a name are one.
fn shown_to(leads: &Member, change: &Change, at: DateTime<Utc>) -> Vec<Preview> {
    let mut all: Vec<Preview> = Vec::new();
    let alike = |a: &Draft, b: &Draft| {
        let what = |d: &Draft| (d.key.kind, d.key.meeting, d.key.step, d.role);
        what(a) == what(b) && a.facts == b.facts
    };
    for draft in &change.drafts {
        match all.iter_mut().find(|p| alike(&p.draft, draft)) {
            Some(preview) => preview.to.push(draft.key.member.clone()),
            None => all.push(Preview {
                draft: draft.clone(),
                group: change.group.clone(),
                to: vec![draft.key.member.clone()],
                own: own(draft, leads, at),
            }),
        }
    }
    all
}

fn own(draft: &Draft, leads: &Member, at: DateTime<Utc>) -> Draft {
    let key = DraftKey { member: leads.id.clone(), preview: Some(draft.key.member.clone()), ..draft.key.clone() };
    Draft {
        lane: Lane(format!("preview/{key}")),
        key,
        role: Role::Facilitator,
        decided: at,
        due: at,
        useful_until: at + OF_USE,
        when_late: WhenLate::Drop,
        urgent: false,
        question: None,
        facts: Facts::None,
        answers: None,
    }
}

/// So many mails are foreseen from `from` to `until`.
pub fn count(group: &Group, from: DateTime<Utc>, until: DateTime<Utc>) -> usize {
    let mut mails = 0;
    foresee(group, from, until, |_, change| mails += change.drafts.len());
    mails
}
