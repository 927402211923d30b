//! Nobody reads the log, and much is logged.

use std::{collections::HashMap, fs::OpenOptions, io::Write, process::Stdio};

use super::bystanders::Bystanders;
use crate::{
    Failure, Scale,
    client::{Transport, listener::many},
    service::Service,
};

/// How many bytes a pipe holds on Linux by default.
const PIPE: usize = 64 * 1024;

/// Clients connect and leave while every step is logged to a full pipe, and then to a full disk.
pub(super) async fn run(binary: &str, scale: Scale) -> Result<String, Failure> {
    let (_reader, mut pipe) = std::io::pipe()?;
    pipe.write_all(&[b'.'; PIPE])?;
    let disk = OpenOptions::new().write(true).open("/dev/full")?;
    let mut figures = Vec::new();
    for (name, log) in [("a full pipe", Stdio::from(pipe)), ("a full disk", Stdio::from(disk))] {
        let variables = HashMap::from([("RUST_LOG", "trace".to_owned())]);
        let service = Service::start(binary, &[], &variables, log).await?;
        let bystanders = Bystanders::begin(&service.site, scale).await?;
        for transport in Transport::ALL {
            drop(many(&service.site, transport, scale.reconnects, false).await?);
        }
        let seen = bystanders.end().await?;
        figures.push(format!("{name}: {seen}, {} KiB at most", service.peak()?));
    }
    Ok(figures.join("; "))
}
