//! The string formats of JSON Schema that a regular expression can say exactly, or more narrowly than the standard does:
//! what is generated is always valid. All other formats are refused.

/// An expression for all strings of the format, in the matcher's syntax, and the most characters that they may have.
pub fn format(name: &str) -> Option<(String, Option<usize>)> {
    let date = date();
    let offset = "(?:[zZ]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])";
    let time = format!(
        r"(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?{offset}|23:59:60(?:\.[0-9]+)?(?:[zZ]|[+-]00:00))"
    );
    let unlimited = |text: String| Some((text, None));
    match name {
        "date" => unlimited(date),
        "time" => unlimited(time),
        "date-time" => unlimited(format!("{date}[tT]{time}")),
        "duration" => unlimited(duration()),
        "email" => {
            let atom = r"[a-zA-Z0-9!#$%&'*+\-/=?\^_`{|}~]+";
            let local = format!(r#"(?:{atom}(?:\.{atom})*|"(?:[\x20\x21\x23-\x5B\x5D-\x7E]|\\[\x20-\x7E])*")"#);
            Some((
                format!(r"{local}@(?:{}|\[{}\]|\[IPv6:{}\])", host(), ipv4(), ipv6()),
                Some(254),
            ))
        }
        "hostname" => Some((host(), Some(253))),
        "ipv4" => unlimited(ipv4()),
        "ipv6" => unlimited(ipv6()),
        "uuid" => unlimited("[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}".into()),
        "json-pointer" => unlimited("(?:/(?:[^~/]|~[01])*)*".into()),
        "relative-json-pointer" => unlimited("(?:0|[1-9][0-9]*)(?:#|(?:/(?:[^~/]|~[01])*)*)".into()),
        "uri" => unlimited(uri("", "")),
        "uri-reference" => unlimited(format!("(?:{}|{})", uri("", ""), relative("", ""))),
        "iri" => unlimited(uri(UCS, PRIVATE)),
        "iri-reference" => unlimited(format!("(?:{}|{})", uri(UCS, PRIVATE), relative(UCS, PRIVATE))),
        "uri-template" => unlimited(template()),
        _ => None,
    }
}

/// Names of the formats that are enforced, for messages.
pub const KNOWN: &str = "date, time, date-time, duration, email, hostname, ipv4, ipv6, uuid, uri, uri-reference, iri, \
     iri-reference, uri-template, json-pointer, relative-json-pointer";

/// Days that exist, February 29 only in leap years.
fn date() -> String {
    let leap = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)";
    let year = "[0-9]{4}";
    format!(
        "(?:{year}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|\
         02-(?:0[1-9]|1[0-9]|2[0-8]))|{leap}-02-29)"
    )
}

/// ISO 8601 as RFC 3339, appendix A, has it: no unit is skipped between two that are there.
fn duration() -> String {
    let seconds = "[0-9]+S";
    let minutes = format!("[0-9]+M(?:{seconds})?");
    let hours = format!("[0-9]+H(?:{minutes})?");
    let time = format!("T(?:{hours}|{minutes}|{seconds})");
    let days = "[0-9]+D";
    let months = format!("[0-9]+M(?:{days})?");
    let years = format!("[0-9]+Y(?:{months})?");
    format!("P(?:(?:{years}|{months}|{days})(?:{time})?|{time}|[0-9]+W)")
}

/// Labels of at most 63 characters that neither begin nor end with a hyphen, nor have two as third and fourth character
/// (that is how an encoded name begins, and then it would have to be decoded).
fn host() -> String {
    let (l, h) = ("[a-zA-Z0-9]", "[a-zA-Z0-9-]");
    let label = format!("{l}(?:{l}|{h}{l}|{h}{h}{l}|{h}(?:{l}{h}|-{l}){h}{{0,58}}{l})?");
    format!(r"{label}(?:\.{label})*")
}

fn ipv4() -> String {
    let byte = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    format!(r"(?:{byte}\.){{3}}{byte}")
}

