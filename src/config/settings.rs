//! The `[settings]` of a group file: numbers with their ranges, and what must agree among them.

use crate::config::duration::written;
use crate::config::table::{At, Document, Span, Table};
use crate::core::spec::{GuestList, Settings};
use std::collections::BTreeMap;

/// The keys, for errors about one in the wrong part.
pub(crate) const KEYS: &[&str] = &[
    "invite_ahead_days",
    "subject_days",
    "reminder_days",
    "escalation_days",
    "share_days",
    "attendance_days",
    "warm_up_days",
    "day_of_minutes",
    "hour",
    "prompt_lead_seconds",
    "prompt_late_seconds",
    "collect_after_seconds",
    "last_call_seconds",
    "review_seconds",
    "review_time_seconds",
    "digest_seconds",
    "correction_seconds",
    "follow_up_days",
    "plan_reprint_days",
    "quorum",
    "guest_list",
    "facilitator_alarms",
    "informal",
    "clock_24h",
];

/// Thirty days, in seconds: the longest wait after a session.
const MONTH: u32 = 30 * 86_400;

/// The settings and where each that was written stands.
pub(crate) struct Read {
    pub(crate) settings: Settings,
    pub(crate) spans: BTreeMap<&'static str, Span>,
}

impl Read {
    pub(crate) fn defaults() -> Self {
        Self { settings: Settings::default(), spans: BTreeMap::new() }
    }

    fn put<T>(&mut self, key: &'static str, found: Option<At<T>>, into: impl FnOnce(&mut Settings) -> &mut T) {
        if let Some(At { value, span }) = found {
            *into(&mut self.settings) = value;
            self.spans.insert(key, span);
        }
    }
}

/// Reads the table; what it does not name keeps the method's default.
pub(crate) fn read(mut table: Table, elsewhere: &[(&str, &[&str])]) -> Read {
    let mut read = Read::defaults();
    days(&mut table, &mut read);
    moments(&mut table, &mut read);
    let t = &mut table;
    read.put("quorum", t.number("quorum", 2..=9, "of people"), |s| &mut s.quorum);
    read.put("guest_list", guest_list(t), |s| &mut s.guest_list);
    read.put("facilitator_alarms", t.flag("facilitator_alarms"), |s| &mut s.facilitator_alarms);
    read.put("informal", t.flag("informal"), |s| &mut s.informal);
    read.put("clock_24h", t.flag("clock_24h"), |s| &mut s.clock_24h);
    agree(table.doc, &read);
    table.finish(elsewhere);
    read
}

fn days(t: &mut Table, read: &mut Read) {
    let unit = "of days";
    read.put("invite_ahead_days", t.number("invite_ahead_days", 1..=400, unit), |s| &mut s.invite_ahead_days);
    read.put("subject_days", t.number("subject_days", 1..=120, unit), |s| &mut s.subject_days);
    read.put("reminder_days", reminders(t), |s| &mut s.reminder_days);
    read.put("escalation_days", t.number("escalation_days", 1..=60, unit), |s| &mut s.escalation_days);
    read.put("share_days", t.number("share_days", 1..=60, unit), |s| &mut s.share_days);
    read.put("attendance_days", t.number("attendance_days", 1..=60, unit), |s| &mut s.attendance_days);
    read.put("warm_up_days", t.number("warm_up_days", 1..=30, unit), |s| &mut s.warm_up_days);
    read.put("follow_up_days", t.number("follow_up_days", 1..=120, unit), |s| &mut s.follow_up_days);
    read.put("plan_reprint_days", t.number("plan_reprint_days", 1..=60, unit), |s| &mut s.plan_reprint_days);
}

fn moments(t: &mut Table, read: &mut Read) {
    let unit = "of seconds";
    read.put("day_of_minutes", t.number("day_of_minutes", 5..=720, "of minutes"), |s| &mut s.day_of_minutes);
    read.put("hour", t.number("hour", 0..=23, "of hours"), |s| &mut s.hour);
    read.put("prompt_lead_seconds", t.number("prompt_lead_seconds", 0..=600, unit), |s| &mut s.prompt_lead_seconds);
    read.put("prompt_late_seconds", t.number("prompt_late_seconds", 0..=3600, unit), |s| &mut s.prompt_late_seconds);
    read.put("collect_after_seconds", t.number("collect_after_seconds", 0..=MONTH, unit), |s| {
        &mut s.collect_after_seconds
    });
    read.put("last_call_seconds", t.number("last_call_seconds", 0..=MONTH, unit), |s| &mut s.last_call_seconds);
    read.put("review_seconds", t.number("review_seconds", 0..=MONTH, unit), |s| &mut s.review_seconds);
    read.put("review_time_seconds", t.number("review_time_seconds", 0..=MONTH, unit), |s| &mut s.review_time_seconds);
    read.put("digest_seconds", t.number("digest_seconds", 0..=MONTH, unit), |s| &mut s.digest_seconds);
    read.put("correction_seconds", t.number("correction_seconds", 0..=MONTH, unit), |s| &mut s.correction_seconds);
}

