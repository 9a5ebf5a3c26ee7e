//! A meeting's rows: itself, its run sheet, answers, subject, people's words, actions.

use super::cells::{Cell, Read, all, first, number, wall};
use super::diff::{Rows, Table, Tables};
use super::error::Fault;
use super::group_rows::{self, and, meeting_key, word_cell};
use crate::core::meeting::{Action, DigestState, Led};
use crate::core::{Attendance, Group, GroupId, Meeting, MeetingNo, MemberId, Run, RunStep, Subject, Word};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet};

static MEETINGS: Table = Table {
    name: "meetings",
    keys: &["group_id", "number"],
    cells: &[
        "uid",
        "slot",
        "wall",
        "announced_at",
        "told_before_at",
        "format",
        "place",
        "sequence",
        "time_sequence",
        "created_at",
        "changed_at",
        "stage",
        "requester",
        "backup",
        "facilitator",
        "run_announced_end",
        "run_paused_at",
        "run_stopped_at",
        "ended_at",
        "digest_review_sent_at",
        "digest_approved_at",
        "digest_withdrawn",
        "digest_sent_at",
        "digest_correction_due_at",
        "led_by",
        "led_at",
    ],
    replace: false,
};

static STEPS: Table = Table {
    name: "meeting_steps",
    keys: &["group_id", "meeting", "position"],
    cells: &["step", "speaker", "turns", "collects", "start_at", "end_at", "skipped"],
    replace: false,
};

static ATTENDANCE: Table = Table {
    name: "attendance",
    keys: &["group_id", "meeting", "member"],
    cells: &["answer", "sequence", "stamp"],
    replace: false,
};

static COMMENTS: Table =
    Table { name: "attendance_comments", keys: &["group_id", "meeting", "member"], cells: &["sealed"], replace: false };

static SUBJECTS: Table =
    Table { name: "subjects", keys: &["group_id", "meeting"], cells: &["sharing", "at", "sealed"], replace: false };

static WORDS: Table = Table {
    name: "words",
    keys: &["group_id", "meeting", "id"],
    cells: &["position", "member", "section", "at", "anonymous", "withdrawn", "sealed"],
    replace: false,
};

static ACTIONS: Table = Table {
    name: "actions",
    keys: &["group_id", "meeting", "id"],
    cells: &["position", "due", "shared", "progress", "sealed"],
    replace: false,
};

/// All rows of a group but its own. Of the meetings only those in `keep`: a meeting that the core
/// let go stays in its tables as it was.
pub(super) fn tables(group: Option<&Group>, keep: &BTreeSet<MeetingNo>) -> Result<Tables, Fault> {
    let Some(group) = group else { return Ok(TABLES.iter().map(|t| (*t, Rows::default())).collect()) };
    let kept: Vec<_> = group.meetings.iter().filter(|m| keep.contains(&m.number)).collect();
    let each = |rows: fn(&GroupId, &Meeting, &mut Rows) -> Result<(), Fault>| {
        let mut all = Rows::default();
        kept.iter().try_for_each(|m| rows(&group.id, m, &mut all)).map(|()| all)
    };
    let rows = [
        group_rows::members(group)?,
        group_rows::addresses(group),
        group_rows::delegates(group),
        group_rows::turns(group),
        group_rows::sent(group),
        group_rows::undos(group)?,
        group_rows::challenges(group)?,
        each(meeting)?,
        each(steps)?,
        each(attendance)?,
        each(comments)?,
        each(subject)?,
        each(words)?,
        each(actions)?,
    ];
    Ok(TABLES.iter().copied().zip(rows).collect())
}

static TABLES: [&Table; 14] = [
    &group_rows::MEMBERS,
    &group_rows::ADDRESSES,
    &group_rows::DELEGATES,
    &group_rows::TURNS,
    &group_rows::SENT,
    &group_rows::UNDOS,
    &group_rows::CHALLENGES,
    &MEETINGS,
    &STEPS,
    &ATTENDANCE,
    &COMMENTS,
    &SUBJECTS,
    &WORDS,
    &ACTIONS,
];

fn meeting(group: &GroupId, m: &Meeting, rows: &mut Rows) -> Result<(), Fault> {
    let run = m.run.as_ref();
    let cells: Vec<Cell> = vec![
        m.uid.as_str().into(),
        wall(m.slot).into(),
        wall(m.wall).into(),
        m.announced.into(),
        m.told_before.into(),
        m.format.as_str().into(),
        m.place.clone().into(),
        m.sequence.into(),
        m.time_sequence.into(),
        m.created.into(),
        m.changed.into(),
        word_cell(&m.stage)?,
        m.requester.as_str().into(),
        m.backup.as_ref().map(MemberId::as_str).into(),
        m.facilitator.as_str().into(),
        run.map(|r| r.announced_end).into(),
        run.and_then(|r| r.paused).into(),
        run.and_then(|r| r.stopped).into(),
        m.ended.into(),
        m.digest.review_sent.into(),
        m.digest.approved.into(),
        m.digest.withdrawn.into(),
        m.digest.sent.into(),
        m.digest.correction_due.into(),
        m.led.as_ref().map(|led| led.by.as_str()).into(),
        m.led.as_ref().map(|led| led.at).into(),
    ];
    rows.add(meeting_key(group, m), cells);
    Ok(())
}

