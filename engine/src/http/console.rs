//! The console: a web app that lies in the program and is served from there, to whoever asks. What it shows it asks of the API, with a key.
//!
//! Its files come from `engine/console` by `ops/console` and are put into the program by the build (`engine/build/console.rs`). A program that
//! was built without them says on the page what to run.

use actix_web::http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HeaderMap, HeaderValue, IF_NONE_MATCH, LOCATION, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use xxhash_rust::xxh3::xxh3_64;

/// Where it is.
pub(super) const PATH: &str = "/console";

/// One file of it.
struct File {
    /// Path below [`PATH`].
    path: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

/// Every file; none when the program was built without the console.
static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/console.rs"));

/// The page that every address of the app shows: the app finds out what belongs there.
const INDEX: &str = "index.html";

/// Files of this folder have a hash of their content in their names: they never change.
const HASHED: &str = "assets/";

/// What the page may do: run and show what the program serves, ask the program, and nothing else. Nothing inline, no frame around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What stands there when there is no console.
const MISSING: &str = "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Care</title>\n\
    <h1>This program was built without the console</h1>\n\
    <p>The engine runs, and its API answers. To have the console too, run <code>ops/console</code> in the repository (it fetches Node when \
    there is none) and build the program again: <code>cargo build --release</code>. <code>ops/demo</code> and <code>ops/package</code> do both.</p>\n";

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Brotli,
    Gzip,
    Plain,
}

/// Answers what is asked of the console; `None` for paths that are not its.
pub(super) fn answer(request: &HttpRequest) -> Option<HttpResponse> {
    answer_from(FILES, request)
}

fn answer_from(files: &'static [File], request: &HttpRequest) -> Option<HttpResponse> {
    let path = match request.path() {
        "/" | PATH => return Some(found_at("/console/")),
        path => path.strip_prefix(PATH)?.strip_prefix('/')?,
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Some(HttpResponse::MethodNotAllowed().insert_header((ALLOW, "GET, HEAD")).finish());
    }
    let named = |name: &str| files.iter().find(|file| file.path == name);
    let is_page = !path.rsplit('/').next().unwrap_or(path).contains('.');
    let file = named(path).or_else(|| named(INDEX).filter(|_| is_page));
    Some(match file {
        Some(file) => serve(file, request.headers()),
        None => {
            let text = if files.is_empty() { MISSING } else { "There is no such file.\n" };
            let media =
                if files.is_empty() { "text/html; charset=utf-8" } else { "text/plain; charset=utf-8" };
            guarded(StatusCode::NOT_FOUND).insert_header((CONTENT_TYPE, media)).body(text)
        }
    })
}

fn found_at(place: &'static str) -> HttpResponse {
    guarded(StatusCode::FOUND).insert_header((LOCATION, place)).finish()
}

fn serve(file: &'static File, asked: &HeaderMap) -> HttpResponse {
    let (packing, body) = file.packed(asked);
    let tag = format!("\"{:016x}-{}\"", xxh3_64(file.plain), packing.as_str());
    let known = asked.get(IF_NONE_MATCH).is_some_and(|tags| holds(tags, &tag));
    let mut answer = guarded(if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
    answer.insert_header((ETAG, tag)).insert_header((VARY, "Accept-Encoding"));
    answer.insert_header((CACHE_CONTROL, file.caching()));
    if known {
        return answer.finish();
    }
    if packing != Packing::Plain {
        answer.insert_header((CONTENT_ENCODING, packing.as_str()));
    }
    answer.insert_header((CONTENT_TYPE, file.media())).body(body)
}

/// Returns an answer with what guards the page.
fn guarded(status: StatusCode) -> HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    answer
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((X_FRAME_OPTIONS, "DENY"))
        .insert_header(("Cross-Origin-Opener-Policy", "same-origin"))
        .insert_header(("Cross-Origin-Resource-Policy", "same-origin"));
    answer
}

fn holds(tags: &HeaderValue, tag: &str) -> bool {
    tags.to_str().is_ok_and(|tags| tags.split(',').any(|known| known.trim().trim_start_matches("W/") == tag))
}

impl File {
    /// Returns the smallest form that the client reads.
    fn packed(&self, asked: &HeaderMap) -> (Packing, &'static [u8]) {
        let reads = |packing: Packing| {
            let lines = asked.get_all(ACCEPT_ENCODING).filter_map(|line| line.to_str().ok());
            lines.flat_map(|line| line.split(',')).any(|offer| accepts(offer, packing.as_str()))
        };
        let brotli = self.brotli.filter(|_| reads(Packing::Brotli)).map(|body| (Packing::Brotli, body));
        let gzip = || self.gzip.filter(|_| reads(Packing::Gzip)).map(|body| (Packing::Gzip, body));
        brotli.or_else(gzip).unwrap_or((Packing::Plain, self.plain))
    }

