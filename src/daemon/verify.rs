//! Finds out who a mail is from when it arrives: the mailbox host's word, the daemon's own look at the signature, or both.

use crate::core::proof::{Level, Proof};
use crate::mail::{self, Believed, Verdict};
use mail_auth::dmarc::{Dmarc, Policy};
use mail_auth::{AuthenticatedMessage, DkimResult, MessageAuthenticator};
use std::time::Duration;

/// Longest wait for name servers, a mail.
const PATIENCE: Duration = Duration::from_secs(15);

/// What is looked at: nothing by default.
#[derive(Clone, Default)]
pub struct Prover {
    believed: Option<Believed>,
    names: Option<MessageAuthenticator>,
}

/// Why the signature can't be looked at.
#[derive(Debug, thiserror::Error)]
#[error("the name servers that the system is told to ask can't be read: {0}")]
pub struct NoResolver(String);

impl Prover {
    /// Believes this host's word, and looks at signatures itself.
    ///
    /// # Errors
    /// When `own` is asked for and the system names no name servers.
    pub fn new(believed: Option<Believed>, own: bool) -> Result<Self, NoResolver> {
        let names = own.then(MessageAuthenticator::new_system_conf).transpose();
        Ok(Self { believed, names: names.map_err(|error| NoResolver(error.to_string()))? })
    }

    /// What it finds; `None` where nothing is looked at.
    pub async fn proof(&self, raw: &[u8]) -> Option<Proof> {
        let verdict = match &self.names {
            Some(names) => Some(verdict(names, raw).await),
            None => None,
        };
        let looked = self.believed.is_some() || verdict.is_some();
        looked.then(|| mail::proof(raw, self.believed.as_ref(), verdict.as_ref()))
    }
}

/// Checks each signature (RFC 6376) and asks for From's policy (RFC 9989). A name server that does not answer says
/// nothing.
async fn verdict(names: &MessageAuthenticator, raw: &[u8]) -> Verdict {
    let looked = tokio::time::timeout(PATIENCE, look(names, raw)).await;
    looked.unwrap_or(Verdict { unreachable: true, ..Verdict::default() })
}

async fn look(names: &MessageAuthenticator, raw: &[u8]) -> Verdict {
    let mut verdict = Verdict::default();
    let Some(message) = AuthenticatedMessage::parse(raw) else { return verdict };
    for output in names.verify_dkim(&message).await {
        let Some(signature) = output.signature() else { continue };
        match output.result() {
            // a signature over the beginning of the body alone vouches for nothing (RFC 6376 §8.2)
            DkimResult::Pass if signature.l > 0 => {
                verdict.failed.push(format!("the signature of {} covers a part of the mail alone", signature.d));
            }
            DkimResult::Pass => verdict.signed_by.push(signature.d.to_lowercase()),
            DkimResult::TempError(_) => verdict.unreachable = true,
            other => verdict.failed.push(format!("{}: {other:?}", signature.d)),
        }
    }
    // somebody else's good signature says nothing of From: its policy is asked for all the same
    if mail::proof(raw, None, Some(&verdict)).level != Level::A {
        verdict.policy = policy(names, raw).await;
    }
    verdict
}

/// From's policy: of its own name, else of the name above it.
async fn policy(names: &MessageAuthenticator, raw: &[u8]) -> Option<String> {
    let from = mail::letter(raw).from?.email;
    let domain = from.rsplit_once('@')?.1.to_owned();
    let above = domain.split_once('.').map(|(_, above)| above.to_owned()).filter(|above| above.contains('.'));
    for name in [Some(domain), above].into_iter().flatten() {
        let asked = format!("_dmarc.{name}");
        let nothing_kept = None::<&mail_auth::common::cache::NoCache<Box<str>, mail_auth::Txt>>;
        if let Ok(found) = names.txt_lookup::<Dmarc>(asked, nothing_kept).await {
            return Some(
                match found.p {
                    Policy::Reject => "reject",
                    Policy::Quarantine => "quarantine",
                    _ => "none",
                }
                .to_owned(),
            );
        }
    }
    None
}
