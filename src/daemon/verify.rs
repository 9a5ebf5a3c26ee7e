//! Finds out who a mail is from when it arrives: the mailbox host's word, the daemon's own look at the signature, or both.

use crate::core::proof::{Level, Proof};
use crate::mail::{self, Believed, Verdict};
use futures_util::FutureExt;
use mail_auth::dmarc::{Alignment, Dmarc, Policy, Psd};
use mail_auth::hickory_resolver::proto::op::ResponseCode;
use mail_auth::{AuthenticatedMessage, DkimResult, DnsError, MessageAuthenticator};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

/// Longest wait for name servers, a mail.
const PATIENCE: Duration = Duration::from_secs(15);

/// What is looked at: nothing by default.
#[derive(Clone, Default)]
pub struct Prover {
    believed: Option<Believed>,
    names: Option<MessageAuthenticator>,
    /// The host believed is that of a mailbox that is read: it says nothing of what is handed in.
    of_a_mailbox: bool,
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
        Ok(Self { believed, names: names.map_err(|error| NoResolver(error.to_string()))?, of_a_mailbox: false })
    }

    /// Looks at signatures itself, asking these name servers.
    pub fn asking(names: MessageAuthenticator) -> Self {
        Self { names: Some(names), ..Self::default() }
    }

    /// Mail is read from a mailbox elsewhere, whose host is the one believed.
    #[must_use]
    pub fn of_a_mailbox(self, of_a_mailbox: bool) -> Self {
        Self { of_a_mailbox, ..self }
    }

    /// The same for mail that this machine's server hands in: only its own name is believed there.
    #[must_use]
    pub fn of_handed_in(&self) -> Self {
        let own = self.believed.clone().filter(|_| !self.of_a_mailbox).and_then(Believed::by_name);
        Self { believed: own, ..self.clone() }
    }

    /// What it finds; `None` where nothing is looked at. A mail that breaks a reader is proven by nothing.
    pub async fn proof(&self, raw: &[u8]) -> Option<Proof> {
        contained(self.find(raw)).await
    }

    async fn find(&self, raw: &[u8]) -> Option<Proof> {
        let verdict = match &self.names {
            Some(names) => Some(verdict(names, raw).await),
            None => None,
        };
        let looked = self.believed.is_some() || verdict.is_some();
        looked.then(|| mail::proof(raw, self.believed.as_ref(), verdict.as_ref()))
    }
}

/// What the search finds, or that it broke down.
async fn contained(search: impl Future<Output = Option<Proof>>) -> Option<Proof> {
    let found = AssertUnwindSafe(search).catch_unwind().await;
    found.unwrap_or_else(|_| Some(Proof::new(Level::B, "the check of the sender broke down on this mail")))
}

/// Checks each signature (RFC 6376) and asks for From's policy (RFC 9989). A name server that does not answer says
/// nothing.
async fn verdict(names: &MessageAuthenticator, raw: &[u8]) -> Verdict {
    let looked = AssertUnwindSafe(tokio::time::timeout(PATIENCE, look(names, raw))).catch_unwind().await;
    // where the look broke down, the host's word still counts
    looked.ok().and_then(Result::ok).unwrap_or(Verdict { unreachable: true, ..Verdict::default() })
}

async fn look(names: &MessageAuthenticator, raw: &[u8]) -> Verdict {
    let mut verdict = Verdict::default();
    let Some(message) = AuthenticatedMessage::parse(raw) else { return verdict };
    // without a signature nothing follows from a policy: no name server need be asked
    if message.dkim_headers.is_empty() && !message.has_dkim_errors {
        return verdict;
    }
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
    if !verdict.signed_by.iter().any(|by| mail::ascii_domain(by) == from)
        && measure(names, &from, &mut verdict).await.is_err()
    {
        // what its domain asks for is not known: a sister domain's signature proves nothing then
        (verdict.unreachable, verdict.strict) = (true, true);
    }
    verdict
}

/// Asks for From's policy, and for whose domains its organisation's are (RFC 9989 §4.10).
async fn measure(names: &MessageAuthenticator, from: &str, verdict: &mut Verdict) -> Result<(), Unanswered> {
    let walk = walk(names, from).await?;
    if let Some((policy, strict)) = policy(names, from, &walk).await? {
        (verdict.policy, verdict.strict) = (Some(policy), strict);
    }
    // of one organisation by the public suffix list; by what the domains say themselves it may be another's
    let own = walk.organisation(from);
    for by in std::mem::take(&mut verdict.signed_by) {
        let signer = mail::ascii_domain(&by);
        let alike = mail::organisation(&signer).is_some_and(|o| Some(o) == mail::organisation(from));
        match alike && self::walk(names, &signer).await?.organisation(&signer) != own {
            true => verdict.failed.push(format!("{by}, which signed it, says that it is another organisation's")),
            false => verdict.signed_by.push(by),
        }
    }
    Ok(())
}

/// A name server gave no answer, not even that there is none.
struct Unanswered;

/// Most names asked for on the way up (RFC 9989 §4.10).
const STEPS: usize = 8;

/// The records found on the way up from a domain, the lowest first.
struct Walk<'d> {
    found: Vec<(&'d str, Arc<Dmarc>)>,
}

