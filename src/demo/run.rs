//! A month from the welcome to the next requester, played through as fast as the machine goes.

use super::cast::{Cast, CastError};
use super::files::Files;
use super::post_office::PostOffice;
use super::tell::Teller;
use crate::config;
use crate::core::{self, Formats, Group, MeetingNo, Order};
use crate::daemon::engine::GroupOrder;
use crate::daemon::{ComposeError, Engine, Kit, Outgoing, Sender, shared};
use crate::mail::Key;
use crate::render::{RenderError, Renderer};
use crate::sim::world::WorldError;
use crate::sim::{Delivered, Outbound, SeededIds, VirtualClock, World, WorldEvent};
use crate::store::{Store, StoreError};
use crate::transport::{BeforeDot, Delivery, Envelope, Security, Smtp, SmtpSettings, Timeouts, TransportError};
use crate::words::{Words, WordsError};
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};

/// The daemon's address in the demo.
const ADDRESS: &str = "codev@atelier-codev.example";

/// How to play.
#[derive(Debug, Clone)]
pub struct Options {
    /// Language of the group.
    pub language: String,
    /// The same seed gives the same mails, byte for byte.
    pub seed: u64,
    /// Another format than the cast's.
    pub format: Option<String>,
    /// Where every mail and the digest are kept.
    pub out: Option<PathBuf>,
}

