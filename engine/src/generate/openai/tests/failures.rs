//! Answers that do not come, or not whole: each ends, and says how.

use actors::port::generator::Kind;

use super::streams::until_read;
use super::*;

fn status(line: &str, rest: &str) -> Vec<Act> {
    vec![send(format!("HTTP/1.1 {line}\r\nConnection: close\r\n{rest}"))]
}

async fn error_of(acts: Vec<Act>) -> Error {
    let (pieces, error) = rig(acts).await.hear().await;
    assert_eq!(pieces, [], "nothing came before it");
    error.expect("a failure")
}

/// Returns what is heard of a server that stalls, while time passes.
async fn hear_a_stall(rig: &Rig) -> Heard {
    let stall = async {
        rig.server.until(|seen| seen.stalled == 1).await;
        until_read(rig).await;
        std::future::pending::<()>().await
    };
    tokio::select! { heard = rig.hear() => heard, () = stall => unreachable!("it never ends") }
}

#[tokio::test]
async fn an_error_in_mid_stream_ends_the_answer_with_what_the_server_says() {
    let forms = [
        r#"data: {"error":{"message":"overloaded\nby sk-hush","type":"server_error"}}"#,
        "event: error\ndata: {\"error\":\"overloaded by sk-hush\"}",
    ];
    for form in forms {
        let mut acts = stream_of(&[&says("half")]);
        acts.push(send(format!("{form}\n\n")));
        let (pieces, error) = rig(acts).await.hear().await;
        assert_eq!(pieces, [text("half")]);
        assert_eq!(error, Some(Error::Broke("overloaded by ***".to_owned())));
    }
}

