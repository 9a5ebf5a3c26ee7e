//! From a draft to frozen bytes: words, calendar object, headers, in the transaction that decided it.

use crate::core::event::UNSUBSCRIBE;
use crate::core::foresight::Preview;
use crate::core::meeting::Attending;
use crate::core::{Draft, Email, Facts, Group, GuestList, Kind, Meeting, Member};
use crate::ical::{self, Attendee, IcalError, Method, Organizer, PartStat, Status};
use crate::mail::{self, Auto, CalendarPart, Key, Suppress, WriteError};
use crate::render::{Post, RenderError, Rendered, Renderer};
use crate::store::NewMail;

/// Minutes before a meeting at which calendars ring.
const ALARM_MINUTES: u32 = 15;

/// What the UID of the facilitator's own event has after the meeting's.
pub const ALARMS_UID: &str = "-steps";

/// The daemon's own mailbox, as it stands in From and ORGANIZER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The name people see.
    pub name: String,
    /// The address, without `+`.
    pub address: crate::core::Email,
    /// Answers and bounces come to `local+TOKEN@domain`: set where a probe showed that such mail arrives.
    pub plus: bool,
}

/// The longest local part that has room for `+` and a token (RFC 5321 §4.5.3.1.1: 64 octets).
pub const LOCAL_FOR_PLUS: usize = 64 - 1 - mail::TOKEN_CHARS;

impl Sender {
    /// What stands behind the @.
    pub fn domain(&self) -> &str {
        self.address.as_str().rsplit_once('@').map_or("localhost", |(_, domain)| domain)
    }

    /// Where answers to the mail with this token go, and its bounces (VERP): with the token behind a `+` where that
    /// works. From and ORGANIZER never have it (`calendar.md` 2).
    pub fn reply_address(&self, token: &str) -> String {
        match self.address.as_str().rsplit_once('@') {
            Some((local, domain)) if self.plus && local.len() <= LOCAL_FOR_PLUS => format!("{local}+{token}@{domain}"),
            _ => self.address.to_string(),
        }
    }

    /// The envelope's sender of a mail of ours, by its Message-ID, which is `TOKEN@domain`.
    pub fn return_path(&self, message_id: &str) -> String {
        match message_id.split('@').next().and_then(mail::Token::parse) {
            Some(token) => self.reply_address(token.as_str()),
            None => self.address.to_string(),
        }
    }
}

/// Why a draft could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// A template's fault.
    #[error("{key}: {error}")]
    Render {
        /// The draft.
        key: String,
        /// What the template room says.
        error: RenderError,
    },
    /// A value that can't stand in a header.
    #[error("{key}: {error}")]
    Write {
        /// The draft.
        key: String,
        /// What the mail room says.
        error: WriteError,
    },
    /// A value that can't stand in a calendar.
    #[error("{key}: {error}")]
    Calendar {
        /// The draft.
        key: String,
        /// What the calendar room says.
        error: IcalError,
    },
    /// The draft is about nobody or nothing in the group.
    #[error("{key}: its receiver or meeting is not in the group")]
    Nobody {
        /// The draft.
        key: String,
    },
}

/// Everything needed to write mails; the same draft gives the same bytes.
pub struct Composer<'a> {
    /// Templates.
    pub renderer: &'a Renderer,
    /// The instance's key.
    pub key: &'a Key,
    /// Who writes.
    pub sender: &'a Sender,
}

/// What the token of a mail is bound to beside its draft.
pub fn token_owner(group: &crate::core::GroupId, member: &crate::core::MemberId) -> String {
    format!("{group}/{member}")
}

