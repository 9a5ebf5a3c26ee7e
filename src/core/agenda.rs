//! What a group has ahead of it, derived from its state alone: there is no timer table.
//!
//! An entry disappears by what its decision changes (a draft is marked, a session begins), so the
//! agenda is right after a restart, a restored backup or an edit.

use crate::core::draft::{DraftKey, Kind};
use crate::core::format::StepKey;
use crate::core::group::{Group, Member, SentKey};
use crate::core::ids::{MeetingNo, MemberId};
use crate::core::meeting::{Meeting, Section, Stage};
use crate::core::schedule::instant;
use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Utc};
use std::collections::BTreeMap;

/// One thing to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// When.
    pub at: DateTime<Utc>,
    /// Until when it makes sense; after that it is passed over.
    pub until: DateTime<Utc>,
    /// What.
    pub task: Task,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Put the schedule's next meeting on the calendar.
    Plan,
    /// A mail to those who have not got it.
    Mail {
        /// The meeting it is about.
        meeting: Option<MeetingNo>,
        /// Which.
        kind: Kind,
        /// To whom, never empty.
        to: Vec<MemberId>,
    },
    /// The law of the zone has changed: what calendars were told is another hour now.
    Law {
        /// Which meeting.
        meeting: MeetingNo,
    },
    /// The session begins: its clock is laid out.
    Begin {
        /// Which meeting.
        meeting: MeetingNo,
    },
    /// A step's prompt.
    Prompt {
        /// Which meeting.
        meeting: MeetingNo,
        /// Position in the run.
        step: u32,
    },
    /// The session's last step is over.
    End {
        /// Which meeting.
        meeting: MeetingNo,
    },
    /// Nobody said whether a mail was theirs: it does nothing any more.
    Lapse {
        /// The mail that asked.
        challenge: DraftKey,
    },
}

impl Task {
    /// Order among things due at the same time: plan, then invite, then the rest.
    fn rank(&self) -> u32 {
        match self {
            Self::Plan => 0,
            Self::Law { .. } | Self::Begin { .. } => 1,
            Self::Mail { kind: Kind::Invitation, .. } => 2,
            Self::Prompt { step, .. } => 3 + step,
            Self::End { .. } => 90,
            Self::Mail { .. } => 100,
            Self::Lapse { .. } => 200,
        }
    }
}

/// Everything ahead, in time order. A group that is not live has nothing ahead.
pub fn agenda(group: &Group) -> Vec<Due> {
    if !group.live {
        return Vec::new();
    }
    let mut all = welcomes(group);
    all.extend(plan(group));
    for meeting in &group.meetings {
        match meeting.stage {
            Stage::Planned => {
                all.extend(law(group, meeting));
                before(group, meeting, &mut all);
            }
            Stage::Running => during(group, meeting, &mut all),
            Stage::Collecting | Stage::Digested => after(group, meeting, &mut all),
            Stage::Cancelled => {}
        }
    }
    all.extend(lapses(group));
    all.sort_by_key(|d| (d.at, d.task.rank()));
    all
}

/// What calendars were told is not what the group's hour is by the zone data of today.
fn law(group: &Group, meeting: &Meeting) -> Option<Due> {
    let at = meeting.changed;
    let told = meeting.announced == Some(group.starts(meeting));
    (!told).then_some(Due { at, until: at, task: Task::Law { meeting: meeting.number } })
}

/// Questions "was it you?" whose time ends without a word.
fn lapses(group: &Group) -> impl Iterator<Item = Due> {
    let open = group.challenges.iter().filter(|c| c.word.is_none());
    open.map(|c| {
        let at = c.until() + Duration::seconds(1);
        Due { at, until: at, task: Task::Lapse { challenge: c.key.clone() } }
    })
}

/// When the group is to be looked at again.
pub fn next_due(group: &Group) -> Option<DateTime<Utc>> {
    agenda(group).first().map(|d| d.at)
}

