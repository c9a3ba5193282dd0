//! A real PostgreSQL for a test, on a port and in a folder of its own, where the machine has its programs.
#![allow(dead_code, reason = "each test uses some of it")]

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio_postgres::{Client, NoTls};

/// A database of a test's own, gone with it.
pub(crate) struct Postgres {
    server: Child,
    folder: tempfile::TempDir,
    programs: PathBuf,
    port: u16,
}

/// The folder with initdb and postgres; Debian keeps it out of the path.
fn programs() -> Option<PathBuf> {
    let folders =
        std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten().map(|version| version.path().join("bin"));
    let mut found: Vec<PathBuf> = folders.filter(|folder| folder.join("initdb").exists()).collect();
    found.sort();
    found.pop()
}

/// PostgreSQL refuses to be root: where the test is, its programs run as nobody.
fn command(program: &Path) -> Command {
    let is_root =
        std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]).arg(program);
    command
}

impl Postgres {
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            println!("skipped: this machine has no PostgreSQL");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        // Whoever the server is has to write into it.
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let data = folder.path().join("data");
        let made = command(&programs.join("initdb"))
            .args(["--username=cauce", "--auth=trust", "--no-sync", "--pgdata"])
            .arg(&data)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success(), "initdb failed");
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self::serve(&programs, folder.path(), port);
        Some(Self { server, folder, programs, port })
    }

    fn serve(programs: &Path, folder: &Path, port: u16) -> Child {
        command(&programs.join("postgres"))
            .arg("-D")
            .arg(folder.join("data"))
            .args(["-p", &port.to_string(), "-h", "127.0.0.1", "-F", "-k"])
            .arg(folder)
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://cauce@127.0.0.1:{}/postgres?sslmode=disable", self.port)
    }

    pub(crate) async fn client(&self) -> Client {
        for _ in 0..400 {
            if let Ok((client, connection)) = tokio_postgres::connect(&self.url(), NoTls).await {
                tokio::spawn(connection);
                return client;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("PostgreSQL does not answer");
    }

    /// The server is gone from one moment to the next.
    pub(crate) fn kill(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
        let _ = std::fs::remove_file(self.folder.path().join("data/postmaster.pid"));
    }

    pub(crate) fn start_again(&mut self) {
        self.server = Self::serve(&self.programs, self.folder.path(), self.port);
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
