"""Payment events through the river: from the intake's answer to a row that SQL finds, with the normalizer killed ten times.

Usage: bench_river.py CAUCE [EVENTS] [KILLS]
Starts `cauce serve` and `cauce normalize --follow` on a lake of their own (loopback, embedded), posts events of six providers
over 8 connections, kills the normalizer by SIGKILL and starts it again ten times (KILLS) on the way, and looks once a second how long
the newest event takes to be found. Then every id that was answered is looked for.
"""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from datetime import datetime, timezone
from http.client import HTTPConnection
from pathlib import Path

SENDERS = 8


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def event(number):
    provider = number % 6
    fails = number % 9 == 0
    now = datetime.now(timezone.utc).isoformat()
    if provider == 0:
        status = "requires_payment_method" if fails else "succeeded"
        return {"object": "event", "id": f"evt_{number}", "created": int(time.time()), "type": "payment_intent.succeeded",
                "data": {"object": {"object": "payment_intent", "id": f"pi_{number}", "status": status, "amount": 1000 + number,
                                    "currency": "brl", "last_payment_error": {"code": "card_declined"} if fails else None}}}
    if provider == 1:
        return {"live": "true", "notificationItems": [{"NotificationRequestItem": {
            "eventCode": "AUTHORISATION", "success": "false" if fails else "true", "pspReference": f"P{number:015}",
            "merchantAccountCode": "M", "amount": {"value": 1000, "currency": "EUR"}, "eventDate": now, "reason": "Refused"}}]}
    if provider == 2:
        return {"id": number, "status": "rejected" if fails else "approved", "status_detail": "cc_rejected_high_risk" if fails else "accredited",
                "transaction_amount": 10.5, "currency_id": "ARS", "payment_type_id": "credit_card", "payment_method_id": "visa",
                "date_last_updated": now}
    if provider == 3:
        return {"id": f"WH-{number}", "event_type": "PAYMENT.CAPTURE.COMPLETED", "create_time": now, "resource_type": "capture",
                "resource": {"id": f"C{number}", "status": "DECLINED" if fails else "COMPLETED", "final_capture": True,
                             "amount": {"value": "10.00", "currency_code": "USD"}}}
    if provider == 4:
        return {"id": f"D-{number}", "amount": 10, "currency": "COP", "country": "CO", "payment_method_id": "CARD",
                "payment_method_flow": "DIRECT", "payment_method_type": "CARD", "created_date": now, "order_id": f"R{number}",
                "status": "REJECTED" if fails else "PAID", "status_code": "302" if fails else "200", "status_detail": "said so"}
    return {"id": f"evt_{number}", "type": "payment_declined" if fails else "payment_captured", "version": "1.0", "created_on": now,
            "data": {"id": f"pay_{number}", "action_id": f"act_{number}", "amount": 1000, "currency": "CLP", "processing": {},
                     "response_code": "20051" if fails else "10000"}, "_links": {}}


def cpu(process):
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    cauce = sys.argv[1]
    events, wanted = (int(sys.argv[at]) if len(sys.argv) > at else usual for at, usual in ((2, 100_000), (3, 10)))
    folder = tempfile.mkdtemp(prefix="cauce-river-")
    Path(folder, "cauce.toml").write_text("[auth]\nrequests_per_minute = 100000000\n")
    run = [cauce, "--lake", "lake", "--config", "cauce.toml"]

    def key(scope):
        made = subprocess.run([*run, "key", "add", "--name", scope, "--scope", scope], cwd=folder, capture_output=True, text=True, check=True)
        return made.stdout.split()[-1]

    bring, ask = key("ingest"), key("analyst")
    port = free_port()
    quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    serve = subprocess.Popen([*run, "serve", "--listen", f"127.0.0.1:{port}"], **quiet)
    start = lambda: subprocess.Popen([*run, "normalize", "--follow"], **quiet)
    normalizer, spent = start(), 0.0

    def sql(query):
        request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/sql", json.dumps({"sql": query}).encode(),
                                         {"content-type": "application/json", "accept": "application/json", "x-api-key": ask})
        return json.load(urllib.request.urlopen(request, timeout=60))["rows"]

    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/health")
            break
        except OSError:
            time.sleep(0.1)

    ids, newest, turn, lock = [], [None], iter(range(events)), threading.Lock()

    def send():
        connection = HTTPConnection("127.0.0.1", port)
        while True:
            with lock:
                number = next(turn, None)
            if number is None:
                return
            connection.request("POST", "/api/v1/events", json.dumps(event(number)), {"x-api-key": bring, "content-type": "application/json"})
            answer = connection.getresponse()
            said = json.loads(answer.read())
            assert answer.status == 201, said
            with lock:
                ids.append(said["id"])
                newest[0] = (said["id"], time.monotonic())

    waits, late, over = [], [], threading.Event()

    def look():
        while not over.wait(1.0):
            with lock:
                known = newest[0]
            if known is None:
                continue
            try:
                while not sql(f"SELECT 1 AS n FROM fact_payment_events WHERE event_id = '{known[0]}'"):
                    time.sleep(0.02)
            except urllib.error.HTTPError as refused:
                late.append(refused.code)
                continue
            waits.append(time.monotonic() - known[1])

    begun = time.monotonic()
    senders = [threading.Thread(target=send) for _ in range(SENDERS)]
    looker = threading.Thread(target=look)
    for thread in [*senders, looker]:
        thread.start()
    kills = 0
    while any(thread.is_alive() for thread in senders):
        if kills < wanted and len(ids) > (kills + 1) * events // (wanted + 1):
            spent += cpu(normalizer)
            normalizer.send_signal(signal.SIGKILL)
            normalizer.wait()
            normalizer, kills = start(), kills + 1
        time.sleep(0.05)
    posted = time.monotonic() - begun
    over.set()
    looker.join()
    while sql("SELECT count(DISTINCT event_id) AS n FROM fact_payment_events")[0]["n"] < events:
        time.sleep(0.5)
    done = time.monotonic() - begun
    # One question: nothing merges here, and what many small files cost is not what is asked.
    found = {row["event_id"] for row in sql("SELECT event_id FROM fact_payment_events")}
    rows = sql("SELECT count(*) AS n FROM fact_payment_events")[0]["n"]
    waits.sort()
    spent += cpu(normalizer)
    print(f"{events} events, normalizer killed {kills} times: {len(set(ids) - found)} lost, {rows - events} twice")
    print(f"posted in {posted:.1f} s ({events / posted:.0f}/s), all found after {done:.1f} s ({events / done:.0f}/s)")
    print(f"CPU: intake and questions {cpu(serve):.1f} s, normalizer {spent:.1f} s ({events / spent:.0f} events a second of one core)")
    print(f"from the answer to a row, {len(waits)} looks: median {waits[len(waits) // 2] * 1e3:.0f} ms, p99 {waits[int(len(waits) * 0.99)] * 1e3:.0f} ms; {len(late)} questions refused")
    for process in (normalizer, serve):
        process.terminate()
        process.wait()
    subprocess.run(["rm", "-rf", folder], check=True)


main()
