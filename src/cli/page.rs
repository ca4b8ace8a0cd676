//! The page at `/`: what runs here, for somebody with a browser.

use std::fmt::Write;

use crate::http::HttpContext;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem;\
color:#1c2330;background:#fbfbf8}h1{font-size:1.9rem;margin:0 0 .2rem}h2{font-size:1.1rem;margin:2rem 0 0}\
p.sub{margin-top:0;color:#5b6576}table{border-collapse:collapse;table-layout:fixed;width:100%;margin:.6rem 0 1rem}\
th,td{text-align:left;padding:.35rem .8rem .35rem 0;border-bottom:1px solid #e3e3dc;vertical-align:top;\
overflow-wrap:anywhere}th{font-weight:600;width:11rem}code{font:14px ui-monospace,monospace}a{color:#0b5fb0}\
form{display:flex;gap:.5rem;margin:.2rem 0}input,button{font:inherit;color:inherit;background:transparent;\
border:1px solid #b9bdc4;border-radius:4px;padding:0 .5rem}summary{cursor:pointer}\
@media(prefers-color-scheme:dark){body{color:#dfe3ea;background:#15181d}p.sub{color:#97a1b1}\
th,td{border-color:#2b3038}a{color:#7cb7f2}input,button{border-color:#4a515c}}";

/// What browsers show beside the title: two shards.
pub(super) const ICON: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\">\
<path fill=\"#0b5fb0\" d=\"M2 13 6 2l2 8zM9 12l1-8 4 9z\"/></svg>\n";

/// Paths to follow, and what is there.
const LINKS: [(&str, &str); 7] = [
    ("/plaintext", "a short text"),
    ("/json", "a small JSON object"),
    ("/delay/250", "answers after so many milliseconds"),
    ("/stream/5", "answers in so many chunks"),
    ("/events", "an event a second, as EventSource reads them"),
    ("/bytes/1000", "answers so many bytes"),
    ("/features", "the server's feature table as JSON"),
];

/// Paths that take a body, and what they do with it.
const FORMS: [(&str, &str); 2] = [
    ("/echo", "sends a body back as it comes"),
    ("/sink", "reads a body and says how many bytes it had"),
];

/// The page as seen by this request.
pub(super) fn render(ctx: &HttpContext) -> String {
    let mut page = String::with_capacity(8192);
    page.push_str("<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">");
    // Writing to a string cannot fail, here and below.
    let _ = write!(
        page,
        "<title>Lanner</title><link rel=icon type=\"image/svg+xml\" href=\"/favicon.ico\"><style>{STYLE}</style>\
         <h1>Lanner {}</h1><p class=sub>An HTTP server on io_uring, one shard per core. It runs.</p>",
        env!("CARGO_PKG_VERSION"),
    );
    write_facts(&mut page, ctx);
    page.push_str("<h2>Try it</h2><table>");
    for (path, meaning) in LINKS {
        let _ = write!(
            page,
            "<tr><th><a href=\"{path}\"><code>{path}</code></a><td>{meaning}"
        );
    }
    for (path, meaning) in FORMS {
        let _ = write!(
            page,
            "<tr><th><code>{path}</code><td>{meaning}\
             <form method=post enctype=\"text/plain\" action=\"{path}\">\
             <input name=text value=hello aria-label=body><button>POST</button></form>"
        );
    }
    page.push_str(
        "</table><h2>Read on</h2><p><code>README.md</code> and <code>docs/</code> in the source; \
         <code>cargo doc --open</code> for the library; <code>lanner --help</code> for the command, and \
         <code>lanner check</code> for what this machine offers.</html>\n",
    );
    page
}

/// What runs here, and for whom.
fn write_facts(page: &mut String, ctx: &HttpContext) {
    let server = ctx.server();
    page.push_str("<table><tr><th>Listening on<td>");
    for address in server.addresses().iter() {
        let _ = write!(page, "<code>{}</code><br>", escape(address));
    }
    let remote = ctx.connection().remote_address().map(ToString::to_string);
    let _ = write!(
        page,
        "<tr><th>You<td><code>{}</code><tr><th>Shards<td>{}; this page came from shard {}",
        escape(remote.as_deref().unwrap_or("unknown")),
        server.shards().count(),
        server.shard()
    );
    let mut shards = server.shards().iter();
    if let Some(shard) = shards.find(|shard| shard.index == server.shard()) {
        let cpu = shard
            .cpu
            .map_or_else(|| "no fixed CPU".to_owned(), |cpu| format!("CPU {cpu}"));
        let _ = write!(
            page,
            ", on {cpu}<details><summary>its ring</summary>run by {}; {} + {} entries, {} receive \
             buffers of {} bytes<br><code>{}</code></details>",
            shard.shell,
            shard.sq_entries,
            shard.cq_entries,
            shard.buffers,
            shard.buffer_bytes,
            escape(&shard.ring_flags.join(" ")),
        );
    }
    page.push_str("</table>");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
