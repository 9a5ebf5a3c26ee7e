//! One command line of LMTP taken apart (RFC 2033 §4, RFC 5321 §4.1).

/// A command that may be obeyed, if it comes at its time.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Lhlo,
    Mail { from: String, size: u64, utf8: bool },
    Rcpt(String),
    Data,
    Rset,
    Noop,
    Vrfy,
    Quit,
}

/// Why a line is no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bad {
    TooLong,
    BareLineFeed,
    NoText,
    Smtp,
    Unknown,
    Arguments,
    Path,
    Parameter,
    Value,
    Utf8,
}

impl Bad {
    /// The reply, with its enhanced code (RFC 3463).
    pub(super) fn reply(self) -> &'static str {
        match self {
            Self::TooLong => "500 5.5.2 the line is too long",
            Self::BareLineFeed => "500 5.5.2 a line ends with CR LF",
            Self::NoText => "500 5.5.2 the line is no text",
            Self::Smtp => "500 5.5.1 this is LMTP: say LHLO",
            Self::Unknown => "500 5.5.1 no such command",
            Self::Arguments => "501 5.5.4 the arguments are wrong",
            Self::Path => "501 5.1.7 expected an address between < and >",
            Self::Parameter => "555 5.5.4 no such parameter",
            Self::Value => "501 5.5.4 the parameter's value is wrong",
            Self::Utf8 => "553 5.6.7 an address with letters beyond ASCII needs SMTPUTF8",
        }
    }
}

/// Reads a line without its CRLF.
pub(super) fn command(line: &[u8]) -> Result<Command, Bad> {
    let line = std::str::from_utf8(line).map_err(|_| Bad::NoText)?;
    if line.contains(|c: char| c.is_control()) {
        return Err(Bad::NoText);
    }
    let line = line.trim_end_matches(' ');
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim_start_matches(' ');
    match verb.to_ascii_uppercase().as_str() {
        "LHLO" if rest.is_empty() || rest.contains(' ') => Err(Bad::Arguments),
        "LHLO" => Ok(Command::Lhlo),
        "HELO" | "EHLO" => Err(Bad::Smtp),
        "MAIL" => mail(after(rest, "FROM:")?),
        "RCPT" => {
            let (to, parameters) = path(after(rest, "TO:")?)?;
            match (to.is_empty(), parameters.is_empty()) {
                (true, _) => Err(Bad::Path),
                (_, false) => Err(Bad::Parameter),
                _ => Ok(Command::Rcpt(to.to_owned())),
            }
        }
        "DATA" => alone(rest, Command::Data),
        "RSET" => alone(rest, Command::Rset),
        "QUIT" => alone(rest, Command::Quit),
        "NOOP" => Ok(Command::Noop),
        "VRFY" if rest.is_empty() => Err(Bad::Arguments),
        "VRFY" => Ok(Command::Vrfy),
        _ => Err(Bad::Unknown),
    }
}

fn alone(rest: &str, command: Command) -> Result<Command, Bad> {
    if rest.is_empty() { Ok(command) } else { Err(Bad::Arguments) }
}

fn after<'a>(rest: &'a str, word: &str) -> Result<&'a str, Bad> {
    let head = rest.get(..word.len()).filter(|head| head.eq_ignore_ascii_case(word));
    head.map(|_| rest[word.len()..].trim_start_matches(' ')).ok_or(Bad::Arguments)
}

fn mail(rest: &str) -> Result<Command, Bad> {
    let (from, parameters) = path(rest)?;
    let (mut size, mut utf8) = (0, false);
    for parameter in parameters.split(' ').filter(|p| !p.is_empty()) {
        let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match key.to_ascii_uppercase().as_str() {
            "SIZE" => {
                let digits = !value.is_empty() && value.len() <= 20 && value.bytes().all(|b| b.is_ascii_digit());
                // a number too large for us is too large a mail
                size = if digits { value.parse().unwrap_or(u64::MAX) } else { return Err(Bad::Value) };
            }
            "BODY" if ["7BIT", "8BITMIME"].contains(&value.to_ascii_uppercase().as_str()) => {}
            "BODY" => return Err(Bad::Value),
            "SMTPUTF8" if !parameter.contains('=') => utf8 = true,
            "SMTPUTF8" => return Err(Bad::Value),
            _ => return Err(Bad::Parameter),
        }
    }
    if !from.is_ascii() && !utf8 {
        return Err(Bad::Utf8);
    }
    Ok(Command::Mail { from: from.to_owned(), size, utf8 })
}

/// `<address>` and what follows it; a `>` in quotes does not end it, a source route is left out (RFC 5321 §4.1.1.3).
fn path(text: &str) -> Result<(&str, &str), Bad> {
    let inner = text.strip_prefix('<').ok_or(Bad::Path)?;
    let (mut quoted, mut escaped) = (false, false);
    let end = inner.char_indices().find(|(_, c)| {
        let ends = *c == '>' && !quoted;
        match (*c, quoted, escaped) {
            (_, _, true) => escaped = false,
            ('\\', true, _) => escaped = true,
            ('"', ..) => quoted = !quoted,
            _ => {}
        }
        ends
    });
    let (end, _) = end.ok_or(Bad::Path)?;
    let (address, rest) = (&inner[..end], &inner[end + 1..]);
    let address = match address.strip_prefix('@') {
        Some(route) => route.split_once(':').ok_or(Bad::Path)?.1,
        None => address,
    };
    let whole = address.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    let fits =
        address.is_empty() || (whole && address.len() <= 320 && (quoted_local(address) || !address.contains(' ')));
    if fits && (rest.is_empty() || rest.starts_with(' ')) { Ok((address, rest)) } else { Err(Bad::Path) }
}

fn quoted_local(address: &str) -> bool {
    address.starts_with('"')
}

/// The mailbox an address belongs to: in small letters, without what stands behind a `+`.
pub(super) fn address_key(address: &str) -> Option<(String, String)> {
    let (local, domain) = address.rsplit_once('@')?;
    let local = local.split('+').next().unwrap_or(local);
    Some((local.to_lowercase(), domain.to_lowercase()))
}
