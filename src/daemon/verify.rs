//! Finds out who a mail is from when it arrives: the mailbox host's word, the daemon's own look at the signature, or both.

use crate::core::proof::Proof;
use crate::mail::{self, Believed, Verdict};
use mail_auth::dmarc::{Alignment, Dmarc, Policy, Psd};
use mail_auth::{AuthenticatedMessage, DkimResult, DnsError, MessageAuthenticator};
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

    /// Looks at signatures itself, asking these name servers.
    pub fn asking(names: MessageAuthenticator) -> Self {
        Self { believed: None, names: Some(names) }
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
        let Some(signature) = output.signature() else {
            verdict.failed.push(format!("{:?}", output.result()));
            continue;
        };
        match output.result() {
            // a signature over the beginning of the body alone vouches for nothing (RFC 6376 §8.2)
            DkimResult::Pass if signature.l > 0 => {
                verdict.failed.push(format!("the signature of {} covers a part of the mail alone", signature.d));
            }
            // From must be among what is signed (RFC 6376 §5.4)
            DkimResult::Pass if !signature.h.iter().any(|h| h.eq_ignore_ascii_case("from")) => {
                verdict.failed.push(format!("the signature of {} does not cover From", signature.d));
            }
            DkimResult::Pass => verdict.signed_by.push(signature.d.to_lowercase()),
            DkimResult::TempError(_) => verdict.unreachable = true,
            other => verdict.failed.push(format!("{}: {other:?}", signature.d)),
        }
    }
    let Some(from) = mail::letter(raw).from.and_then(|f| f.email.rsplit_once('@').map(|(_, d)| mail::ascii_domain(d)))
    else {
        return verdict;
    };
    // From's very own signature needs nothing else; any other is measured by what its domain asks for
    if !verdict.signed_by.iter().any(|by| mail::ascii_domain(by) == from) {
        match policy(names, &from).await {
            Ok(Some(found)) => (verdict.policy, verdict.strict) = (Some(found.policy), found.strict),
            Ok(None) => {}
            // what its domain asks for is not known: a sister domain's signature proves nothing then
            Err(Unanswered) => (verdict.unreachable, verdict.strict) = (true, true),
        }
    }
    verdict
}

/// What a domain asks of mail in its name.
struct Asked {
    policy: String,
    strict: bool,
}

/// A name server gave no answer, not even that there is none.
struct Unanswered;

/// Most names asked for, a mail (RFC 9989 §4.10).
const STEPS: usize = 8;

/// From's policy: its own, else the one nearest to its organisation's domain on the way up to it, which may hold
/// another for those below (`sp`; RFC 9989 §4.10). The public suffix list says where the way ends.
async fn policy(names: &MessageAuthenticator, from: &str) -> Result<Option<Asked>, Unanswered> {
    let top = mail::organisation(from).unwrap_or(from);
    let mut found = None;
    for name in way_up(from, top) {
        let asked = format!("_dmarc.{name}");
        let nothing_kept = None::<&mail_auth::common::cache::NoCache<Box<str>, mail_auth::Txt>>;
        match names.txt_lookup::<Dmarc>(asked, nothing_kept).await {
            Ok(record) => {
                let own = name == from;
                let last = own || record.psd == Psd::No;
                found = Some(Asked { policy: asks(&record, own), strict: record.adkim == Alignment::Strict });
                if last {
                    break;
                }
            }
            Err(mail_auth::Error::Dns(DnsError::Resolver(_))) => return Err(Unanswered),
            // none there, or one that can't be read
            Err(_) => {}
        }
    }
    Ok(found)
}

/// A domain and those above it up to `top`; of a very deep one the lowest and then the highest (RFC 9989 §4.10).
fn way_up<'d>(from: &'d str, top: &str) -> Vec<&'d str> {
    let mut all = vec![from];
    let mut rest = from;
    while rest != top
        && let Some((_, above)) = rest.split_once('.')
    {
        all.push(above);
        rest = above;
    }
    let highest = all.split_off(all.len().saturating_sub(STEPS - 1).max(1));
    all.truncate(1);
    all.extend(highest);
    all
}

/// The policy in words; a domain that still tries it out asks for the next milder one (`t=y`).
fn asks(record: &Dmarc, own: bool) -> String {
    let policy = if own { record.p } else { record.sp };
    match (policy, record.t) {
        (Policy::Reject, false) => "reject",
        (Policy::Reject, true) | (Policy::Quarantine, false) => "quarantine",
        _ => "none",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_up_ends_at_the_organisation_and_is_never_long() {
        assert_eq!(way_up("example.org", "example.org"), ["example.org"]);
        assert_eq!(way_up("a.b.example.org", "example.org"), ["a.b.example.org", "b.example.org", "example.org"]);
        let deep = "z.y.x.w.v.u.t.s.r.example.org";
        let all = way_up(deep, "example.org");
        assert_eq!((all.len(), all[0], all[7]), (STEPS, deep, "example.org"));
    }
}
