//! Headless Chromium.

use super::site::Site;
use crate::harness::{Test, tests};
use crate::program::{TIMEOUT, text};
use crate::support::tls::Directory;

pub(crate) const TESTS: [Test; 1] = tests! {
    chromium_shows_a_page_over_http2: [CHROMIUM, TIMEOUT];
};

/// On a machine that is busy it may not come up in its time.
const ATTEMPTS: usize = 3;

fn chromium_shows_a_page_over_http2() {
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
        let output = TIMEOUT.run(&arguments, b"");
        last = text(output.stdout);
        if last.contains("Hello, World!") {
            return;
        }
    }
    panic!("Chromium shows: {last}");
}
