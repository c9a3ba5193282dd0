"""Answers about payments by HTTP on a lake of five million events: from a cold disk, from a process that has just started, and again.

Usage: bench_answers.py CAUCE [EVENTS]
Makes the lake (30 days, six providers; by `cauce ingest`, `normalize`, `seal` and `rebuild payments`) in a temporary folder, starts
`cauce serve` on it again and again, and asks. The disk is cold where this may be said to the kernel, which takes root.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path

DAYS, A_FILE, STARTS, AGAIN, LOOKED_UP = 30, 10_000, 5, 20, 500
CACHES = Path("/proc/sys/vm/drop_caches")


def event(number, at):
    fails, seconds, text = number % 9 == 0, int(at.timestamp()), at.isoformat()
    of_twelve = number // 12
    return [
        ("stripe", {"object": "event", "id": f"evt_{number}", "created": seconds, "type": "payment_intent.succeeded",
                    "data": {"object": {"object": "payment_intent", "id": f"pi_{of_twelve}", "amount": 1000 + number % 900, "currency": "brl",
                                        "status": "requires_payment_method" if fails else "succeeded",
                                        "last_payment_error": {"code": "card_declined"} if fails else None}}}),
        ("adyen", {"live": "true", "notificationItems": [{"NotificationRequestItem": {
            "eventCode": "AUTHORISATION" if number % 2 else "CAPTURE", "success": "false" if fails else "true", "pspReference": f"P{number:015}",
            "originalReference": "" if number % 2 else f"P{number - 6:015}", "merchantAccountCode": "M",
            "amount": {"value": 1000, "currency": "EUR"}, "eventDate": text, "reason": "Refused"}}]}),
        ("mercadopago", {"id": number, "status": "rejected" if fails else "approved",
                         "status_detail": "cc_rejected_high_risk" if fails else "accredited", "transaction_amount": 10.5, "currency_id": "ARS",
                         "payment_type_id": "credit_card", "payment_method_id": "visa", "date_last_updated": text}),
        ("paypal", {"id": f"WH-{number}", "event_type": "PAYMENT.CAPTURE.COMPLETED", "create_time": text, "resource_type": "capture",
                    "resource": {"id": f"C{of_twelve}", "status": "DECLINED" if fails else "COMPLETED", "final_capture": True,
                                 "amount": {"value": "10.00", "currency_code": "USD"},
                                 "supplementary_data": {"related_ids": {"authorization_id": f"A{of_twelve}"}}}}),
        ("dlocal", {"id": f"D-{number}", "amount": 10, "currency": "COP", "country": ["CO", "AR", "BR", "MX"][number % 4],
                    "payment_method_id": "CARD", "payment_method_flow": "DIRECT", "payment_method_type": "CARD", "created_date": text,
                    "order_id": f"R{number}", "status": "REJECTED" if fails else "PAID", "status_code": "302" if fails else "200"}),
        ("checkout", {"id": f"evt_{number}", "type": "payment_declined" if fails else "payment_captured", "version": "1.0", "created_on": text,
                      "data": {"id": f"pay_{of_twelve}", "action_id": f"act_{number}", "amount": 1000, "currency": "CLP", "processing": {},
                               "response_code": "20051" if fails else "10000"}, "_links": {}}),
    ][number % 6]


def make(run, folder, events, start):
    number, a_day = 0, events // DAYS
    for day in range(DAYS):
        by_provider = {}
        for place in range(a_day):
            at = start + timedelta(days=day, seconds=place * 86_400 / a_day)
            provider, said = event(number, at)
            by_provider.setdefault(provider, []).append(json.dumps(said, separators=(",", ":")))
            number += 1
        fetched = (start + timedelta(days=day + 1, seconds=-1)).isoformat()
        for provider, told in by_provider.items():
            files = []
            for place in range(0, len(told), A_FILE):
                files.append(Path(folder, f"{provider}-{place}.json"))
                files[-1].write_text("[" + ",".join(told[place:place + A_FILE]) + "]")
            subprocess.run([*run, "ingest", "--source", provider, "--fetched-at", fetched, *files], cwd=folder, check=True, stdout=subprocess.DEVNULL)
            for file in files:
                file.unlink()
    for step in (["normalize"], ["seal"], ["rebuild", "payments"]):
        begun = time.monotonic()
        subprocess.run([*run, *step], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        print(f"{' '.join(step)}: {time.monotonic() - begun:.1f} s", flush=True)


def main():
    cauce, events = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5_000_000
    folder = tempfile.mkdtemp(prefix="cauce-answers-")
    Path(folder, "cauce.toml").write_text("[auth]\nrequests_per_minute = 100000000\n")
    run = [cauce, "--lake", "lake", "--config", "cauce.toml"]
    now = datetime.now(timezone.utc).replace(microsecond=0)
    make(run, folder, events, now - timedelta(days=DAYS))

    def key(scope):
        made = subprocess.run([*run, "key", "add", "--name", scope, "--scope", scope], cwd=folder, capture_output=True, text=True, check=True)
        return made.stdout.split()[-1]

    bring, ask = key("ingest"), key("analyst")

    def get(port, path):
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"x-api-key": ask})
        try:
            begun = time.perf_counter()
            body = urllib.request.urlopen(request, timeout=60).read()
            return (time.perf_counter() - begun) * 1e3, body
        except urllib.error.HTTPError as refused:
            # Each process takes a tenth of what a key may ask in a minute, and here they are many.
            if refused.code != 429:
                raise
            time.sleep(int(refused.headers["retry-after"]) + 1)
            return get(port, path)

    def serve(is_cold):
        if is_cold and os.access(CACHES, os.W_OK):
            os.sync()
            CACHES.write_text("3")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        process = subprocess.Popen([*run, "serve", "--listen", f"127.0.0.1:{port}"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(400):
            try:
                get(port, "/api/v1/me")
                break
            except OSError:
                time.sleep(0.05)
        return process, port

    def stop(process):
        process.terminate()
        process.wait()

    def middle(times):
        return sorted(times)[len(times) // 2]

    day = lambda back: (now - timedelta(days=back)).date().isoformat()
    month, week = (f"start_date={day(back)}&end_date={day(0)}" for back in (DAYS - 1, 6))
    for name, path in {
        "30 days": f"/api/v1/metrics/summary?{month}", "7 days": f"/api/v1/metrics/summary?{week}",
        "30 days of one provider": f"/api/v1/metrics/providers/stripe?{month}",
        "30 days of a country": f"/api/v1/metrics/summary?{month}&country=BR", "anomalies": "/api/v1/metrics/anomalies",
    }.items():
        cold, started, again = [], [], []
        for _ in range(STARTS):
            for is_cold, first in ((True, cold), (False, started)):
                process, port = serve(is_cold)
                first.append(get(port, path)[0])
                again += [get(port, path)[0] for _ in range(AGAIN)]
                stop(process)
        print(f"{name}: cold disk {middle(cold):.0f} ms, at most {max(cold):.0f}; just started {middle(started):.0f}, at most {max(started):.0f}; "
              f"again {middle(again):.1f}, of a hundred 99 at most {sorted(again)[int(len(again) * 0.99)]:.1f}", flush=True)

    process, port = serve(False)
    ids = []
    for number in range(LOOKED_UP):
        said = {"object": "payment_intent", "id": f"pi_new_{number}", "status": "succeeded", "amount": 1000, "currency": "usd", "created": int(now.timestamp())}
        request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/events", json.dumps(said).encode(), {"x-api-key": bring, "content-type": "application/json"})
        ids.append(json.load(urllib.request.urlopen(request))["id"])
    stop(process)
    subprocess.run([*run, "normalize"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    process, port = serve(True)
    first = get(port, f"/api/v1/events/{ids[0]}")[0]
    times = sorted(get(port, f"/api/v1/events/{one}")[0] for one in ids)
    print(f"an event by its id: the first from a cold disk {first:.1f} ms, then {middle(times):.1f}, of a hundred 99 at most {times[int(len(times) * 0.99)]:.1f}")
    sql = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/sql", b'{"sql": "SELECT event_id FROM fact_payment_events WHERE provider = \'dlocal\' LIMIT 20"}',
                                 {"content-type": "application/json", "accept": "application/json", "x-api-key": ask})
    times = [get(port, f"/api/v1/events/{row['event_id']}")[0] for row in json.load(urllib.request.urlopen(sql, timeout=60))["rows"]]
    print(f"an event that a file brought, which the index has not: {middle(times):.0f} ms, at most {max(times):.0f}")
    times = [get(port, f"/api/v1/payments/stripe/pi_{number * 1000}")[0] for number in range(20)]
    print(f"a payment with its history: {middle(times):.0f} ms, at most {max(times):.0f}")
    stop(process)
    subprocess.run(["rm", "-rf", folder], check=True)


main()
