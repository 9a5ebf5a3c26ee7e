//! In charge of members' calendar answers: what each program sends when its button is pressed,
//! made from the text of our invitation as that program would read it.

use crate::ical::{PartStat, clean_line, clean_name, fold_line};
use calcard::icalendar as foreign;
use chrono::{DateTime, Utc};
use chrono_tz::Europe::Paris;
use foreign::{
    ICalendar, ICalendarComponent, ICalendarEntry, ICalendarParameterName as Param, ICalendarProperty as Prop,
};

/// Whose habits the answer follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReplyStyle {
    /// Outlook on Exchange: no ORGANIZER, Windows zone names, X-MICROSOFT-…, COMMENT.
    Outlook,
    /// Google Calendar: the comment as X-RESPONSE-COMMENT of ATTENDEE.
    Google,
    /// Apple Calendar: EMAIL beside the address, COMMENT.
    Apple,
    /// Thunderbird: sends our properties back, COMMENT.
    Thunderbird,
    /// Proton Calendar: little, no comment, no `method` in the Content-Type.
    Proton,
    /// Nextcloud (sabre/vobject): X-RESPONSE-COMMENT of ATTENDEE.
    Nextcloud,
}

impl ReplyStyle {
    /// All of them.
    pub const ALL: [ReplyStyle; 6] = [
        ReplyStyle::Outlook,
        ReplyStyle::Google,
        ReplyStyle::Apple,
        ReplyStyle::Thunderbird,
        ReplyStyle::Proton,
        ReplyStyle::Nextcloud,
    ];

    /// The Content-Type of the part that carries the answer.
    pub fn content_type(self) -> &'static str {
        match self {
            ReplyStyle::Outlook => "text/calendar; charset=\"utf-8\"; method=REPLY",
            ReplyStyle::Proton => "text/calendar; charset=utf-8; name=\"invite.ics\"",
            _ => "text/calendar; charset=UTF-8; method=REPLY",
        }
    }
}

/// Why no answer can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// The text holds no VEVENT with UID, DTSTART and DTEND.
    #[error("the text is no invitation: {0} is missing")]
    NoInvitation(&'static str),
    /// The invitation does not name the person.
    #[error("{0} is not among the invitation's attendees")]
    NotInvited(String),
}

/// The answer of `attendee` to `invitation` (our .ics text): CRLF, folded, one VEVENT.
///
/// # Errors
/// [`ReplyError`] when there is no button to press.
pub fn reply(
    invitation: &str,
    attendee: &str,
    part_stat: PartStat,
    style: ReplyStyle,
    comment: Option<&str>,
    dtstamp: DateTime<Utc>,
) -> Result<String, ReplyError> {
    pressed(invited(invitation, attendee)?, part_stat, style, comment, dtstamp)
}

/// Another time proposed by `attendee` (COUNTER): their answer is "perhaps", the end moves along.
///
/// # Errors
/// As for [`reply`].
pub fn counter(
    invitation: &str,
    attendee: &str,
    start: DateTime<Utc>,
    style: ReplyStyle,
    comment: Option<&str>,
    dtstamp: DateTime<Utc>,
) -> Result<String, ReplyError> {
    let mut invited = invited(invitation, attendee)?;
    invited.end = start + (invited.end - invited.start);
    invited.start = start;
    let text = pressed(invited, PartStat::Tentative, style, comment, dtstamp)?;
    Ok(text.replace("METHOD:REPLY\r\n", "METHOD:COUNTER\r\n"))
}

/// The event as it stands is asked for by `attendee` (REFRESH, RFC 5546 §3.2.6).
///
/// # Errors
/// As for [`reply`].
pub fn refresh(invitation: &str, attendee: &str, dtstamp: DateTime<Utc>) -> Result<String, ReplyError> {
    let i = invited(invitation, attendee)?;
    let head = vec!["BEGIN:VCALENDAR".into(), "VERSION:2.0".into(), "PRODID:-//Example//EN".into()];
    let event = vec![
        "METHOD:REFRESH".to_owned(),
        "BEGIN:VEVENT".to_owned(),
        format!("ORGANIZER:mailto:{}", i.organizer),
        format!("ATTENDEE:mailto:{}", i.email),
        format!("UID:{}", escaped(&i.uid)),
        format!("DTSTAMP:{}", utc(dtstamp)),
    ];
    Ok(folded(&whole([head, Vec::new(), event])))
}

