//! How sure it is that a mail comes from the address in its From: the evidence of `inbound.md` §4.

use crate::core::ids::ascii_domain;
use crate::core::proof::{Level, Proof};

use super::auth_results::{Believed, MethodResult, believed};
use mail_parser::{Message, MessageParser};
use serde::{Deserialize, Serialize};

/// What the daemon's own check found when the mail arrived (DKIM, RFC 6376; DMARC's policy, RFC 9989). Kept with the
/// mail and never made again: keys change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Domains (`d=`) of signatures over the whole body that passed.
    #[serde(default)]
    pub signed_by: Vec<String>,
    /// The policy that holds for From's domain: `none`, `quarantine`, `reject`.
    #[serde(default)]
    pub policy: Option<String>,
    /// It takes signatures of From's very domain alone (`adkim=s`).
    #[serde(default)]
    pub strict: bool,
    /// Signatures that did not pass, and why.
    #[serde(default)]
    pub failed: Vec<String>,
    /// Names that could not be asked for: nothing is concluded then.
    #[serde(default)]
    pub unreachable: bool,
}

/// Reads what a mail's headers and the own check say of its sender.
pub fn proof(raw: &[u8], whom: Option<&Believed>, verdict: Option<&Verdict>) -> Proof {
    let (raw, _) = super::bound::within(raw);
    let parsed = MessageParser::default().parse(raw.as_ref());
    let Some(message) = parsed else { return Proof::nothing() };
    let Some(from) = domain_of_from(&message) else {
        return Proof::new(Level::B, "From does not name exactly one address");
    };
    let told = whom.map(|w| by_headers(&believed(&message, w), &partly_signed(&message), &from));
    let checked = verdict.map(|v| by_verdict(v, &from));
    match (told, checked) {
        (Some(one), Some(other)) => stronger(one, other),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => Proof::nothing(),
    }
}

/// A pass holds; else a failure; else nothing.
fn stronger(one: Proof, other: Proof) -> Proof {
    match (one.level, other.level) {
        (Level::A, _) => one,
        (_, Level::A) => other,
        (Level::C, _) => one,
        _ => other,
    }
}

fn domain_of_from(message: &Message<'_>) -> Option<String> {
    let mut problems = Vec::new();
    let sender = super::letter::sender(message, &mut problems)?;
    sender.email.rsplit_once('@').map(|(_, domain)| ascii_domain(domain))
}

/// Under one roof: equal, or, unless the domain asks for strictness, of one organisation (RFC 9989 §4.4).
fn aligned(signer: &str, from: &str, strict: bool) -> bool {
    let signer = ascii_domain(signer.trim_start_matches('@'));
    let same = |one: &str, other: &str| organisation(one).is_some_and(|o| Some(o) == organisation(other));
    signer == from || (!strict && same(&signer, from))
}

/// The part of a domain that somebody registered, by the public suffix list; none for a bare public ending.
pub fn organisation(domain: &str) -> Option<&str> {
    psl::domain_str(domain)
}

/// The domains of the signatures over a part of the text alone (`l=`, RFC 6376 §8.2), one for each: anybody may have
/// written the rest.
fn partly_signed(message: &Message<'_>) -> Vec<String> {
    let signatures = message.headers_raw().filter(|(name, _)| name.trim().eq_ignore_ascii_case("DKIM-Signature"));
    let partly = signatures.filter_map(|(_, value)| {
        let tag = |wanted: &str| {
            let named = value.split(';').filter_map(|tag| tag.split_once('='));
            named.map(|(name, value)| (name.trim(), value.trim())).find(|(name, _)| *name == wanted)
        };
        tag("l")?;
        tag("d").map(|(_, domain)| ascii_domain(domain))
    });
    partly.collect()
}

