//! The configuration files of the servers that have one.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Site;
use crate::mode::{BODY, PATH, Protocol};

/// More descriptors than any comparison has connections to one of these servers.
const CONNECTIONS: u32 = 19_000;

/// `path` as text.
pub(super) fn utf8(path: &Path) -> Result<&str> {
    path.to_str()
        .context("the temporary directory is not UTF-8")
}

/// Writes a configuration to the server's own directory and answers the name of the file.
pub(super) fn write(site: &Site<'_>, name: &str, text: &str) -> Result<String> {
    fs::write(site.directory.join(name), text).with_context(|| format!("writing {name}"))?;
    Ok(name.to_owned())
}

/// The line that keeps a server from giving up root, whose files it is to read.
fn user(line: &str) -> &str {
    if rustix::process::geteuid().is_root() {
        line
    } else {
        ""
    }
}

/// nginx answers small requests from its configuration and serves the rest from files.
pub(super) fn nginx(site: &Site<'_>) -> Result<String> {
    let (port, content) = (site.port, utf8(site.content)?);
    let user = user("user root;");
    let http2 = match site.protocol {
        Protocol::Http1 => "",
        Protocol::Http2 => " http2",
    };
    let (ssl, certificate) = match site.certificate {
        None => ("", String::new()),
        Some(certificate) => (
            " ssl",
            format!(
                "ssl_certificate {};
        ssl_certificate_key {};
        ssl_protocols TLSv1.2 TLSv1.3;",
                utf8(&certificate.chain())?,
                utf8(&certificate.key())?
            ),
        ),
    };
    Ok(format!(
        "daemon off;
{user}
worker_processes 1;
worker_rlimit_nofile 20000;
pid nginx.pid;
error_log stderr crit;
events {{
    use epoll;
    worker_connections {CONNECTIONS};
    multi_accept on;
}}
http {{
    access_log off;
    server_tokens off;
    tcp_nodelay on;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    http2_max_concurrent_streams 256;
    http2_chunk_size 128k;
    output_buffers 2 256k;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    open_file_cache max=10;
    server {{
        listen 127.0.0.1:{port} backlog=4096{ssl}{http2};
        {certificate}
        default_type text/plain;
        location = {PATH} {{
            return 200 \"{BODY}\";
        }}
        location /bytes/ {{
            root {content};
        }}
    }}
}}
"
    ))
}

/// h2o serves files, and reads an upload into memory before a handler of mruby answers it.
pub(super) fn h2o(site: &Site<'_>) -> Result<String> {
    let (port, content) = (site.port, utf8(site.content)?);
    let user = user("user: root");
    let ssl = match site.certificate {
        None => String::new(),
        Some(certificate) => format!(
            ", ssl: {{ certificate-file: {}, key-file: {}, minimum-version: TLSv1.2, \
             ocsp-update-interval: 0 }}",
            utf8(&certificate.chain())?,
            utf8(&certificate.key())?
        ),
    };
    Ok(format!(
        "listen: {{ host: 127.0.0.1, port: {port}{ssl} }}
{user}
num-threads: 1
max-connections: {CONNECTIONS}
http2-max-concurrent-requests-per-connection: 256
http1-request-timeout: 3600
http2-idle-timeout: 3600
limit-request-body: 1099511627776
file.etag: OFF
file.mime.setdefaulttype: text/plain
hosts:
  default:
    paths:
      {PATH}:
        file.file: {content}{PATH}
      /bytes:
        file.dir: {content}/bytes
      /sink:
        mruby.handler: |
          Proc.new {{ |env| [200, {{'content-type' => 'text/plain'}}, ['received']] }}
"
    ))
}

/// haproxy answers small requests by a rule of its front end.
pub(super) fn haproxy(site: &Site<'_>) -> Result<String> {
    let port = site.port;
    let protocol = match site.protocol {
        Protocol::Http1 => ("http/1.1", ""),
        Protocol::Http2 => ("h2", " proto h2"),
    };
    let bind = match site.certificate {
        None => protocol.1.to_owned(),
        Some(certificate) => {
            let (file, alpn) = (certificate.both(), protocol.0);
            format!(" ssl crt {} alpn {alpn}", utf8(&file)?)
        }
    };
    Ok(format!(
        "global
    nbthread 1
    maxconn {CONNECTIONS}
    no strict-limits
    tune.h2.max-concurrent-streams 256
    ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
    mode http
    timeout client 1h
    timeout http-keep-alive 1h
    timeout http-request 1h
    timeout connect 1s
    timeout server 1s
frontend all
    bind 127.0.0.1:{port} backlog 4096{bind}
    http-request return status 200 content-type text/plain string \"{BODY}\" \
hdr Server haproxy hdr Date \"%[date,http_date]\" if {{ path {PATH} }}
    http-request return status 404
"
    ))
}
