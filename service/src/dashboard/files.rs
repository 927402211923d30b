//! The files of the page. The program that runs the service provides them.

use std::borrow::Cow;

/// The files of the page, by their names: `index.html` and the files that it uses. The API works
/// without them too.
///
/// ```
/// use signalr_service::{DashboardPage, PageFile};
///
/// let page = DashboardPage::new(|name| {
///     let is_there = name == "index.html";
///     is_there.then(|| PageFile::new("text/html; charset=utf-8", &b"<h1>Dashboard</h1>"[..]))
/// });
/// # let _ = page;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DashboardPage(pub(super) fn(&str) -> Option<PageFile>);

/// A file of the page.
#[derive(Clone, Debug)]
pub struct PageFile {
    pub(super) content_type: String,
    pub(super) content: Cow<'static, [u8]>,
}

impl DashboardPage {
    /// Makes a page; `file` finds its files.
    #[must_use]
    pub fn new(file: fn(&str) -> Option<PageFile>) -> Self {
        Self(file)
    }
}

impl PageFile {
    /// Makes a file of this media type.
    pub fn new(content_type: impl Into<String>, content: impl Into<Cow<'static, [u8]>>) -> Self {
        Self { content_type: content_type.into(), content: content.into() }
    }
}
