//! A Redis server on a free port, which ends with the test.

use std::{
    env,
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;
use tokio::{net::TcpStream, time::timeout};

use crate::client::PATIENCE;

pub(crate) struct Redis {
    pub(crate) port: u16,
    arguments: Vec<String>,
    process: Child,
    folder: TempDir,
}

impl Redis {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With further arguments of `redis-server`.
    pub(crate) async fn start_with(arguments: &[&str]) -> Self {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let arguments: Vec<String> = arguments.iter().map(|one| (*one).to_owned()).collect();
        let process = spawn(port, &folder, &arguments);
        let redis = Self { port, arguments, process, folder };
        redis.accepts().await;
        redis
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again, with nothing in it.
    pub(crate) async fn restart(&mut self) {
        self.process = spawn(self.port, &self.folder, &self.arguments);
        self.accepts().await;
    }

    /// Sends a command, and returns the answer as `redis-cli` shows it.
    pub(crate) fn ask(&self, command: &[&str]) -> String {
        let port = self.port.to_string();
        let asked = Command::new("redis-cli").args(["-p", &port]).args(command).output().unwrap();
        String::from_utf8(asked.stdout).unwrap().trim_end().to_owned()
    }

    async fn accepts(&self) {
        let accepts = async {
            while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, accepts).await.unwrap_or_else(|_| {
            panic!("Redis does not accept on port {}: {}", self.port, self.folder.path().display())
        });
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(port: u16, folder: &TempDir, arguments: &[String]) -> Child {
    let server = env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned());
    let folder = folder.path();
    let log = folder.join("log");
    Command::new(&server)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args(["--dir".as_ref(), folder.as_os_str(), "--logfile".as_ref(), log.as_os_str()])
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{server}: {error}; run tests/cluster/install-redis"))
}