/// The morning hour of a day, in the group's zone.
fn morning(group: &Group, day: NaiveDate) -> DateTime<Utc> {
    let hour = NaiveTime::from_hms_opt(group.settings().hour.min(23), 0, 0).unwrap_or_default();
    instant(day.and_time(hour), group.spec.zone)
}

/// The morning so many days before a meeting (J−n).
pub(super) fn days_before(group: &Group, meeting: &Meeting, days: u32) -> DateTime<Utc> {
    let day = meeting.wall.date().checked_sub_days(chrono::Days::new(u64::from(days)));
    morning(group, day.unwrap_or(meeting.wall.date()))
}

fn secs(n: u32) -> Duration {
    Duration::seconds(i64::from(n))
}

fn welcomes(group: &Group) -> Vec<Due> {
    let new = group.members.iter().filter(|m| m.gets_mail() && group.was_sent(None, Kind::Welcome, &m.id).is_none());
    new.map(|m| Due {
        at: m.joined,
        until: m.joined + Duration::days(60),
        task: Task::Mail { meeting: None, kind: Kind::Welcome, to: vec![m.id.clone()] },
    })
    .collect()
}

fn plan(group: &Group) -> Option<Due> {
    let slot = group.next_slot()?;
    let day = slot.date().checked_sub_days(chrono::Days::new(u64::from(group.settings().invite_ahead_days)))?;
    // a group with members missing plans nothing: the operator sees it in `status`
    group.circle().next()?;
    Some(Due { at: morning(group, day), until: instant(slot, group.spec.zone), task: Task::Plan })
}

/// A mail of a meeting to those of `to` who have not got it.
fn mail(
    group: &Group,
    meeting: &Meeting,
    kind: Kind,
    at: DateTime<Utc>,
    until: DateTime<Utc>,
    to: Vec<MemberId>,
) -> Vec<Due> {
    let mut when: BTreeMap<DateTime<Utc>, Vec<MemberId>> = BTreeMap::new();
    for id in to {
        if group.member(&id).is_some_and(Member::gets_mail) && !said(group, meeting, kind, &id) {
            when.entry(once_back(group, kind, &id, (at, until))).or_default().push(id);
        }
    }
    let task = |to| Task::Mail { meeting: Some(meeting.number), kind, to };
    when.into_iter().map(|(at, to)| Due { at, until, task: task(to) }).collect()
}

/// Whether this was said. What is asked by the day counts anew once the meeting was moved, and who
/// was taken off a meeting that still stands (they left and came back) is invited anew.
fn said(group: &Group, meeting: &Meeting, kind: Kind, member: &MemberId) -> bool {
    let number = Some(meeting.number);
    let Some(sent) = group.was_sent(number, kind, member) else { return false };
    let by_day = matches!(
        kind,
        Kind::AttendanceCheck
            | Kind::AwayCheck
            | Kind::AttendanceCount
            | Kind::WarmUp
            | Kind::DayOf
            | Kind::PlanReprint
    );
    if kind == Kind::Invitation {
        return group.is_invited(meeting.number, member);
    }
    if kind == Kind::FacilitatorAlarms {
        return group.has_alarms(meeting.number, member);
    }
    let moved = group.was_sent(number, Kind::Moved, member).map(|m| m.at);
    !(by_day && moved.is_some_and(|at| at > sent.at))
}

/// An automatic reply says that this person is away on the meeting's day.
fn away_then(group: &Group, meeting: &Meeting, id: &MemberId) -> bool {
    group.member(id).is_some_and(|m| m.reach.away_on(meeting.wall.date()).is_some())
}

/// When a reminder leaves to somebody: in time, or on the morning they are back, as long as it is of
/// use then.
fn once_back(group: &Group, kind: Kind, id: &MemberId, (at, until): (DateTime<Utc>, DateTime<Utc>)) -> DateTime<Utc> {
    let reminds = matches!(
        kind,
        Kind::AttendanceCheck | Kind::SubjectReminder | Kind::SubjectLastReminder | Kind::LastCall | Kind::FollowUp
    );
    let away = group.member(id).and_then(|m| m.reach.away_on(at.with_timezone(&group.spec.zone).date_naive()));
    let back = away.filter(|_| reminds).and_then(|day| day.succ_opt()).map(|day| morning(group, day));
    back.filter(|back| *back > at && *back < until).unwrap_or(at)
}

