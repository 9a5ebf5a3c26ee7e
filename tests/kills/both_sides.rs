//! What the database says against what the servers have, mail by mail.

use crate::house::{House, Way};
use crate::people::{Gave, Members};
use chrono::{DateTime, Duration, Utc};
use codevd::core::Kind;
use codevd::store::{InboxKind, InboxRow, InboxState, MailState, QueueFilter, QueueRow, Reader};
use std::collections::BTreeMap;

/// How many were compared.
#[derive(Debug, Default, Clone, Copy)]
pub struct Compared {
    pub sent: usize,
    pub in_doubt: usize,
    /// In doubt, and there.
    pub arrived_in_doubt: usize,
    pub not_sent: usize,
    pub received: usize,
}

impl std::ops::AddAssign for Compared {
    fn add_assign(&mut self, more: Self) {
        self.sent += more.sent;
        self.in_doubt += more.in_doubt;
        self.arrived_in_doubt += more.arrived_in_doubt;
        self.not_sent += more.not_sent;
        self.received += more.received;
    }
}

/// All that was sent is there, nothing is left to do, and what that sent is there as well.
pub fn is_still(house: &House<'_>, members: &Members, now: DateTime<Utc>) -> bool {
    has_arrived(house, members) && house.is_quiet(now) && has_arrived(house, members)
}

/// Nothing is under way between the servers and the daemon, in either direction.
fn has_arrived(house: &House<'_>, members: &Members) -> bool {
    let reader = Reader::open(house.database()).unwrap();
    let there = arrived(members);
    let rows = reader.queue(&QueueFilter::default()).unwrap();
    let out = rows.iter().filter(|r| r.state == MailState::Sent).all(|r| there.contains_key(r.message_id.as_str()));
    out && members.gave.iter().all(|g| !reader.inbox_by_message_id(&g.message_id).unwrap().is_empty())
}

fn arrived(members: &Members) -> BTreeMap<&str, usize> {
    let mut there = BTreeMap::new();
    members.got.iter().for_each(|got| *there.entry(got.message_id.as_str()).or_default() += 1);
    there
}

/// Compares; each difference ends the test.
pub fn compare(house: &House<'_>, members: &Members) -> Compared {
    let reader = Reader::open(house.database()).unwrap();
    let rows = reader.queue(&QueueFilter::default()).unwrap();
    let mut compared = outgoing(house, &reader, &rows, members);
    compared.received = incoming(house, &reader, &rows, members);
    marks(house);
    whole(house);
    late(house, &rows);
    compared
}

/// What is sent is there once; what is not is not there; what is in doubt may be either.
pub fn outgoing(house: &House<'_>, reader: &Reader, rows: &[QueueRow], members: &Members) -> Compared {
    let there = arrived(members);
    let mut compared = Compared::default();
    for row in rows {
        let count = there.get(row.message_id.as_str()).copied().unwrap_or(0);
        let doubted = reader.attempts(row.id).unwrap().iter().any(|a| a.result.as_deref() == Some("in_doubt"));
        let fits = match row.state {
            MailState::Sent => count == 1 || (doubted && count == 2),
            MailState::InDoubt => count <= 1,
            _ => count == 0,
        };
        let told = house.told();
        assert!(
            fits,
            "{} is {:?} and arrived {count} times (in doubt before: {doubted}){told}",
            row.draft_key, row.state
        );
        compared.sent += usize::from(row.state == MailState::Sent);
        compared.in_doubt += usize::from(row.state == MailState::InDoubt);
        compared.arrived_in_doubt += usize::from(row.state == MailState::InDoubt && count == 1);
        compared.not_sent += usize::from(!matches!(row.state, MailState::Sent | MailState::InDoubt));
        let settled = !matches!(row.state, MailState::Queued | MailState::Sending);
        assert!(settled, "{} is still {:?}{told}", row.draft_key, row.state);
    }
    compared
}

