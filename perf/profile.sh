#!/usr/bin/env bash
# Where one shard spends its time: records the pinned server under wrk and prints the top symbols.
#
#   perf/profile.sh [SECONDS] [PATH] [wrk arguments...]
#   perf/profile.sh 5 /plaintext
#   perf/profile.sh 5 /plaintext -s perf/pipeline.lua
#
# The recording stays in target/profile/perf.data. See perf/README.md for what to make of it.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-5}
path=${2:-/plaintext}
shift $(($# < 2 ? $# : 2))
out=target/profile

for tool in perf wrk taskset; do
  command -v "$tool" >/dev/null || { echo "$tool is missing (Debian: linux-perf, wrk, util-linux)"; exit 1; }
done

server='' load=''
finish() {
  for pid in $server $load; do
    kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true
  done
}
trap finish EXIT

# A target directory of its own: other flags would rebuild everything in the usual one each time.
RUSTFLAGS="-C force-frame-pointers=yes" \
  cargo build --quiet --profile profiling --bin lanner --target-dir "$out"

# Server and load on a core each, or the load's time on the server's core blurs the picture.
last=$(($(nproc) - 1))
taskset -c "$last" "$out/profiling/lanner" run --shards 1 --urls http://127.0.0.1:0 >"$out/server.log" 2>&1 &
server=$!
for _ in $(seq 100); do
  grep -q 'Application started' "$out/server.log" && break
  kill -0 "$server" 2>/dev/null || break
  sleep 0.1
done
url=$(sed -n 's/^Now listening on: //p' "$out/server.log" | head -n 1)
[ -n "$url" ] || { echo "the server does not start:"; cat "$out/server.log"; exit 1; }

# A second to warm up before the recording, a second to spare after it.
taskset -c 0 wrk -t1 -c64 -d$((seconds + 2)) "$@" "$url$path" >"$out/wrk.log" &
load=$!
sleep 1
perf record --quiet -e cpu-clock -F 997 --call-graph fp -p "$server" -o "$out/perf.data" -- sleep "$seconds"
wait "$load"
load=
grep -E 'Requests/sec|Non-2xx|Socket errors' "$out/wrk.log"

report() { # report TITLE PATTERN
  printf '\n%s, share of all samples:\n' "$1"
  perf report -i "$out/perf.data" --stdio --no-children -g none --sort symbol 2>/dev/null |
    grep -F "$2" | sed 's/  *-  *-  *$//' | head -n 25 || true
}
report "User space" '[.]'
report "Kernel" '[k]'
printf '\nCallers: perf report -i %s/perf.data --no-children -g caller\n' "$out"
