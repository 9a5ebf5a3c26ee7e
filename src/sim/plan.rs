//! A simulated year as data: the seed, the group it gives, what goes wrong, what people do.

use super::calendar_reply::ReplyStyle;
use super::client::Client;
use super::clock::Chance;
use super::deeds::{Deed, number_of};
use super::faults::{self, Fault, draw, pick, while_of};
use super::house::Sends;
use super::person::Person;
use super::sent::Fills;
use crate::core::spec::GuestList;
use crate::core::{FormatId, Formats, GroupSpec, Language, MemberId, MemberSpec, Settings};
use crate::daemon::housekeeping::Keep;
use chrono::{DateTime, Duration, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What happens in a year. A file of it reproduces the year, however the drawing changes later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Gives the group, its people and the order in which tasks get their turn.
    pub seed: u64,
    /// How many days.
    pub days: i64,
    /// What goes wrong, in order.
    pub faults: Vec<Fault>,
    /// What people do, by the mail they do it about; drawn from the seed where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deeds: Option<BTreeMap<String, Vec<Deed>>>,
    /// The most mails a minute, an hour, a day; drawn from the seed where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<[Option<u32>; 3]>,
    /// How many mails in a minute that nobody foresaw are let through; without it there is no blast guard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unforeseen: Option<u32>,
    /// Days that mails are kept and months that words are; without it nothing is deleted by its age.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<[u32; 2]>,
    /// Some of these people are in a second group.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub two: bool,
}

/// A group with its people.
#[derive(Debug, Clone)]
pub struct Cast {
    /// When it is founded.
    pub start: DateTime<Utc>,
    /// The group, as its file stands.
    pub spec: GroupSpec,
    /// A second group with some of the same people.
    pub second: Option<GroupSpec>,
    /// Who founded it, with their first addresses.
    pub first: Vec<MemberSpec>,
    /// The addresses of all who ever led it.
    pub leads: Vec<String>,
    /// Everybody at each address they ever had.
    pub people: Vec<Person>,
    /// Connections at once, and how many mails may leave in a time.
    pub sends: Sends,
}

pub(super) const NAMES: [&str; 8] = [
    "Marie Dupont",
    "Farid Haddad",
    "Ana Lopes",
    "Bo Lindgren",
    "Chloé Tremblay",
    "Dimitri Court",
    "Élise Garnier",
    "Gwen Morvan",
];
pub(super) const ZONES: [Tz; 8] = [
    Tz::Europe__Paris,
    Tz::Europe__London,
    Tz::America__New_York,
    Tz::America__Montreal,
    Tz::Asia__Kolkata,
    Tz::Australia__Lord_Howe,
    Tz::America__Sao_Paulo,
    Tz::Pacific__Auckland,
];
pub(super) const SCHEDULES: [&str; 7] = [
    "second tuesday 18:00",
    "first monday 12:15",
    "last thursday 14:00",
    "third wednesday 09:00",
    "last sunday 02:30",
    "second sunday 02:15",
    "first friday 00:05",
];

/// A year of this seed; with `trouble` a number of things go wrong.
pub fn plan(seed: u64, trouble: bool) -> Plan {
    let days = 365;
    let mut faults = Vec::new();
    if trouble {
        let mut chance = Chance::of(seed ^ 0xFA17);
        let start = start(seed);
        let (many, members) = (draw(&mut chance, 60), size(seed));
        for _ in 0..many {
            // the last days are quiet, so that all that waits can go
            let mut at = start + Duration::seconds(draw(&mut chance, (days - 25) * 86_400));
            if draw(&mut chance, 3) > 0 {
                at = near_a_meeting(&mut chance, seed, at);
            }
            faults.extend(faults::fault(&mut chance, at, members));
        }
        faults.sort_by_key(|f| f.at);
        let quiet = start + Duration::days(days - 12);
        faults.retain(|f| f.at < quiet);
    }
    let chance = &mut Chance::of(seed ^ 0x0A6E);
    let keep = [[90, 24], [30, 24], [21, 3], [60, 4]][pick(chance, 4)];
    let unforeseen = [20, 20, 8, 4][pick(chance, 4)];
    let two = draw(chance, 4) == 0;
    Plan { seed, days, faults, deeds: None, most: None, unforeseen: Some(unforeseen), keep: Some(keep), two }
}

