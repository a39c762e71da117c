#!/usr/bin/env bash
# The demonstration: a simulated fleet, a plan, a sweep, and a check that what the sweep says is what happened.
# Contacts loopback addresses only; ends what it started. Usage: tests/demo.sh [folder of the programs]
set -u
cd "$(dirname "$0")/.." || exit 1
build=${1:-build/release}
scratch=$(mktemp -d) || exit 1
sim=

finish() {
    [ -z "$sim" ] || kill "$sim" 2>/dev/null
    wait 2>/dev/null
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT TERM

give_up() {
    echo "demo: $*" >&2
    exit 1
}

# A number of iotsim's own counts, which are its last line.
counted() {
    tail -n 1 "$scratch/sim.log" | tr ',{}' '\n\n\n' | sed -n "s/^\"$1\":\([0-9][0-9]*\)$/\1/p"
}

# A number of the report of the sweep, which leaves out outcomes that did not happen.
reported() {
    tr -d , <"$scratch/report" | sed -n "s/^ *$1 *\([0-9][0-9]*\)$/\1/p"
}

export AWS_ACCESS_KEY_ID=AKIDEXAMPLE AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY
export HOME="$scratch" XDG_CONFIG_HOME="$scratch" XDG_STATE_HOME="$scratch"
unset AWS_SESSION_TOKEN AWS_PROFILE AWS_ENDPOINT_URL AWS_ENDPOINT_URL_STS AWS_ENDPOINT_URL_IOT 2>/dev/null

echo "demo: a simulated account with 2,000 things, 25 jobs and 50,000 job executions;"
echo "demo: its quota is 1,500 deletions a second (AWS's: 10)"
"$build/iotsim" --things 2000 --jobs 25 --executions 50000 --seed 7 --quota all=-1 --ca-file "$scratch/ca.pem" \
    --access-key "$AWS_ACCESS_KEY_ID" --secret-key "$AWS_SECRET_ACCESS_KEY" >"$scratch/sim.log" 2>&1 &
sim=$!
for _ in $(seq 100); do
    grep -q listening "$scratch/sim.log" && break
    kill -0 "$sim" 2>/dev/null || give_up "iotsim ended: $(cat "$scratch/sim.log")"
    sleep 0.1
done
url=$(sed -n 's/^iotsim: listening on \([^ ]*\).*/\1/p' "$scratch/sim.log")
[ -n "$url" ] || give_up "iotsim did not become ready"
export AWS_ENDPOINT_URL_STS="$url" # who we are is asked of the simulator too

cat >"$scratch/jobsweep.yaml" <<YAML
version: 1
state_directory: $scratch/state
targets:
  simulator:
    account: "123456789012"
    region: us-east-1
    endpoint_url: $url
    ca_bundle: $scratch/ca.pem
    quotas: {DeleteJobExecution: 1500, DescribeJobExecution: 1500, ListJobExecutionsForJob: 100, ListJobs: 100, DescribeJob: 100}
policies:
  - name: finished-over-90-days
    description: Everything that ended more than 90 days ago
    targets: [simulator]
    mode: enforce
    match:
      status: [TERMINAL]
      age: {older_than: 90d}
    abort_if: {selected_over: 100000}
YAML
chmod 600 "$scratch/jobsweep.yaml"

jobsweep() { "$build/jobsweep" "$@" -c "$scratch/jobsweep.yaml"; }
say() { printf '\ndemo: %s\n' "$*"; }

say '$ jobsweep plan'
jobsweep plan || give_up "the plan failed with exit status $?"

say '$ jobsweep sweep finished-over-90-days'
jobsweep sweep finished-over-90-days | tee "$scratch/report"
status=${PIPESTATUS[0]}
selected=$(reported selected) deleted=$(reported deleted) failed=$(reported failed)

thing=$(jobsweep history --format json | sed -n '1s/.*"thing_name":"\([^"]*\)".*/\1/p')
say "\$ jobsweep history --thing $thing"
jobsweep history --thing "$thing" || give_up "history failed with exit status $?"
say '$ jobsweep history verify'
jobsweep history verify || give_up "the ledger is not as it was written"

kill "$sim" # it says what it saw, and ends
wait "$sim"
sim=
confirmed=$(counted deleted)
echo
echo "demo: selected=${selected:-0} deleted=${deleted:-0} failed=${failed:-0} confirmed=${confirmed:-0}"
[ "$status" = 0 ] && [ "${selected:-0}" -gt 0 ] && [ "$selected" = "$deleted" ] && [ "${failed:-0}" = 0 ] &&
    [ "$deleted" = "$confirmed" ]
