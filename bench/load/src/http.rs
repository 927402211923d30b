//! The parts of HTTP/1.1 that a client of a SignalR server needs.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use crate::{failure::Failure, server::Endpoint};

const MOST_HEADERS: usize = 64;
const LONGEST_ANSWER: usize = 1024 * 1024;

/// A complete answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) accept_key: Option<String>,
    /// Whether the connection can carry another request.
    pub(crate) stays_open: bool,
}

/// The progress of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// More must come.
    Cut,
    /// The complete answer, and how many bytes it has.
    Whole(Answer, usize),
}

/// Reads the answer at the beginning of `bytes`. If `is_end`, nothing comes after these bytes.
pub(crate) fn parse(bytes: &[u8], is_end: bool) -> Result<Progress, String> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let start = match head.parse(bytes) {
        Ok(httparse::Status::Complete(start)) => start,
        Ok(httparse::Status::Partial) => return cut(bytes, is_end),
        Err(error) => return Err(format!("its answer is not HTTP ({error})")),
    };
    let header = |name: &str| {
        let found = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(found.value).ok().map(str::trim)
    };
    let is = |name, value: &str| header(name).is_some_and(|text| text.eq_ignore_ascii_case(value));
    let status = head.code.unwrap_or_default();
    let may_stay = if head.version == Some(0) {
        is("connection", "keep-alive")
    } else {
        !is("connection", "close")
    };
    let answer = |body: Vec<u8>, stays_open| Answer {
        status,
        body,
        accept_key: header("sec-websocket-accept").map(str::to_owned),
        stays_open,
    };
    let whole = |body, end| Ok(Progress::Whole(answer(body, may_stay), end));
    if (100..200).contains(&status) || matches!(status, 204 | 304) {
        return whole(Vec::new(), start);
    }
    if is("transfer-encoding", "chunked") {
        return match chunks(bytes, start)? {
            Some((body, end)) => whole(body, end),
            None => cut(bytes, is_end),
        };
    }
    match header("content-length") {
        Some(length) => {
            let wrong = || format!("its answer has the content-length '{length}'");
            let length: usize = length.parse().map_err(|_| wrong())?;
            let end = start.checked_add(length).ok_or_else(wrong)?;
            match bytes.get(start..end) {
                Some(body) => whole(body.to_vec(), end),
                None => cut(bytes, is_end),
            }
        }
        None if is_end => Ok(Progress::Whole(answer(bytes[start..].to_vec(), false), bytes.len())),
        None => cut(bytes, is_end),
    }
}

fn cut(bytes: &[u8], is_end: bool) -> Result<Progress, String> {
    match bytes.len() {
        0 if is_end => Err("it closed the connection without an answer".to_owned()),
        _ if is_end => Err("it closed the connection within its answer".to_owned()),
        LONGEST_ANSWER.. => Err(format!("its answer is longer than {LONGEST_ANSWER} bytes")),
        _ => Ok(Progress::Cut),
    }
}

/// The body of the chunks that begin at `at`, and its end; `None` if it is not complete yet.
fn chunks(bytes: &[u8], mut at: usize) -> Result<Option<(Vec<u8>, usize)>, String> {
    let wrong = || "its answer has broken chunks".to_owned();
    let mut body = Vec::new();
    loop {
        let Some(rest) = bytes.get(at..) else { return Ok(None) };
        let (head, size) = match httparse::parse_chunk_size(rest).map_err(|_| wrong())? {
            httparse::Status::Complete(found) => found,
            httparse::Status::Partial => return Ok(None),
        };
        at += head;
        if size == 0 {
            // SignalR servers send no trailers.
            return Ok((bytes.len() >= at + 2).then_some((body, at + 2)));
        }
        let size = usize::try_from(size).ok().filter(|size| *size <= LONGEST_ANSWER);
        let size = size.ok_or_else(wrong)?;
        let Some(chunk) = bytes.get(at..at + size) else { return Ok(None) };
        body.extend_from_slice(chunk);
        at += size + 2;
    }
}