/// Passes of these domains that are not those of their signatures over a part of the text. Which signature a pass is for
/// can't be told for sure: so many of a domain's passes do not count as it has such signatures.
fn whole(passed: Vec<String>, partly: &[String]) -> Vec<String> {
    let within = |signer: &str, domain: &str| {
        let signer = ascii_domain(signer);
        signer == domain || signer.strip_suffix(domain).is_some_and(|below| below.ends_with('.'))
    };
    let count = |of: &[String], domain: &str| of.iter().filter(|one| within(one, domain)).count();
    let counts = |signer: &String| partly.iter().all(|d| !within(signer, d) || count(&passed, d) > count(partly, d));
    passed.iter().filter(|signer| counts(signer)).cloned().collect()
}

fn by_headers(results: &[MethodResult], partly: &[String], from: &str) -> Proof {
    let of = |method: &str| results.iter().filter(move |r| r.method == method).collect::<Vec<_>>();
    let about = |r: &&&MethodResult| r.property("header.from").is_none_or(|d| aligned(d, from, false));
    let dmarc = of("dmarc");
    if let Some(pass) = dmarc.iter().filter(about).find(|r| r.result == "pass") {
        let named = pass.property("header.from").unwrap_or(from);
        return Proof::new(Level::A, format!("the mailbox's host says dmarc=pass for {named}"));
    }
    let signer = |r: &MethodResult| {
        let by = r.property("header.d").or_else(|| r.property("header.i")).map(str::to_owned);
        by.map(|d| d.rsplit_once('@').map_or(d.clone(), |(_, domain)| domain.to_owned()))
    };
    let dkim = of("dkim");
    let passed: Vec<String> = dkim.iter().filter(|r| r.result == "pass").filter_map(|r| signer(r)).collect();
    let passed = whole(passed, partly);
    // where DMARC failed all the same, the domain takes none but its own signatures
    let strict = dmarc.iter().filter(about).any(|r| r.result == "fail");
    if let Some(by) = passed.iter().find(|d| aligned(d, from, strict)) {
        return Proof::new(Level::A, format!("the mailbox's host says dkim=pass for {by}"));
    }
    if let Some(fail) = dmarc.iter().filter(about).find(|r| r.result == "fail") {
        return match lenient(fail, from) {
            true => Proof::new(Level::B, format!("dmarc=fail for {from}, whose policy is none")),
            false => Proof::new(Level::C, format!("the mailbox's host says dmarc=fail for {from}")),
        };
    }
    let foreign = passed.first().map(|by| format!("signed by {by}, which is not {from}"));
    Proof::new(Level::B, foreign.unwrap_or_else(|| "the mailbox's host says nothing of From".to_owned()))
}

/// The failing domain asks for nothing to be done: `p=none`, told in a property or a comment. A name below the
/// organisation's may be under `sp=` (RFC 9989 §4.7), and which of the two held is not told: both must say so then.
fn lenient(fail: &MethodResult, from: &str) -> bool {
    let below = organisation(from).is_some_and(|own| own != from);
    let milder = |own: Option<&str>, subdomains: Option<&str>| {
        own == Some("none") && (!below || subdomains.is_none_or(|policy| policy == "none"))
    };
    let property = |name: &str| fail.property(name);
    let tag = |name: &str| fail.comment.split([' ', ',', ';']).find_map(|word| word.strip_prefix(name));
    let subdomains = property("policy.published-subdomain-policy");
    // where the host names the policy it went by, what else is published does not matter
    let told = match property("policy.dmarc") {
        Some(policy) => policy == "none",
        None => milder(property("policy.published-domain-policy"), subdomains),
    };
    told || property("action") == Some("none") || milder(tag("p="), tag("sp="))
}