fn steps(group: &GroupId, m: &Meeting, rows: &mut Rows) -> Result<(), Fault> {
    for (position, step) in m.run.iter().flat_map(|r| &r.steps).enumerate() {
        let cells = vec![
            step.key.name().into(),
            word_cell(&step.speaker)?,
            word_cell(&step.order)?,
            word_cell(&step.collects)?,
            step.start.into(),
            step.end.into(),
            step.skipped.into(),
        ];
        rows.add(and(meeting_key(group, m), number(position)), cells);
    }
    Ok(())
}

fn attendance(group: &GroupId, m: &Meeting, rows: &mut Rows) -> Result<(), Fault> {
    for (member, given) in &m.attendance {
        let cells = vec![word_cell(&given.answer)?, given.sequence.into(), given.stamp.into()];
        rows.add(and(meeting_key(group, m), member.as_str()), cells);
    }
    Ok(())
}

fn comments(group: &GroupId, m: &Meeting, rows: &mut Rows) -> Result<(), Fault> {
    for (member, given) in &m.attendance {
        if let Some(text) = &given.comment {
            rows.add(and(meeting_key(group, m), member.as_str()), vec![text.as_str().into()]);
        }
    }
    Ok(())
}

fn subject(group: &GroupId, m: &Meeting, rows: &mut Rows) -> Result<(), Fault> {
    if let Some(subject) = &m.subject {
        let sharing = subject.sharing.as_ref().map(word_cell).transpose()?;
        rows.add(meeting_key(group, m), vec![sharing.into(), subject.at.into(), subject.text.as_str().into()]);
    }
    Ok(())
}

fn words(group: &GroupId, m: &Meeting, rows: &mut Rows) -> Result<(), Fault> {
    for (position, word) in m.words.iter().enumerate() {
        let cells = vec![
            number(position).into(),
            word.by.as_str().into(),
            word_cell(&word.section)?,
            word.at.into(),
            word.anonymous.into(),
            word.withdrawn.into(),
            word.text.as_str().into(),
        ];
        rows.add(and(meeting_key(group, m), word.id), cells);
    }
    Ok(())
}

fn actions(group: &GroupId, m: &Meeting, rows: &mut Rows) -> Result<(), Fault> {
    for (position, action) in m.actions.iter().enumerate() {
        let cells = vec![
            number(position).into(),
            action.due.map(|d| d.to_string()).into(),
            action.shared.into(),
            action.progress.as_ref().map(word_cell).transpose()?.into(),
            action.text.as_str().into(),
        ];
        rows.add(and(meeting_key(group, m), action.id), cells);
    }
    Ok(())
}

/// One whole meeting.
pub(super) fn load(conn: &Connection, group: &GroupId, number: MeetingNo) -> Result<Option<Meeting>, Fault> {
    let sql = "SELECT * FROM meetings WHERE group_id = ? AND number = ?";
    let Some((mut meeting, announced)) = first(conn, sql, params![group.as_str(), number.0], |r| {
        let announced = r.opt_time("run_announced_end")?;
        let run = |announced_end| -> Result<Run, Fault> {
            let (paused, stopped) = (r.opt_time("run_paused_at")?, r.opt_time("run_stopped_at")?);
            Ok(Run { steps: Vec::new(), announced_end, paused, stopped })
        };
        Ok((bare(r, number)?, announced.map(run).transpose()?))
    })?
    else {
        return Ok(None);
    };
    if let Some(mut run) = announced {
        run.steps = load_steps(conn, group, number)?;
        meeting.run = Some(run);
    }
    meeting.attendance = load_attendance(conn, group, number)?;
    meeting.subject = load_subject(conn, group, number)?;
    meeting.words = load_words(conn, group, number)?;
    meeting.actions = load_actions(conn, group, number)?;
    Ok(Some(meeting))
}

