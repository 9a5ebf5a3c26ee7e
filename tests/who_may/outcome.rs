//! What became of a mail: the verdict, read from the store.

use super::letter::{Token, got, write};
use super::table::Row;
use crate::stage::Set;
use codevd::core::proof::{Level, Proof};
use codevd::core::{Facts, Group, Kind, Section};
use codevd::daemon::engine::{Engine, Kit};
use codevd::daemon::receiver::received;
use codevd::daemon::shared;
use codevd::sim::SeededIds;
use codevd::store::{InboxState, MailState, QueueFilter, Store};
use codevd::transport::Fetched;
use rusqlite::Connection;
use std::path::Path;

/// Plays a row; says what was found where it differs. The kit is handed on, for it takes long to make.
pub fn check(kit: Kit, row: &Row<'_>, set: &Set) -> (Kit, Result<(), String>) {
    // in memory where there is such a place: a thousand stores are written
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let file = folder.path().join("codevd.db");
    std::fs::write(&file, &set.database).unwrap();
    std::fs::write(folder.path().join("codevd.db.keys"), &set.keys).unwrap();
    prepare(&file, row, set);
    let mut engine = Engine::new(kit, shared(Store::open(&file).unwrap()), SeededIds::of(1));
    let bytes = write(row, set);
    if row.token == Token::Replayed {
        come(&mut engine, &bytes, 'B', set);
    }
    let before = State::of(&engine, row);
    let replayed = row.token == Token::Replayed;
    let bytes = if replayed { [b"Received: by elsewhere.example\r\n", bytes.as_slice()].concat() } else { bytes };
    let inbox = come(&mut engine, &bytes, row.proof, set);
    let after = State::of(&engine, row);
    let found = before.verdict(&after, inbox);
    let reason = engine.store().get().inbox_row(inbox).unwrap().unwrap().reason.unwrap_or_default();
    let checked = match found == row.expected {
        true => before.stays_within(&after, &found),
        false => Err(format!("{found} ({reason})")),
    };
    (engine.kit, checked)
}

/// The mail arrives and is decided on; its row.
fn come(engine: &mut Engine<SeededIds>, bytes: &[u8], proof: char, set: &Set) -> i64 {
    let level = match proof {
        'A' => Level::A,
        'B' => Level::B,
        _ => Level::C,
    };
    let place = format!("INBOX;9;{proof}{}", bytes.len());
    let fetched = Fetched { place, bytes: bytes.to_vec(), truncated: false, size: bytes.len() as u64 };
    engine.store().get().receive(&[received(fetched, Some(Proof::new(level, "a test")), set.now)]).unwrap();
    engine.step(set.now).unwrap();
    engine.store().get().inbox_list(&[], 1).unwrap()[0].id
}

/// What the row takes for granted: the mail's time is over; no other question is open to that member.
fn prepare(file: &Path, row: &Row<'_>, set: &Set) {
    let conn = Connection::open(file).unwrap();
    let key = |who: &str| got(set, who, &row.act.mail).0.to_string();
    if row.token == Token::Expired {
        codevd::store::open_words(&conn, file).unwrap();
        let sql = "UPDATE outbox_bytes SET draft = seal((SELECT group_id || '/' || coalesce(meeting, \
            substr(decided_at, 1, 7)) FROM outbox WHERE id = outbox), 'draft/' || outbox, \
            json_set(unseal_text('draft/' || outbox, draft), '$.useful_until', '2026-01-01T00:00:00Z')) \
            WHERE outbox = (SELECT id FROM outbox WHERE draft_key = ?)";
        assert_eq!(conn.execute(sql, [key(&row.of)]).unwrap(), 1);
    }
    if row.token.needs_open() && row.of == row.who {
        let sql = "UPDATE outbox SET question = NULL WHERE member = ? AND draft_key <> ?";
        conn.execute(sql, [row.who, &key(row.who)]).unwrap();
    }
}