fn guest_list(t: &mut Table) -> Option<At<GuestList>> {
    let At { value, span } = t.text("guest_list")?;
    let value = match value.trim() {
        "visible" => GuestList::Visible,
        "hidden" => GuestList::Hidden,
        word => {
            let found = format!("the guest list {word:?} is not known");
            t.doc.wrong(&span, found, "guest_list = \"visible\" or \"hidden\"", None);
            return None;
        }
    };
    Some(At { value, span })
}

fn reminders(t: &mut Table) -> Option<At<(u32, u32)>> {
    let span = t.value_span("reminder_days");
    let items = t.items("reminder_days")?;
    let span = span?;
    let number = |i: usize| items.get(i)?.get_ref().as_integer()?.to_string().parse::<u32>().ok();
    let fits = |n: &u32| (1..=120).contains(n);
    let pair = number(0).filter(fits).zip(number(1).filter(fits)).filter(|_| items.len() == 2);
    let Some((first, second)) = pair.filter(|(first, second)| first > second) else {
        let found = match pair {
            Some((first, second)) => {
                format!("the second reminder, {second} days before, is not after the first, {first} days before")
            }
            None => "`reminder_days` is not two numbers".to_owned(),
        };
        t.doc.wrong(&span, found, "two numbers of days before the meeting, the larger first, such as [14, 10]", None);
        return None;
    };
    Some(At { value: (first, second), span })
}

/// What must be in order, told at the key that the file sets.
fn agree(doc: &Document, read: &Read) {
    let s = &read.settings;
    let at = |keys: &[&str]| keys.iter().find_map(|k| read.spans.get(k).cloned());
    let first = s.reminder_days.0;
    if first >= s.subject_days
        && let Some(span) = at(&["reminder_days", "subject_days"])
    {
        let found = format!(
            "the first reminder, {first} days before, is not after the question, {} days before",
            s.subject_days
        );
        doc.wrong(&span, found, "reminder_days below subject_days", None);
    }
    let reviewed = s.review_seconds.saturating_add(s.review_time_seconds);
    if reviewed > s.digest_seconds
        && let Some(span) = at(&["digest_seconds", "review_time_seconds", "review_seconds"])
    {
        let found = format!(
            "the digest would leave {} after the session, but the requester may review it until {} after it",
            written(s.digest_seconds),
            written(reviewed)
        );
        doc.wrong(&span, found, "digest_seconds at least review_seconds + review_time_seconds", None);
    }
    if s.subject_days > s.invite_ahead_days
        && let Some(span) = at(&["invite_ahead_days", "subject_days"])
    {
        doc.warn(
            &span,
            format!(
                "the requester is asked for the subject {} days before, ahead of the invitation, {} days before",
                s.subject_days, s.invite_ahead_days
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_setting_of_the_core_has_its_key() {
        let json = serde_json::to_value(Settings::default()).unwrap();
        let mut core: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        let mut ours = KEYS.to_vec();
        core.sort_unstable();
        ours.sort_unstable();
        assert_eq!(core, ours);
    }

    #[test]
    fn every_key_is_read_into_its_own_field() {
        let text = "review_seconds = 300000\nreview_time_seconds = 80000\nreminder_days = [15, 11]\nguest_list = \"hidden\"\nfacilitator_alarms = true\ninformal = true\nclock_24h = true\n";
        let mut all = text.to_owned();
        let numbers: Vec<_> = KEYS.iter().filter(|k| !text.contains(&format!("{k} "))).collect();
        for (i, key) in numbers.iter().enumerate() {
            let value = match **key {
                "digest_seconds" => 400_001,
                "subject_days" => 25,
                "quorum" => 5,
                _ => u32::try_from(i).unwrap() + 6,
            };
            all.push_str(&format!("{key} = {value}\n"));
        }
        let (doc, table) = Document::parse("s", &all, "settings", None);
        let read = read(Table::root(&doc, &table), &[]);
        assert_eq!(read.spans.len(), KEYS.len());
        let found = serde_json::to_value(&read.settings).unwrap();
        for (key, span) in &read.spans {
            let written: serde_json::Value = serde_json::from_str(&all[span.clone()]).unwrap();
            assert_eq!(found[key], written, "{key}");
        }
        assert!(doc.finish().unwrap().iter().all(|w| w.text.contains("ahead of the invitation")));
    }
}