    fn caching(&self) -> &'static str {
        match self.path.starts_with(HASHED) {
            true => "public, max-age=31536000, immutable",
            false => "no-cache",
        }
    }

    fn media(&self) -> &'static str {
        match self.path.rsplit('.').next().unwrap_or_default() {
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            "woff2" => "font/woff2",
            "json" => "application/json",
            "md" | "txt" => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        }
    }
}

/// Returns true when one offer of `Accept-Encoding` is this packing, and not refused by a weight of nought.
fn accepts(offer: &str, packing: &str) -> bool {
    let (name, weight) = offer.split_once(';').unwrap_or((offer, ""));
    let weight = weight.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
    name.trim().eq_ignore_ascii_case(packing) && weight.is_ok_and(|weight| weight > 0.0)
}

impl Packing {
    fn as_str(self) -> &'static str {
        match self {
            Packing::Brotli => "br",
            Packing::Gzip => "gzip",
            Packing::Plain => "plain",
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const BUILT: &[File] = &[
        File { path: "index.html", plain: b"<page>", brotli: Some(b"b"), gzip: Some(b"g") },
        File { path: "assets/app-1a2b.js", plain: b"run()", brotli: None, gzip: Some(b"g") },
    ];

    fn ask(files: &'static [File], path: &str, headers: &[(&str, &str)]) -> HttpResponse {
        let request = headers
            .iter()
            .fold(TestRequest::get().uri(path), |request, header| request.insert_header(*header));
        answer_from(files, &request.to_http_request()).expect("a path of the console")
    }

    fn header<'a>(answer: &'a HttpResponse, name: &str) -> Option<&'a str> {
        answer.headers().get(name).map(|value| value.to_str().expect("text"))
    }

    #[test]
    fn every_address_of_the_app_shows_its_page_and_a_file_that_is_none_is_not_found() {
        for path in ["/console/", "/console/customers", "/console/customers/u%2F1"] {
            let answer = ask(BUILT, path, &[]);
            assert_eq!(
                (answer.status(), header(&answer, "content-type")),
                (StatusCode::OK, Some("text/html; charset=utf-8"))
            );
            assert_eq!(header(&answer, "cache-control"), Some("no-cache"));
            let policy = header(&answer, "content-security-policy").expect("a policy");
            assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        }
        assert_eq!(ask(BUILT, "/console/assets/app-old.js", &[]).status(), StatusCode::NOT_FOUND);
        for path in ["/", "/console"] {
            assert_eq!(header(&ask(BUILT, path, &[]), "location"), Some("/console/"), "{path}");
        }
        for path in ["/consoles/", "/api/v1/triggers", "/v1/track"] {
            assert!(answer(&TestRequest::get().uri(path).to_http_request()).is_none(), "{path}");
        }
    }

    #[test]
    fn a_file_goes_out_in_the_smallest_form_that_is_read_and_hashed_ones_are_kept() {
        let page = |offer| ask(BUILT, "/console/", &[("accept-encoding", offer)]);
        assert_eq!(header(&page("gzip, deflate, br"), "content-encoding"), Some("br"));
        assert_eq!(header(&page("gzip;q=0.5, br;q=0"), "content-encoding"), Some("gzip"));
        for plain in ["", "deflate", "br;q=x", "brotli"] {
            assert_eq!(header(&page(plain), "content-encoding"), None, "{plain}");
        }
        let script = ask(BUILT, "/console/assets/app-1a2b.js", &[("accept-encoding", "br, gzip")]);
        assert_eq!(header(&script, "content-encoding"), Some("gzip"));
        assert_eq!(header(&script, "content-type"), Some("text/javascript; charset=utf-8"));
        assert_eq!(header(&script, "cache-control"), Some("public, max-age=31536000, immutable"));
    }

    #[test]
    fn what_the_browser_has_is_not_sent_again() {
        let first = ask(BUILT, "/console/", &[("accept-encoding", "br")]);
        let tag = header(&first, "etag").expect("a tag").to_owned();
        let again = |offer: &str, tags: &str| {
            ask(BUILT, "/console/", &[("accept-encoding", offer), ("if-none-match", tags)]).status()
        };
        assert_eq!(again("br", &format!("\"other\", W/{tag}")), StatusCode::NOT_MODIFIED);
        assert_eq!(again("gzip", &tag), StatusCode::OK, "another form is another content");
    }

    #[test]
    fn a_program_without_the_console_says_what_to_run() {
        let answer = ask(&[], "/console/", &[]);
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        assert!(MISSING.contains("ops/console"));
        assert_eq!(header(&answer, "content-type"), Some("text/html; charset=utf-8"));
    }

    #[test]
    fn nothing_is_written_there() {
        let request = TestRequest::post().uri("/console/").to_http_request();
        let answer = answer_from(BUILT, &request).expect("its path");
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
}