fn invited(invitation: &str, attendee: &str) -> Result<Invited, ReplyError> {
    let calendar = ICalendar::parse(invitation).map_err(|_| ReplyError::NoInvitation("VCALENDAR"))?;
    let components = &calendar.components;
    let event = components.iter().find(|component| component.component_type.is_event());
    Invited::of(event.ok_or(ReplyError::NoInvitation("VEVENT"))?, attendee)
}

fn pressed(
    invited: Invited,
    part_stat: PartStat,
    style: ReplyStyle,
    comment: Option<&str>,
    dtstamp: DateTime<Utc>,
) -> Result<String, ReplyError> {
    let answer = Pressed {
        invited,
        part_stat: part_stat.as_str(),
        comment: comment.map(str::trim).filter(|comment| !comment.is_empty()),
        stamp: utc(dtstamp),
    };
    let lines = match style {
        ReplyStyle::Outlook => answer.outlook(),
        ReplyStyle::Google => answer.google(),
        ReplyStyle::Apple => answer.apple(),
        ReplyStyle::Thunderbird => answer.thunderbird(),
        ReplyStyle::Proton => answer.proton(),
        ReplyStyle::Nextcloud => answer.nextcloud(),
    };
    Ok(folded(&lines))
}

fn folded(lines: &[String]) -> String {
    lines.iter().fold(String::new(), |mut text, line| {
        fold_line(&mut text, line);
        text
    })
}

/// What a program knows of the invitation.
struct Invited {
    uid: String,
    sequence: String,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    summary: String,
    description: String,
    location: String,
    organizer: String,
    organizer_name: String,
    reference: String,
    email: String,
    name: String,
    role: String,
}

impl Invited {
    fn of(event: &ICalendarComponent, attendee: &str) -> Result<Invited, ReplyError> {
        let me = event
            .properties(&Prop::Attendee)
            .find(|entry| entry.calendar_address().is_some_and(|email| email.eq_ignore_ascii_case(attendee)));
        let me = me.ok_or_else(|| ReplyError::NotInvited(attendee.to_owned()))?;
        let organizer = event.property(&Prop::Organizer);
        let text = |property| event.property(property).map(value).unwrap_or_default();
        Ok(Invited {
            uid: text(&Prop::Uid),
            sequence: text(&Prop::Sequence),
            start: time(event, &Prop::Dtstart, "DTSTART")?,
            end: time(event, &Prop::Dtend, "DTEND")?,
            summary: text(&Prop::Summary),
            description: text(&Prop::Description),
            location: text(&Prop::Location),
            organizer: organizer.and_then(|o| o.calendar_address()).unwrap_or_default().to_owned(),
            reference: text(&Prop::Other(crate::ical::REFERENCE.into())),
            organizer_name: organizer.map(|o| param(o, &Param::Cn)).unwrap_or_default(),
            email: me.calendar_address().unwrap_or_default().to_owned(),
            name: param(me, &Param::Cn),
            role: param(me, &Param::Role),
        })
    }
}

fn value(entry: &ICalendarEntry) -> String {
    match entry.values.first() {
        Some(value) => match value.as_integer() {
            Some(number) => number.to_string(),
            None => value.as_text().unwrap_or_default().to_owned(),
        },
        None => String::new(),
    }
}

fn param(entry: &ICalendarEntry, name: &Param) -> String {
    let value = entry.parameter(name).and_then(|value| value.as_text());
    value.unwrap_or_default().to_owned()
}

fn time(event: &ICalendarComponent, property: &Prop, name: &'static str) -> Result<DateTime<Utc>, ReplyError> {
    let value = event.property(property).and_then(|entry| entry.values.first());
    let time = value.and_then(|value| value.as_partial_date_time()?.to_date_time());
    // our invitations are in UTC
    time.map(|time| time.date_time.and_utc()).ok_or(ReplyError::NoInvitation(name))
}

struct Pressed<'a> {
    invited: Invited,
    part_stat: &'a str,
    comment: Option<&'a str>,
    stamp: String,
}

