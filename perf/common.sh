# What the scripts beside this file share: tools, a server of their own, a bounded load, and their end.
#
# Sourced, never run. Whatever is started here is ended here, by pid. A script that asks for more than the
# kernel has says so in one line and ends with 0: it has no answer, but nothing is wrong.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=target/perf
mkdir -p "$out"

server='' load=''
finish() {
  local pid
  for pid in $load $server; do
    kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true
  done
}
trap finish EXIT

# need TOOL[:PACKAGE]...
need() {
  local pair
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null || {
      echo "${pair%%:*} is missing (Debian: ${pair##*:})" >&2
      exit 1
    }
  done
}

# lacking TEXT: the machine cannot answer.
lacking() {
  echo "no answer on this machine: $*"
  exit 0
}

# has_event EVENT: whether perf can count it here.
has_event() {
  local answer
  answer=$(perf stat -x, -e "$1" -- true 2>&1) || return 1
  ! grep -Eq 'not supported|syntax error|unknown|[Pp]ermission' <<<"$answer"
}

# The server's CPU is the last, the load's the first, or the load's time on the server's CPU blurs the
# picture. On a machine with one CPU they share it.
server_cpu=$(($(nproc) - 1))
load_cpu=0

# build: the command with symbols and frame pointers, in a target directory of its own, for other flags
# would rebuild everything in the usual one each time.
build() {
  RUSTFLAGS="-C force-frame-pointers=yes" \
    cargo build --quiet --locked --profile profiling --bin lanner --target-dir "$out"
  binary=$out/profiling/lanner
}

# helper ARGUMENTS...: this crate's command.
helper() {
  cargo run --quiet --locked -p lanner-perf -- "$@"
}

# Where servers listen: a free port.
address=http://127.0.0.1:0

# start [--cpus LIST] [lanner arguments...]: starts a server on a free port and sets $server and $url. One
# shard on $server_cpu unless told otherwise.
start() {
  local cpus=$server_cpu shards=(--shards 1)
  if [ "${1:-}" = --cpus ]; then
    cpus=$2 shards=()
    shift 2
  fi
  # Emptied here: the log of a server before it must not pass for this one's.
  : >"$out/server.log"
  taskset -c "$cpus" "$binary" run ${shards[@]+"${shards[@]}"} --urls "$address" "$@" >"$out/server.log" 2>&1 &
  server=$!
  for _ in $(seq 100); do
    grep -q 'Application started' "$out/server.log" && break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  url=$(sed -n 's/^Now listening on: //p' "$out/server.log" | head -n 1)
  [ -n "$url" ] || {
    echo "the server does not start:" >&2
    cat "$out/server.log" >&2
    exit 1
  }
}

# begin_load MODE SECONDS PATH: loads the server in the background and sets $load.
#   h1      64 connections, a request at a time
#   h1pipe  the same, 16 requests in a write
#   h2      8 connections with 32 streams each
begin_load() {
  local command
  case $1 in
    h1) command=(wrk -t1 -c64 -d"$2" "$url$3") ;;
    h1pipe) command=(wrk -t1 -c64 -d"$2" -s perf/pipeline.lua "$url$3") ;;
    h2) command=(h2load -t1 -c8 -m32 -D"$2" "$url$3") ;;
    *)
      echo "the mode is h1, h1pipe or h2" >&2
      exit 1
      ;;
  esac
  need "${command[0]}:$([ "$1" = h2 ] && echo nghttp2-client || echo wrk)"
  taskset -c "$load_cpu" "${command[@]}" >"$out/load.log" 2>&1 &
  load=$!
}

# end_load: waits for the load's end and sets $requests, how many were answered.
end_load() {
  wait "$load" || true
  load=
  if grep -Eq 'Non-2xx|Socket errors|[1-9][0-9]* (failed|errored|timeout)' "$out/load.log"; then
    echo "the load met errors:" >&2
    cat "$out/load.log" >&2
    exit 1
  fi
  requests=$(sed -nE 's/^ *([0-9]+) requests in .*/\1/p; s/^requests: .* ([0-9]+) succeeded.*/\1/p' "$out/load.log" | head -n 1)
  [ "${requests:-0}" -gt 0 ] || {
    echo "the load has no answers:" >&2
    cat "$out/load.log" >&2
    exit 1
  }
}

# shard_thread: the thread of the first shard, which is older than those that glommio makes for it.
shard_thread() {
  grep -lx lanner-0 /proc/"$server"/task/*/comm | sed -E 's|.*/([0-9]+)/comm|\1|' | sort -n | head -n 1
}
