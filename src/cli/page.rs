//! The page at `/`: what runs here, for somebody with a browser.

use std::fmt::Write;

use crate::http::HttpContext;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem;\
color:#1c2330;background:#fbfbf8}h1{font-size:1.9rem;margin:0 0 .2rem}p.sub{margin-top:0;color:#5b6576}\
table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{text-align:left;padding:.35rem .8rem .35rem 0;\
border-bottom:1px solid #e3e3dc;vertical-align:top}th{font-weight:600}code{font:14px ui-monospace,monospace}\
a{color:#0b5fb0}@media(prefers-color-scheme:dark){body{color:#dfe3ea;background:#15181d}p.sub{color:#97a1b1}\
th,td{border-color:#2b3038}a{color:#7cb7f2}}";

const LINKS: [(&str, &str); 10] = [
    ("/plaintext", "a short text"),
    ("/json", "a small JSON object"),
    (
        "/echo",
        "sends a POST body back: <code>curl -d hi http://.../echo</code>",
    ),
    ("/delay/250", "answers after so many milliseconds"),
    ("/stream/5", "answers in so many chunks"),
    ("/events", "an event a second until the server shuts down"),
    ("/bytes/1000", "answers so many bytes"),
    ("/sink", "reads a POST body and says how long it was"),
    ("/features", "the server's feature table as JSON"),
    ("/nothing", "there is none: 404"),
];

/// The page as seen by this request.
pub(super) fn render(ctx: &HttpContext) -> String {
    let server = ctx.server();
    let mut page = String::with_capacity(4096);
    page.push_str("<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">");
    // Writing to a string cannot fail.
    let _ = write!(
        page,
        "<title>Lanner</title><style>{STYLE}</style><h1>Lanner {}</h1>\
         <p class=sub>An HTTP server on io_uring, one shard per core. It runs.</p><table><tr><th>Listening on<td>",
        env!("CARGO_PKG_VERSION"),
    );
    for address in server.addresses().iter() {
        let _ = write!(page, "<code>{}</code><br>", escape(address));
    }
    let _ = write!(
        page,
        "<tr><th>Shards<td>{}; this page came from shard {}",
        server.shards().count(),
        server.shard()
    );
    for shard in server
        .shards()
        .iter()
        .filter(|shard| shard.index == server.shard())
    {
        let cpu = shard
            .cpu
            .map_or_else(|| "no fixed CPU".to_owned(), |cpu| format!("CPU {cpu}"));
        let _ = write!(
            page,
            ", on {cpu}, run by {}<tr><th>Its ring<td>{} + {} entries, {} receive buffers of {} bytes<br><code>{}</code>",
            shard.shell,
            shard.sq_entries,
            shard.cq_entries,
            shard.buffers,
            shard.buffer_bytes,
            escape(&shard.ring_flags.join(" ")),
        );
    }
    let remote = ctx.connection().remote_address().map(ToString::to_string);
    let _ = write!(
        page,
        "<tr><th>You<td><code>{}</code></table><table>",
        escape(remote.as_deref().unwrap_or("unknown"))
    );
    for (path, meaning) in LINKS {
        let _ = write!(
            page,
            "<tr><td><a href=\"{path}\"><code>{path}</code></a><td>{meaning}"
        );
    }
    page.push_str("</table></html>\n");
    page
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