impl Walk<'_> {
    /// The organisation's domain (RFC 9989 §4.10.2): the one that says so (`psd=n`), or that lies right below a public
    /// ending that says so (`psd=y`); else by the public suffix list.
    fn organisation<'d>(&self, from: &'d str) -> &'d str {
        let told = self.found.iter().find_map(|(name, record)| match record.psd {
            Psd::No => from.ends_with(name).then(|| &from[from.len() - name.len()..]),
            Psd::Yes if *name != from => Some(below(name, from)),
            _ => None,
        });
        told.or_else(|| mail::organisation(from)).unwrap_or(from)
    }
}

/// The part of a domain that has one label more than the ending above it.
fn below<'d>(ending: &str, domain: &'d str) -> &'d str {
    let rest = domain.strip_suffix(ending).unwrap_or_default().trim_end_matches('.');
    let start = rest.rfind('.').map_or(0, |dot| dot + 1);
    &domain[start..]
}

/// Asks for the records on the way up. Where somebody says where an organisation ends (`psd`), the way ends there too.
async fn walk<'d>(names: &MessageAuthenticator, from: &'d str) -> Result<Walk<'d>, Unanswered> {
    let mut found = Vec::new();
    for name in way_up(from) {
        let asked = format!("_dmarc.{name}");
        let nothing_kept = None::<&mail_auth::common::cache::NoCache<Box<str>, mail_auth::Txt>>;
        match names.txt_lookup::<Dmarc>(asked, nothing_kept).await {
            Ok(record) => {
                let last = record.psd != Psd::Default;
                found.push((name, record));
                if last {
                    break;
                }
            }
            Err(mail_auth::Error::Dns(DnsError::Resolver(_))) => return Err(Unanswered),
            // none there, or one that can't be read
            Err(_) => {}
        }
    }
    Ok(Walk { found })
}

/// From's policy and whether it is strict about signers: its own record's, else its organisation's, else that of the
/// public ending which says that it is one (RFC 9989 §4.10.1). For those below holds `sp`, for names that do not exist
/// `np`. A record on a public ending that does not say so is nobody's.
async fn policy(
    names: &MessageAuthenticator,
    from: &str,
    walk: &Walk<'_>,
) -> Result<Option<(String, bool)>, Unanswered> {
    let organisation = walk.organisation(from);
    let own = walk.found.iter().find(|(name, _)| *name == from);
    // the highest one there is, where its domain has none itself
    let organisations = || walk.found.iter().rfind(|(name, _)| name.ends_with(organisation));
    let public = || walk.found.iter().find(|(name, record)| record.psd == Psd::Yes && organisation.ends_with(name));
    let Some((name, record)) = own.or_else(organisations).or_else(public) else { return Ok(None) };
    let asked = match *name == from {
        true => record.p,
        false if record.np != record.sp && !exists(names, from).await? => record.np,
        false => record.sp,
    };
    Ok(Some((in_words(asked, record.t), record.adkim == Alignment::Strict)))
}

/// Whether the name is there at all: a server that knows no such name says so (RFC 8020); one without an address is
/// there.
async fn exists(names: &MessageAuthenticator, domain: &str) -> Result<bool, Unanswered> {
    match names.txt_raw_lookup(domain).await {
        Ok(_) => Ok(true),
        Err(mail_auth::Error::Dns(DnsError::RecordNotFound(code))) => Ok(code != ResponseCode::NXDomain),
        Err(mail_auth::Error::Dns(DnsError::Resolver(_))) => Err(Unanswered),
        Err(_) => Ok(true),
    }
}

/// A domain and those above it; of a very deep one the lowest and then the highest (RFC 9989 §4.10).
fn way_up(from: &str) -> Vec<&str> {
    let mut all: Vec<&str> =
        std::iter::successors(Some(from), |name| name.split_once('.').map(|(_, above)| above)).collect();
    let highest = all.split_off(all.len().saturating_sub(STEPS - 1).max(1));
    all.truncate(1);
    all.extend(highest);
    all
}

/// The policy in words; a domain that still tries it out asks for the next milder one (`t=y`).
fn in_words(policy: Policy, tries: bool) -> String {
    match (policy, tries) {
        (Policy::Reject, false) => "reject",
        (Policy::Reject, true) | (Policy::Quarantine, false) => "quarantine",
        _ => "none",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[tokio::test]
    async fn a_mail_that_breaks_the_check_is_unproven() {
        let broken = async { panic!("a reader's fault") };
        let found = contained(broken).await.unwrap();
        assert_eq!((found.level, found.why.as_str()), (Level::B, "the check of the sender broke down on this mail"));
    }

    #[test]
    fn the_way_up_is_never_long() {
        assert_eq!(way_up("example.org"), ["example.org", "org"]);
        assert_eq!(way_up("a.b.example.org"), ["a.b.example.org", "b.example.org", "example.org", "org"]);
        let deep = "z.y.x.w.v.u.t.s.r.example.org";
        let all = way_up(deep);
        assert_eq!((all.len(), all[0], all[1], all[7]), (STEPS, deep, "v.u.t.s.r.example.org", "org"));
    }

    #[test]
    fn right_below_an_ending() {
        assert_eq!(below("example", "a.b.example"), "b.example");
        assert_eq!(below("gov.example", "b.gov.example"), "b.gov.example");
    }
}
