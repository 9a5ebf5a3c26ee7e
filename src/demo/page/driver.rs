//! Moves the month: takes the page's commands one by one, lets the daemon's world turn, and shows what it came to.

use super::scene::{Mail, Scene, Seat};
use super::script::{Asked, Came, Command, Deed, Refused, Speed};
use crate::core::{Kind, Meeting, MemberId, Stage};
use crate::daemon::Clock;
use crate::demo::run::{Demo, DemoError, Options, Stage as Set, Tale};
use crate::sim::WorldEvent;
use crate::sim::person::Answered;
use chrono::{DateTime, Duration, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// Turns after which a jump stops, whatever it looked for.
const FARTHEST: usize = 2_000;
/// How far the clock goes at once while a session is paused: the next thing due may be days away.
const STANDING: Duration = Duration::minutes(5);

/// The month under way.
pub(super) struct Driver<'a, S: FnMut(&str)> {
    set: Set,
    tale: Tale,
    say: &'a mut S,
    shown: watch::Sender<Arc<Scene>>,
    mails: Vec<Arc<Mail>>,
    /// Positions of mails by their Message-ID.
    by_message_id: BTreeMap<String, usize>,
    seats: Vec<Seat>,
    playing: Option<Speed>,
    version: u64,
    broken: Option<String>,
}

/// A scene before anything happened, for the channel's first value.
pub(super) fn empty(set: &Set) -> Scene {
    Scene {
        version: 0,
        now: set.cast.start,
        end: set.cast.end,
        seats: Vec::new(),
        mails: Vec::new(),
        group: None,
        ahead: Vec::new(),
        foreseen: Vec::new(),
        playing: None,
        broken: None,
    }
}

impl<'a, S: FnMut(&str)> Driver<'a, S> {
    /// The month at its beginning: the group is founded, the first mails are there.
    pub async fn begin(
        set: Set,
        options: &Options,
        shown: watch::Sender<Arc<Scene>>,
        say: &'a mut S,
    ) -> Result<Self, DemoError> {
        let tale = Tale::begin(options, &set.cast)?;
        let (mails, by_message_id) = (Vec::new(), BTreeMap::new());
        let seats = seats(&set);
        let mut driver =
            Self { set, tale, say, shown, mails, by_message_id, seats, playing: None, version: 0, broken: None };
        driver.run_until(driver.now()).await?;
        driver.show()?;
        Ok(driver)
    }

    /// Does what the page asks, and plays, until `stop`.
    pub async fn run(
        mut self,
        mut commands: mpsc::Receiver<Asked>,
        stop: impl Future<Output = ()>,
    ) -> Result<Demo, DemoError> {
        tokio::pin!(stop);
        loop {
            let pause = self.playing.map_or(std::time::Duration::MAX, Speed::pause);
            tokio::select! {
                () = &mut stop => break,
                asked = commands.recv() => match asked {
                    Some(asked) => self.serve(asked).await?,
                    None => break,
                },
                () = tokio::time::sleep(pause), if self.playing.is_some() => self.play_on().await?,
            }
            self.tale.unbroken()?;
        }
        self.tale.end(&self.set, self.say)
    }

    async fn serve(&mut self, asked: Asked) -> Result<(), DemoError> {
        let before = self.mails.len();
        let done = match &self.broken {
            Some(why) => Err(Refused::Stopped(why.clone())),
            None => match self.obey(asked.command).await {
                Ok(done) => done,
                Err(error) => {
                    // the page stays, and says so
                    self.broken = Some(error.to_string());
                    Err(Refused::Stopped(error.to_string()))
                }
            },
        };
        self.tale.pause(self.say);
        self.show()?;
        let came: Came = done.map(|()| (before..self.mails.len()).collect());
        // whoever asked may have gone: then nobody waits
        let _ = asked.done.send(came);
        Ok(())
    }

    async fn obey(&mut self, command: Command) -> Result<Result<(), Refused>, DemoError> {
        match command {
            _ if command.moves() && self.stands()? => self.run_until(self.now() + STANDING).await?,
            Command::Next => drop(self.turn().await?),
            Command::UntilMine => self.until_mine().await?,
            Command::Session => self.until_session().await?,
            Command::Digest => self.until_digest().await?,
            Command::End => self.run_until(self.set.cast.end).await?,
            Command::Play(speed) => self.playing = Some(speed),
            Command::Pause => self.playing = None,
            Command::Seat { who, taken } => return Ok(self.seat(&who, taken)),
            Command::Habit { who, which, on } => return Ok(self.habit(&who, which, on)),
            Command::Answer { who, mail, deed } => return self.answer(&who, mail, deed).await,
        }
        Ok(Ok(()))
    }

