//! Somebody is told: what is wrong is mailed to the operator, within minutes while a session runs and within the hour
//! otherwise, once a day at most while nothing changes (`reliability.md` 23).

use super::compose::Sender;
use super::ports::{Outgoing, Shared};
use super::trouble::{Health, Part};
use crate::core::{Email, Language};
use crate::mail::{self, Auto, Suppress, WriteError};
use crate::render::{OperatorTopic, RenderError, Renderer};
use crate::store::{Alarm, Counts, InboxState, Reader, StoreError};
use crate::transport::{Delivery, Envelope};
use chrono::{DateTime, Duration, Utc};

/// What was refused or set aside so long ago is no news any more.
const NEWS: Duration = Duration::days(30);
/// A mail that waits longer has been forgotten by somebody.
const WAITS: Duration = Duration::minutes(15);
/// A server may defer a mail as a matter of course (greylisting: minutes, at times half an hour), so an hour without one
/// mail taken is no course of things; a prompt is of use for 90 seconds, so in a session two minutes are.
const OUTBOX_WAITS: (i64, i64) = (60, 2);
/// Mails looked at for whether one left within the hour.
const NEWEST_SENT: u32 = 1000;
/// Rows looked at of each kind.
const LISTED: u32 = 50;

/// Who is told, and in which language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Where.
    pub address: Email,
    /// How.
    pub language: Language,
}

/// Something that is wrong now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its word, as in `templates/<lang>/operator/`.
    pub topic: &'static str,
    /// Since when.
    pub since: DateTime<Utc>,
    /// What was found, on one line.
    pub what: String,
    /// Changes when there is something new.
    pub mark: String,
}

/// How a topic is told.
struct Manner {
    topic: &'static str,
    /// It may pass by itself: told when it lasts so many minutes; the second while a session runs.
    lasts: (i64, i64),
    /// Told again each day while it lasts.
    daily: bool,
}

const MANNERS: [Manner; 16] = [
    manner("held", (0, 0), true),
    manner("set_aside", (5, 1), true),
    manner("quarantined", (0, 0), false),
    manner("in_doubt", (0, 0), false),
    manner("policy", (0, 0), false),
    manner("login", (0, 0), true),
    manner("mailbox", (20, 2), true),
    manner("server", (20, 2), true),
    manner("address", (0, 0), true),
    manner("outbox", OUTBOX_WAITS, true),
    manner("disk", (5, 1), true),
    manner("read_only", (5, 1), true),
    manner("store", (5, 1), true),
    manner("clock", (0, 0), false),
    manner("waits", (0, 0), true),
    // on a first day as well: a mailbox that has mail already, and a group that is applied within the hour
    manner("no_group", (60, 60), true),
];

const fn manner(topic: &'static str, lasts: (i64, i64), daily: bool) -> Manner {
    Manner { topic, lasts, daily }
}

/// How long a topic that may pass by itself lasts before it is told; `live`: while a session runs.
pub fn lasts(topic: &str, live: bool) -> Duration {
    let manner = MANNERS.iter().find(|m| m.topic == topic);
    manner.map_or(Duration::zero(), |m| Duration::minutes(if live { m.lasts.1 } else { m.lasts.0 }))
}

/// What is wrong, as the store and the tasks show it.
///
/// # Errors
/// The store's own.
pub fn found(store: &Reader, health: &Health, now: DateTime<Utc>) -> Result<Vec<Found>, StoreError> {
    let mut all = of_health(health);
    if let Some(held) = store.held()? {
        all.push(Found { topic: "held", since: held.at, mark: held.at.to_rfc3339(), what: held.why });
    }
    let aside: Vec<_> = store.groups()?.into_iter().filter(|g| g.error.is_some()).collect();
    if !aside.is_empty() {
        let names: Vec<_> = aside.iter().map(|g| g.id.to_string()).collect();
        // names of groups alone: what failed may name people, and status shows it
        let what = names.join(", ");
        all.push(Found { topic: "set_aside", since: now, what, mark: names.join(",") });
    }
    let mut kept = store.inbox_list(&[InboxState::Quarantined], LISTED)?;
    kept.retain(|row| row.received_at > now - NEWS);
    if let Some(newest) = kept.iter().map(|row| row.id).max() {
        let ids: Vec<_> = kept.iter().map(|row| format!("in:{}", row.id)).collect();
        let since = kept.iter().map(|row| row.received_at).max().unwrap_or(now);
        all.push(Found { topic: "quarantined", since, what: ids.join(", "), mark: newest.to_string() });
    }
    let counts = store.counts()?;
    let asked: Vec<i64> = store.doubts()?.into_iter().map(|d| d.id).collect();
    let doubtful: Vec<_> = counts.in_doubt.iter().filter(|m| !asked.contains(&m.id) && m.due > now - NEWS).collect();
    if let Some(newest) = doubtful.iter().map(|m| m.id).max() {
        let ids: Vec<_> = doubtful.iter().map(|m| format!("out:{} ({})", m.id, m.kind)).collect();
        all.push(Found { topic: "in_doubt", since: now, what: ids.join(", "), mark: newest.to_string() });
    }
    let refused = store.refused_by_policy()?;
    if let Some((group, _, last)) = refused.into_iter().filter(|(_, _, b)| b.at > now - NEWS).max_by_key(|r| r.2.at) {
        all.push(Found { topic: "policy", since: last.at, what: group.to_string(), mark: last.at.to_rfc3339() });
    }
    if let Some(at) = counts.oldest_new.filter(|at| *at < now - WAITS) {
        all.push(Found { topic: "waits", since: at, what: at.to_rfc3339(), mark: "in".to_owned() });
    }
    if let Some((seen, from)) = store.clock_seen()?.and_then(|seen| Some((seen, seen.jumped_from(now)?))) {
        let what = from.format("%Y-%m-%d %H:%M UTC").to_string();
        all.push(Found { topic: "clock", since: seen.since, what, mark: seen.since.to_rfc3339() });
    }
    // what was deferred is gone by itself (expired, dropped, refused): nothing waits any more
    if !["queued", "sending"].iter().any(|state| counts.outbox.get(*state).is_some_and(|n| *n > 0)) {
        all.retain(|f| !["outbox", "address"].contains(&f.topic));
    }
    let kept_back = all.iter().any(|f| ["held", "server", "login", "address", "outbox"].contains(&f.topic));
    let free = health.free_since(kept_back, now);
    if !kept_back {
        all.extend(stands_still(store, &counts, free, now)?);
    }
    Ok(all)
}

