//! Logins of clients: their claims and their renewal, and requests with a token that has expired.

use super::{state::Shard, table::Key};
use crate::{
    hub::work::{LoginRequest, TokenTime},
    session::ExpiredToken,
};

impl Shard {
    /// Returns the claims of a login. If there is a renewal, it is applied first.
    pub(super) fn login(&mut self, request: LoginRequest) {
        let LoginRequest { hub, connection, renewal, answer } = request;
        let now = self.now();
        let Some(key) = self.find(&hub, &connection) else { return };
        let Some(connection) = self.table.get_mut(key) else { return };
        // The caller may be gone.
        let _ = answer.send(connection.login(renewal.as_ref(), now));
        self.look_sooner(key, now);
    }

    /// Whether a request is accepted, considering its token's time. A session whose login has ended
    /// is ended here, so that its client learns the reason.
    pub(super) fn takes_token(&mut self, key: Key, token: TokenTime) -> bool {
        let now = self.now();
        let Some(connection) = self.table.get_mut(key) else { return false };
        if token == TokenTime::Good {
            return true;
        }
        match connection.session.expired_token(now) {
            ExpiredToken::Renewed => true,
            ExpiredToken::Refused => false,
            ExpiredToken::LoginOver => {
                let effects = connection.session.end_login(now);
                self.apply(key, effects, now);
                true
            }
        }
    }
}
