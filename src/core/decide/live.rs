//! The session's clock in the facilitator's hand: next, more time, pause, stop; and the request.

use super::{Work, answer, due};
use crate::core::agenda::prompted;
use crate::core::draft::{Facts, Question};
use crate::core::event::{Answer, Meaning, Receipt};
use crate::core::format::StepKey;
use crate::core::ids::MeetingNo;
use crate::core::meeting::{Attendance, Attending, Section, Stage};
use crate::core::refusal::Refusal;
use crate::core::run::Run;
use chrono::{DateTime, Duration, Utc};

/// A step that began so short a time ago is not over: the word that began it came twice.
const TWICE: Duration = Duration::seconds(5);

/// An order of the facilitator to the running clock.
pub(super) fn live(work: &mut Work<'_>, number: MeetingNo, answer: &Answer) -> Result<(), Refusal> {
    if !work.group.facilitators().iter().any(|m| m.id == answer.from) {
        return Err(Refusal::FacilitatorOnly);
    }
    if let Meaning::Request { text } = &answer.meaning {
        return request(work, number, answer, text);
    }
    if work.meeting(number)?.stage != Stage::Running {
        return if matches!(answer.meaning, Meaning::None | Meaning::Text { .. }) {
            answer::note(work, Some(number), answer)
        } else {
            Err(Refusal::NotRunning)
        };
    }
    let (order, minutes) = turn_clock(work, number, answer)?;
    let text = minutes.map_or_else(|| format!("clock: {order}"), |m| format!("clock: {order} {m} min"));
    work.tell(Some(number), Some(&answer.from), text);
    // what follows by mail shows the new times: a receipt only where no prompt comes of it
    let prompted = matches!(order, "next" | "back") || (order == "resume" && prompt_again(work, number));
    let overrun = work.meeting(number)?.run.as_ref().is_some_and(|run| work.now() > run.never_after());
    if !prompted || overrun {
        let receipt = Receipt::Clock { order: order.to_owned(), minutes };
        work.receipt(Some(number), &answer.from, receipt, None, &answer.mail);
    }
    Ok(())
}

fn turn_clock(work: &mut Work<'_>, number: MeetingNo, answer: &Answer) -> Result<(&'static str, Option<u32>), Refusal> {
    let now = work.now();
    // while the clock stands still, "now" is when it was stopped
    let stands = work.meeting(number)?.run.as_ref().and_then(|r| r.paused).unwrap_or(now);
    match &answer.meaning {
        Meaning::Next | Meaning::Yes => go_on(work, number, answer.to.step).map(|()| ("next", None)),
        Meaning::Back => go_back(work, number).map(|()| ("back", None)),
        Meaning::Stop => {
            due::end(work, number, Some(now));
            Ok(("stop", None))
        }
        Meaning::Absent { name } => absent(work, number, name).map(|()| ("absent", None)),
        Meaning::Extend { minutes, move_end } => {
            run_mut(work, number)?.extend(stands, min(*minutes), *move_end);
            Ok(("extend", Some(*minutes)))
        }
        Meaning::Late { minutes } => {
            let minutes = minutes.unwrap_or(5);
            run_mut(work, number)?.extend(stands, min(minutes), false);
            Ok(("late", Some(minutes)))
        }
        Meaning::Shorten { minutes } => {
            run_mut(work, number)?.extend(stands, -min(*minutes), false);
            Ok(("shorten", Some(*minutes)))
        }
        Meaning::Pause => {
            run_mut(work, number)?.paused.get_or_insert(now);
            Ok(("pause", None))
        }
        Meaning::Resume { move_end } => {
            let run = run_mut(work, number)?;
            let since = run.paused.take().ok_or(Refusal::NotRunning)?;
            run.shift_after(since, now - since, *move_end);
            Ok(("resume", None))
        }
        _ => Err(Refusal::NotUnderstood),
    }
}

fn min(minutes: u32) -> Duration {
    Duration::minutes(i64::from(minutes))
}

fn run_mut<'w>(work: &'w mut Work<'_>, number: MeetingNo) -> Result<&'w mut Run, Refusal> {
    work.meeting_mut(number)?.run.as_mut().ok_or(Refusal::NotRunning)
}

/// "next": the step whose prompt was answered ends now. An answer to the next step's prompt begins
/// that step; one to a step that is over already changes nothing, so that a word sent twice is
/// heard once.
fn go_on(work: &mut Work<'_>, number: MeetingNo, answered: Option<u32>) -> Result<(), Refusal> {
    let now = work.now();
    let run = run_mut(work, number)?;
    run.wake(now);
    let current = run.current(now);
    let target = match (answered, current) {
        (Some(a), Some(c)) if a > c => a,
        (Some(a), Some(c)) if a < c => return Ok(()),
        (Some(a), Some(c))
            if a == c
                && run.steps.get(c as usize).is_some_and(|s| now - s.start < TWICE.min((s.end - s.start) / 4)) =>
        {
            return Ok(());
        }
        (_, Some(c)) => c + 1,
        // before the first step: "next" begins it
        (_, None) => 0,
    };
    if target as usize >= run.steps.len() {
        due::end(work, number, Some(now));
        return Ok(());
    }
    run.begin(target, now);
    prompt_now(work, number, target);
    Ok(())
}