fn by_verdict(verdict: &Verdict, from: &str) -> Proof {
    if let Some(by) = verdict.signed_by.iter().find(|d| aligned(d, from, verdict.strict)) {
        return Proof::new(Level::A, format!("its signature by {by} is right"));
    }
    if verdict.unreachable {
        return Proof::new(Level::B, "its signature could not be checked: the name servers did not answer");
    }
    let strict = verdict.policy.as_deref().is_some_and(|p| p == "reject" || p == "quarantine");
    match (strict, verdict.failed.first(), verdict.signed_by.first()) {
        // a domain may vouch by its servers' addresses alone (SPF), which can't be seen here
        (_, None, None) => Proof::new(Level::B, "it bears no signature"),
        // a broken signature, or another's, for a domain that asks for strictness
        (true, _, _) => Proof::new(
            Level::C,
            format!("no signature of {from} is right, and {from} asks that such mail is not believed"),
        ),
        (false, Some(why), _) => Proof::new(Level::B, format!("its signature is not right: {why}")),
        (false, None, Some(by)) => Proof::new(Level::B, format!("signed by {by}, which is not {from}")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn mail(from: &str, headers: &str) -> Vec<u8> {
        format!(
            "{headers}Received: from a by b\r\nFrom: {from}\r\nDate: Tue, 24 Nov 2026 10:00:00 +0100\r\n\r\nOui\r\n"
        )
        .into_bytes()
    }

    #[test]
    fn domains_of_one_roof_are_aligned() {
        for (signer, from, yes) in [
            ("example.org", "example.org", true),
            ("EXAMPLE.org", "example.org", true),
            ("mail.example.org", "example.org", true),
            ("example.org", "team.example.org", true),
            ("notexample.org", "example.org", false),
            ("org", "example.org", false),
            ("co.uk", "example.co.uk", false),
            ("example.org.evil.test", "example.org", false),
            ("bücher.example", "xn--bcher-kva.example", true),
            ("mail.example.org", "team.example.org", true),
            // anybody may register below these
            ("victim.github.io", "evil.github.io", false),
            ("evil.github.io", "github.io", false),
            ("github.io", "victim.github.io", false),
            ("asso.fr", "codev.asso.fr", false),
            ("evil.asso.fr", "codev.asso.fr", false),
            ("mail.codev.asso.fr", "codev.asso.fr", true),
            ("com.au", "example.com.au", false),
        ] {
            assert_eq!(aligned(signer, &ascii_domain(from), false), yes, "{signer} {from}");
            assert_eq!(
                aligned(signer, &ascii_domain(from), true),
                ascii_domain(signer) == ascii_domain(from),
                "{signer} {from}"
            );
        }
    }

    #[test]
    fn the_own_check_speaks_where_no_header_does() {
        let raw = mail("Ana <ana@example.org>", "");
        let level = |v: &Verdict| proof(&raw, None, Some(v)).level;
        let verdict = |by: &str, policy: Option<&str>| Verdict {
            signed_by: if by.is_empty() { vec![] } else { vec![by.to_owned()] },
            policy: policy.map(str::to_owned),
            ..Verdict::default()
        };
        assert_eq!(level(&verdict("example.org", None)), Level::A);
        assert_eq!(level(&verdict("other.test", None)), Level::B);
        assert_eq!(level(&verdict("other.test", Some("reject"))), Level::C);
        assert_eq!(level(&verdict("", Some("none"))), Level::B);
        assert_eq!(level(&verdict("", Some("reject"))), Level::B, "unsigned: SPF may vouch, unseen");
        assert_eq!(level(&Verdict { unreachable: true, ..verdict("", Some("reject")) }), Level::B);
        assert_eq!(proof(&raw, None, None).level, Level::B);
    }

    #[test]
    fn from_must_name_one_address() {
        let id = Believed::parse("mx.example.net");
        let pass = "Authentication-Results: mx.example.net; dmarc=pass header.from=example.org\r\n";
        for from in ["ana@example.org, bob@example.org", "Group: ana@example.org;", "\"ana@example.org\"", ""] {
            assert_eq!(proof(&mail(from, pass), Some(&id), None).level, Level::B, "{from}");
        }
        let twice = mail("ana@example.org\r\nFrom: bob@evil.test", pass);
        assert_eq!(proof(&twice, Some(&id), None).level, Level::B);
        assert_eq!(proof(&mail("ana@example.org", pass), Some(&id), None).level, Level::A);
    }
}