fn before(group: &Group, meeting: &Meeting, all: &mut Vec<Due>) {
    let set = group.settings();
    let start = group.starts(meeting);
    let on = |days| days_before(group, meeting, days).max(meeting.created);
    let mut add = |kind, at, until, to| all.extend(mail(group, meeting, kind, at, until, to));

    add(Kind::Invitation, meeting.created, start, everybody(group));
    if set.facilitator_alarms {
        add(Kind::FacilitatorAlarms, meeting.created, start, vec![meeting.facilitator.clone()]);
    }
    // an invitation or a move is an ask of its own: the next one waits a day
    let asked = meeting.changed + Duration::days(1);
    let check = on(set.attendance_days).max(asked.min(start - Duration::hours(24)));
    let (away, here): (Vec<_>, Vec<_>) =
        silent(group, meeting).into_iter().partition(|id| away_then(group, meeting, id));
    let last = start - Duration::hours(12);
    add(Kind::AttendanceCheck, check, last, here);
    for id in away {
        // a scheduled question, half a day off at least: never an answer to the machine that spoke
        let told = group.member(&id).and_then(|m| m.reach.away).map_or(check, |a| a.told + Duration::hours(12));
        add(Kind::AwayCheck, check.max(told), last, vec![id]);
    }
    add(Kind::AttendanceCount, check, start, vec![meeting.facilitator.clone()]);
    add(Kind::PlanReprint, on(set.plan_reprint_days), start, previous_with_plan(group, meeting));
    add(Kind::WarmUp, on(set.warm_up_days), start - Duration::hours(2), session_people(group, meeting));
    let day_of = start - Duration::minutes(i64::from(set.day_of_minutes));
    add(Kind::DayOf, day_of.max(meeting.created), start, session_people(group, meeting));
    all.extend(subject_asks(group, meeting));
    all.extend(shared(group, meeting));
    let lead = secs(set.prompt_lead_seconds);
    all.push(Due { at: start - lead, until: group.ends(meeting), task: Task::Begin { meeting: meeting.number } });
}

/// M04 to M07: one ask, two reminders, then the facilitator. Each waits for the one before, so that
/// a meeting planned late is not answered with a heap of mails. Once the facilitator was told, no
/// more reminders leave by themselves (method note §6: "M07 once, then stop"); a new requester's
/// silence is told anew.
fn subject_asks(group: &Group, meeting: &Meeting) -> Vec<Due> {
    let away = meeting.attending(&meeting.requester) == Some(crate::core::meeting::Attending::No);
    if meeting.subject.is_some() || away {
        return Vec::new();
    }
    let set = group.settings();
    let number = Some(meeting.number);
    let on = |days| days_before(group, meeting, days).max(meeting.created);
    let sent = |kind, to| group.was_sent(number, kind, to).map(|s| s.at);
    let last_day = days_before(group, meeting, set.warm_up_days);
    let requester = || vec![meeting.requester.clone()];
    let add = |kind, at, to| mail(group, meeting, kind, at, last_day, to);
    let Some(first) = sent(Kind::SubjectRequest, &meeting.requester) else {
        // a meeting planned at the last minute is asked about all the same
        let (at, until) = (on(set.subject_days), group.starts(meeting));
        return mail(group, meeting, Kind::SubjectRequest, at, until, requester());
    };
    let backup = || meeting.backup.clone().into_iter().collect();
    // each facilitator may decide (`decisions.md` 6)
    let leaders = group.leaders();
    let told = leaders.iter().chain([&meeting.facilitator]).filter_map(|id| sent(Kind::NoSubject, id)).max();
    if let Some(told) = told.filter(|told| *told > first) {
        return add(Kind::Standby, told, backup());
    }
    let escalate = on(set.escalation_days).max(first + Duration::days(2));
    let mut all = Vec::new();
    if leaders.iter().any(|id| group.member(id).is_some_and(Member::gets_mail)) {
        let task = Task::Mail { meeting: number, kind: Kind::NoSubject, to: leaders.clone() };
        all.push(Due { at: escalate, until: last_day, task });
    }
    all.extend(add(Kind::SubjectReminder, on(set.reminder_days.0).max(first + Duration::days(3)), requester()));
    if let Some(second) = sent(Kind::SubjectReminder, &meeting.requester) {
        let at = on(set.reminder_days.1).max(second + Duration::days(2));
        all.extend(add(Kind::SubjectLastReminder, at, requester()));
        all.extend(add(Kind::Standby, at, backup()));
    }
    all
}

