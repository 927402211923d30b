//! The connections of a group: a page of them, or all as a stream, which fetches each page when it
//! is needed.

use std::num::NonZeroU64;

use futures_util::{Stream, StreamExt, TryStreamExt, stream};

use super::{
    group_page::{Continuation, GroupMember, GroupPage, PageSize},
    hub_address::HubAddress,
};
use crate::{error::Error, name::GroupName, operation::Operation};

/// The members of one group.
pub(super) struct GroupMembers {
    hub: HubAddress,
    group: GroupName,
}

impl GroupMembers {
    pub(super) fn new(hub: HubAddress, group: GroupName) -> Self {
        Self { hub, group }
    }

    pub(super) async fn page(
        &self,
        size: PageSize,
        top: Option<NonZeroU64>,
        from: Option<&Continuation>,
    ) -> Result<GroupPage, Error> {
        let mut call = self
            .hub
            .call(Operation::ListGroupConnections)
            .parameter("group", self.group.as_str())
            .query("maxpagesize", size.get().to_string());
        if let Some(top) = top {
            call = call.query("top", top.to_string());
        }
        if let Some(continuation) = from {
            call = call.query("continuationToken", continuation.as_str());
        }
        call.read().await
    }

    /// All members, or the first ones up to a number.
    pub(super) fn stream(
        self,
        top: Option<NonZeroU64>,
    ) -> impl Stream<Item = Result<GroupMember, Error>> + Send + Unpin + use<> {
        let first = Some(Reader { members: self, left: top, from: None });
        stream::try_unfold(first, async |reader| match reader {
            Some(reader) => reader.next().await.map(Some),
            None => Ok(None),
        })
        .map_ok(|page| stream::iter(page).map(Ok))
        .try_flatten()
        .boxed()
    }
}

/// The place of the next page, and how many members are still wanted.
struct Reader {
    members: GroupMembers,
    left: Option<NonZeroU64>,
    from: Option<Continuation>,
}

impl Reader {
    /// The members of the next page, and the reader of the page after it.
    async fn next(self) -> Result<(Vec<GroupMember>, Option<Self>), Error> {
        let GroupPage { mut connections, next } =
            self.members.page(self.page_size(), self.left, self.from.as_ref()).await?;
        let Some(left) = self.left else {
            return Ok((connections, self.after(None, next)));
        };
        let wanted = usize::try_from(left.get()).unwrap_or(usize::MAX);
        connections.truncate(wanted);
        let left = NonZeroU64::new(left.get() - connections.len() as u64);
        Ok((connections, left.and_then(|left| self.after(Some(left), next))))
    }

    /// The reader stops if the service names the same place again. Otherwise it would read without
    /// end.
    fn after(self, left: Option<NonZeroU64>, next: Option<Continuation>) -> Option<Self> {
        let from = next.filter(|next| self.from.as_ref() != Some(next))?;
        Some(Self { members: self.members, left, from: Some(from) })
    }

    fn page_size(&self) -> PageSize {
        let left = self.left.and_then(|left| u32::try_from(left.get()).ok());
        left.and_then(|left| PageSize::parse(left).ok()).unwrap_or_default()
    }
}
