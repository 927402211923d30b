//! The requests that the floor accepts.

use tungstenite::handshake::derive_accept_key;

pub(crate) const ACCEPTED: &[u8] = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";
pub(crate) const BAD_REQUEST: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 63\r\n\r\n\
      POST a JSON object to /publish, or upgrade /client to WebSocket";

const LONGEST_HEAD: usize = 16 * 1024;
const LONGEST_BODY: usize = 16 * 1024 * 1024;
const MOST_HEADERS: usize = 64;

/// A request, and how many bytes it has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request<'a> {
    Upgrade {
        answer: String,
        length: usize,
    },
    /// A message for this many of the first clients.
    Publish {
        body: &'a [u8],
        members: usize,
        length: usize,
    },
}

/// A request that the floor does not accept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadRequest;

/// The request at the beginning of `bytes`; `None` if it is not complete yet.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Request<'_>>, BadRequest> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let start = match head.parse(bytes) {
        Ok(httparse::Status::Complete(start)) => start,
        Ok(httparse::Status::Partial) if bytes.len() < LONGEST_HEAD => return Ok(None),
        _ => return Err(BadRequest),
    };
    let header = |name: &str| {
        let found = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(found.value).ok()
    };
    let target = head.path.unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    match (head.method, Some(path)) {
        (Some("GET"), Some("/client")) => {
            let key = header("sec-websocket-key").ok_or(BadRequest)?;
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
                 sec-websocket-accept: {}\r\n\r\n",
                derive_accept_key(key.as_bytes())
            );
            Ok(Some(Request::Upgrade { answer, length: start }))
        }
        (Some("POST"), Some("/publish")) => {
            let length = header("content-length").and_then(|text| text.trim().parse().ok());
            let length: usize =
                length.filter(|length| *length <= LONGEST_BODY).ok_or(BadRequest)?;
            match bytes.get(start..start + length) {
                Some(body) if body.starts_with(b"{") => {
                    let members = members(query)?;
                    Ok(Some(Request::Publish { body, members, length: start + length }))
                }
                Some(_) => Err(BadRequest),
                None => Ok(None),
            }
        }
        _ => Err(BadRequest),
    }
}

/// The number in the query `members=…`. Without a query, all clients are members.
fn members(query: &str) -> Result<usize, BadRequest> {
    match query.strip_prefix("members=") {
        Some(number) => number.parse().map_err(|_| BadRequest),
        None => Ok(usize::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_in_pieces_and_behind_each_other() {
        let post = b"POST /publish HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}POST";
        for cut in 0..post.len() - 4 {
            assert_eq!(parse(&post[..cut]), Ok(None), "{cut}");
        }
        let length = post.len() - 4;
        let all = Request::Publish { body: b"{}", members: usize::MAX, length };
        assert_eq!(parse(post), Ok(Some(all)));
        let some = b"POST /publish?members=3 HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}";
        let few = Request::Publish { body: b"{}", members: 3, length: some.len() };
        assert_eq!(parse(some), Ok(Some(few)));
    }

    #[test]
    fn anything_else_is_refused() {
        for bytes in [
            &b"GET / HTTP/1.1\r\n\r\n"[..],
            b"GET /client HTTP/1.1\r\n\r\n",
            b"POST /publish HTTP/1.1\r\n\r\n",
            b"POST /publish?members=x HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}",
            b"POST /publish HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n",
            b"POST /publish HTTP/1.1\r\ncontent-length: 1\r\n\r\n[",
            b"\0",
        ] {
            assert_eq!(parse(bytes), Err(BadRequest));
        }
    }
}
