#!/usr/bin/env bash
# The whole stack on this machine: the emulator, the functions' real binaries, the template by SAM. The last line it
# prints is `api <URL>`.
#
#   CAUCE_AWS_PORT      the emulator's port, on loopback (4566)
#   CAUCE_AWS_FOLDER    its state: process id, log, the stack's outputs (.aws)
#   CAUCE_AWS_CONFIG    the configuration that the functions read (cauce.example.toml)
#   CAUCE_AWS_SCHEDULE  when to scrape (rate(10 minutes); the emulator fires first after one interval)
#   CAUCE_FUNCTIONS     the folder of the built functions (build/functions, made by make functions)
#   CAUCE_AWS_PARAMETERS  more parameters of the template, such as "LogLevels=debug"
set -euo pipefail
cd "$(dirname "$0")/.."
source localstack/tools.sh

port="${CAUCE_AWS_PORT:-4566}"
folder="${CAUCE_AWS_FOLDER:-.aws}"
config="${CAUCE_AWS_CONFIG:-cauce.example.toml}"
functions="${CAUCE_FUNCTIONS:-build/functions}"
endpoint="http://127.0.0.1:$port"
stack=cauce

install_emulator
install_sam
mkdir -p "$folder"
if [ -f "$folder/pid" ] && kill -0 "$(cat "$folder/pid")" 2>/dev/null; then
  echo "the emulator runs already (process $(cat "$folder/pid")); make aws-down stops it" >&2
  exit 1
fi
if curl -s -o /dev/null "$endpoint/_ministack/health"; then
  echo "something answers at $endpoint already; choose another port with CAUCE_AWS_PORT" >&2
  exit 1
fi
[ -f "$functions/scrape.zip" ] || { echo "there are no functions in $functions; make functions builds them" >&2; exit 1; }

# Nothing of this account's AWS: whatever is set in the environment belongs to a real one.
export AWS_ENDPOINT_URL="$endpoint" AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1 AWS_REGION=us-east-1
export SAM_CLI_TELEMETRY=0 AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
unset AWS_SESSION_TOKEN AWS_PROFILE

GATEWAY_PORT="$port" BIND_HOST=127.0.0.1 IOT_MTLS_ENABLED=0 nohup "$ministack" > "$folder/emulator.log" 2>&1 &
echo $! > "$folder/pid"
trap '[ $? = 0 ] || bash localstack/down.sh' EXIT
for _ in $(seq 300); do
  curl -s -o /dev/null "$endpoint/_ministack/health" && break
  kill -0 "$(cat "$folder/pid")" || { tail -20 "$folder/emulator.log" >&2; exit 1; }
  sleep 0.1
done
echo "emulator at $endpoint, process $(cat "$folder/pid"), log in $folder/emulator.log"

# The template names build/functions; where they are elsewhere, a copy of it does.
template=sam-template.yaml
if [ "$functions" != build/functions ]; then
  template="$folder/sam-template.yaml"
  sed "s|CodeUri: build/functions/|CodeUri: $(cd "$functions" && pwd)/|" sam-template.yaml > "$template"
fi
read -ra more <<< "${CAUCE_AWS_PARAMETERS:-}"
deploy() { # parameters
  "$sam" deploy --template-file "$template" --stack-name "$stack" --resolve-s3 --no-progressbar --no-confirm-changeset --capabilities CAPABILITY_IAM \
    CAPABILITY_AUTO_EXPAND --parameter-overrides "EmulatorEndpoint=$endpoint" PublicMarketData=true "${more[@]}" "$@" \
    >> "$folder/deploy.log" 2>&1 || { tail -40 "$folder/deploy.log" >&2; exit 1; }
}
# As on AWS: there is no place for the configuration before there is a bucket, and nothing is asked without it.
deploy ScheduleState=DISABLED
"$sam" list stack-outputs --stack-name "$stack" --output json > "$folder/outputs.json" 2>> "$folder/deploy.log"
output() { python3 -c 'import json,sys; print(next(o["OutputValue"] for o in json.load(open(sys.argv[1])) if o["OutputKey"] == sys.argv[2]))' "$folder/outputs.json" "$1"; }
curl -sf -o /dev/null -T "$config" "$endpoint/$(output LakeBucket)/config/cauce.toml"
deploy ScheduleState=ENABLED Config=config/cauce.toml "ScrapeSchedule=\"${CAUCE_AWS_SCHEDULE:-rate(10 minutes)}\""

# What a command line needs to reach the same lake, ledger and queues.
cat > "$folder/cauce.toml" <<TOML
$(grep -v '^url = ' "$config" | sed "/^\[lake\]/a url = \"s3://$(output LakeBucket)\"")

[aws]
ledger_table = "$(output LedgerTable)"
queue_url = "$(output QueueUrl)"
dead_letter_url = "$(output DeadLetterUrl)"
inbox_queue_url = "$(output InboxQueueUrl)"
inbox_dead_letter_url = "$(output InboxDeadLetterUrl)"
unread_queue_url = "$(output UnreadQueueUrl)"
unread_dead_letter_url = "$(output UnreadDeadLetterUrl)"
TOML
api="$endpoint/_aws/execute-api/$(output ApiId)/\$default"
cat <<SAID
The stack '$stack' is up; its outputs are in $folder/outputs.json, and $folder/cauce.toml is for a command line.
A run at once:  curl -s '$endpoint/2015-03-31/functions/$(output ScrapeFunctionName)/invocations' -d '{"venue": "binance_p2p"}'
A first query:  curl -s '$api/api/v1/prices/history?asset=USDT&fiat=VES&interval=1h'
By hand:        AWS_ENDPOINT_URL=$endpoint AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1 \\
                  cauce --config $folder/cauce.toml sql "select count(*) from fact_offers"     (built with --features aws)
Stop it:        make aws-down
api $api
SAID