/// The bytes of a request. The endpoint's token goes into its header.
pub(crate) fn request(method: &str, endpoint: &Endpoint, headers: &str, body: &[u8]) -> Vec<u8> {
    let Endpoint { authority, target, token, .. } = endpoint;
    let mut bytes = format!("{method} {target} HTTP/1.1\r\nhost: {authority}\r\n{headers}");
    if let Some(token) = token {
        bytes.push_str(&format!("authorization: Bearer {}\r\n", token.as_str()));
    }
    if method == "POST" {
        bytes.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    bytes.push_str("\r\n");
    let mut bytes = bytes.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Sends a request and waits for its answer. Also returns the bytes after the answer.
pub(crate) fn exchange(
    socket: &mut TcpStream,
    request: &[u8],
    timeout: Duration,
) -> Result<(Answer, Vec<u8>), Failure> {
    exchange_until(socket, request, timeout, parse)
}

/// Sends a request whose answer may never end. Returns only the head of the answer, and the bytes after
/// the head. If the status is not 200, it waits for the whole answer.
pub(crate) fn exchange_head(
    socket: &mut TcpStream,
    request: &[u8],
    timeout: Duration,
) -> Result<(Answer, Vec<u8>), Failure> {
    exchange_until(socket, request, timeout, |bytes, is_end| {
        match memchr::memmem::find(bytes, b"\r\n\r\n") {
            Some(at) if bytes.get(9..12) == Some(b"200") => {
                let head =
                    Answer { status: 200, body: Vec::new(), accept_key: None, stays_open: false };
                Ok(Progress::Whole(head, at + 4))
            }
            _ => parse(bytes, is_end),
        }
    })
}

/// Sends a request and reads until `look` has found an answer. Also returns the bytes after the answer.
fn exchange_until(
    socket: &mut TcpStream,
    request: &[u8],
    timeout: Duration,
    look: impl Fn(&[u8], bool) -> Result<Progress, String>,
) -> Result<(Answer, Vec<u8>), Failure> {
    let end = Instant::now() + timeout;
    socket.write_all(request).map_err(|error| broken(&error))?;
    let mut bytes = Vec::new();
    loop {
        let is_end = read_more(socket, &mut bytes, end)?;
        let progress = look(&bytes, is_end)
            .map_err(|problem| Failure::server(format!("the server cannot be used: {problem}")))?;
        if let Progress::Whole(answer, length) = progress {
            return Ok((answer, bytes.split_off(length)));
        }
    }
}

/// Reads the bytes that are there or come next. Returns whether the end was reached.
pub(crate) fn read_more(
    socket: &mut TcpStream,
    bytes: &mut Vec<u8>,
    end: Instant,
) -> Result<bool, Failure> {
    let mut buffer = [0; 4096];
    loop {
        if Instant::now() >= end {
            return Err(Failure::server("the server gave no answer in time (flag --timeout)"));
        }
        match socket.read(&mut buffer) {
            Ok(read) => {
                bytes.extend_from_slice(&buffer[..read]);
                return Ok(read == 0);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(broken(&error)),
        }
    }
}

fn broken(error: &std::io::Error) -> Failure {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            Failure::server("the server gave no answer in time (flag --timeout)")
        }
        _ => Failure::server(format!("the server broke the connection: {error}")),
    }
}

impl Answer {
    /// The answer as errors show it: its status and the beginning of its text.
    pub(crate) fn shown(&self) -> String {
        let text: String = String::from_utf8_lossy(&self.body).chars().take(300).collect();
        format!("{} {}", self.status, text.trim()).trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(bytes: &[u8], is_end: bool) -> Option<(String, bool)> {
        match parse(bytes, is_end).unwrap() {
            Progress::Cut => None,
            Progress::Whole(answer, _) => {
                Some((String::from_utf8(answer.body).unwrap(), answer.stays_open))
            }
        }
    }

    #[test]
    fn bodies_end_in_several_ways() {
        for (text, at_end_only, stays) in [
            ("HTTP/1.1 202 Accepted\r\ncontent-length: 3\r\n\r\nabc", false, true),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
                false,
                true,
            ),
            ("HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nabc", false, false),
            ("HTTP/1.0 200 OK\r\n\r\nabc", true, false),
        ] {
            let bytes = text.as_bytes();
            assert_eq!(body(bytes, true), Some(("abc".to_owned(), stays)), "{text}");
            assert_eq!(body(bytes, false).is_none(), at_end_only, "{text}");
            assert_eq!(body(&bytes[..bytes.len() - 1], false), None, "{text}");
        }
        assert_eq!(body(b"HTTP/1.1 204 No Content\r\n\r\n", false), Some((String::new(), true)));
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for bytes in [&b"SSH-2.0\r\n\r\n"[..], b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"] {
            assert!(parse(bytes, false).is_err());
        }
        assert!(parse(b"", true).unwrap_err().contains("without an answer"));
        assert!(parse(b"HTTP/1.1", true).unwrap_err().contains("within its answer"));
    }
}
