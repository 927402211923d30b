//! Questions about a login between nodes, and their answers.

use bytes::Bytes;
use signalr_serverless::{ConnectionId, HubName};

use crate::{
    broker::{Malformed, Reader, Writer},
    hub::work::LoginAnswer,
    login::{Claim, LoginEnd, NewClaims, OtherUser, Renewal},
    session::Seconds,
};

/// Asks for the claims of a connection's login, and may renew the login first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LoginQuestion {
    pub(super) hub: HubName,
    pub(super) connection: ConnectionId,
    pub(super) renewal: Option<Renewal>,
}

impl LoginQuestion {
    pub(super) fn to_bytes(&self) -> Bytes {
        let mut writer = Writer::default();
        writer.text(self.hub.as_str()).text(self.connection.as_str());
        writer.option(self.renewal.as_ref(), |writer, renewal| {
            writer.option(renewal.ends, write_end);
            writer.option(renewal.claims.as_ref(), |writer, claims| match claims {
                NewClaims::OfUser(claims) => write_claims(writer.u8(0), claims),
                NewClaims::OfToken(claims) => write_claims(writer.u8(1), claims),
            });
        });
        writer.finish()
    }

    pub(super) fn read(body: Bytes) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        Ok(Self {
            hub: reader.name()?,
            connection: reader.name()?,
            renewal: reader.option(|reader| {
                let ends = reader.option(read_end)?;
                let claims = reader.option(|reader| match reader.u8()? {
                    0 => Ok(NewClaims::OfUser(read_claims(reader)?)),
                    1 => Ok(NewClaims::OfToken(read_claims(reader)?)),
                    _ => Err(Malformed),
                })?;
                Ok(Renewal { ends, claims })
            })?,
        })
    }
}

/// The answer; `None` if the connection is not open.
pub(super) fn answer(answer: Option<&LoginAnswer>) -> Bytes {
    let mut writer = Writer::default();
    match answer {
        None => {
            writer.u8(0);
        }
        Some(Ok(claims)) => write_claims(writer.u8(1), claims),
        Some(Err(OtherUser)) => {
            writer.u8(2);
        }
    }
    writer.finish()
}

pub(super) fn read_answer(answer: Bytes) -> Result<Option<LoginAnswer>, Malformed> {
    let mut reader = Reader::new(answer);
    Ok(match reader.u8()? {
        0 => None,
        1 => Some(Ok(read_claims(&mut reader)?)),
        2 => Some(Err(OtherUser)),
        _ => return Err(Malformed),
    })
}

fn write_end(writer: &mut Writer, end: LoginEnd) {
    match end {
        LoginEnd::Never => writer.u8(0),
        LoginEnd::At { epoch, left } => writer.u8(1).u64(epoch).u64(left.into()),
    };
}

fn read_end(reader: &mut Reader) -> Result<LoginEnd, Malformed> {
    Ok(match reader.u8()? {
        0 => LoginEnd::Never,
        1 => {
            let (epoch, left) = (reader.u64()?, reader.u64()?);
            LoginEnd::At { epoch, left: Seconds::try_from(left).map_err(|_| Malformed)? }
        }
        _ => return Err(Malformed),
    })
}

pub(super) fn write_claims(writer: &mut Writer, claims: &[Claim]) {
    writer.list(claims, |writer, (kind, value)| {
        writer.text(kind).text(value);
    });
}

pub(super) fn read_claims(reader: &mut Reader) -> Result<Vec<Claim>, Malformed> {
    reader.list(|reader| Ok((reader.text()?, reader.text()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Vec<Claim> {
        vec![("role".to_owned(), "a".to_owned()), ("role".to_owned(), "Änn".to_owned())]
    }

    #[test]
    fn what_one_node_asks_another_reads() {
        let end = LoginEnd::At { epoch: 4_102_444_800, left: 60 };
        for renewal in [
            None,
            Some(Renewal { ends: None, claims: None }),
            Some(Renewal {
                ends: Some(LoginEnd::Never),
                claims: Some(NewClaims::OfUser(claims())),
            }),
            Some(Renewal { ends: Some(end), claims: Some(NewClaims::OfToken(Vec::new())) }),
        ] {
            let (hub, connection) = ("chat".parse().unwrap(), "c1".parse().unwrap());
            let asked = LoginQuestion { hub, connection, renewal };
            assert_eq!(LoginQuestion::read(asked.to_bytes()), Ok(asked.clone()));
            let whole = asked.to_bytes();
            for end in 0..whole.len() {
                assert_eq!(LoginQuestion::read(whole.slice(..end)), Err(Malformed), "{end}");
            }
        }
    }

    #[test]
    fn an_answer_is_read_as_it_was_given() {
        for given in [None, Some(Ok(claims())), Some(Ok(Vec::new())), Some(Err(OtherUser))] {
            assert_eq!(read_answer(answer(given.as_ref())), Ok(given));
        }
        // The answer of a node that does not know the question.
        assert_eq!(read_answer(Bytes::from_static(&[u8::MAX])), Err(Malformed));
        assert_eq!(read_answer(Bytes::new()), Err(Malformed));
    }
}
