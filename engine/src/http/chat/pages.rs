//! What a browser loads: the script of the widget, and a page to try it on.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, CROSS_ORIGIN_RESOURCE_POLICY, ETAG, IF_NONE_MATCH,
};
use actix_web::{HttpRequest, HttpResponse};
use xxhash_rust::xxh3::xxh3_64;

/// The script, as it is written: no build stands between.
const WIDGET: &str = include_str!("../../../widget/widget.js");

/// The page.
const DEMO: &str = include_str!("../../../widget/demo.html");

/// Pages of any origin load the script; a new one is there within five minutes.
const KEPT: &str = "public, max-age=300";

/// The page runs the script and talks to its own server, nothing else.
const DEMO_POLICY: &str = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'";

pub(super) fn widget(request: &HttpRequest) -> HttpResponse {
    let tag = format!("\"{:016x}\"", xxh3_64(WIDGET.as_bytes()));
    let known = request.headers().get(IF_NONE_MATCH);
    let is_known = known.is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut answer = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer.insert_header((ETAG, tag)).insert_header((CACHE_CONTROL, KEPT));
    if is_known {
        return answer.finish();
    }
    answer
        .insert_header((CONTENT_TYPE, "text/javascript; charset=utf-8"))
        .insert_header((CROSS_ORIGIN_RESOURCE_POLICY, "cross-origin"))
        .body(WIDGET)
}

pub(super) fn demo() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, DEMO_POLICY))
        .body(DEMO)
}