    async fn play_on(&mut self) -> Result<(), DemoError> {
        let before = self.mails.len();
        if self.stands()? {
            self.playing = None;
            return self.show();
        }
        let more = self.turn().await?;
        if !more || self.now() >= self.set.cast.end || self.asks_me(before) {
            self.playing = None;
        }
        self.tale.pause(self.say);
        self.show()
    }

    /// One jump of the clock to what is due next.
    async fn turn(&mut self) -> Result<bool, DemoError> {
        let mut seen = Vec::new();
        let turned = self.set.world.turn(DateTime::<Utc>::MAX_UTC, &mut |event| seen.push(event)).await;
        self.keep(seen);
        Ok(turned?)
    }

    async fn run_until(&mut self, until: DateTime<Utc>) -> Result<(), DemoError> {
        let mut seen = Vec::new();
        let ran = self.set.world.run_until(until, &mut |event| seen.push(event)).await;
        self.keep(seen);
        Ok(ran?)
    }

    /// A mail other than a receipt came for a played seat.
    fn asks_me(&self, since: usize) -> bool {
        let mine = |m: &&Arc<Mail>| self.seats[m.seat].played && m.is_ours() && !m.is_receipt();
        self.mails[since..].iter().any(|m| mine(&m))
    }

    async fn until_mine(&mut self) -> Result<(), DemoError> {
        let before = self.mails.len();
        for _ in 0..FARTHEST {
            if !self.turn().await? || self.asks_me(before) || self.stands()? {
                break;
            }
        }
        Ok(())
    }

    /// To the beginning of the next session; where one is being held, to the end of it first.
    async fn until_session(&mut self) -> Result<(), DemoError> {
        for _ in 0..FARTHEST {
            let begins = self.next_session()?;
            match (begins, self.set.world.next()?) {
                (Some(begins), Some(next)) if next >= begins => return self.run_until(begins).await,
                (_, None) => return Ok(()),
                _ if self.stands()? => return Ok(()),
                _ => drop(self.turn().await?),
            }
        }
        Ok(())
    }

    async fn until_digest(&mut self) -> Result<(), DemoError> {
        let before = self.mails.len();
        let is_digest = |m: &Arc<Mail>| m.key.as_ref().is_some_and(|k| k.kind == Kind::Digest);
        for _ in 0..FARTHEST {
            let out = self.mails[before..].iter().any(is_digest);
            if out || self.now() >= self.set.cast.end || self.stands()? || !self.turn().await? {
                break;
            }
        }
        Ok(())
    }

    /// A session is being held, and its clock is stopped.
    fn stands(&self) -> Result<bool, DemoError> {
        let paused = |m: &Meeting| m.stage == Stage::Running && m.run.as_ref().is_some_and(|r| r.paused.is_some());
        Ok(self.set.group()?.is_some_and(|g| g.meetings.iter().any(paused)))
    }

    fn next_session(&self) -> Result<Option<DateTime<Utc>>, DemoError> {
        let Some(group) = self.set.group()? else { return Ok(None) };
        let lead = Duration::seconds(i64::from(group.settings().prompt_lead_seconds));
        let planned = group.meetings.iter().filter(|m| m.stage == Stage::Planned);
        Ok(planned.map(|m| group.starts(m) - lead).filter(|at| *at > self.now()).min())
    }

    fn seat(&mut self, who: &MemberId, taken: bool) -> Result<(), Refused> {
        let seat = self.seats.iter_mut().find(|s| s.id == *who).ok_or(Refused::Unknown)?;
        seat.played = taken;
        match taken {
            true => self.set.world.take_seat(&seat.person.email),
            false => self.set.world.leave_seat(&seat.person.email),
        }
        Ok(())
    }

    fn habit(&mut self, who: &MemberId, which: usize, on: bool) -> Result<(), Refused> {
        let seat = self.seats.iter_mut().find(|s| s.id == *who && which < s.person.habits.len());
        let seat = seat.ok_or(Refused::Unknown)?;
        match on {
            true => seat.off.remove(&which),
            false => seat.off.insert(which),
        };
        self.set.world.switch_habit(&seat.person.email, which, on);
        Ok(())
    }