/// M10, as soon as its day and the requester's consent are there; half a day after the subject
/// without it. Once more if consent comes after a M10 that had to do without.
fn shared(group: &Group, meeting: &Meeting) -> Vec<Due> {
    let Some(subject) = meeting.subject.as_ref() else { return Vec::new() };
    let day = days_before(group, meeting, group.settings().share_days).max(meeting.created);
    let at = if subject.sharing.is_some() { day.max(subject.at) } else { day.max(subject.at + Duration::hours(12)) };
    let readers: Vec<_> = session_people(group, meeting).into_iter().filter(|id| *id != meeting.requester).collect();
    mail(group, meeting, Kind::SubjectShared, at, group.starts(meeting) - Duration::hours(2), readers)
}

fn during(group: &Group, meeting: &Meeting, all: &mut Vec<Due>) {
    let Some(run) = &meeting.run else { return };
    if let Some(since) = run.paused {
        // a pause nobody ended: the session is over all the same, and plan and learnings are asked
        let at = run.announced_end.max(since) + Duration::hours(1);
        all.push(Due { at, until: at + Duration::days(30), task: Task::End { meeting: meeting.number } });
        return;
    }
    let set = group.settings();
    let never_after = run.never_after();
    for (step, position) in run.steps.iter().zip(0u32..) {
        let at = step.start - secs(set.prompt_lead_seconds);
        if step.key == StepKey::Break || step.skipped || at > never_after || prompted(group, meeting, position) {
            continue;
        }
        all.push(Due { at, until: step.end, task: Task::Prompt { meeting: meeting.number, step: position } });
    }
    let end = run.steps.last().map_or(run.announced_end, |s| s.end);
    all.push(Due { at: end, until: end + Duration::days(30), task: Task::End { meeting: meeting.number } });
}

/// Whether this step's prompt was decided for anybody. One that left long before the step's hour as
/// it stands now told an hour that holds no more ("+5", a pause, a step back): it does not count.
pub(super) fn prompted(group: &Group, meeting: &Meeting, step: u32) -> bool {
    let Some(start) = meeting.run.as_ref().and_then(|r| r.steps.get(step as usize)).map(|s| s.start) else {
        return false;
    };
    let in_time = start - secs(group.settings().prompt_lead_seconds);
    session_people(group, meeting).into_iter().any(|member| {
        let key = SentKey { meeting: Some(meeting.number), kind: Kind::StepPrompt, step: Some(step), member };
        group.sent.get(&key).is_some_and(|sent| sent.at >= in_time)
    })
}

