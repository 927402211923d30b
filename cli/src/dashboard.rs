//! The dashboard: its flag, its page and its address.

use axum::Router;
use clap::{Args, builder::FalseyValueParser};
use signalr_service::{DashboardPage, DashboardRoutes, PageFile};

use crate::{announcement::Line, failure::Failure, page};

/// The folder of the built page among the built pages.
const FOLDER: &str = "dashboard";

/// The flag that switches the dashboard on.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Operators")]
pub(crate) struct DashboardFlag {
    /// Serve the dashboard at /dashboard on the port for operators; a login needs the access key
    #[arg(long, env = "SIGNALR_DASHBOARD", value_parser = FalseyValueParser::new())]
    dashboard: bool,
}

impl DashboardFlag {
    /// The page, if the flag asks for a dashboard.
    pub(crate) fn page(self, has_admin_port: bool) -> Result<Option<DashboardPage>, Failure> {
        if self.dashboard && !has_admin_port {
            let problem = "--dashboard needs the port for operators; name one with --admin-port";
            return Err(Failure::Configuration(problem.to_owned()));
        }
        Ok(self.dashboard.then(built))
    }
}

/// The built page. The API works without it too.
pub(crate) fn built() -> DashboardPage {
    DashboardPage::new(|name| {
        let file = page::file_of(&format!("{FOLDER}/{name}"))?;
        Some(PageFile::new(file.content_type, file.content))
    })
}

/// The line with the dashboard's address.
pub(crate) fn line(origin: &str) -> Line {
    Line::new("dashboard", format!("{origin}/dashboard/"))
}

/// Adds the dashboard to the routes of a server.
pub(crate) fn beside(app: Router, dashboard: Option<&DashboardRoutes>) -> Router {
    match dashboard {
        Some(dashboard) => app.merge(dashboard.router()),
        None => app,
    }
}