/// What stopped the demo.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The people.
    #[error(transparent)]
    Cast(#[from] CastError),
    /// The formats.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Formats(Vec<config::ConfigError>),
    /// The templates.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The word lists.
    #[error(transparent)]
    Words(#[from] WordsError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The post office.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// A mail.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// The world.
    #[error(transparent)]
    World(#[from] WorldError),
    /// A file.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The page's port.
    #[error("127.0.0.1:{port}: {error}. Name another port, or 0 for a free one: codevd demo --port 0")]
    Port {
        /// Which.
        port: u16,
        /// Why.
        error: io::Error,
    },
    /// An address of the demo's own.
    #[error("the demo's own address: {0}")]
    Address(#[from] crate::core::ids::NotA),
}

/// What a demo came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demo {
    /// Mails that went out.
    pub sent: usize,
    /// Mails that came in.
    pub received: usize,
    /// The digest as Markdown.
    pub digest: String,
    /// The digest mail's plain text, as the facilitator got it.
    pub digest_text: String,
}

/// SMTP on loopback and the post office behind it.
pub(super) struct LoopbackPost {
    smtp: Smtp,
    office: PostOffice,
}

impl Outgoing for LoopbackPost {
    async fn send(&mut self, envelope: &Envelope, bytes: &[u8], before_dot: BeforeDot<'_>) -> Delivery {
        self.smtp.send_marking(envelope, bytes, before_dot).await
    }
}

impl Outbound for LoopbackPost {
    fn delivered(&mut self) -> Vec<Delivered> {
        let mut all = Vec::new();
        while let Some(posted) = self.office.try_next() {
            let to = posted.rcpt_to.into_iter().next().unwrap_or_default();
            all.push(Delivered { to, bytes: posted.bytes });
        }
        all
    }
}

/// Plays the month; `say` gets every line of the story.
///
/// # Errors
/// A cast, format or language that is not there; a folder that can't be written.
pub async fn play(options: &Options, scratch: &Path, say: &mut impl FnMut(&str)) -> Result<Demo, DemoError> {
    let mut stage = Stage::set(options, scratch).await?;
    let mut tale = Tale::begin(options, &stage.cast)?;
    while stage.world.turn(stage.cast.end, &mut |event| tale.see(&event, say)).await? {
        tale.unbroken()?;
    }
    tale.end(&stage, say)
}

/// The cast and the daemon they play with.
pub(super) struct Stage {
    /// Everybody.
    pub cast: Cast,
    /// The formats that are known.
    pub formats: Formats,
    /// The daemon, its people, the clock.
    pub world: World<LoopbackPost, SeededIds>,
}

impl Stage {
    /// Everything at the month's beginning.
    pub async fn set(options: &Options, scratch: &Path) -> Result<Self, DemoError> {
        let formats = config::formats(None).map_err(DemoError::Formats)?;
        let cast = Cast::of(&options.language, options.seed, options.format.as_deref(), &formats)?;
        let world = world(options, &cast, &formats, scratch).await?;
        Ok(Self { cast, formats, world })
    }

    /// The group as it stands; `None` before it was founded.
    pub fn group(&self) -> Result<Option<Group>, StoreError> {
        let loaded = self.world.engine.store().get().load(&self.cast.spec.id, &self.formats)?;
        Ok(loaded.map(|l| l.group))
    }

    /// The first digested meeting's digest as Markdown; empty before there is one.
    fn digest(&self) -> Result<String, DemoError> {
        let Some(group) = self.group()? else { return Ok(String::new()) };
        let Some(number) = held(&group) else { return Ok(String::new()) };
        let Some(meeting) = group.meeting(number) else { return Ok(String::new()) };
        Ok(self.world.engine.kit.renderer.digest_markdown(&group, meeting, &group.spec.language)?)
    }
}

/// The month as it is told and kept.
pub(super) struct Tale {
    demo: Demo,
    files: Option<Files>,
    teller: Teller,
    broken: Option<DemoError>,
}

impl Tale {
    /// Nothing told yet.
    pub fn begin(options: &Options, cast: &Cast) -> Result<Self, DemoError> {
        let files = options.out.as_deref().map(Files::in_folder).transpose()?;
        let demo = Demo { sent: 0, received: 0, digest: String::new(), digest_text: String::new() };
        Ok(Self { demo, files, teller: Teller::of(cast), broken: None })
    }

    /// Something happened.
    pub fn see(&mut self, event: &WorldEvent, say: &mut impl FnMut(&str)) {
        self.demo.note(event);
        if let Some(files) = &mut self.files {
            self.broken = self.broken.take().or(files.keep(event).err());
        }
        self.teller.event(event, say);
    }

    /// What is held back is told: nothing more happens for a while.
    pub fn pause(&mut self, say: &mut impl FnMut(&str)) {
        self.teller.flush(say);
    }

    /// The first mail that could not be kept.
    pub fn unbroken(&mut self) -> Result<(), DemoError> {
        self.broken.take().map_or(Ok(()), Err)
    }

    /// The count and the digest.
    pub fn end(mut self, stage: &Stage, say: &mut impl FnMut(&str)) -> Result<Demo, DemoError> {
        self.teller.flush(say);
        self.unbroken()?;
        self.demo.digest = stage.digest()?;
        if let Some(files) = &self.files {
            files.text("digest.md", &self.demo.digest)?;
        }
        Ok(self.demo)
    }
}

impl Demo {
    fn note(&mut self, event: &WorldEvent) {
        match event {
            WorldEvent::Out { key, bytes, .. } => {
                self.sent += 1;
                if key.kind == crate::core::Kind::Digest && self.digest_text.is_empty() {
                    self.digest_text = crate::mail::letter(bytes).text;
                }
            }
            WorldEvent::In { .. } => self.received += 1,
            WorldEvent::Decided(_) => {}
        }
    }
}

/// The daemon with its people, at the beginning of the month, the group's file ordered.
async fn world(
    options: &Options,
    cast: &Cast,
    formats: &Formats,
    scratch: &Path,
) -> Result<World<LoopbackPost, SeededIds>, DemoError> {
    let (office, port) =
        PostOffice::start(0).await.map_err(|error| DemoError::File { path: "127.0.0.1".into(), error })?;
    let smtp = Smtp::new(SmtpSettings {
        host: "127.0.0.1".to_owned(),
        port,
        security: Security::Plain,
        login: None,
        hello_name: "localhost".to_owned(),
        ca: None,
        timeouts: Timeouts::default(),
    })?;
    let kit = Kit {
        renderer: Renderer::embedded()?,
        words: Words::embedded()?,
        formats: formats.clone(),
        key: Key::new(Sha256::digest(format!("codevd demo {}", options.seed)).into()),
        sender: Sender { name: cast.sender.clone(), address: ADDRESS.parse()?, plus: false },
    };
    let store = shared(Store::open(scratch.join("codevd.db"))?);
    let order = Order::Apply { spec: Box::new(cast.spec.clone()), live: true };
    let order = GroupOrder { group: cast.spec.id.clone(), order };
    let json = serde_json::to_string(&order).unwrap_or_default();
    store.get().order(&json, cast.start)?;
    let engine = Engine::new(kit, store, SeededIds::of(options.seed));
    let post = LoopbackPost { smtp, office };
    Ok(World::new(engine, post, VirtualClock::at(cast.start), cast.people.clone(), ADDRESS))
}

fn held(group: &Group) -> Option<MeetingNo> {
    group.meetings.iter().filter(|m| m.stage == core::Stage::Digested).map(|m| m.number).min()
}