/// Mails that are due and none left, for a reason that no task saw: what is named elsewhere is not told twice, and what
/// became due while nothing ran, or mail was kept back, has its hour first.
fn stands_still(
    store: &Reader,
    counts: &Counts,
    free: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Option<Found>, StoreError> {
    let then = now - Duration::minutes(OUTBOX_WAITS.0);
    if free > then {
        return Ok(None);
    }
    let Some(since) = counts.oldest_queued.filter(|due| *due <= then) else { return Ok(None) };
    if !store.sent_since(then, NEWEST_SENT)?.is_empty() {
        return Ok(None);
    }
    let what = format!("{} in the queue, and none left within the hour", counts.outbox.get("queued").unwrap_or(&0));
    Ok(Some(Found { topic: "outbox", since, what, mark: "still".to_owned() }))
}

/// What the tasks show, which can be told when the store can't be read as well.
fn of_health(health: &Health) -> Vec<Found> {
    let topic = |part: Part| match part {
        Part::MailboxLogin | Part::ServerLogin => "login",
        Part::Mailbox => "mailbox",
        Part::Server => "server",
        Part::Outbox => "outbox",
        Part::Address => "address",
        Part::Disk => "disk",
        Part::ReadOnly => "read_only",
        Part::NoGroup => "no_group",
        Part::Deciding | Part::Sending | Part::Receiving => "store",
    };
    let all = health.all().into_iter();
    all.map(|(part, (since, what))| Found { topic: topic(part), since, what, mark: format!("{part:?}") }).collect()
}

/// What is wrong, and what the operator knows of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Book {
    alarms: Vec<Alarm>,
}

impl Book {
    /// As it was kept.
    pub fn of(alarms: Vec<Alarm>) -> Self {
        Self { alarms }
    }

    /// All of it.
    pub fn alarms(&self) -> &[Alarm] {
        &self.alarms
    }

    /// Notes what is wrong now; what is not among it is over.
    pub fn note(&mut self, found: &[Found], now: DateTime<Utc>) {
        for alarm in &mut self.alarms {
            alarm.over = true;
            // after a clock that went back: what is dated ahead would be told never again
            (alarm.since, alarm.seen) = (alarm.since.min(now), alarm.seen.min(now));
            alarm.told_at = alarm.told_at.map(|at| at.min(now));
        }
        for Found { topic, since, what, mark } in found {
            let since = &(*since).min(now);
            match self.alarms.iter_mut().find(|a| a.topic == *topic) {
                // two of one topic (both logins are refused): the first is told
                Some(known) if !known.over => {}
                Some(known) => {
                    // a new one is of its own time; so is one that was over for a while
                    if known.mark != *mark || known.seen < now - Duration::minutes(5) {
                        known.since = *since;
                    }
                    (known.what, known.mark, known.seen, known.over) = (what.clone(), mark.clone(), now, false);
                }
                None => self.alarms.push(Alarm {
                    topic: (*topic).to_owned(),
                    since: *since,
                    seen: now,
                    what: what.clone(),
                    mark: mark.clone(),
                    over: false,
                    told_at: None,
                    told_mark: None,
                }),
            }
        }
        // what was told lately is remembered: it may come back within the day
        self.alarms.retain(|a| !a.over || a.told_at.is_some_and(|at| at > now - Duration::days(1)));
    }