impl Composer<'_> {
    /// Writes a draft from the group as it is after the decision.
    ///
    /// # Errors
    /// A template, header or calendar that could not be written; nothing is queued then.
    pub fn compose(&self, group: &Group, draft: &Draft) -> Result<NewMail, ComposeError> {
        let key = || draft.key.to_string();
        let member = group.member(&draft.key.member).ok_or_else(|| ComposeError::Nobody { key: key() })?;
        let marks = self.marks(&key(), group, member);
        let words = self
            .renderer
            .mail(group, draft, &marks.post, draft.decided)
            .map_err(|error| ComposeError::Render { key: key(), error })?;
        let calendar = self.calendar(group, draft, member, &marks.token)?;
        self.letter(group, draft, member, &marks, words, calendar)
    }

    /// The token of a mail, and what its words are given of it.
    fn marks(&self, key: &str, group: &Group, member: &Member) -> Marks {
        let draft_id = self.key.draft_id(key);
        let token = self.key.token(&draft_id, &token_owner(&group.id, &member.id));
        let reply_to = self.sender.reply_address(token.as_str());
        // where the address carries the token, a person's subject carries the short tag alone
        let plus = reply_to != self.sender.address.as_str();
        let mark = if plus { draft_id.tag() } else { token.to_string() };
        let post = Post {
            sender_name: self.sender.name.clone(),
            sender_address: self.sender.address.to_string(),
            reference: token.to_string(),
            tag: draft_id.tag(),
            mark,
            reply_to,
        };
        Marks { draft_id: draft_id.to_string(), token: token.to_string(), plus, post }
    }

    /// Headers, words and calendar as bytes.
    fn letter(
        &self,
        group: &Group,
        draft: &Draft,
        member: &Member,
        Marks { draft_id, token, plus, post }: &Marks,
        words: Rendered,
        calendar: Option<(Method, String)>,
    ) -> Result<NewMail, ComposeError> {
        let (reply_to, mark) = (&post.reply_to, &post.mark);
        let message_id = format!("{token}@{}", self.sender.domain());
        let references = self.references(group, draft, &message_id);
        let unsubscribe = format!("{reply_to}?subject=stop%20%5B{mark}%5D&body={UNSUBSCRIBE}");
        let to = address(draft, member);
        let outgoing = mail::Outgoing {
            from_name: &self.sender.name,
            from_email: self.sender.address.as_str(),
            to_name: &member.name,
            to_email: to.as_str(),
            reply_to: plus.then_some(reply_to.as_str()),
            subject: &words.subject,
            text: &words.text,
            html: Some(&words.html),
            calendar: calendar.as_ref().map(|(method, ics)| CalendarPart { method: method.as_str(), ics }),
            message_id: &message_id,
            references: &references,
            in_reply_to: answered(draft),
            date: draft.decided,
            auto: if draft.answers.is_some() { Auto::Replied } else { Auto::Generated },
            suppress: suppress(draft.key.kind),
            bulk: draft.key.kind.is_group_notice(),
            list_id: &format!("{}.{}", group.id, self.sender.domain()),
            list_unsubscribe_mailto: &unsubscribe,
            mark: token.as_str(),
        };
        let key = || draft.key.to_string();
        let bytes = mail::compose(&outgoing).map_err(|error| ComposeError::Write { key: key(), error })?;
        Ok(NewMail {
            draft: draft.clone(),
            draft_id: draft_id.clone(),
            message_id,
            subject: words.subject,
            envelope_to: to,
            bytes,
            plain: words.text,
        })
    }

    /// Writes a preview: the mail as it will stand, its calendar object apart, to the facilitator, with a
    /// word of what it is before it.
    ///
    /// # Errors
    /// As for a mail.
    pub fn preview(&self, preview: &Preview) -> Result<NewMail, ComposeError> {
        let (group, own) = (&preview.group, &preview.own);
        let key = || own.key.to_string();
        let nobody = || ComposeError::Nobody { key: key() };
        let leads = group.member(&own.key.member).ok_or_else(nobody)?;
        let to: Vec<&Member> = preview.to.iter().filter_map(|id| group.member(id)).collect();
        let wrong = |error| ComposeError::Render { key: key(), error };
        let marks = self.marks(&key(), group, leads);
        let words = self.renderer.mail(group, &preview.draft, &marks.post, own.decided).map_err(wrong)?;
        let (before, note) = self.renderer.preview(group, leads, &to, preview.draft.due).map_err(wrong)?;
        let words = Rendered {
            subject: format!("{before} {}", words.subject),
            text: format!("{note}\n\n{}", words.text),
            html: noted(&words.html, &note),
        };
        self.letter(group, own, leads, &marks, words, None)
    }

    /// The thread: a meeting's mails hang on one root, answers on the mail they answer. The own id
    /// stands last, for providers that rewrite Message-ID (`inbound.md` row 26).
    fn references(&self, group: &Group, draft: &Draft, own: &str) -> Vec<String> {
        let meeting = draft.key.meeting.and_then(|n| group.meeting(n));
        let root = match (&draft.answers, meeting) {
            (Some(_), _) => answered(draft).map(str::to_owned),
            (None, Some(meeting)) => Some(format!("{}@{}", meeting.uid, self.sender.domain())),
            (None, None) => None,
        };
        root.into_iter().chain([own.to_owned()]).collect()
    }

    /// The calendar object of an invitation, update or cancellation (`calendar.md` 1–11).
    fn calendar(
        &self,
        group: &Group,
        draft: &Draft,
        member: &Member,
        token: &str,
    ) -> Result<Option<(Method, String)>, ComposeError> {
        if !draft.key.kind.is_calendar() {
            return Ok(None);
        }
        let key = || draft.key.to_string();
        let meeting = draft.key.meeting.and_then(|n| group.meeting(n));
        let meeting = meeting.ok_or_else(|| ComposeError::Nobody { key: key() })?;
        let event = ical::Event { reference: Some(token.to_owned()), ..self.event(group, draft, meeting, member)? };
        let event = match draft.key.kind.is_alarms() {
            true => self.alarms(group, draft, meeting, member, event)?,
            false => event,
        };
        let method = match draft.key.kind {
            Kind::Cancelled | Kind::AddressLeft | Kind::FacilitatorAlarmsOff | Kind::AlarmsLeft => Method::Cancel,
            Kind::CounterDeclined => Method::DeclineCounter,
            _ => Method::Request,
        };
        let ics = ical::write(&method, &event).map_err(|error| ComposeError::Calendar { key: key(), error })?;
        Ok(Some((method, ics)))
    }

    fn event(
        &self,
        group: &Group,
        draft: &Draft,
        meeting: &Meeting,
        member: &Member,
    ) -> Result<ical::Event, ComposeError> {
        let texts = self
            .renderer
            .event_texts(group, meeting, member)
            .map_err(|error| ComposeError::Render { key: draft.key.to_string(), error })?;
        let elsewhere = draft.key.kind.is_to_former();
        let off = draft.facts == Facts::TakenOff || elsewhere;
        Ok(ical::Event {
            uid: meeting.uid.to_string(),
            // taking one person off is a change for that person alone (RFC 5546 §3.2.5)
            sequence: match draft.facts {
                Facts::TakenOff => meeting.sequence + 1,
                // the event at the new address lies above it
                Facts::AddressLeft { .. } => meeting.sequence.saturating_sub(1),
                _ => meeting.sequence,
            },
            dtstamp: draft.decided,
            created: meeting.created,
            last_modified: meeting.changed,
            start: group.starts(meeting),
            end: group.ends(meeting),
            summary: texts.summary,
            // whoever reads the former address needs neither link nor sheet
            description: if elsewhere { String::new() } else { texts.description },
            location: texts.location.filter(|_| !elsewhere),
            url: texts.url.filter(|_| !elsewhere),
            organizer: Organizer { email: self.sender.address.to_string(), name: self.sender.name.clone() },
            attendees: attendees(group, draft, meeting, member),
            categories: vec!["codev".to_owned()],
            status: match (draft.key.kind, off) {
                (_, true) => Status::None,
                (Kind::Cancelled, false) => Status::Cancelled,
                _ => Status::Confirmed,
            },
            alarm_minutes: Some(ALARM_MINUTES),
            steps: Vec::new(),
            transparent: false,
            language: Some(member.language.to_string()),
            reference: None,
        })
    }

    /// The facilitator's own event: beside the meeting's, with its own UID, ringing at every step.
    /// Nobody is asked anything, and the hour stays free: the meeting itself is in the calendar.
    fn alarms(
        &self,
        group: &Group,
        draft: &Draft,
        meeting: &Meeting,
        member: &Member,
        event: ical::Event,
    ) -> Result<ical::Event, ComposeError> {
        let words = self
            .renderer
            .alarm_texts(group, meeting, member)
            .map_err(|error| ComposeError::Render { key: draft.key.to_string(), error })?;
        let off = draft.key.kind != Kind::FacilitatorAlarms;
        let own = Attendee {
            email: address(draft, member).to_string(),
            name: member.name.clone(),
            part_stat: PartStat::Accepted,
            rsvp: false,
            role: ical::Role::Chair,
        };
        let steps = words.steps.into_iter().map(|(after_seconds, text)| ical::StepAlarm { after_seconds, text });
        Ok(ical::Event {
            uid: format!("{}{ALARMS_UID}", meeting.uid),
            sequence: alarms_sequence(group, draft),
            summary: words.summary,
            attendees: vec![own],
            status: if off { Status::Cancelled } else { Status::Confirmed },
            alarm_minutes: None,
            steps: steps.collect(),
            transparent: true,
            ..event
        })
    }
}

