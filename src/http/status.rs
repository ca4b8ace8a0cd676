//! Status codes (RFC 9110, 15) and what each means for the content of a response.
//!
//! Owns the registry of codes and reason phrases. Knows no wire format; a protocol that wants a
//! table over the registry builds it with `each_registered_status`.

use std::fmt;

/// A status code from 100 to 999.
///
/// Codes above 599 have no class and are passed on as they are (RFC 9110, 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(u16);

/// Hands every registered code to the macro `$then` as `NAME = code, "reason";` rows.
macro_rules! each_registered_status {
    ($then:ident) => {
        $then! {
            CONTINUE = 100, "Continue";
            SWITCHING_PROTOCOLS = 101, "Switching Protocols";
            PROCESSING = 102, "Processing";
            EARLY_HINTS = 103, "Early Hints";
            OK = 200, "OK";
            CREATED = 201, "Created";
            ACCEPTED = 202, "Accepted";
            NON_AUTHORITATIVE_INFORMATION = 203, "Non-Authoritative Information";
            NO_CONTENT = 204, "No Content";
            RESET_CONTENT = 205, "Reset Content";
            PARTIAL_CONTENT = 206, "Partial Content";
            MULTI_STATUS = 207, "Multi-Status";
            ALREADY_REPORTED = 208, "Already Reported";
            IM_USED = 226, "IM Used";
            MULTIPLE_CHOICES = 300, "Multiple Choices";
            MOVED_PERMANENTLY = 301, "Moved Permanently";
            FOUND = 302, "Found";
            SEE_OTHER = 303, "See Other";
            NOT_MODIFIED = 304, "Not Modified";
            USE_PROXY = 305, "Use Proxy";
            TEMPORARY_REDIRECT = 307, "Temporary Redirect";
            PERMANENT_REDIRECT = 308, "Permanent Redirect";
            BAD_REQUEST = 400, "Bad Request";
            UNAUTHORIZED = 401, "Unauthorized";
            PAYMENT_REQUIRED = 402, "Payment Required";
            FORBIDDEN = 403, "Forbidden";
            NOT_FOUND = 404, "Not Found";
            METHOD_NOT_ALLOWED = 405, "Method Not Allowed";
            NOT_ACCEPTABLE = 406, "Not Acceptable";
            PROXY_AUTHENTICATION_REQUIRED = 407, "Proxy Authentication Required";
            REQUEST_TIMEOUT = 408, "Request Timeout";
            CONFLICT = 409, "Conflict";
            GONE = 410, "Gone";
            LENGTH_REQUIRED = 411, "Length Required";
            PRECONDITION_FAILED = 412, "Precondition Failed";
            CONTENT_TOO_LARGE = 413, "Content Too Large";
            URI_TOO_LONG = 414, "URI Too Long";
            UNSUPPORTED_MEDIA_TYPE = 415, "Unsupported Media Type";
            RANGE_NOT_SATISFIABLE = 416, "Range Not Satisfiable";
            EXPECTATION_FAILED = 417, "Expectation Failed";
            MISDIRECTED_REQUEST = 421, "Misdirected Request";
            UNPROCESSABLE_CONTENT = 422, "Unprocessable Content";
            LOCKED = 423, "Locked";
            FAILED_DEPENDENCY = 424, "Failed Dependency";
            TOO_EARLY = 425, "Too Early";
            UPGRADE_REQUIRED = 426, "Upgrade Required";
            PRECONDITION_REQUIRED = 428, "Precondition Required";
            TOO_MANY_REQUESTS = 429, "Too Many Requests";
            REQUEST_HEADER_FIELDS_TOO_LARGE = 431, "Request Header Fields Too Large";
            UNAVAILABLE_FOR_LEGAL_REASONS = 451, "Unavailable For Legal Reasons";
            INTERNAL_SERVER_ERROR = 500, "Internal Server Error";
            NOT_IMPLEMENTED = 501, "Not Implemented";
            BAD_GATEWAY = 502, "Bad Gateway";
            SERVICE_UNAVAILABLE = 503, "Service Unavailable";
            GATEWAY_TIMEOUT = 504, "Gateway Timeout";
            HTTP_VERSION_NOT_SUPPORTED = 505, "HTTP Version Not Supported";
            VARIANT_ALSO_NEGOTIATES = 506, "Variant Also Negotiates";
            INSUFFICIENT_STORAGE = 507, "Insufficient Storage";
            LOOP_DETECTED = 508, "Loop Detected";
            NETWORK_AUTHENTICATION_REQUIRED = 511, "Network Authentication Required";
        }
    };
}
pub(crate) use each_registered_status;

macro_rules! registry {
    ($($name:ident = $code:literal, $reason:literal;)*) => {
        impl Status {
            $(
                #[doc = concat!($code, " ", $reason)]
                pub const $name: Self = Self($code);
            )*

            /// The registered reason phrase; empty for a code that has none.
            #[must_use]
            pub const fn reason(self) -> &'static str {
                match self.0 {
                    $($code => $reason,)*
                    _ => "",
                }
            }
        }
    };
}
each_registered_status!(registry);

impl Status {
    /// The status of this code; `None` unless it has three digits and does not begin with 0.
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        if code >= 100 && code <= 999 {
            Some(Self(code))
        } else {
            None
        }
    }

    /// The number.
    #[must_use]
    pub const fn code(self) -> u16 {
        self.0
    }

    /// 1xx: precedes a final response.
    #[must_use]
    pub const fn is_informational(self) -> bool {
        self.0 / 100 == 1
    }

    /// 2xx.
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 / 100 == 2
    }

    /// 3xx.
    #[must_use]
    pub const fn is_redirection(self) -> bool {
        self.0 / 100 == 3
    }

    /// 4xx.
    #[must_use]
    pub const fn is_client_error(self) -> bool {
        self.0 / 100 == 4
    }

    /// 5xx.
    #[must_use]
    pub const fn is_server_error(self) -> bool {
        self.0 / 100 == 5
    }

    /// Whether a response with this status has no content, whatever its fields say: 1xx, 204, 205
    /// and 304 (RFC 9110, 6.4.1 and 15.3.6).
    #[must_use]
    pub const fn is_bodiless(self) -> bool {
        self.is_informational() || matches!(self.0, 204 | 205 | 304)
    }

    /// Whether Content-Length and Transfer-Encoding must be absent: 1xx and 204 (RFC 9110, 8.6;
    /// RFC 9112, 6.1). A 205 says `Content-Length: 0`, a 304 may say what a 200 would have.
    #[must_use]
    pub const fn forbids_framing(self) -> bool {
        self.is_informational() || self.0 == 204
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason() {
            "" => write!(f, "{}", self.0),
            reason => write!(f, "{} {reason}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_three_digits() {
        assert_eq!(Status::new(99), None);
        assert_eq!(Status::new(1000), None);
        assert_eq!(Status::new(100), Some(Status::CONTINUE));
        assert_eq!(Status::new(799).map(Status::reason), Some(""));
        assert_eq!(Status::NOT_FOUND.to_string(), "404 Not Found");
    }

    #[test]
    fn content_rules() {
        let bodiless = |code| Status::new(code).is_some_and(Status::is_bodiless);
        let unframed = |code| Status::new(code).is_some_and(Status::forbids_framing);
        let all = |rule: &dyn Fn(u16) -> bool| (200..600).filter(|c| rule(*c)).collect::<Vec<_>>();
        assert_eq!(all(&bodiless), [204, 205, 304]);
        assert_eq!(all(&unframed), [204]);
        assert!((100..200).all(|code| bodiless(code) && unframed(code)));
    }
}
