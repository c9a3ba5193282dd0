//! A local AWS for tests: MiniStack on a free port of loopback, stopped with its owner.
//!
//! `CAUCE_EMULATOR` names its program; without it `~/.cache/cauce/emulator/bin/ministack`, where `.ci/run` installs it
//! (localstack/requirements.txt). Where there is none, tests say that they are skipped.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

pub(crate) struct Emulator {
    process: Child,
    /// Where it answers.
    pub(crate) endpoint: String,
}

impl Emulator {
    const READY_WITHIN: Duration = Duration::from_secs(60);

    /// Starts one; none, and a word about it, where none is installed.
    pub(crate) fn start() -> Option<Self> {
        let installed = || {
            let home = std::env::var_os("HOME")?;
            Some(PathBuf::from(home).join(".cache/cauce/emulator/bin/ministack"))
        };
        let program = std::env::var_os("CAUCE_EMULATOR").map(PathBuf::from).or_else(installed)?;
        if !program.is_file() {
            println!("skipped: no emulator of AWS at {}", program.display());
            return None;
        }
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let process = Command::new(&program)
            .env("GATEWAY_PORT", address.port().to_string())
            .env("BIND_HOST", "127.0.0.1")
            .env("IOT_MTLS_ENABLED", "0")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let this = Self { process, endpoint: format!("http://{address}") };
        let begin = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begin.elapsed() < Self::READY_WITHIN, "{} does not answer", program.display());
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(this)
    }

    /// Makes a bucket.
    #[allow(dead_code, reason = "not every adapter has buckets")]
    pub(crate) fn make_bucket(&self, name: &str) {
        let address = self.endpoint.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        let request = format!(
            "PUT /{name} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
