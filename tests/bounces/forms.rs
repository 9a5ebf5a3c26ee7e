//! In charge of how six mail servers write that a mail was not delivered: Postfix, Exim, qmail, Sendmail, Exchange, Gmail.

/// Why a mail did not arrive.
#[derive(Debug, Clone, Copy)]
pub enum Cause<'a> {
    /// The receiving host's words.
    Said { code: &'a str, status: &'a str, text: &'a str },
    /// Tried until its time was up.
    Expired,
    /// Still tried.
    Delayed,
}

/// One report to write.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    pub address: &'a str,
    /// The Message-ID of the mail that did not arrive.
    pub sent: &'a str,
    pub cause: Cause<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    Postfix,
    Exim,
    /// Exim with its own header.
    EximHeader,
    Qmail,
    Sendmail,
    Exchange,
    Gmail,
}

/// A server's form in a language.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    pub server: Server,
    pub language: &'static str,
}

const fn form(server: Server, language: &'static str) -> Form {
    Form { server, language }
}

/// Exchange and Gmail write to the sender's language; Postfix's and Exim's words are translated on some hosts.
pub const FORMS: &[Form] = &[
    form(Server::Postfix, "en"),
    form(Server::Postfix, "fr"),
    form(Server::Postfix, "de"),
    form(Server::Exim, "en"),
    form(Server::Exim, "de"),
    form(Server::EximHeader, "en"),
    form(Server::EximHeader, "fr"),
    form(Server::Qmail, "en"),
    form(Server::Sendmail, "en"),
    form(Server::Exchange, "en"),
    form(Server::Exchange, "fr"),
    form(Server::Exchange, "de"),
    form(Server::Exchange, "es"),
    form(Server::Exchange, "it"),
    form(Server::Exchange, "nl"),
    form(Server::Gmail, "en"),
    form(Server::Gmail, "fr"),
    form(Server::Gmail, "de"),
    form(Server::Gmail, "es"),
    form(Server::Gmail, "it"),
    form(Server::Gmail, "nl"),
];

/// Status, action and diagnostic of the part for machines.
struct Status {
    action: &'static str,
    code: String,
    diagnostic: String,
}

impl Form {
    /// qmail says nothing before it gives up.
    pub fn tells_of_delays(&self) -> bool {
        self.server != Server::Qmail
    }

    pub fn write(&self, report: &Report) -> String {
        let text = match self.server {
            Server::Postfix => self.postfix(report),
            Server::Exim | Server::EximHeader => self.exim(report),
            Server::Qmail => qmail(report),
            Server::Sendmail => sendmail(report),
            Server::Exchange => self.exchange(report),
            Server::Gmail => self.gmail(report),
        };
        text.replace('\n', "\r\n")
    }