/// What leads an answer back to a mail.
struct Marks {
    draft_id: String,
    token: String,
    /// The address carries the token.
    plus: bool,
    post: Post,
}

/// A sentence at the top of an HTML document.
fn noted(html: &str, note: &str) -> String {
    let escaped = note.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let style = "margin:0;padding:12px 16px;background-color:#fff3c4;color:#3d2f00;font:15px/1.4 sans-serif";
    let body = html.find("<body").and_then(|at| html[at..].find('>').map(|end| at + end + 1)).unwrap_or(0);
    let (before, after) = html.split_at(body);
    format!("{before}\n<p style=\"{style}\">{escaped}</p>{after}")
}

/// SEQUENCE of the facilitator's own event: each mail about it changes it, on or off.
fn alarms_sequence(group: &Group, draft: &Draft) -> u32 {
    let key = &draft.key;
    let others = [Kind::FacilitatorAlarms, Kind::FacilitatorAlarmsOff, Kind::AlarmsLeft].into_iter();
    let sent = |kind| group.was_sent(key.meeting, kind, &key.member).map_or(0, |sent| sent.revision + 1);
    let all = key.revision + others.filter(|kind| *kind != key.kind).map(sent).sum::<u32>();
    // what the new address gets was decided with it, and lies above it
    if key.kind == Kind::AlarmsLeft { all.saturating_sub(1) } else { all }
}

