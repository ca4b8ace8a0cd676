//! What handlers do so often that it has a name on the context.
//!
//! Owns no state and no rule of the protocol: each is some calls of the context in a row.

use serde::de::DeserializeOwned;

use super::{BodyError, HttpContext, JsonError, Query, ResponseError, Status};
use crate::limits::JSON_BYTES_MAX;

impl HttpContext {
    /// Reads the whole body, of at most `bytes_max` bytes.
    ///
    /// # Errors
    ///
    /// Those of [`RequestBody::read_to_end`](super::RequestBody::read_to_end).
    pub async fn body_to_end(&mut self, bytes_max: usize) -> Result<Vec<u8>, BodyError> {
        self.body().read_to_end(bytes_max).await
    }

    /// Reads the body as JSON, as large as this request's limit allows and 30 MB at most. The body must say that it is
    /// JSON (`application/json`, or a type that ends in `+json`): a browser sends such a body to
    /// another site only where that allows it.
    ///
    /// # Errors
    ///
    /// [`JsonError`]. Returned from a handler that has not answered yet, it answers with
    /// [`JsonError::status`].
    pub async fn body_json<T: DeserializeOwned>(&mut self) -> Result<T, JsonError> {
        let is_json = self.request().field("content-type").is_some_and(is_json);
        if !is_json {
            return Err(JsonError::MediaType);
        }
        let body = self.body_to_end(JSON_BYTES_MAX).await?;
        serde_json::from_slice(&body).map_err(JsonError::Malformed)
    }

    /// A copy of the request's query; empty when there is none.
    #[must_use]
    pub fn query(&self) -> Query {
        Query::new(self.request().query().unwrap_or_default())
    }

    /// Answers with a redirect to `location`, a URI reference (RFC 9110, 10.2.2): for example
    /// [`Status::SEE_OTHER`] after a form, [`Status::TEMPORARY_REDIRECT`] or [`Status::PERMANENT_REDIRECT`] where the method
    /// is to stay.
    ///
    /// # Errors
    ///
    /// [`ResponseError::NotRedirection`] for a status other than 300 to 399, [`ResponseError::InvalidField`] for a location
    /// that no field can hold, and those of [`status`](Self::status).
    pub fn redirect(&self, status: Status, location: &str) -> Result<(), ResponseError> {
        if !status.is_redirection() {
            return Err(ResponseError::NotRedirection);
        }
        self.field("Location", location)?.status(status)?;
        Ok(())
    }
}

/// Whether a Content-Type is one of JSON (RFC 8259, RFC 6839).
fn is_json(content_type: &[u8]) -> bool {
    let essence = content_type
        .split(|&byte| byte == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    let suffix = essence.last_chunk::<5>();
    essence.eq_ignore_ascii_case(b"application/json")
        || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(b"+json"))
}

#[cfg(test)]
mod tests {
    use super::is_json;

    #[test]
    fn media_types_of_json() {
        for yes in [
            "application/json",
            "Application/JSON ; charset=utf-8",
            "application/problem+json",
            "application/vnd.x+JSON;v=1",
        ] {
            assert!(is_json(yes.as_bytes()), "{yes}");
        }
        for no in [
            "",
            ";",
            "text/plain",
            "application/jsonp",
            "json",
            "text/plain;+json",
        ] {
            assert!(!is_json(no.as_bytes()), "{no}");
        }
    }
}