    fn one_of(&self, words: [&'static str; 6]) -> &'static str {
        let at = ["en", "fr", "de", "es", "it", "nl"].iter().position(|l| *l == self.language);
        words[at.expect("a language")]
    }

    fn postfix(&self, r: &Report) -> String {
        let late = matches!(r.cause, Cause::Delayed);
        let intro = match (self.language, late) {
            ("fr", false) => {
                "Ceci est le serveur de courrier mx.relais.example.\n\nVotre message n'a pas pu être remis à un ou plusieurs destinataires."
            }
            ("fr", true) => {
                "Ceci est un simple avertissement : vous n'avez pas à renvoyer votre message.\nIl sera à nouveau tenté de le remettre."
            }
            ("de", false) => {
                "Dies ist das Mailsystem mx.relais.example.\n\nIhre Nachricht konnte einem oder mehreren Empfängern nicht zugestellt werden."
            }
            ("de", true) => "Dies ist nur eine Warnung. Sie müssen Ihre Nachricht nicht erneut senden.",
            (_, false) => {
                "This is the mail system at host mx.relais.example.\n\nI'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients."
            }
            (_, true) => {
                "THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE.\n\nYour message could not be delivered for more than 4 hour(s).\nIt will be retried until it is 5 day(s) old."
            }
        };
        let address = r.address;
        let (line, status) = match r.cause {
            Cause::Said { code, status, text } => {
                let said = join(code, status, text);
                let line = format!(
                    "<{address}>: host mx.loin.example[192.0.2.9] said: {said} (in reply\n    to RCPT TO command)"
                );
                (line, said_status(code, status, text, "smtp"))
            }
            Cause::Expired | Cause::Delayed => {
                let why = "connect to mx.loin.example[192.0.2.9]:25: Connection timed out";
                let action = if late { "delayed" } else { "failed" };
                let status = Status { action, code: "4.4.1".into(), diagnostic: format!("X-Postfix; {why}") };
                (format!("<{address}>: {why}"), status)
            }
        };
        let own = format!("{intro}\n\n                   The mail system\n\n{line}\n");
        multipart(
            "MAILER-DAEMON@relais.example (Mail Delivery System)",
            "Undelivered Mail Returned to Sender",
            &own,
            r,
            &status,
        )
    }

    fn exim(&self, r: &Report) -> String {
        let address = r.address;
        let header = match self.server {
            Server::EximHeader if !matches!(r.cause, Cause::Delayed) => format!("X-Failed-Recipients: {address}\n"),
            _ => String::new(),
        };
        let intro = match self.language {
            "fr" => {
                "Ce message a été créé automatiquement par le logiciel de messagerie.\n\nUn message que vous avez envoyé n'a pas pu être remis à un ou plusieurs de ses\ndestinataires. Les adresses suivantes ont échoué :"
            }
            "de" => {
                "Diese Nachricht wurde automatisch vom Mailserver erzeugt.\n\nEine von Ihnen gesendete Nachricht konnte nicht zugestellt werden.\nThe following address(es) failed:"
            }
            _ => {
                "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:"
            }
        };
        let subject = "Mail delivery failed: returning message to sender";
        let (subject, body) = match r.cause {
            Cause::Said { code, status, text } => {
                let said = join(code, status, text);
                (
                    subject,
                    format!(
                        "{intro}\n\n  {address}\n    host mx.loin.example [192.0.2.9]\n    SMTP error from remote mail server after RCPT TO:<{address}>:\n    {said}"
                    ),
                )
            }
            Cause::Expired => (subject, format!("{intro}\n\n  {address}\n    retry timeout exceeded")),
            Cause::Delayed => (
                "Warning: message 1abcde-000001-Ab delayed 24 hours",
                format!(
                    "This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its\nrecipients after more than 24 hours on the queue on mx.relais.example.\n\nThe address to which the message has not yet been delivered is:\n\n  {address}\n    Delay reason: Connection timed out\n\nNo action is required on your part. Delivery attempts will continue for\nsome time."
                ),
            ),
        };
        let back =
            format!("------ This is a copy of the message, including all the headers. ------\n\n{}", returned(r));
        plain("Mail Delivery System <Mailer-Daemon@relais.example>", subject, &header, &format!("{body}\n\n{back}"))
    }

    fn exchange(&self, r: &Report) -> String {
        let address = r.address;
        let failed = self.one_of([
            "Delivery has failed to these recipients or groups:",
            "Échec de la remise pour ces destinataires ou groupes :",
            "Fehler bei der Nachrichtenzustellung an folgende Empfänger oder Gruppen:",
            "Error de entrega a estos destinatarios o grupos:",
            "Recapito non riuscito ai seguenti destinatari o gruppi:",
            "De bezorging is mislukt bij deze geadresseerden of groepen:",
        ]);
        let delayed = self.one_of([
            "Delivery is delayed to these recipients or groups:",
            "La remise est retardée pour ces destinataires ou groupes :",
            "Die Zustellung an folgende Empfänger oder Gruppen wurde verzögert:",
            "Se retrasó la entrega a estos destinatarios o grupos:",
            "Il recapito è in ritardo per i seguenti destinatari o gruppi:",
            "De bezorging bij deze geadresseerden of groepen is vertraagd:",
        ]);
        let subject = self.one_of([
            "Undeliverable: ",
            "Non remis : ",
            "Unzustellbar: ",
            "No se puede entregar: ",
            "Non recapitabile: ",
            "Onbestelbaar: ",
        ]);
        let late = matches!(r.cause, Cause::Delayed);
        let status = match r.cause {
            Cause::Said { code, status, text } => said_status(code, status, text, "smtp"),
            Cause::Expired => Status {
                action: "failed",
                code: "5.4.7".into(),
                diagnostic: "smtp;550 4.4.7 QUEUE.Expired; message expired".into(),
            },
            Cause::Delayed => {
                Status { action: "delayed", code: "4.4.7".into(), diagnostic: "smtp;400 4.4.7 Message delayed".into() }
            }
        };
        let intro = if late { delayed } else { failed };
        let own = format!(
            "{intro}\n\nAnne Dupont ({address})<mailto:{address}>\n\nmx.loin.example\nRemote Server returned '{}'\n",
            status.diagnostic
        );
        multipart(
            "Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@relais.example>",
            &format!("{subject}Codev"),
            &own,
            r,
            &status,
        )
    }

    fn gmail(&self, r: &Report) -> String {
        let address = r.address;
        let (title, body) = match (self.language, r.cause) {
            ("fr", Cause::Delayed) => (
                "Remise incomplète",
                format!("Un problème temporaire est survenu lors de la remise de votre message à {address}."),
            ),
            ("de", Cause::Delayed) => (
                "Zustellung unvollständig",
                format!("Es gab ein vorübergehendes Problem bei der Zustellung Ihrer Nachricht an {address}."),
            ),
            (_, Cause::Delayed) => (
                "Delivery incomplete",
                format!(
                    "There was a temporary problem while delivering your message to {address}. Gmail will retry for 45 more hours."
                ),
            ),
            ("fr", _) => ("Message non remis", format!("Votre message n'a pas été remis à {address}.")),
            ("de", _) => ("Nachricht nicht zugestellt", format!("Ihre Nachricht wurde nicht an {address} zugestellt.")),
            ("es", _) => ("Mensaje no entregado", format!("Tu mensaje no se ha entregado a {address}.")),
            ("it", _) => ("Messaggio non recapitato", format!("Il tuo messaggio non è stato recapitato a {address}.")),
            ("nl", _) => ("Bericht niet bezorgd", format!("Je bericht is niet bezorgd bij {address}.")),
            _ => ("Message not delivered", format!("Your message wasn't delivered to {address}.")),
        };
        let status = match r.cause {
            Cause::Said { code, status, text } => said_status(code, status, text, "smtp"),
            Cause::Expired | Cause::Delayed => Status {
                action: if matches!(r.cause, Cause::Delayed) { "delayed" } else { "failed" },
                code: "4.4.1".into(),
                diagnostic: "smtp; The recipient server did not accept our requests to connect. [mx.loin.example. 192.0.2.9: timed out]".into(),
            },
        };
        let own = format!("** {title} **\n\n{body}\n\n{}\n", status.diagnostic);
        multipart(
            "Mail Delivery Subsystem <mailer-daemon@googlemail.example>",
            "Delivery Status Notification (Failure)",
            &own,
            r,
            &status,
        )
    }
}

fn join(code: &str, status: &str, text: &str) -> String {
    [code, status, text].iter().filter(|w| !w.is_empty()).copied().collect::<Vec<_>>().join(" ")
}

/// A host without enhanced codes: the reporting server makes up the general one (RFC 3463 §2).
fn said_status(code: &str, status: &str, text: &str, kind: &str) -> Status {
    let general = if code.starts_with('4') { "4.0.0" } else { "5.0.0" };
    let told = if status.is_empty() { general } else { status };
    Status { action: "failed", code: told.to_owned(), diagnostic: format!("{kind}; {}", join(code, status, text)) }
}

fn qmail(r: &Report) -> String {
    let address = r.address;
    let body = match r.cause {
        Cause::Said { code, status, text } => format!(
            "192.0.2.9 does not like recipient.\nRemote host said: {}\nGiving up on 192.0.2.9.",
            join(code, status, text)
        ),
        _ => "Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)\nI'm not going to try again; this message has been in the queue too long.".to_owned(),
    };
    let text = format!(
        "Hi. This is the qmail-send program at relais.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<{address}>:\n{body}\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <codev@groupe.example>\n{}",
        returned(r)
    );
    plain("MAILER-DAEMON@relais.example", "failure notice", "", &text)
}

fn sendmail(r: &Report) -> String {
    let address = r.address;
    let (own, status) = match r.cause {
        Cause::Said { code, status, text } => {
            let said = join(code, status, text);
            let own = format!(
                "   ----- The following addresses had permanent fatal errors -----\n<{address}>\n    (reason: {said})\n\n   ----- Transcript of session follows -----\n... while talking to mx.loin.example.:\n>>> RCPT To:<{address}>\n<<< {said}"
            );
            (own, said_status(code, status, text, "SMTP"))
        }
        Cause::Expired => (
            format!(
                "   ----- The following addresses had permanent fatal errors -----\n<{address}>\n\n   ----- Transcript of session follows -----\n{address}... Deferred: Connection timed out with mx.loin.example.\nMessage could not be delivered for 5 days\nMessage will be deleted from queue"
            ),
            Status { action: "failed", code: "4.4.7".into(), diagnostic: String::new() },
        ),
        Cause::Delayed => (
            format!(
                "    **********************************************\n    **      THIS IS A WARNING MESSAGE ONLY      **\n    **  YOU DO NOT NEED TO RESEND YOUR MESSAGE  **\n    **********************************************\n\n   ----- The following addresses had transient non-fatal errors -----\n<{address}>\n\n   ----- Transcript of session follows -----\n{address}... Deferred: Connection timed out with mx.loin.example.\nWarning: message still undelivered after 4 hours\nWill keep trying until message is 5 days old"
            ),
            Status { action: "delayed", code: "4.4.2".into(), diagnostic: String::new() },
        ),
    };
    let own = format!(
        "The original message was received at Tue, 24 Nov 2026 10:00:00 +0100\nfrom groupe.example [192.0.2.7]\n\n{own}\n"
    );
    multipart(
        "Mail Delivery Subsystem <MAILER-DAEMON@relais.example>",
        "Returned mail: see transcript for details",
        &own,
        r,
        &status,
    )
}

fn returned(r: &Report) -> String {
    format!(
        "From: Codev <codev@groupe.example>\nTo: {}\nSubject: Codev\nMessage-ID: <{}>\nX-Spam-Status: No\n\nBonjour, la boîte est pleine d'idées.\n",
        r.address, r.sent
    )
}

fn plain(from: &str, subject: &str, more: &str, text: &str) -> String {
    format!(
        "Return-Path: <>\nFrom: {from}\nTo: codev@groupe.example\nSubject: {subject}\nDate: Tue, 24 Nov 2026 10:00:00 +0100\n{more}MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{text}"
    )
}

fn multipart(from: &str, subject: &str, own: &str, r: &Report, status: &Status) -> String {
    let diagnostic = match status.diagnostic.as_str() {
        "" => String::new(),
        text => format!("Diagnostic-Code: {text}\n"),
    };
    format!(
        "Return-Path: <>\nFrom: {from}\nTo: codev@groupe.example\nSubject: {subject}\nDate: Tue, 24 Nov 2026 10:00:00 +0100\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"=_limit\"\n\n--=_limit\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{own}\n--=_limit\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; relais.example\n\nFinal-Recipient: rfc822; {}\nAction: {}\nStatus: {}\n{diagnostic}\n--=_limit\nContent-Type: message/rfc822\n\n{}\n--=_limit--\n",
        r.address,
        status.action,
        status.code,
        returned(r)
    )
}