/// Each mail that a server took from a member is one row, decided on once, and its receipt went once.
fn incoming(house: &House<'_>, reader: &Reader, rows: &[QueueRow], members: &Members) -> usize {
    for gave in &members.gave {
        let found = reader.inbox_by_message_id(&gave.message_id).unwrap();
        let [row] = found.as_slice() else {
            panic!("{} of {} is in {} rows{}", gave.message_id, gave.from, found.len(), house.told())
        };
        let done = !matches!(row.state, InboxState::New | InboxState::Quarantined);
        assert!(done && row.done_at.is_some(), "{} of {}: {:?} {:?}", row.id, gave.from, row.state, row.reason);
        if is_attendance(gave) {
            attendance(house, reader, rows, gave, row);
        }
    }
    let all = reader.inbox_list(&[], 100_000).unwrap();
    let mails: Vec<&InboxRow> = all.iter().filter(|r| r.kind == InboxKind::Mail).collect();
    let known = |row: &&InboxRow| members.gave.iter().any(|g| Some(&g.message_id) == row.message_id.as_ref());
    let strange: Vec<_> = mails.iter().filter(|row| !known(row)).map(|row| (&row.from, &row.state)).collect();
    assert!(strange.is_empty(), "mails that no member sent: {strange:?}{}", house.told());
    mails.len()
}

fn is_attendance(gave: &Gave) -> bool {
    matches!(gave.on, Kind::Invitation | Kind::Moved)
}

fn attendance(house: &House<'_>, reader: &Reader, rows: &[QueueRow], gave: &Gave, row: &InboxRow) {
    let group = row.group.clone().expect("its group is known");
    let meeting = reader.meetings(Some(&group)).unwrap().into_iter().next().unwrap();
    let meeting = reader.meeting(&group, meeting.number).unwrap().unwrap();
    if row.done_at.is_some_and(|at| at > meeting.wall.and_utc()) {
        // it came when the meeting had begun
        return;
    }
    assert_eq!(row.state, InboxState::Done, "{} of {}: {:?}{}", row.id, gave.from, row.reason, house.told());
    let member = gave.from.parse().unwrap();
    // a move asks everybody anew
    let known = gave.on == Kind::Invitation && meeting.sequence > 0 || meeting.attendance.contains_key(&member);
    assert!(known, "the answer of {} is not known any more{}", gave.from, house.told());
    // a button of a calendar gets no receipt of its own
    if gave.words.is_some() {
        let receipt = |r: &&QueueRow| r.kind == Kind::Receipt && r.group == group && r.member == member;
        assert!(rows.iter().any(|r| receipt(&r)), "{} has no receipt{}", gave.from, house.told());
    }
}

/// What was taken is marked so in the mailbox: it never comes again.
fn marks(house: &House<'_>) {
    let (folder, marked): (_, fn(&str) -> bool) = match house.way {
        Way::Imap => {
            let keyword = |name: &str| {
                let flags = name.rsplit_once(":2,").map_or("", |(_, flags)| flags);
                flags.contains(|c: char| c.is_ascii_lowercase())
            };
            (house.servers.maildir(&house.user("codev")), keyword)
        }
        Way::Maildir => (house.home().join("mail"), |_| false),
        Way::Lmtp => return,
    };
    for sub in ["new", "cur"] {
        let Ok(files) = std::fs::read_dir(folder.join(sub)) else { continue };
        for file in files {
            let name = file.unwrap().file_name().into_string().unwrap();
            assert!(marked(&name), "{sub}/{name} is not marked as taken{}", house.told());
        }
    }
}

/// SQLite finds no damage, and nothing broke down.
pub fn whole(house: &House<'_>) {
    let db = rusqlite::Connection::open(house.database()).unwrap();
    let check: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    let log = std::fs::read_to_string(house.home().join("log")).unwrap_or_default();
    let wrong = |line: &&str| line.contains("panicked") || line.contains("ERROR");
    let wrong: Vec<&str> = log.lines().filter(wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}{}", house.told());
}

/// No live prompt's last byte left more than 90 s after it was due, by the daemon's own clock.
pub fn late(house: &House<'_>, rows: &[QueueRow]) {
    let left = dots(house);
    for row in rows.iter().filter(|r| r.kind == Kind::StepPrompt && r.state == MailState::Sent) {
        let at = left[&row.id];
        let in_time = at <= row.due + Duration::seconds(90);
        assert!(in_time, "{} left at {at}, due {}{}", row.draft_key, row.due, house.told());
    }
}

/// When the final dot of each mail left.
pub fn dots(house: &House<'_>) -> BTreeMap<i64, DateTime<Utc>> {
    let db = rusqlite::Connection::open(house.database()).unwrap();
    let mut found = db.prepare("SELECT id, dot_at FROM outbox WHERE dot_at IS NOT NULL").unwrap();
    let rows = found.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?))).unwrap();
    rows.map(|row| row.map(|(id, at)| (id, at.parse().unwrap())).unwrap()).collect()
}