fn bare(r: &Read<'_>, number: MeetingNo) -> Result<Meeting, Fault> {
    let led = r.opt_parsed("led_by")?.zip(r.opt_time("led_at")?);
    Ok(Meeting {
        number,
        uid: r.parsed("uid")?,
        slot: r.wall("slot")?,
        wall: r.wall("wall")?,
        announced: r.opt_time("announced_at")?,
        told_before: r.opt_time("told_before_at")?,
        format: r.parsed("format")?,
        place: r.opt_text("place")?,
        sequence: r.small("sequence")?,
        time_sequence: r.small("time_sequence")?,
        created: r.time("created_at")?,
        changed: r.time("changed_at")?,
        stage: r.word("stage")?,
        requester: r.parsed("requester")?,
        backup: r.opt_parsed("backup")?,
        facilitator: r.parsed("facilitator")?,
        attendance: BTreeMap::new(),
        subject: None,
        run: None,
        ended: r.opt_time("ended_at")?,
        words: Vec::new(),
        actions: Vec::new(),
        digest: DigestState {
            review_sent: r.opt_time("digest_review_sent_at")?,
            approved: r.opt_time("digest_approved_at")?,
            withdrawn: r.flag("digest_withdrawn")?,
            sent: r.opt_time("digest_sent_at")?,
            correction_due: r.opt_time("digest_correction_due_at")?,
        },
        led: led.map(|(by, at)| Led { by, at }),
    })
}

fn load_steps(conn: &Connection, group: &GroupId, number: MeetingNo) -> Result<Vec<RunStep>, Fault> {
    let sql = "SELECT * FROM meeting_steps WHERE group_id = ? AND meeting = ? ORDER BY position";
    all(conn, sql, params![group.as_str(), number.0], |r| {
        Ok(RunStep {
            key: r.word("step")?,
            speaker: r.word("speaker")?,
            order: r.word("turns")?,
            collects: r.word("collects")?,
            start: r.time("start_at")?,
            end: r.time("end_at")?,
            skipped: r.flag("skipped")?,
        })
    })
}

fn load_attendance(
    conn: &Connection,
    group: &GroupId,
    number: MeetingNo,
) -> Result<BTreeMap<MemberId, Attendance>, Fault> {
    let sql = "SELECT a.*, c.sealed IS NOT NULL AS commented, \
        unseal_text('comments/' || c.group_id || '/' || c.meeting || '/' || c.member, c.sealed) AS comment FROM attendance a LEFT JOIN attendance_comments c \
               ON c.group_id = a.group_id AND c.meeting = a.meeting AND c.member = a.member \
               WHERE a.group_id = ? AND a.meeting = ?";
    let given = all(conn, sql, params![group.as_str(), number.0], |r| {
        let given = Attendance {
            answer: r.word("answer")?,
            sequence: r.small("sequence")?,
            stamp: r.time("stamp")?,
            comment: r.flag("commented")?.then(|| readable(r, "comment")).transpose()?,
        };
        Ok((r.parsed("member")?, given))
    })?;
    Ok(given.into_iter().collect())
}

fn load_subject(conn: &Connection, group: &GroupId, number: MeetingNo) -> Result<Option<Subject>, Fault> {
    let sql = "SELECT unseal_text('subjects/' || group_id || '/' || meeting, sealed) AS text, sharing, at \
        FROM subjects WHERE group_id = ? AND meeting = ?";
    first(conn, sql, params![group.as_str(), number.0], |r| {
        Ok(Subject { text: readable(r, "text")?, sharing: r.opt_word("sharing")?, at: r.time("at")? })
    })
}

fn load_words(conn: &Connection, group: &GroupId, number: MeetingNo) -> Result<Vec<Word>, Fault> {
    let sql = "SELECT *, unseal_text('words/' || group_id || '/' || meeting || '/' || id, sealed) AS text \
        FROM words WHERE group_id = ? AND meeting = ? ORDER BY position";
    all(conn, sql, params![group.as_str(), number.0], |r| {
        Ok(Word {
            id: r.small("id")?,
            by: r.parsed("member")?,
            section: r.word("section")?,
            at: r.time("at")?,
            text: readable(r, "text")?,
            anonymous: r.flag("anonymous")?,
            withdrawn: r.flag("withdrawn")?,
        })
    })
}

fn load_actions(conn: &Connection, group: &GroupId, number: MeetingNo) -> Result<Vec<Action>, Fault> {
    let sql = "SELECT *, unseal_text('actions/' || group_id || '/' || meeting || '/' || id, sealed) AS text \
        FROM actions WHERE group_id = ? AND meeting = ? ORDER BY position";
    all(conn, sql, params![group.as_str(), number.0], |r| {
        Ok(Action {
            id: r.small("id")?,
            text: readable(r, "text")?,
            due: r.opt_day("due")?,
            shared: r.flag("shared")?,
            progress: r.opt_word("progress")?,
        })
    })
}

/// What somebody wrote, or that it can't be read any more: its key is gone. It stays in its row as it is, since a
/// row that does not differ is not written.
fn readable(r: &Read<'_>, column: &str) -> Result<String, Fault> {
    Ok(r.opt_text(column)?.unwrap_or_else(|| super::sealed::UNREADABLE.to_owned()))
}
