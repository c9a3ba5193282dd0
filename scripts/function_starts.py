"""From the start of a function's process to its first answer, and its peak memory: against the stack of `make aws-up`.

Usage: function_starts.py FOLDER_OF_FUNCTIONS [STATE_FOLDER] [--budget]
Each function's real binary is started anew 20 times with the environment that the template gives it, and is handed one event by a local runtime API, as Lambda does. With
--budget it fails where a median is over its budget (docs/performance.md).
"""

import http.server
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

STARTS = 20
WITHOUT_QUERY_MS, WITH_QUERY_MS = 25, 60


class Runtime(http.server.BaseHTTPRequestHandler):
    """Hands out one event and waits for its answer."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.server.handed:
            self.server.over.wait()
            return
        self.server.handed = True
        body = json.dumps(self.server.event).encode()
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "00000000-0000-0000-0000-000000000000")
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 30_000))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:f")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.server.answer = self.rfile.read(int(self.headers.get("Content-Length") or 0)) \
            if "chunked" not in self.headers.get("Transfer-Encoding", "") else self.chunks()
        self.server.failed = self.path.endswith("/error")
        self.server.answered.set()
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def chunks(self):
        whole = b""
        while size := int(self.rfile.readline(), 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def log_message(self, *_):
        pass


def start(binary, event, environment, wanted):
    """Milliseconds to the answer, and the peak of memory in MB."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Runtime)
    # A process that is killed breaks off its connections; that is no news.
    server.handle_error = lambda *_: None
    server.event, server.handed, server.failed = event, False, False
    server.answered, server.over = threading.Event(), threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    begin = time.perf_counter()
    log = tempfile.TemporaryFile("w+")
    process = subprocess.Popen([binary], stdout=log, stderr=log,
                               env={**environment, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}"})
    while not server.answered.wait(0.5):
        if process.poll() is not None or time.perf_counter() - begin > 60:
            process.kill()
            log.seek(0)
            raise SystemExit(f"{binary} gives no answer; its last words:\n{log.read()[-2000:]}")
    took = (time.perf_counter() - begin) * 1e3
    status = Path(f"/proc/{process.pid}/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1000
    process.kill()
    process.wait()
    server.over.set()
    server.shutdown()
    status = json.loads(server.answer).get("statusCode") if wanted else None
    if server.failed or status != wanted:
        raise SystemExit(f"{binary} failed: {server.answer.decode()}")
    return took, peak


def http_event(method, path):
    return {
        "version": "2.0", "routeKey": f"{method} {path}", "rawPath": path, "rawQueryString": "", "headers": {"host": "x"},
        "requestContext": {"accountId": "0", "apiId": "a", "domainName": "x", "domainPrefix": "x", "requestId": "r", "stage": "$default",
                           "routeKey": "x", "time": "01/Mar/2026:00:00:00 +0000", "timeEpoch": 0,
                           "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "x"}},
        "isBase64Encoded": False,
    }


def queue_event(body):
    return {"Records": [{"messageId": "m", "receiptHandle": "r", "body": body, "attributes": {"ApproximateReceiveCount": "1"},
                         "messageAttributes": {}, "md5OfBody": "", "eventSource": "aws:sqs",
                         "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:q", "awsRegion": "us-east-1"}]}


def main():
    functions = Path(sys.argv[1])
    state = Path(next((a for a in sys.argv[2:] if not a.startswith("--")), ".aws"))
    outputs = {o["OutputKey"]: o["OutputValue"] for o in json.loads((state / "outputs.json").read_text())}
    log = (state / "emulator.log").read_text()
    endpoint = os.environ.get("AWS_ENDPOINT_URL") or "http://" + log.split("Running on http://")[1].split()[0]
    environment = {
        "PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1", "AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
        "AWS_LAMBDA_FUNCTION_VERSION": "1", "CAUCE_LAKE": f"s3://{outputs['LakeBucket']}", "CAUCE_CONFIG": "config/cauce.toml",
        "CAUCE_LEDGER_TABLE": outputs["LedgerTable"], "CAUCE_QUEUE_URL": outputs["QueueUrl"],
        "CAUCE_DEAD_LETTER_URL": outputs["DeadLetterUrl"], "CAUCE_INBOX_QUEUE_URL": outputs["InboxQueueUrl"],
        "CAUCE_INBOX_DEAD_LETTER_URL": outputs["InboxDeadLetterUrl"], "CAUCE_UNREAD_QUEUE_URL": outputs["UnreadQueueUrl"],
        "CAUCE_UNREAD_DEAD_LETTER_URL": outputs["UnreadDeadLetterUrl"], "CAUCE_EMULATED": "true", "CAUCE_SCRAPE_FUNCTION": outputs["ScrapeFunctionName"],
    }
    none = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"})
    asked = [
        ("ingest", "a push without a key", http_event("POST", "/api/v1/ingest/somebody"), 401, WITHOUT_QUERY_MS),
        ("normalize", "an event of no object", queue_event(none), None, WITHOUT_QUERY_MS),
        ("inbox", "an event of no object", queue_event(none), None, WITHOUT_QUERY_MS),
        ("maintain", "no task", {"tasks": []}, None, WITHOUT_QUERY_MS),
        ("query", "health of the process", http_event("GET", "/api/v1/health"), 200, WITHOUT_QUERY_MS),
        ("query", "a first query by DataFusion", http_event("GET", "/api/v1/markets"), 200, WITH_QUERY_MS),
        ("admin", "the summary: three queries", http_event("GET", "/admin/monitoring/summary"), 200, None),
    ]
    over = 0
    for name, what, event, wanted, budget in asked:
        starts = [start(functions / name / "bootstrap", event, environment, wanted) for _ in range(STARTS)]
        times = sorted(took for took, _ in starts)
        median, peak = statistics.median(times), max(peak for _, peak in starts)
        fits = budget is None or median <= budget
        over += not fits
        print(f"{name:<10} {what:<30} median {median:6.1f} ms, from {times[0]:.1f} to {times[-1]:.1f}; peak {peak:.0f} MB"
              f"{'' if budget is None else f'; budget {budget} ms'}{'' if fits else '  OVER'}", flush=True)
    return 1 if over and "--budget" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
