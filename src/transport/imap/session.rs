//! One IMAP connection with its mailbox selected: the commands, each within its limit.
use super::gate::Gated;
use super::{ImapSettings, Taken};
use crate::transport::Fetched;
use async_imap::error::Error;
use async_imap::imap_proto::{MailboxDatum, RequestId, Response};
use async_imap::types::{Fetch, Flag, UnsolicitedResponse};
use async_imap::{Client, Session};
use futures_util::TryStreamExt;
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

/// The most mails one call brings, and the bytes after which it brings no further one.
const BATCH: usize = 50;
const BATCH_BYTES: usize = 32 * 1024 * 1024;

/// How often the connection broke while a mail was fetched, by UIDVALIDITY and UID.
pub(super) type Suspects = BTreeMap<(u32, u32), u32>;

/// A connection that is logged in.
pub(super) type Login = Session<Gated>;

/// A connection with the mailbox selected.
pub(super) struct Open {
    pub(super) session: Session<Gated>,
    pub(super) uid_validity: u32,
    pub(super) idle: bool,
    pub(super) moves: bool,
    pub(super) expunges_by_uid: bool,
    pub(super) story: String,
}

impl Open {
    /// One batch, and whether mails were left behind.
    pub(super) async fn batch(
        &mut self,
        settings: &ImapSettings,
        suspects: &mut Suspects,
    ) -> Result<(Vec<Fetched>, bool), Error> {
        // what arrives from here on wakes `wait`; a server shows what others did since the last command only after
        // the next one
        self.news();
        timed(settings.limit, self.session.noop()).await?;
        let mut uids = self.untaken(settings).await?;
        uids.sort_unstable_by_key(|uid| (self.tries(suspects, *uid), *uid));
        let mut more = uids.len() > BATCH;
        uids.truncate(BATCH);
        crash_point!("imap.listed");
        let sizes = self.sizes(&uids, settings.limit).await?;
        let mut mails = Vec::new();
        let mut bytes = 0;
        for (uid, size) in sizes {
            if bytes >= BATCH_BYTES {
                more = true;
                break;
            }
            match self.body(uid, size, settings).await {
                Ok(Some(mail)) => {
                    crash_point!("imap.fetched");
                    suspects.remove(&(self.uid_validity, uid));
                    bytes += mail.bytes.len();
                    mails.push(mail);
                }
                Ok(None) => tracing::warn!(uid, "the server lists a mail and does not give it"),
                Err(error) if !is_lost(&error) => {
                    tracing::warn!(uid, %error, "the server can't give a mail");
                }
                Err(error) => {
                    *suspects.entry((self.uid_validity, uid)).or_default() += 1;
                    tracing::warn!(uid, %error, "lost the mailbox while fetching");
                    // what was read so far is not read in vain: the next call meets the error again
                    return if mails.is_empty() { Err(error) } else { Ok((mails, true)) };
                }
            }
        }
        Ok((mails, more))
    }

    /// The UIDs of all mails that are not marked as taken.
    async fn untaken(&mut self, settings: &ImapSettings) -> Result<Vec<u32>, Error> {
        let query = match &settings.taken {
            Taken::Keyword(word) => format!("UNKEYWORD {word}"),
            Taken::Folder(_) => "ALL".to_owned(),
        };
        let found = timed(settings.limit, self.session.uid_search(query)).await?;
        self.alive()?;
        Ok(found.into_iter().collect())
    }

    fn tries(&self, suspects: &Suspects, uid: u32) -> u32 {
        let tries = suspects.get(&(self.uid_validity, uid));
        tries.copied().unwrap_or(0)
    }

    /// RFC822.SIZE of each, in the order asked for. Mails that went away meanwhile are left out.
    async fn sizes(&mut self, uids: &[u32], limit: Duration) -> Result<Vec<(u32, u32)>, Error> {
        if uids.is_empty() {
            return Ok(Vec::new());
        }
        let set = uids.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        let fetched = self.uid_fetch(&set, "(UID RFC822.SIZE)", limit).await?;
        let sizes: BTreeMap<u32, u32> = fetched.iter().filter_map(|mail| Some((mail.uid?, mail.size?))).collect();
        let known = uids.iter().filter_map(|uid| Some((*uid, *sizes.get(uid)?)));
        Ok(known.collect())
    }

    /// The mail, or its first part where it is over the cap.
    async fn body(&mut self, uid: u32, size: u32, settings: &ImapSettings) -> Result<Option<Fetched>, Error> {
        let truncated = u64::from(size) > settings.max_bytes as u64;
        let query = match truncated {
            true => format!("(UID BODY.PEEK[]<0.{}>)", settings.max_bytes),
            false => "(UID BODY.PEEK[])".to_owned(),
        };
        let fetched = self.uid_fetch(&uid.to_string(), &query, settings.limit * 5).await?;
        let body = fetched.iter().filter(|mail| mail.uid == Some(uid)).find_map(Fetch::body);
        Ok(body.map(|bytes| Fetched {
            place: format!("{};{};{uid}", settings.mailbox, self.uid_validity),
            bytes: bytes.to_vec(),
            truncated,
            size: size.into(),
        }))
    }

    async fn uid_fetch(&mut self, set: &str, query: &str, limit: Duration) -> Result<Vec<Fetch>, Error> {
        let fetched = timed(limit, async { self.session.uid_fetch(set, query).await?.try_collect().await }).await?;
        self.alive()?;
        Ok(fetched)
    }