impl Pressed<'_> {
    fn outlook(&self) -> Vec<String> {
        let (i, stamp) = (&self.invited, &self.stamp);
        let word = match self.part_stat {
            "ACCEPTED" => "Accepté : ",
            "DECLINED" => "Refusé : ",
            _ => "Provisoire : ",
        };
        let busy = if self.part_stat == "ACCEPTED" { "BUSY" } else { "TENTATIVE" };
        let head = vec![
            "BEGIN:VCALENDAR".to_owned(),
            "METHOD:REPLY".to_owned(),
            "PRODID:Microsoft Exchange Server 2010".to_owned(),
            "VERSION:2.0".to_owned(),
        ];
        let event = vec![
            "BEGIN:VEVENT".to_owned(),
            format!("ATTENDEE;PARTSTAT={};CN={}:mailto:{}", self.part_stat, quoted(&i.name), i.email),
            self.comment_line("COMMENT;LANGUAGE=fr-FR"),
            format!("UID:{}", escaped(&i.uid)),
            format!("SUMMARY;LANGUAGE=fr-FR:{word}{}", escaped(&i.summary)),
            format!("DTSTART;TZID=Romance Standard Time:{}", paris(i.start)),
            format!("DTEND;TZID=Romance Standard Time:{}", paris(i.end)),
            "CLASS:PRIVATE".to_owned(),
            "PRIORITY:5".to_owned(),
            format!("DTSTAMP:{stamp}"),
            "TRANSP:OPAQUE".to_owned(),
            "STATUS:CONFIRMED".to_owned(),
            format!("SEQUENCE:{}", i.sequence),
            some("LOCATION;LANGUAGE=fr-FR", &i.location),
            format!("X-MICROSOFT-CDO-APPT-SEQUENCE:{}", i.sequence),
            "X-MICROSOFT-CDO-OWNERAPPTID:0".to_owned(),
            format!("X-MICROSOFT-CDO-BUSYSTATUS:{busy}"),
            "X-MICROSOFT-CDO-INTENDEDSTATUS:BUSY".to_owned(),
            "X-MICROSOFT-CDO-ALLDAYEVENT:FALSE".to_owned(),
            "X-MICROSOFT-CDO-IMPORTANCE:1".to_owned(),
            "X-MICROSOFT-CDO-INSTTYPE:0".to_owned(),
            "X-MICROSOFT-DISALLOW-COUNTER:FALSE".to_owned(),
        ];
        let zone = ROMANCE.lines().map(str::to_owned).collect();
        whole([head, zone, event])
    }

    fn google(&self) -> Vec<String> {
        let i = &self.invited;
        let head = calendar("-//Google Inc//Google Calendar 70.9054//EN", true);
        let attendee = format!(
            "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE={};PARTSTAT={};CN={};X-NUM-GUESTS=0{}:mailto:{}",
            i.role,
            self.part_stat,
            quoted(&i.name),
            self.comment_param(),
            i.email
        );
        let event = vec![
            "BEGIN:VEVENT".to_owned(),
            format!("DTSTART:{}", utc(i.start)),
            format!("DTEND:{}", utc(i.end)),
            format!("DTSTAMP:{}", self.stamp),
            self.organizer(),
            format!("UID:{}", escaped(&i.uid)),
            attendee,
            format!("CREATED:{}", self.stamp),
            some("DESCRIPTION", &i.description),
            format!("LAST-MODIFIED:{}", self.stamp),
            some("LOCATION", &i.location),
            format!("SEQUENCE:{}", i.sequence),
            "STATUS:CONFIRMED".to_owned(),
            some("SUMMARY", &i.summary),
            "TRANSP:OPAQUE".to_owned(),
        ];
        whole([head, Vec::new(), event])
    }

    fn apple(&self) -> Vec<String> {
        let i = &self.invited;
        let head = calendar("-//Apple Inc.//macOS 14.5//EN", true);
        let attendee = format!(
            "ATTENDEE;CN={};CUTYPE=INDIVIDUAL;EMAIL={};PARTSTAT={};ROLE={}:mailto:{}",
            quoted(&i.name),
            i.email,
            self.part_stat,
            i.role,
            i.email
        );
        let event = vec![
            "BEGIN:VEVENT".to_owned(),
            format!("CREATED:{}", self.stamp),
            format!("UID:{}", escaped(&i.uid)),
            format!("DTEND:{}", utc(i.end)),
            attendee,
            some("SUMMARY", &i.summary),
            format!("LAST-MODIFIED:{}", self.stamp),
            format!("DTSTAMP:{}", self.stamp),
            format!("DTSTART:{}", utc(i.start)),
            format!("SEQUENCE:{}", i.sequence),
            self.organizer(),
            self.comment_line("COMMENT"),
            "X-APPLE-TRAVEL-ADVISORY-BEHAVIOR:AUTOMATIC".to_owned(),
        ];
        whole([head, Vec::new(), event])
    }

    fn thunderbird(&self) -> Vec<String> {
        let i = &self.invited;
        let head = calendar("-//Mozilla.org/NONSGML Mozilla Calendar V1.1//EN", false);
        let event = vec![
            "BEGIN:VEVENT".to_owned(),
            format!("CREATED:{}", self.stamp),
            format!("LAST-MODIFIED:{}", self.stamp),
            format!("DTSTAMP:{}", self.stamp),
            format!("UID:{}", escaped(&i.uid)),
            some("SUMMARY", &i.summary),
            "STATUS:CONFIRMED".to_owned(),
            self.organizer(),
            format!("ATTENDEE;CN={};PARTSTAT={};ROLE={}:mailto:{}", quoted(&i.name), self.part_stat, i.role, i.email),
            format!("DTSTART:{}", utc(i.start)),
            format!("DTEND:{}", utc(i.end)),
            some("DESCRIPTION", &i.description),
            format!("SEQUENCE:{}", i.sequence),
            some("LOCATION", &i.location),
            self.comment_line("COMMENT"),
            "CLASS:PRIVATE".to_owned(),
            some(crate::ical::REFERENCE, &i.reference),
            "TRANSP:OPAQUE".to_owned(),
        ];
        whole([head, Vec::new(), event])
    }

    fn proton(&self) -> Vec<String> {
        let i = &self.invited;
        let head = calendar("-//Proton AG//WebCalendar 5.0.30//EN", true);
        let event = vec![
            "BEGIN:VEVENT".to_owned(),
            format!("UID:{}", escaped(&i.uid)),
            format!("DTSTAMP:{}", self.stamp),
            format!("DTSTART:{}", utc(i.start)),
            format!("DTEND:{}", utc(i.end)),
            format!("SEQUENCE:{}", i.sequence),
            some("SUMMARY", &i.summary),
            self.organizer(),
            format!("ATTENDEE;PARTSTAT={}:mailto:{}", self.part_stat, i.email),
        ];
        whole([head, Vec::new(), event])
    }

    fn nextcloud(&self) -> Vec<String> {
        let i = &self.invited;
        let head = calendar("-//Sabre//Sabre VObject 4.5.4//EN", true);
        let event = vec![
            "BEGIN:VEVENT".to_owned(),
            format!("DTSTAMP:{}", self.stamp),
            format!("UID:{}", escaped(&i.uid)),
            format!("SEQUENCE:{}", i.sequence),
            format!("DTSTART:{}", utc(i.start)),
            format!("DTEND:{}", utc(i.end)),
            some("SUMMARY", &i.summary),
            self.organizer(),
            format!(
                "ATTENDEE;PARTSTAT={};CN={}{}:mailto:{}",
                self.part_stat,
                quoted(&i.name),
                self.comment_param(),
                i.email
            ),
            "REQUEST-STATUS:2.0;Success".to_owned(),
        ];
        whole([head, Vec::new(), event])
    }

    fn organizer(&self) -> String {
        let i = &self.invited;
        if i.organizer_name.is_empty() {
            return format!("ORGANIZER:mailto:{}", i.organizer);
        }
        format!("ORGANIZER;CN={}:mailto:{}", quoted(&i.organizer_name), i.organizer)
    }

    fn comment_line(&self, property: &str) -> String {
        some(property, self.comment.unwrap_or_default())
    }

    fn comment_param(&self) -> String {
        let comment = self.comment.map(|comment| quoted(&clean_line(comment)));
        comment.map(|comment| format!(";X-RESPONSE-COMMENT={comment}")).unwrap_or_default()
    }
}