/// Some minutes around a session: most of what can go wrong goes wrong there.
fn near_a_meeting(chance: &mut Chance, seed: u64, at: DateTime<Utc>) -> DateTime<Utc> {
    let spec = spec(seed);
    let wall = at.with_timezone(&spec.zone).naive_local();
    let Some(slot) = spec.schedule.next_after(wall) else { return at };
    crate::core::schedule::instant(slot, spec.zone) + Duration::seconds(draw(chance, 3 * 3600) - 1800)
}

/// When the year of this seed begins.
pub fn start(seed: u64) -> DateTime<Utc> {
    let mut chance = Chance::of(seed ^ 0x57A7);
    let first = Utc.timestamp_opt(1_798_761_600, 0).single().unwrap_or_default();
    first + Duration::seconds(draw(&mut chance, 365 * 86_400))
}

fn size(seed: u64) -> usize {
    5 + pick(&mut Chance::of(seed ^ 0x512E), 4)
}

impl Plan {
    /// How many groups live this year.
    pub fn groups(&self) -> u64 {
        1 + u64::from(self.two)
    }

    /// The group of this plan.
    pub fn cast(&self) -> Cast {
        let spec = spec(self.seed);
        let mut chance = Chance::of(self.seed ^ 0xCA57);
        let people = spec.members.iter().map(|m| person(m, &mut chance)).collect();
        let pace = (draw(&mut chance, 3) == 0).then(|| u32::try_from(5 + while_of(&mut chance, 20)).unwrap_or(20));
        let connections = 1 + pick(&mut Chance::of(self.seed ^ 0x11E5), 4);
        let mut folder = Chance::of(self.seed ^ 0x5E27);
        let fills = match draw(&mut folder, 4) {
            0 => Fills::Never,
            1 => Fills::NoFolder,
            _ => Fills::After(draw(&mut folder, 60)),
        };
        let most = self.most.unwrap_or([pace, None, None]);
        let keep = self.keep.map(|[mails_days, words_months]| Keep { mails_days, words_months });
        let sends = Sends { connections, most, fills, unforeseen: self.unforeseen, keep };
        let second = self.two.then(|| second(self.seed, &spec));
        let leads = leads(&spec).chain(second.iter().flat_map(leads)).collect();
        let mut cast =
            Cast { start: start(self.seed), first: spec.members.clone(), leads, second, spec, people, sends };
        let others = cast.second.iter().flat_map(|s| s.members.clone()).collect::<Vec<_>>();
        others.iter().for_each(|member| cast.reads(member));
        cast
    }
}

impl Cast {
    /// Another file is wished for. Who has a new address, or is new, reads there; who read elsewhere does so as before.
    pub fn wishes(&mut self, spec: GroupSpec) {
        spec.members.iter().for_each(|member| self.reads(member));
        self.leads.extend(leads(&spec));
        self.spec = spec;
    }

    fn reads(&mut self, member: &MemberSpec) {
        let email = member.email.to_string();
        if self.people.iter().any(|p| p.email == email) {
            return;
        }
        let before = self.people.iter().find(|p| p.name == member.name).cloned();
        let new = || person(member, &mut Chance::of(number_of(0xCA57, member.id.as_str())));
        self.people.push(Person { email, ..before.unwrap_or_else(new) });
    }

    /// All groups of this file.
    pub fn groups(&self) -> impl Iterator<Item = &GroupSpec> {
        std::iter::once(&self.spec).chain(&self.second)
    }
}

fn person(member: &MemberSpec, chance: &mut Chance) -> Person {
    const CLIENTS: [Client; 5] = [Client::Iphone, Client::Gmail, Client::Outlook, Client::Thunderbird, Client::Bare];
    Person {
        name: member.name.clone(),
        email: member.email.to_string(),
        french: member.language.as_str() == "fr",
        zone: member.zone,
        client: CLIENTS[pick(chance, CLIENTS.len())],
        calendar: ReplyStyle::ALL[pick(chance, ReplyStyle::ALL.len())],
        habits: Vec::new(),
    }
}