/// All that a mail may change.
struct State {
    group: Group,
    mails: Vec<(Kind, String, Facts)>,
    inbox: Vec<(i64, InboxState)>,
}

impl State {
    fn of(engine: &Engine<SeededIds>, row: &Row<'_>) -> Self {
        let store = engine.store().get();
        let group = store.load(&"court".parse().unwrap(), &engine.kit.formats).unwrap().unwrap().group;
        let queue = store.queue(&QueueFilter { state: Some(MailState::Queued), ..QueueFilter::default() }).unwrap();
        let facts = |key: &str| store.outbox_by_key(key).unwrap().unwrap().draft.facts;
        let mails = queue.iter().map(|m| (m.kind, m.envelope_to.to_string(), facts(&m.draft_key))).collect();
        let inbox = store.inbox_list(&[], 20).unwrap().iter().map(|r| (r.id, r.state)).collect();
        let _ = row;
        Self { group, mails, inbox }
    }

    fn new_mails<'s>(&self, after: &'s Self) -> &'s [(Kind, String, Facts)] {
        &after.mails[self.mails.len()..]
    }

    fn verdict(&self, after: &Self, inbox: i64) -> String {
        let mails = self.new_mails(after);
        let state = after.inbox.iter().find(|(id, _)| *id == inbox).unwrap().1;
        let any = |kind: Kind| mails.iter().any(|(k, ..)| *k == kind);
        let acts = |kind: &Kind| {
            !matches!(kind, Kind::Receipt | Kind::Refusal | Kind::WasItYou | Kind::Notice | Kind::Forwarded)
        };
        let asked = mails.iter().find_map(|(_, _, facts)| match facts {
            Facts::WasItYou { address, .. } => Some(address.is_some()),
            _ => None,
        });
        let verdict = match asked {
            Some(true) => "offered",
            Some(false) => "asked",
            None if changed(&self.group, &after.group) || mails.iter().any(|(kind, ..)| acts(kind)) => "applied",
            None if any(Kind::Refusal) => "refused",
            None if words(&after.group) > words(&self.group) => "noted",
            None if any(Kind::Forwarded) => "told",
            None if any(Kind::Receipt) => "answered",
            None if state == InboxState::Asked => "joined",
            None => "kept",
        };
        verdict.to_owned()
    }

    /// What was not applied changed nothing; nobody outside is written to; only its owner is asked.
    fn stays_within(&self, after: &Self, verdict: &str) -> Result<(), String> {
        let known = |address: &str| self.group.members.iter().any(|m| m.is_active() && m.email.is(address));
        if let Some((kind, to, _)) = self.new_mails(after).iter().find(|(_, to, _)| !known(to)) {
            return Err(format!("{kind} went to {to}, who is in no group"));
        }
        if verdict != "applied" && changed(&self.group, &after.group) {
            return Err("the group changed".to_owned());
        }
        let held = matches!(verdict, "asked" | "offered" | "kept" | "joined");
        if held && words(&self.group) != words(&after.group) {
            return Err("its words were taken".to_owned());
        }
        let asked = self.new_mails(after).len();
        match verdict {
            "asked" | "offered" if asked != 1 => Err(format!("{asked} mails went out")),
            "kept" | "joined" if asked != 0 => Err(format!("{asked} mails went out")),
            _ => Ok(()),
        }
    }
}

/// People, meetings and turns, without the notes that anybody may leave.
fn changed(before: &Group, after: &Group) -> bool {
    let of = |group: &Group| {
        let mut meetings = group.meetings.clone();
        for meeting in &mut meetings {
            meeting.words.retain(|w| w.section != Section::Note);
        }
        let mut members = group.members.clone();
        members.iter_mut().for_each(|m| m.reach.alive());
        (members, meetings, group.turns.clone(), group.next_meeting)
    };
    of(before) != of(after)
}

fn words(group: &Group) -> usize {
    group.meetings.iter().map(|m| m.words.len()).sum()
}