fn calendar(prodid: &str, scale: bool) -> Vec<String> {
    let mut lines = vec!["BEGIN:VCALENDAR".to_owned(), format!("PRODID:{prodid}"), "VERSION:2.0".to_owned()];
    if scale {
        lines.push("CALSCALE:GREGORIAN".to_owned());
    }
    lines.push("METHOD:REPLY".to_owned());
    lines
}

/// The parts in a row, without the properties that had nothing to say.
fn whole(parts: [Vec<String>; 3]) -> Vec<String> {
    let end = ["END:VEVENT".to_owned(), "END:VCALENDAR".to_owned()];
    let lines = parts.into_iter().flatten().chain(end);
    lines.filter(|line| !line.is_empty()).collect()
}

fn some(property: &str, text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("{property}:{}", escaped(text))
}

fn escaped(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let text = text.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,");
    text.replace('\n', "\\n")
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", clean_name(text))
}

fn utc(time: DateTime<Utc>) -> String {
    time.format("%Y%m%dT%H%M%SZ").to_string()
}

fn paris(time: DateTime<Utc>) -> String {
    time.with_timezone(&Paris).format("%Y%m%dT%H%M%S").to_string()
}

/// Paris as Exchange writes it.
const ROMANCE: &str = "BEGIN:VTIMEZONE
TZID:Romance Standard Time
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE";