/// The group file of this seed.
fn spec(seed: u64) -> GroupSpec {
    let mut chance = Chance::of(seed ^ 0x6009);
    let chance = &mut chance;
    let zone = ZONES[pick(chance, ZONES.len())];
    let french = draw(chance, 2) == 0;
    let language = |french: bool| if french { Language::french() } else { Language::english() };
    let mut members = Vec::new();
    for (n, name) in NAMES.iter().take(size(seed)).enumerate() {
        let other = draw(chance, 6) == 0;
        let zone = if draw(chance, 8) == 0 { ZONES[pick(chance, ZONES.len())] } else { zone };
        members.extend(member(&format!("m{n}"), name, language(french != other), zone));
    }
    let formats = ["1h", "1h30", "2h", "3h", "flash45"];
    GroupSpec {
        id: known("soak"),
        name: "Codev soak".to_owned(),
        host: None,
        language: language(french),
        zone,
        schedule: known(SCHEDULES[pick(chance, SCHEDULES.len())]),
        skip: Vec::new(),
        format: known(formats[pick(chance, formats.len())]),
        place: Some("https://meet.example.org/soak".to_owned()),
        phone: None,
        facilitators: members.iter().take(1 + pick(chance, 2)).map(|m| m.id.clone()).collect(),
        facilitators_in_circle: draw(chance, 4) > 0 || members.len() < 7,
        members,
        size_override: true,
        starts: None,
        settings: Settings {
            guest_list: if draw(chance, 3) == 0 { GuestList::Hidden } else { GuestList::Visible },
            facilitator_alarms: draw(chance, 3) == 0,
            informal: draw(chance, 2) == 0,
            ..Settings::default()
        },
    }
}

fn leads(spec: &GroupSpec) -> impl Iterator<Item = String> {
    spec.members.iter().filter(|m| spec.facilitators.contains(&m.id)).map(|m| m.email.to_string())
}

/// The person of a place.
pub(super) fn member_id(place: usize) -> Option<MemberId> {
    format!("m{place}").parse().ok()
}

/// Somebody who is in no group yet.
pub(super) fn stranger(place: usize, spec: &GroupSpec) -> Option<MemberSpec> {
    member(&format!("m{place}"), NAMES.get(place)?, spec.language.clone(), spec.zone)
}

/// Half of the people of a group, and whoever is in none.
fn second(seed: u64, spec: &GroupSpec) -> GroupSpec {
    let chance = &mut Chance::of(seed ^ 0x2E0D);
    let others = (spec.members.len()..NAMES.len()).filter_map(|place| stranger(place, spec));
    let mut members: Vec<_> = spec.members.iter().skip(pick(chance, 2)).cloned().chain(others).collect();
    members.truncate(5 + pick(chance, 2));
    GroupSpec {
        id: known("evening"),
        name: "Codev du soir".to_owned(),
        schedule: known(SCHEDULES[pick(chance, SCHEDULES.len())]),
        facilitators: members.iter().take(1).map(|m| m.id.clone()).collect(),
        members,
        ..spec.clone()
    }
}

fn member(id: &str, name: &str, language: Language, zone: Tz) -> Option<MemberSpec> {
    Some(MemberSpec {
        id: id.parse::<MemberId>().ok()?,
        name: name.to_owned(),
        email: format!("{id}@{id}.example").parse().ok()?,
        aliases: Vec::new(),
        delegates: Vec::new(),
        language,
        zone,
        reports_to: None,
    })
}

/// A value written here that is known to be one.
fn known<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    #[allow(clippy::expect_used, reason = "a literal of this file; a test plays each of them")]
    text.parse().expect("a literal of this file")
}

/// Whether the formats that seeds choose from are there.
pub fn plays_with(formats: &Formats) -> bool {
    ["1h", "1h30", "2h", "3h", "flash45"].iter().all(|f| formats.contains_key(&known::<FormatId>(f)))
}