#[tokio::test]
async fn a_stall_before_headers_before_the_first_token_and_between_tokens_ends() {
    let first = Wait::FirstToken;
    for (acts, said, wait) in [
        (vec![], 0, first),
        (vec![send(STREAM)], 0, first),
        (stream_of(&[r#"{"choices":[{"delta":{"role":"assistant"}}]}"#]), 0, first),
        (stream_of(&[&says("half")]), 1, Wait::NextToken),
    ] {
        let rig = rig([acts, vec![Act::Stall]].concat()).await;
        let (pieces, error) = hear_a_stall(&rig).await;
        assert_eq!(pieces.len(), said);
        assert!(matches!(error, Some(Error::Late(late, _)) if late == wait), "{error:?}");
    }
}

#[tokio::test]
async fn a_busy_server_says_when_to_come_again() {
    let busy = |status, retry_after| Error::Busy { status, retry_after };
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    for (line, header, expected) in [
        ("429 Too Many Requests", "Retry-After: 7\r\n\r\n", busy(429, seconds(7))),
        (
            "429 Too Many Requests",
            "retry-after-ms: 1500\r\n\r\n",
            busy(429, Some(Duration::from_millis(1_500))),
        ),
        (
            "503 Service Unavailable",
            "Retry-After: Tue, 14 Nov 2023 22:13:30 GMT\r\n\r\n",
            busy(503, seconds(10)),
        ),
        ("429 Too Many Requests", "Retry-After: soon\r\n\r\n", busy(429, None)),
        ("429 Too Many Requests", "Retry-After: -3\r\n\r\n", busy(429, None)),
        ("503 Service Unavailable", "\r\n", busy(503, None)),
    ] {
        assert_eq!(error_of(status(line, header)).await, expected, "{header}");
    }
}

#[tokio::test]
async fn a_status_tells_whether_to_try_again_elsewhere_or_with_less() {
    let json = "\r\n{\"error\":{\"message\":\"no key sk-hush\"}}";
    let denied = Error::Denied { status: 401, text: "no key ***".to_owned() };
    assert_eq!(error_of(status("401 Unauthorized", json)).await, denied);
    for (line, kind) in [
        ("400 Bad Request", Kind::Reject),
        ("413 Content Too Large", Kind::Reject),
        ("404 Not Found", Kind::Elsewhere),
        ("307 Temporary Redirect", Kind::Elsewhere),
        ("500 Internal Server Error", Kind::Retry),
        ("502 Bad Gateway", Kind::Retry),
    ] {
        let error = error_of(status(line, "Location: http://127.0.0.1:9/\r\n\r\n<html>nginx</html>")).await;
        assert_eq!(error.kind(), kind, "{line}: {error}");
        assert!(error.to_string().contains("a page of HTML"), "{error}");
    }
}

#[tokio::test]
async fn a_refusal_whose_body_never_ends_ends() {
    let mut acts = status("500 Internal Server Error", "\r\nhalf a ");
    acts.push(Act::Stall);
    let (pieces, error) = hear_a_stall(&rig(acts).await).await;
    assert_eq!((pieces.len(), error.map(|error| error.kind())), (0, Some(Kind::Retry)));
}

#[tokio::test]
async fn a_connection_that_is_cut_is_no_end() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    let event = format!("data: {}\n\n", says("half"));
    let chunk = format!("{:x}\r\n{event}\r\n", event.len());
    for acts in [vec![send(head), send(chunk)], stream_of(&[&says("half")])] {
        assert_eq!(rig(acts).await.hear().await, (vec![text("half")], Some(Error::Cut)));
    }
    assert_eq!(error_of(vec![]).await, Error::Cut, "closed without a word");
}

#[tokio::test]
async fn what_is_no_answer_is_garbled_and_not_tried_again() {
    let html = vec![send(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n\n<html>login</html>",
    )];
    let empty_choices = stream_of(&[r#"{"choices":[]}"#, r#"{"choices":[]}"#, DONE]);
    let empty_text = stream_of(&[&says(""), STOPS, DONE]);
    let no_json = stream_of(&["hello"]);
    let no_utf8 = vec![send(STREAM), send(b"data: \xff\xfe\n\n")];
    let empty_body = vec![send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")];
    let half_json = vec![send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"choices\":[")];
    for (acts, words) in [
        (html, "a page of HTML"),
        (empty_choices, "an answer without text"),
        (empty_text, "an answer without text"),
        (no_json, "no JSON object"),
        (no_utf8, "no UTF-8"),
        (empty_body, "an empty body"),
        (half_json, "no JSON object"),
    ] {
        let error = error_of(acts).await;
        assert_eq!(error.kind(), Kind::Elsewhere, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_flood_is_cut_off() {
    let line = vec![send(STREAM), send("data: "), send(vec![b'x'; 3 << 20]), Act::Stall];
    let comment = format!(": {}\n\n", "x".repeat(1_000));
    let events = vec![send(STREAM), send(comment.repeat(17 << 10)), Act::Stall];
    for acts in [line, events] {
        assert!(error_of(acts).await.to_string().contains("more bytes than any answer has"));
    }
}

#[tokio::test]
async fn who_is_not_there_is_unreachable() {
    let clock = Arc::new(ManualClock::at(Timestamp(0)));
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = gone.local_addr().expect("an address");
    drop(gone);
    let backend = backend(&format!("http://{address}"), Arc::clone(&clock));
    let (pieces, error) = hear(backend.generate(Arc::new(request(clock.boot() + BOUND)))).await;
    let error = error.expect("a failure");
    assert!(pieces.is_empty() && matches!(error, Error::Unreachable(_)), "{error:?}");
    assert!(!error.to_string().contains(&address.port().to_string()), "no address in it: {error}");
}

#[tokio::test]
async fn dropping_the_stream_hangs_up() {
    let rig = rig([stream_of(&[&says("half")]), vec![Act::Stall]].concat()).await;
    let mut stream = rig.backend.generate(Arc::new(request(rig.clock.boot() + BOUND)));
    assert_eq!(stream.next().await, Some(Ok(text("half"))));
    rig.server.until(|seen| seen.stalled == 1).await;
    drop(stream);
    tokio::time::timeout(BOUND, rig.server.until(|seen| seen.closed == 1)).await.expect("it hangs up");
}
