//! `codevd check --learn-plus`: does mail to `local+anything@domain` arrive? Sends one such mail to ourselves, waits
//! for it in the mailbox, and says the line to write.

use super::failure::{Failure, Result};
use super::setup::Setup;
use crate::daemon::edge::{Mailbox, RandomIds, SystemClock};
use crate::daemon::ports::{Clock, Ids, Incoming};
use crate::daemon::{LOCAL_FOR_PLUS, lock};
use crate::mail::{self, Auto, Class, Outgoing, Suppress};
use crate::transport::{Delivery, Envelope, Fetched, Smtp, TransportError};
use std::time::Duration;

/// How often the mailbox is looked at, with a wait of [`BETWEEN`] after each look.
const LOOKS: u32 = 30;
/// Between two looks.
const BETWEEN: Duration = Duration::from_secs(3);

/// What the probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Learned {
    /// The probe arrived, and its address still stands in it.
    Works,
    /// It arrived, and nothing in it tells the address any more.
    Rewritten,
    /// The server refused it, with its words.
    Refused(String),
    /// It never came.
    Lost,
}

impl Learned {
    /// What it means, with the line to write.
    pub(super) fn told(&self) -> String {
        let off = "write `plus = false` in [mailbox], or leave it out: answers are known by other signs";
        match self {
            Self::Works => "mail with + in the address arrives: write `plus = true` in [mailbox]".to_owned(),
            Self::Rewritten => format!("mail with + arrives, but its address is lost on the way: {off}"),
            Self::Refused(reply) => format!("mail with + is refused ({reply}): {off}"),
            Self::Lost => format!("mail with + was sent and did not arrive in {} s: {off}", LOOKS * 3),
        }
    }
}

/// Probes with the real servers. Only the probe itself is marked as taken.
pub(super) fn learn(setup: &Setup) -> Result<Learned> {
    if let Some(who) = lock::held_by(&setup.config.database)? {
        return Err(Failure::because(format!("{who} would take the probe: stop it, then codevd check --learn-plus")));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let mut mailbox = setup.mailbox()?;
        if matches!(mailbox, Mailbox::None) {
            return Err(Failure::because("no [imap], [maildir] or [lmtp]: the probe could not be found again"));
        }
        // a listener answers before its mail can come
        mailbox.fetch_new().await?;
        let mark = format!("probe{}", RandomIds.fresh());
        let (from, to, bytes) = probe(setup, &mark)?;
        if let Some(refused) = send(&mut setup.smtp()?, &from, &to, &bytes).await? {
            return Ok(Learned::Refused(refused));
        }
        Ok(look(&mut mailbox, &mark, LOOKS, BETWEEN).await?)
    })
}

/// The probe: from our address to the one with a `+`.
fn probe(setup: &Setup, mark: &str) -> Result<(String, String, Vec<u8>)> {
    let sender = setup.sender();
    let from = sender.address.to_string();
    let (local, domain) = from.rsplit_once('@').unwrap_or((from.as_str(), ""));
    if local.len() > LOCAL_FOR_PLUS || local.contains('+') {
        return Err(Failure::because(format!("{from} has no room for + and a token: leave `plus` out")));
    }
    let to = format!("{local}+{mark}@{domain}");
    let id = format!("{mark}@{domain}");
    let bytes = mail::compose(&Outgoing {
        from_name: &sender.name,
        from_email: &from,
        to_name: "",
        to_email: &to,
        reply_to: None,
        subject: "codevd: does mail with + arrive?",
        text: "A test that codevd sends to itself; it may be deleted.\n",
        html: None,
        calendar: None,
        message_id: &id,
        references: &[],
        in_reply_to: None,
        date: SystemClock.now(),
        auto: Auto::Generated,
        suppress: Suppress::Live,
        bulk: false,
        list_id: &format!("check.{domain}"),
        list_unsubscribe_mailto: &from,
        mark,
    });
    Ok((from.clone(), to, bytes.map_err(|error| Failure::because(error.to_string()))?))
}

/// Hands it over; what the server says if it will not have it.
async fn send(smtp: &mut Smtp, from: &str, to: &str, bytes: &[u8]) -> Result<Option<String>> {
    let envelope = Envelope::new(from, to).map_err(|error| Failure::because(error.to_string()))?;
    match smtp.send_marking(&envelope, bytes, &mut || Ok(())).await {
        Delivery::Accepted { .. } => Ok(None),
        Delivery::Refused { reply, .. } => Ok(Some(reply)),
        Delivery::Unreached { cause, .. } | Delivery::InDoubt { cause } => {
            Err(Failure::because(format!("the probe could not be sent: {cause}")))
        }
    }
}