fn go_back(work: &mut Work<'_>, number: MeetingNo) -> Result<(), Refusal> {
    let now = work.now();
    let run = run_mut(work, number)?;
    run.wake(now);
    let Some(target) = run.current(now).and_then(|c| c.checked_sub(1)) else { return Err(Refusal::NotUnderstood) };
    run.begin(target, now);
    due::prompt_all(work, number, target, now, &Facts::Resumed);
    Ok(())
}

/// After a pause: "you are in step 4 until 14:48", if enough of the step remains. Whether it went out.
fn prompt_again(work: &mut Work<'_>, number: MeetingNo) -> bool {
    let now = work.now();
    let Some(run) = work.group.meeting(number).and_then(|m| m.run.as_ref()) else { return false };
    let Some(position) = run.current(now) else { return false };
    let enough = run.steps.get(position as usize).is_some_and(|step| step.leaves_enough(now));
    if enough {
        due::prompt_all(work, number, position, now, &Facts::Resumed);
    }
    enough
}

/// The prompt of a step that begins now, to those who have not got it.
fn prompt_now(work: &mut Work<'_>, number: MeetingNo, step: u32) {
    let now = work.now();
    let Some(meeting) = work.group.meeting(number) else { return };
    if !prompted(&work.group, meeting, step) {
        due::prompt_all(work, number, step, now, &Facts::None);
    }
}

/// Somebody is not there: turns are counted without them; an absent requester makes way for the backup, unless a request
/// or a plan of theirs is there already: then the session stays theirs.
fn absent(work: &mut Work<'_>, number: MeetingNo, name: &str) -> Result<(), Refusal> {
    let who = super::subject::find(work, name)?;
    let now = work.now();
    let meeting = work.meeting_mut(number)?;
    let away = Attendance { answer: Attending::No, sequence: meeting.sequence, stamp: now, comment: None };
    meeting.attendance.insert(who.clone(), away);
    let requester = meeting.requester.clone();
    let asked = meeting.words.iter().any(|w| w.section == Section::Request && w.by == requester && !w.withdrawn);
    let took_part = asked || !meeting.actions.is_empty();
    let text = format!("{} is absent", work.name(&who));
    work.tell(Some(number), Some(&who), text);
    if who == requester
        && !took_part
        && let Ok(next) = super::subject::next_in_line(work, number)
    {
        super::subject::give_seat(work, number, &next)?;
    }
    Ok(())
}

/// The requester's reply in step 3.
pub(super) fn step_request(work: &mut Work<'_>, number: MeetingNo, answer: &Answer) -> Result<(), Refusal> {
    // who gave the seat away in mid-session does not speak for the next requester
    if work.meeting(number)?.requester != answer.from {
        return answer::note(work, Some(number), answer);
    }
    let text = match &answer.meaning {
        Meaning::Request { text } => text.clone(),
        _ => answer.text.clone(),
    };
    request(work, number, answer, &text)
}

/// Keeps the request; prompts of step 4 that left without it go out again with it.
fn request(work: &mut Work<'_>, number: MeetingNo, answer: &Answer, text: &str) -> Result<(), Refusal> {
    let meeting = work.meeting(number)?;
    if meeting.stage == Stage::Cancelled {
        return Err(Refusal::Over);
    }
    let requester = meeting.requester.clone();
    let id = work.keep(number, &requester, Section::Request, text, false);
    work.tell(Some(number), Some(&answer.from), "the request was noted");
    if work.meeting(number)?.stage == Stage::Running {
        again_with_request(work, number);
        if answer.question == Some(Question::Live) {
            let receipt = Receipt::Clock { order: "request".to_owned(), minutes: None };
            work.receipt(Some(number), &answer.from, receipt, None, &answer.mail);
        }
    } else {
        answer::kept(work, number, answer, Section::Request, false, id);
    }
    Ok(())
}

fn again_with_request(work: &mut Work<'_>, number: MeetingNo) {
    let now = work.now();
    let Some(meeting) = work.group.meeting(number) else { return };
    let Some(run) = &meeting.run else { return };
    let out = run
        .steps
        .iter()
        .zip(0u32..)
        .find(|(s, p)| s.key == StepKey::Contributions && s.end > now && prompted(&work.group, meeting, *p));
    if let Some((_, position)) = out {
        due::prompt_all(work, number, position, now, &Facts::None);
    }
}

