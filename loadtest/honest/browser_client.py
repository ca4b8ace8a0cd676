"""Chromium that flips through a map: a hundred tiles for each view, most of them given up.

Usage: browser_client.py HTTPS-URL SECONDS

The page comes from a server of this program, and its tiles from the built-in application's `/delay`.
"""

import http.server
import json
import shutil
import subprocess
import sys
import tempfile
import threading

PAGE = """<!doctype html><title>map</title><script>
const url = %(url)s, until = performance.now() + 1000 * %(seconds)s;
const result = { views: 0, tiles: 0, given_up: 0, failures: [] };
const pause = ms => new Promise(done => setTimeout(done, ms));
async function tile(controller) {
  try {
    const wait = Math.floor(Math.random() * 150);
    await fetch(`${url}/delay/${wait}?${Math.random()}`,
      { mode: "no-cors", cache: "no-store", signal: controller.signal });
    result.tiles++;
  } catch (error) {
    if (controller.signal.aborted) result.given_up++;
    else result.failures.push(`view ${result.views}: ${error}`);
  }
}
async function flip() {
  while (performance.now() < until && result.failures.length < 20) {
    const controller = new AbortController(), tiles = [];
    for (let i = 0; i < 100; i++) tiles.push(tile(controller));
    await pause(Math.random() * 120);
    controller.abort();
    await Promise.all(tiles);
    // The view where the user stays is loaded whole.
    if (result.views++ %% 10 == 9) {
      const stay = new AbortController();
      await Promise.all(Array.from({ length: 100 }, () => tile(stay)));
    }
  }
  await fetch("/result", { method: "POST", body: JSON.stringify(result) });
}
flip();
</script>"""


def main():
    url, seconds = sys.argv[1], float(sys.argv[2])
    page = (PAGE % {"url": json.dumps(url), "seconds": seconds}).encode()
    result = {}
    done = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def do_POST(self):
            result.update(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()
            done.set()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    profile = tempfile.mkdtemp()
    browser = subprocess.Popen(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--ignore-certificate-errors", f"--user-data-dir={profile}",
         f"http://127.0.0.1:{server.server_port}/"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        ended = done.wait(seconds + 60)
    finally:
        browser.terminate()
        browser.wait()
        shutil.rmtree(profile, ignore_errors=True)
    if not ended:
        print("FAILED the browser gave no result")
        sys.exit(1)
    failures = result.pop("failures")
    print("chromium", ", ".join(f"{name} {number}" for name, number in result.items()))
    for failure in failures:
        print("FAILED", failure)
    sys.exit(1 if failures or not all(result.values()) else 0)


main()