/// RFC 3986, `IPv6address`.
fn ipv6() -> String {
    let h = "[0-9a-fA-F]{1,4}";
    let last = format!("(?:{h}:{h}|{})", ipv4());
    let before = |most: usize| match most {
        0 => String::new(),
        1 => format!("(?:{h})?"),
        n => format!("(?:(?:{h}:){{0,{}}}{h})?", n - 1),
    };
    // `before(n)::` stands for what is missing of eight groups: the more may precede it, the fewer follow.
    let mut forms = vec![format!("(?:{h}:){{6}}{last}")];
    forms.extend((0..=4).map(|n| format!("{}::(?:{h}:){{{}}}{last}", before(n), 5 - n)));
    forms.push(format!("{}::{last}", before(5)));
    forms.push(format!("{}::{h}", before(6)));
    forms.push(format!("{}::", before(7)));
    format!("(?:{})", forms.join("|"))
}

/// RFC 3987, `ucschar` and `iprivate`.
const UCS: &str =
    r"\x{A0}-\x{D7FF}\x{F900}-\x{FDCF}\x{FDF0}-\x{FFEF}\x{10000}-\x{1FFFD}\x{20000}-\x{2FFFD}\x{30000}-\x{3FFFD}";
const PRIVATE: &str = r"\x{E000}-\x{F8FF}\x{F0000}-\x{FFFFD}\x{100000}-\x{10FFFD}";

/// RFC 3986, `URI`: with a scheme. `more`: further characters that it may have; `query`: those in a query alone.
fn uri(more: &str, query: &str) -> String {
    let pchar = pchar(more, ":@");
    let path = format!(
        "(?:{}|/(?:{pchar}+(?:/{pchar}*)*)?|{pchar}+(?:/{pchar}*)*|)",
        authority(more)
    );
    format!(r"[a-zA-Z][a-zA-Z0-9+\-.]*:{path}{}", tail(more, query))
}

/// RFC 3986, `relative-ref`: the first part of a path without a slash has no colon.
fn relative(more: &str, query: &str) -> String {
    let (pchar, first) = (pchar(more, ":@"), pchar(more, "@"));
    let path = format!(
        "(?:{}|/(?:{pchar}+(?:/{pchar}*)*)?|{first}+(?:/{pchar}*)*|)",
        authority(more)
    );
    format!("{path}{}", tail(more, query))
}

/// One character of a path: unreserved, encoded, or a delimiter of parts.
fn pchar(more: &str, also: &str) -> String {
    format!(r"(?:[a-zA-Z0-9\-._~!$&'()*+,;={also}{more}]|%[0-9a-fA-F]{{2}})")
}

/// `//`, who and where, and a path behind it.
fn authority(more: &str) -> String {
    let (user, host) = (pchar(more, ":"), pchar(more, ""));
    format!(
        r"//(?:{user}*@)?(?:\[(?:{}|[vV][0-9a-fA-F]+\.[a-zA-Z0-9\-._~!$&'()*+,;=:]+)\]|{host}*)(?::[0-9]*)?(?:/{}*)*",
        ipv6(),
        pchar(more, ":@")
    )
}

fn tail(more: &str, query: &str) -> String {
    let (private, common) = (pchar(&format!("{more}{query}"), ":@/?"), pchar(more, ":@/?"));
    format!(r"(?:\?{private}*)?(?:\x{{23}}{common}*)?")
}

/// RFC 6570.
fn template() -> String {
    let name = "(?:[a-zA-Z0-9_]|%[0-9a-fA-F]{2})";
    let variable = format!(r"{name}(?:\.?{name})*(?:\*|:[1-9][0-9]{{0,3}})?");
    let literal =
        format!(r"(?:[\x21\x23\x24\x26-\x3B\x3D\x3F-\x5B\x5D\x5F\x61-\x7A\x7E{UCS}{PRIVATE}]|%[0-9a-fA-F]{{2}})");
    format!(r"(?:{literal}|\{{[+\x23./;?&]?{variable}(?:,{variable})*\}})*")
}