impl Run {
    /// Position of the step under way, the last begun one; none before the first.
    pub fn current(&self, now: DateTime<Utc>) -> Option<u32> {
        self.steps.iter().zip(0u32..).filter(|(s, _)| s.start <= now).map(|(_, p)| p).last()
    }

    /// The step that is gone to ends a pause.
    fn wake(&mut self, now: DateTime<Utc>) {
        if let Some(since) = self.paused.take() {
            self.shift_after(since, now - since, false);
        }
    }

    /// Step `position` begins now and keeps its length; those before it are over, those after it
    /// follow, and the session ends earlier or later by as much.
    pub(super) fn begin(&mut self, position: u32, now: DateTime<Utc>) {
        let Some(start) = self.steps.get(position as usize).map(|s| s.start) else { return };
        let shift = now - start;
        for (step, at) in self.steps.iter_mut().zip(0u32..) {
            if at >= position {
                step.start += shift;
                step.end += shift;
                step.skipped = false;
            } else if step.end > now || at + 1 == position {
                step.skipped |= step.start > now;
                step.start = step.start.min(now);
                step.end = now;
            }
        }
    }

    /// The step under way takes `more` (less if negative). The end stays, at the cost of what is
    /// still to come, unless it is to move.
    pub(super) fn extend(&mut self, now: DateTime<Utc>, more: Duration, move_end: bool) {
        // in a pause the clock stands in the step where it was stopped
        let now = self.paused.unwrap_or(now);
        let current = self.current(now).unwrap_or(0) as usize;
        let old_end = self.steps.last().map(|s| s.end);
        let Some(step) = self.steps.get_mut(current) else { return };
        let end = (step.end + more).max(now.max(step.start));
        let shift = end - step.end;
        step.end = end;
        for step in self.steps.iter_mut().skip(current + 1) {
            step.start += shift;
            step.end += shift;
        }
        self.settle_end(current, shift, old_end, move_end);
    }

    /// All that was not over at `since` moves by `by`: the end of a pause.
    pub(super) fn shift_after(&mut self, since: DateTime<Utc>, by: Duration, move_end: bool) {
        let old_end = self.steps.last().map(|s| s.end);
        for step in &mut self.steps {
            if step.start > since {
                step.start += by;
            }
            if step.end > since {
                step.end += by;
            }
        }
        let current = self.current(since).unwrap_or(0) as usize;
        self.settle_end(current, by, old_end, move_end);
    }

    /// Gives time back so that the end stays, or tells the new end as the announced one.
    fn settle_end(&mut self, current: usize, shift: Duration, old_end: Option<DateTime<Utc>>, move_end: bool) {
        if shift > Duration::zero() && !move_end {
            self.give_back(current + 1, shift);
        }
        if let (true, Some(old), Some(new)) = (move_end, old_end, self.steps.last().map(|s| s.end)) {
            self.announced_end += new - old;
        }
    }

    /// Takes `much` from the steps from `first` on: questions, contributions and rounds give first,
    /// down to half; request, plan and learnings only when those can't (method note §6, late start).
    fn give_back(&mut self, first: usize, much: Duration) {
        let mut left = much.num_seconds();
        for protected in [false, true] {
            let spare: i64 = self.spare(first, protected).iter().map(|(_, s)| s).sum();
            let take = left.min(spare);
            if take > 0 {
                self.shorten(first, protected, take, spare);
                left -= take;
            }
        }
    }

    /// Half of each step from `first` on that may give, in seconds.
    fn spare(&self, first: usize, protected: bool) -> Vec<(usize, i64)> {
        let guarded = |key| matches!(key, StepKey::Request | StepKey::ActionPlan | StepKey::Learnings);
        let steps = self.steps.iter().enumerate().skip(first).filter(|(_, s)| guarded(s.key) == protected);
        steps.map(|(i, s)| (i, (s.end - s.start).num_seconds() / 2)).collect()
    }

    fn shorten(&mut self, first: usize, protected: bool, take: i64, spare: i64) {
        let parts = self.spare(first, protected);
        let mut cuts = vec![0; self.steps.len()];
        let mut rest = take;
        for (i, can) in &parts {
            cuts[*i] = (take * can / spare).min(*can);
            rest -= cuts[*i];
        }
        // what rounding left over
        for (i, can) in &parts {
            let more = rest.min(can - cuts[*i]);
            cuts[*i] += more;
            rest -= more;
        }
        let mut back = Duration::zero();
        for (step, cut) in self.steps.iter_mut().zip(cuts).skip(first) {
            step.start -= back;
            back += Duration::seconds(cut);
            step.end -= back;
        }
    }
}
