//! Headless Chromium, where it is installed: too large to be asked of everybody who runs the tests.

use super::site::{Site, text};
use crate::support::programs::run;
use crate::support::tls::Directory;

/// On a machine that is busy it may not come up in its time.
const ATTEMPTS: usize = 3;

#[test]
fn chromium_shows_a_page_over_http2() {
    let here = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|directory| directory.join("chromium").is_file())
    });
    if !here {
        eprintln!("Chromium is not installed, so it was not tried");
        return;
    }
    // A server that speaks nothing else.
    let site = Site::with(|_, _| vec!["--protocols".to_owned(), "http2".to_owned()]);
    let url = format!("https://a.example:{}/plaintext", site.address.port());
    let rules = format!("--host-resolver-rules=MAP a.example {}", site.address.ip());
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        let profile = Directory::new();
        let data = format!("--user-data-dir={}", profile.name("chromium"));
        let mut arguments = vec![
            "60",
            "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
        ];
        arguments.extend(["--ignore-certificate-errors", "--dump-dom"]);
        arguments.extend([data.as_str(), &rules, &url]);
        let output = run("timeout", "coreutils", &arguments, b"");
        last = text(output.stdout);
        if last.contains("Hello, World!") {
            return;
        }
    }
    panic!("Chromium shows: {last}");
}