    /// Topics that are to be told now; `live`: while a session runs.
    pub fn due(&self, live: bool, now: DateTime<Utc>) -> Vec<String> {
        let due = |alarm: &&Alarm| {
            let Some(manner) = MANNERS.iter().find(|m| m.topic == alarm.topic) else { return false };
            let apart = Duration::minutes(if live { 5 } else { 60 });
            let news = alarm.told_mark.as_ref() != Some(&alarm.mark);
            let again = match alarm.told_at {
                None => true,
                Some(at) if news => now - at >= apart,
                Some(at) => manner.daily && now - at >= Duration::days(1),
            };
            !alarm.over && now - alarm.since >= lasts(manner.topic, live) && again
        };
        self.alarms.iter().filter(due).map(|a| a.topic.clone()).collect()
    }

    /// The operator knows of these.
    pub fn told(&mut self, topics: &[String], now: DateTime<Utc>) {
        for alarm in self.alarms.iter_mut().filter(|a| topics.contains(&a.topic)) {
            (alarm.told_at, alarm.told_mark) = (Some(now), Some(alarm.mark.clone()));
        }
    }
}

/// Why the operator could not be told.
#[derive(Debug, thiserror::Error)]
pub enum AlarmError {
    /// A template's fault.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A value that can't stand in a mail.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The address.
    #[error(transparent)]
    Transport(#[from] crate::transport::TransportError),
    /// The server.
    #[error("the mail to the operator did not leave: {0}")]
    NotSent(String),
}

/// Tells the operator, by a way out of its own: it goes whatever is held, and counts in no pace.
pub struct Teller<'a> {
    /// Who is told.
    pub operator: &'a Operator,
    /// Who writes.
    pub sender: &'a Sender,
    /// Templates.
    pub renderer: &'a Renderer,
}

/// Notes what is wrong and tells what is due. Says how many topics were told.
///
/// # Errors
/// It could not be told; it is tried again with the next look.
pub async fn alarm_step<O: Outgoing>(
    store: &Shared,
    health: &Health,
    book: &mut Book,
    (teller, out): (Option<&Teller<'_>>, &mut O),
    now: DateTime<Utc>,
) -> Result<usize, AlarmError> {
    let (seen, live) = {
        let store = store.get();
        let seen = found(&store, health, now).unwrap_or_else(|_| of_health(health));
        (seen, store.is_live().unwrap_or(true))
    };
    let before = book.clone();
    book.note(&seen, now);
    let due = book.due(live, now);
    let told = match teller {
        Some(teller) if !due.is_empty() => teller.tell(store, book, &due, live, out, now).await.map(|()| due.len()),
        _ => Ok(0),
    };
    if *book != before {
        // a disk that is full keeps nothing: the book in memory goes on
        let _ = store.get().keep_alarms(book.alarms());
    }
    told
}

impl Teller<'_> {
    /// One mail with all that is due.
    async fn tell<O: Outgoing>(
        &self,
        store: &Shared,
        book: &mut Book,
        due: &[String],
        live: bool,
        out: &mut O,
        now: DateTime<Utc>,
    ) -> Result<(), AlarmError> {
        let topics: Vec<_> = book.alarms().iter().filter(|a| due.contains(&a.topic)).map(topic).collect();
        let bytes = self.write(&topics, live, now)?;
        let envelope = Envelope::new(self.sender.address.as_str(), self.operator.address.as_str())?;
        let mut told = book.clone();
        told.told(due, now);
        // on disk before it leaves, so that a crash repeats nothing; what can't be kept is told all the same
        let mut before_dot = || {
            let _ = store.get().keep_alarms(told.alarms());
            Ok(())
        };
        let delivery = out.send(&envelope, &bytes, &mut before_dot).await;
        match delivery {
            Delivery::Accepted { .. } | Delivery::InDoubt { .. } => {
                *book = told;
                Ok(())
            }
            Delivery::Refused { reply: why, .. } | Delivery::Unreached { cause: why, .. } => {
                let _ = store.get().keep_alarms(book.alarms());
                Err(AlarmError::NotSent(why))
            }
        }
    }

    fn write(&self, topics: &[OperatorTopic], live: bool, now: DateTime<Utc>) -> Result<Vec<u8>, AlarmError> {
        let (subject, text) = self.renderer.operator(&self.operator.language, topics, live)?;
        let (domain, address) = (self.sender.domain(), self.sender.address.as_str());
        Ok(mail::compose(&mail::Outgoing {
            from_name: &self.sender.name,
            from_email: address,
            to_name: "",
            to_email: self.operator.address.as_str(),
            reply_to: None,
            subject: &subject,
            text: &text,
            html: None,
            calendar: None,
            message_id: &format!("operator-{}@{domain}", now.timestamp()),
            references: &[],
            in_reply_to: None,
            date: now,
            auto: Auto::Generated,
            suppress: Suppress::Live,
            bulk: false,
            list_id: &format!("operator.{domain}"),
            list_unsubscribe_mailto: address,
            mark: "operator",
        })?)
    }
}

fn topic(alarm: &Alarm) -> OperatorTopic {
    let since = alarm.since.format("%Y-%m-%d %H:%M UTC").to_string();
    OperatorTopic { topic: alarm.topic.clone(), since, what: alarm.what.clone() }
}