fn after(group: &Group, meeting: &Meeting, all: &mut Vec<Due>) {
    let Some(ended) = meeting.ended else { return };
    let set = group.settings();
    let requester = vec![meeting.requester.clone()];
    let digest_at = digest_at(group, meeting, ended);
    let mut add = |kind, at, until, to| all.extend(mail(group, meeting, kind, at, until, to));
    if meeting.stage == Stage::Collecting {
        let asked = ended + secs(set.collect_after_seconds);
        let (plan, learning) = (plan_missing(meeting), learning_missing(group, meeting));
        let last = ended + secs(set.last_call_seconds);
        add(Kind::ActionPlanRequest, asked, digest_at, if plan { requester.clone() } else { Vec::new() });
        add(Kind::LearningsRequest, asked, digest_at, learning.clone());
        let mut missing = learning.clone();
        if plan && !missing.contains(&meeting.requester) {
            missing.push(meeting.requester.clone());
        }
        add(Kind::LastCall, last.max(asked), digest_at, missing);
        let review = if !plan && learning.is_empty() { ended } else { ended + secs(set.review_seconds) };
        // shown for its review however late: nothing of the requester's leaves unseen but for their silence
        add(Kind::DigestReview, review.max(ended), digest_at + Duration::days(7), requester.clone());
        add(Kind::Digest, digest_at, digest_at + Duration::days(7), there_then(group, ended));
    }
    if let Some(at) = meeting.digest.correction_due {
        add(Kind::DigestCorrection, at, at + Duration::days(14), there_then(group, ended));
    }
    if meeting.stage == Stage::Digested && !plan_missing(meeting) {
        let day = meeting.wall.date().checked_add_days(chrono::Days::new(u64::from(set.follow_up_days)));
        let at = morning(group, day.unwrap_or(meeting.wall.date()));
        add(Kind::FollowUp, at, at + Duration::days(10), requester);
    }
}

/// When the digest leaves: as soon as the requester said yes, else when their time to review is
/// over, at the latest at its deadline. Where nothing was left to review, at its deadline.
pub fn digest_at(group: &Group, meeting: &Meeting, ended: DateTime<Utc>) -> DateTime<Utc> {
    let set = group.settings();
    let deadline = ended + secs(set.digest_seconds);
    let digest = &meeting.digest;
    match (digest.approved, digest.review_sent) {
        (Some(yes), _) => yes,
        (None, Some(sent)) => sent + secs(set.review_time_seconds),
        (None, None) => deadline,
    }
}

/// Everybody who gets mail: circle and facilitators.
pub(super) fn everybody(group: &Group) -> Vec<MemberId> {
    group.members.iter().filter(|m| m.gets_mail()).map(|m| m.id.clone()).collect()
}

/// Everybody who was in the group when a session ended: newcomers read nothing of the past.
fn there_then(group: &Group, ended: DateTime<Utc>) -> Vec<MemberId> {
    group.members.iter().filter(|m| m.gets_mail() && m.joined <= ended).map(|m| m.id.clone()).collect()
}

/// Those who take part in the session: the circle less those who declined, and who leads.
pub(super) fn session_people(group: &Group, meeting: &Meeting) -> Vec<MemberId> {
    let mut all: Vec<_> = group.expected(meeting).iter().map(|m| m.id.clone()).collect();
    if !all.contains(&meeting.facilitator) {
        all.push(meeting.facilitator.clone());
    }
    all
}

/// Who has not answered the invitation, the leading facilitator apart (who gets the count).
fn silent(group: &Group, meeting: &Meeting) -> Vec<MemberId> {
    let mut all = everybody(group);
    all.retain(|id| meeting.attending(id).is_none() && *id != meeting.facilitator);
    all
}

fn previous_with_plan(group: &Group, meeting: &Meeting) -> Vec<MemberId> {
    let previous = group.previous(meeting).filter(|m| !plan_missing(m));
    previous.map(|m| m.requester.clone()).into_iter().collect()
}

/// The requester has not sent a plan.
pub fn plan_missing(meeting: &Meeting) -> bool {
    meeting.words_of(Section::ActionPlan).next().is_none()
}

/// Who of those expected has not sent a learning.
pub fn learning_missing(group: &Group, meeting: &Meeting) -> Vec<MemberId> {
    let ids = group.expected(meeting).into_iter().map(|m| m.id.clone());
    ids.filter(|id| meeting.word(Section::Learning, id).is_none()).collect()
}