/// Looks for the probe until it is there; a bounce that names it is a refusal.
async fn look<I: Incoming>(
    mailbox: &mut I,
    mark: &str,
    looks: u32,
    between: Duration,
) -> std::result::Result<Learned, TransportError> {
    for _ in 0..looks {
        for fetched in mailbox.fetch_new().await? {
            if let Some(learned) = judged(&fetched, mark) {
                mailbox.taken(&fetched.place).await?;
                return Ok(learned);
            }
        }
        tokio::time::sleep(between).await;
    }
    Ok(Learned::Lost)
}

/// What a mail says of the probe: `None` when it is another mail.
fn judged(fetched: &Fetched, mark: &str) -> Option<Learned> {
    let letter = mail::letter(&fetched.bytes);
    let names = |text: &str| text.to_lowercase().contains(&mark.to_lowercase());
    if letter.bounce.is_some() {
        let whole = String::from_utf8_lossy(&fetched.bytes);
        return names(&whole).then(|| Learned::Refused("a bounce came back".to_owned()));
    }
    // a server may give its own Message-ID; our mark stands in a header of its own
    let head = fetched.bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or(fetched.bytes.len());
    let marked = || names(&String::from_utf8_lossy(&fetched.bytes[..head]));
    let ours = letter.class == Class::Own && marked() || letter.to.iter().any(|to| names(to));
    let kept = letter.to.iter().any(|to| names(to) && (to.contains('+') || to.contains("%2B")));
    ours.then_some(if kept { Learned::Works } else { Learned::Rewritten })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A mailbox that holds these mails from the start.
    struct Holds(Vec<&'static str>, Vec<String>);

    impl Incoming for Holds {
        async fn fetch_new(&mut self) -> std::result::Result<Vec<Fetched>, TransportError> {
            let all = self.0.iter().enumerate().map(|(n, text)| Fetched {
                place: n.to_string(),
                bytes: text.as_bytes().to_vec(),
                truncated: false,
                size: text.len() as u64,
            });
            Ok(all.collect())
        }

        async fn taken(&mut self, place: &str) -> std::result::Result<(), TransportError> {
            self.1.push(place.to_owned());
            Ok(())
        }

        async fn wait(&mut self, _: Duration) -> std::result::Result<(), TransportError> {
            Ok(())
        }
    }

    const OTHER: &str = "From: a@x.org\r\nTo: c@x.org\r\nMessage-ID: <1@x.org>\r\n\r\nprobe7k7 in a text\r\n";
    const KEPT: &str =
        "X-Codevd-Id: probe7k7\r\nFrom: c@x.org\r\nTo: <c+probe7k7@x.org>\r\nMessage-ID: <probe7k7@x.org>\r\n\r\nx\r\n";
    const LOST_PLUS: &str =
        "X-Codevd-Id: probe7k7\r\nFrom: c@x.org\r\nTo: <c@x.org>\r\nMessage-ID: <probe7k7@x.org>\r\n\r\nx\r\n";
    const NEW_ID: &str = "From: c@x.org\r\nTo: <C+Probe7K7@x.org>\r\nMessage-ID: <other@mx>\r\n\r\nx\r\n";
    const BOUNCE: &str = "From: <MAILER-DAEMON@x.org>\r\nTo: c@x.org\r\nReturn-Path: <>\r\n\
        Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\
        Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x.org\r\n\r\n\
        Final-Recipient: rfc822; c+probe7k7@x.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n";

    #[tokio::test]
    async fn the_probe_is_known_among_other_mail_and_it_alone_is_taken() {
        let cases = [
            (KEPT, Learned::Works),
            (NEW_ID, Learned::Works),
            (LOST_PLUS, Learned::Rewritten),
            (BOUNCE, Learned::Refused("a bounce came back".to_owned())),
        ];
        for (text, expected) in cases {
            let mut mailbox = Holds(vec![OTHER, text], Vec::new());
            assert_eq!(look(&mut mailbox, "probe7k7", 1, Duration::ZERO).await.unwrap(), expected);
            assert_eq!(mailbox.1, ["1"], "{expected:?}");
        }
        let mut mailbox = Holds(vec![OTHER], Vec::new());
        assert_eq!(look(&mut mailbox, "probe7k7", 2, Duration::ZERO).await.unwrap(), Learned::Lost);
        assert!(mailbox.1.is_empty());
    }
}
