//! A mail of 100 kB as Outlook writes it: Word's markup, 900 paragraphs, ours quoted.

/// Paragraphs beside the answer.
const PARAGRAPHS: usize = 900;

const TOP: &str = "From: Ana Lopes <ana@b.example>\r\nTo: codev@codev.example\r\nSubject: RE: x\r\n\
    Date: Wed, 25 Nov 2026 09:00:00 +0100\r\nMessage-ID: <long@b.example>\r\nMIME-Version: 1.0\r\n\
    Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
    <html xmlns:o=\"urn:schemas-microsoft-com:office:office\" xmlns:w=\"urn:schemas-microsoft-com:office:word\">\r\n\
    <head><meta name=Generator content=\"Microsoft Word 15 (filtered medium)\"><style><!--\r\n\
    p.MsoNormal, li.MsoNormal {margin:0cm; font-size:11.0pt; font-family:\"Calibri\",sans-serif;}\r\n--></style></head>\r\n\
    <body lang=FR link=\"#0563C1\" style='word-wrap:break-word'><div class=WordSection1>\r\n";

const MARK: &str = "<div><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'>\
    <p class=MsoNormal><b>De&nbsp;:</b> Codev &lt;codev@codev.example&gt;<br><b>Envoyé&nbsp;:</b> mardi 24 novembre \
    2026 10:00<br><b>À&nbsp;:</b> Ana Lopes<br><b>Objet&nbsp;:</b> x<o:p></o:p></p></div></div>\r\n";

fn paragraph(text: &str) -> String {
    format!("<p class=MsoNormal><span lang=FR>{text}<o:p></o:p></span></p>\r\n")
}

fn paragraphs() -> String {
    (1..PARAGRAPHS).map(|n| paragraph(&format!("{n}. Ce que j’ai noté de l’échange, à relire."))).collect()
}

fn ours(sent: &str) -> String {
    sent.lines().map(|l| paragraph(&l.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))).collect()
}

/// The mail, all paragraphs the person's own; they begin with these words.
pub fn long_mail(answer: &str, sent: &str) -> Vec<u8> {
    format!("{TOP}{}{}{MARK}{}</div></body></html>\r\n", paragraph(answer), paragraphs(), ours(sent)).into_bytes()
}

/// As people send 100 kB: a few words over ours and a long thread of before.
#[allow(dead_code, reason = "the benchmark's alone")]
pub fn long_thread(answer: &str, sent: &str) -> Vec<u8> {
    let (before, ours) = (paragraphs(), ours(sent));
    format!("{TOP}{}{MARK}{ours}{MARK}{before}</div></body></html>\r\n", paragraph(answer)).into_bytes()
}
