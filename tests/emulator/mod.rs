//! A local AWS for tests, on a free port of loopback, stopped with its owner.
//!
//! MiniStack runs everything; LocalStack in host mode S3 and SQS, where the Python that it needs is. `make test` installs
//! both below `~/.cache/cauce` (localstack/tools.sh); `CAUCE_EMULATOR` and `CAUCE_LOCALSTACK` name others. Where one is
//! not there, its tests say that they are skipped.

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

/// The program that a variable names, or that is installed.
fn program(variable: &str, installed: &str) -> Option<PathBuf> {
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/cauce").join(installed));
    let program = std::env::var_os(variable).map(PathBuf::from).or_else(home);
    let found = program.clone().filter(|program| program.is_file());
    if found.is_none() {
        println!("skipped: no {} at {program:?}", variable.to_lowercase());
    }
    found
}

impl Emulator {
    const READY_WITHIN: Duration = Duration::from_secs(60);

    /// Starts MiniStack, where it is installed.
    pub(crate) fn start() -> Option<Self> {
        let mut command = Command::new(program("CAUCE_EMULATOR", "emulator/bin/ministack")?);
        let port = free_port();
        command
            .env("GATEWAY_PORT", port.to_string())
            .env("BIND_HOST", "127.0.0.1")
            .env("IOT_MTLS_ENABLED", "0");
        Some(Self::of(&mut command, port))
    }

    /// Starts LocalStack, where it is installed.
    #[allow(dead_code, reason = "not every adapter runs there")]
    pub(crate) fn localstack() -> Option<Self> {
        let mut command = Command::new(program("CAUCE_LOCALSTACK", "localstack/bin/python")?);
        let port = free_port();
        command.args(["-m", "localstack.runtime.main"]);
        // Its own default server listens on every interface.
        command.env("GATEWAY_SERVER", "hypercorn").env("GATEWAY_LISTEN", format!("127.0.0.1:{port}"));
        command
            .env("SERVICES", "s3,sqs")
            .env("DISABLE_EVENTS", "1")
            .env("SKIP_SSL_CERT_DOWNLOAD", "1")
            .env("DNS_ADDRESS", "0");
        Some(Self::of(&mut command, port))
    }

    fn of(command: &mut Command, port: u16) -> Self {
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let this = Self { process, endpoint: format!("http://127.0.0.1:{port}") };
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begin.elapsed() < Self::READY_WITHIN, "{command:?} does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        this
    }

    /// Makes a bucket.
    #[allow(dead_code, reason = "not every adapter has buckets")]
    pub(crate) fn make_bucket(&self, name: &str) {
        let address = self.endpoint.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        let request = format!(
            "PUT /{name} HTTP/1.1\r\nhost: {address}\r\nauthorization: AWS4-HMAC-SHA256 \
             Credential=test/20260301/us-east-1/s3/aws4_request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
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

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