    pub(super) async fn mark(&mut self, uid: u32, settings: &ImapSettings) -> Result<(), Error> {
        let limit = settings.limit;
        match &settings.taken {
            Taken::Keyword(word) => {
                let flags = self.store(uid, &format!("+FLAGS ({word})"), limit).await?;
                let shown = flags.iter().filter(|mail| mail.uid.is_none_or(|u| u == uid));
                let mut shown = shown.peekable();
                let kept = shown.peek().is_none() || shown.any(|mail| mail.flags().any(|flag| is_keyword(&flag, word)));
                match kept {
                    true => Ok(()),
                    false => Err(Error::No("the server did not keep the keyword".into())),
                }
            }
            Taken::Folder(folder) if self.moves => timed(limit, self.session.uid_mv(uid.to_string(), folder)).await,
            Taken::Folder(folder) => {
                timed(limit, self.session.uid_copy(uid.to_string(), folder)).await?;
                self.store(uid, "+FLAGS (\\Deleted)", limit).await?;
                timed(limit, async {
                    let gone = self.session.uid_expunge(uid.to_string()).await?;
                    gone.try_collect::<Vec<_>>().await
                })
                .await?;
                self.alive()
            }
        }
    }

    async fn store(&mut self, uid: u32, query: &str, limit: Duration) -> Result<Vec<Fetch>, Error> {
        let changed = timed(limit, async {
            let changed = self.session.uid_store(uid.to_string(), query).await?;
            changed.try_collect().await
        })
        .await?;
        self.alive()?;
        Ok(changed)
    }

    pub(super) async fn make_folder(&mut self, folder: &str, limit: Duration) -> Result<(), Error> {
        let quoted = format!("\"{}\"", folder.replace('\\', "\\\\").replace('"', "\\\""));
        let known = timed(limit, async {
            let names = self.session.list(None, Some(&quoted)).await?;
            names.try_collect::<Vec<_>>().await
        })
        .await?;
        self.alive()?;
        match known.is_empty() {
            true => timed(limit, self.session.create(folder)).await,
            false => Ok(()),
        }
    }

    /// An error where the last list ended because the server hung up.
    fn alive(&self) -> Result<(), Error> {
        match self.session.get_ref().hung_up {
            true => Err(Error::ConnectionLost),
            false => Ok(()),
        }
    }

    /// Whether the server told of new mails since the last look.
    pub(super) fn news(&mut self) -> bool {
        let mut news = false;
        while let Ok(told) = self.session.unsolicited_responses.try_recv() {
            news |= is_news(&told);
        }
        news
    }

    /// IDLE (RFC 2177) until something new is told or the time is up. False: the server refused it. By hand, since the
    /// library's own panics on a refusal without words.
    pub(super) async fn idle(&mut self, at_most: Duration, limit: Duration) -> Result<bool, Error> {
        let begin = async { self.session.run_command("IDLE").await };
        let id = timed(limit, begin).await?;
        let mut news = false;
        loop {
            match timed(limit, self.told(&id)).await? {
                Told::GoOn => break,
                Told::Done => return Ok(false),
                Told::News => news = true,
                Told::Other => {}
            }
        }
        let waiting = async {
            loop {
                match self.told(&id).await? {
                    Told::Done => return Ok::<_, Error>(true),
                    Told::News => return Ok(false),
                    Told::GoOn | Told::Other => {}
                }
            }
        };
        let at_most = if news { Duration::ZERO } else { at_most };
        let ended = tokio::time::timeout(at_most, waiting).await;
        if ended.unwrap_or(Ok(false))? {
            return Ok(true);
        }
        let end = async {
            self.session.run_command_untagged("DONE").await?;
            while !matches!(self.told(&id).await?, Told::Done) {}
            Ok(true)
        };
        timed(limit, end).await
    }

    /// The next response while the command `id` runs.
    async fn told(&mut self, id: &RequestId) -> Result<Told, Error> {
        let response = self.session.read_response().await?;
        Ok(match response.ok_or(Error::ConnectionLost)?.parsed() {
            Response::Continue { .. } => Told::GoOn,
            Response::Done { tag, .. } if tag == id => Told::Done,
            Response::MailboxData(MailboxDatum::Exists(_) | MailboxDatum::Recent(_)) => Told::News,
            _ => Told::Other,
        })
    }
}

/// What a response means to IDLE.
enum Told {
    GoOn,
    Done,
    News,
    Other,
}

fn is_news(told: &UnsolicitedResponse) -> bool {
    matches!(told, UnsolicitedResponse::Exists(_) | UnsolicitedResponse::Recent(_))
}

pub(super) async fn greeting(client: &mut Client<Gated>) -> io::Result<()> {
    use async_imap::imap_proto::Status;
    let lost = || io::Error::new(io::ErrorKind::UnexpectedEof, "the server hung up without a word");
    let first = client.read_response().await?.ok_or_else(lost)?;
    match first.parsed() {
        Response::Data { status: Status::Ok, .. } => Ok(()),
        other => Err(io::Error::new(io::ErrorKind::InvalidData, format!("expected OK, got {other:?}"))),
    }
}

pub(super) async fn timed<T>(limit: Duration, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => Err(Error::Io(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {limit:?}")))),
    }
}

/// Whether a keyword will stay (RFC 9051 7.1, PERMANENTFLAGS). A server that says nothing keeps all.
pub(super) fn keeps(permanent: &[Flag<'_>], word: &str) -> bool {
    permanent.is_empty() || permanent.iter().any(|flag| *flag == Flag::MayCreate || is_keyword(flag, word))
}

fn is_keyword(flag: &Flag<'_>, word: &str) -> bool {
    matches!(flag, Flag::Custom(name) if name.eq_ignore_ascii_case(word))
}

/// The connection can't be used any more, or is out of step.
pub(super) fn is_lost(error: &Error) -> bool {
    !matches!(error, Error::No(_) | Error::Bad(_) | Error::Validate(_))
}