    /// Somebody's mail reaches the daemon at once, by the same way as everybody's.
    async fn answer(&mut self, who: &MemberId, mail: usize, deed: Deed) -> Result<Result<(), Refused>, DemoError> {
        let number = self.set.world.number();
        let found = self.seats.iter().enumerate().find(|(_, s)| s.id == *who);
        let mail = self.mails.get(mail).cloned();
        let ((at, seat), ours) = match (found, mail) {
            (Some(found), Some(mail)) if mail.seat == found.0 && mail.is_ours() => (found, mail),
            _ => return Ok(Err(Refused::Unknown)),
        };
        let answered = match written(seat, &ours, &deed, number, self.now()) {
            Ok(answered) => answered,
            Err(refused) => return Ok(Err(refused)),
        };
        let email = seat.person.email.clone();
        if let Some(key) = &ours.key {
            self.set.world.answered_by_hand(&email, key);
        }
        self.set.world.post(answered.at, &email, &answered.what, answered.bytes);
        let before = self.mails.len();
        self.run_until(self.now()).await?;
        // a mail that a button opened refers to nothing: the page knows what it was about
        let theirs = (before..self.mails.len()).find(|i| self.mails[*i].seat == at && !self.mails[*i].is_ours());
        if let Some(mail) = theirs.and_then(|i| Arc::get_mut(&mut self.mails[i])) {
            mail.about = mail.about.or(Some(ours.id));
        }
        Ok(Ok(()))
    }

    fn keep(&mut self, events: Vec<WorldEvent>) {
        for event in events {
            self.tale.see(&event, self.say);
            let (at, email, bytes, key, what) = match event {
                WorldEvent::Out { at, to, bytes, key, .. } => (at, to, bytes, Some(key), String::new()),
                WorldEvent::In { at, from, bytes, what } => (at, from, bytes, None, what),
                WorldEvent::Decided(_) => continue,
            };
            let seat = self.seats.iter().position(|s| s.person.email.eq_ignore_ascii_case(&email));
            let Some(seat) = seat else { continue };
            let mut mail = Mail::new(self.mails.len(), at, seat, bytes);
            mail.about = mail.letter.in_reply_to.iter().find_map(|id| self.by_message_id.get(id).copied());
            (mail.key, mail.what) = (key, what);
            if let Some(id) = &mail.letter.message_id {
                self.by_message_id.insert(id.clone(), mail.id);
            }
            self.mails.push(Arc::new(mail));
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.set.world.clock.now()
    }

    fn show(&mut self) -> Result<(), DemoError> {
        self.version += 1;
        let group = self.set.group()?.map(Arc::new);
        let scene = Scene {
            version: self.version,
            now: self.now(),
            end: self.set.cast.end,
            seats: self.seats.clone(),
            mails: self.mails.clone(),
            ahead: Scene::look_ahead(group.as_deref(), self.now(), self.set.cast.end),
            group,
            foreseen: self.set.world.foreseen(),
            playing: self.playing,
            broken: self.broken.clone(),
        };
        self.shown.send_replace(Arc::new(scene));
        Ok(())
    }
}

fn seats(set: &Set) -> Vec<Seat> {
    let members = &set.cast.spec.members;
    let person = |email: &str| set.cast.people.iter().find(|p| p.email == email).cloned();
    let seat = |m: &crate::core::MemberSpec| Some((m.id.clone(), person(&m.email.to_string())?));
    let found = members.iter().filter_map(seat);
    found.map(|(id, person)| Seat { id, person, played: false, off: BTreeSet::new() }).collect()
}

/// The mail that a deed makes.
fn written(seat: &Seat, ours: &Mail, deed: &Deed, number: u64, at: DateTime<Utc>) -> Result<Answered, Refused> {
    let (person, letter) = (&seat.person, &ours.letter);
    let button = |made: Result<Answered, _>| {
        made.map_err(|e: crate::sim::calendar_reply::ReplyError| Refused::Calendar(e.to_string()))
    };
    let some = |comment: &Option<String>| comment.clone().filter(|c| !c.trim().is_empty());
    match deed {
        Deed::Reply { text, .. } | Deed::New { text, .. } if text.trim().is_empty() => Err(Refused::Empty),
        Deed::Reply { client, text } => Ok(person.write(*client, letter, text.trim(), number, at)),
        Deed::New { to, subject, text } => Ok(person.write_new(to, subject, text.trim(), number, at)),
        Deed::Button { answer, comment } => button(person.press(letter, *answer, some(comment).as_deref(), number, at)),
        Deed::Propose { start, comment } => {
            button(person.propose(letter, *start, some(comment).as_deref(), number, at))
        }
    }
}