/// Who stands in the event: everybody, or the receiver alone where the guest list is hidden or one
/// person is taken off.
fn attendees(group: &Group, draft: &Draft, meeting: &Meeting, receiver: &Member) -> Vec<Attendee> {
    let hidden = group.settings().guest_list == GuestList::Hidden;
    let alone = hidden
        || draft.facts == Facts::TakenOff
        || draft.key.kind == Kind::CounterDeclined
        || draft.key.kind.is_to_former();
    let asks =
        matches!(draft.key.kind, Kind::Invitation | Kind::Moved) || draft.facts == Facts::AsItStands { asks: true };
    let people = group.members.iter().filter(|m| if alone { m.id == receiver.id } else { m.is_active() });
    people
        .map(|m| {
            let part_stat = match meeting.attending(&m.id) {
                Some(Attending::Yes) => PartStat::Accepted,
                Some(Attending::No) => PartStat::Declined,
                Some(Attending::Maybe) => PartStat::Tentative,
                None => PartStat::NeedsAction,
            };
            Attendee {
                email: if m.id == receiver.id { address(draft, m) } else { m.email.in_ascii() }.to_string(),
                name: m.name.clone(),
                part_stat,
                rsvp: asks && part_stat == PartStat::NeedsAction,
                role: if m.id == meeting.facilitator { ical::Role::Chair } else { ical::Role::ReqParticipant },
            }
        })
        .collect()
}

/// Where a mail goes: its receiver's address, but for what is taken off at a former one.
fn address(draft: &Draft, receiver: &Member) -> Email {
    match &draft.facts {
        Facts::AddressLeft { address } => address.in_ascii(),
        _ => receiver.email.in_ascii(),
    }
}

/// The id of the mail it answers; without one that can be repeated the answer goes all the same, out of its thread.
fn answered(draft: &Draft) -> Option<&str> {
    draft.answers.as_ref().map(|a| a.message_id.as_str()).filter(|id| mail::is_repeatable(id))
}

/// Absence notices are worth knowing where a date or a subject is asked for (`reliability.md` 9).
fn suppress(kind: Kind) -> Suppress {
    match kind {
        Kind::Invitation | Kind::Moved | Kind::SubjectRequest => Suppress::AllowOof,
        _ => Suppress::Live,
    }
}
