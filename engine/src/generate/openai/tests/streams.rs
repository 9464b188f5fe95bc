//! Answers that come, whatever their form.

use actors::port::generator::{Citation, ToolCall};

use super::*;

#[tokio::test]
async fn a_plain_stream_is_pieces_citations_and_a_counted_end() {
    let rig = rig(stream_of(&[&says("Within "), &says("30 days [1][7]."), STOPS, USAGE, DONE])).await;
    let citation = Citation {
        number: 1,
        passage: "returns-1".into(),
        title: "Returns".to_owned(),
        source: "returns.md".to_owned(),
    };
    let pieces = vec![
        text("Within "),
        text("30 days [1][7]."),
        Piece::Citation(citation),
        Piece::End(Finish::Stop, COUNTED),
    ];
    assert_eq!(rig.hear().await, (pieces, None));
}

#[tokio::test]
async fn the_request_says_what_is_wanted_and_the_key_stands_in_its_header_only() {
    let rig = rig(stream_of(&[&says("yes"), STOPS, DONE])).await;
    rig.hear().await;
    let asked = rig.server.seen().requests.remove(0);
    let (head, body) = asked.split_once("\r\n\r\n").expect("head and body");
    assert!(head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{head}");
    assert!(head.to_lowercase().contains("authorization: bearer sk-hush"), "{head}");
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let told = serde_json::json!([body["model"], body["stream"], body["max_tokens"], body["seed"]]);
    assert_eq!(told, serde_json::json!(["tiny", true, 100, 1]));
    assert_eq!(body["stream_options"]["include_usage"], true);
    let system = body["messages"][0]["content"].as_str().expect("a text");
    assert!(system.contains("[1] Returns\nYou can return an article within 30 days."), "{system}");
    assert_eq!(body["messages"][1]["role"], "user");
    assert!(!body.to_string().contains("sk-hush"));
}

#[tokio::test]
async fn without_usage_tokens_are_estimated_and_said_to_be() {
    let rig = rig(stream_of(&[&says("12345678"), &says("退货"), STOPS, DONE])).await;
    assert_eq!(rig.hear().await, (vec![text("12345678"), text("退货"), estimated(Finish::Stop, 4)], None));
}

#[tokio::test]
async fn parts_with_a_role_only_or_null_or_lists_are_borne() {
    let odd = [
        r#"{"choices":[{"index":0,"delta":{"role":"assistant"}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":null},"finish_reason":null}],"usage":null}"#,
        r#"{"choices":[{"delta":{"content":[{"type":"text","text":"yes"}]}}],"usage":"many","error":null}"#,
        r#"{"choices":null}"#,
        r#"{"object":"ping"}"#,
    ];
    let rig = rig(stream_of(&[odd[0], odd[1], odd[2], odd[3], odd[4], STOPS, DONE])).await;
    assert_eq!(rig.hear().await, (vec![text("yes"), estimated(Finish::Stop, 1)], None));
}

#[tokio::test]
async fn comments_that_keep_a_connection_alive_are_no_text() {
    let mut acts = vec![send(STREAM), send(": OPENROUTER PROCESSING\n\n"), send(":\n\n:\n")];
    acts.extend(
        [says("yes"), STOPS.to_owned()].map(|event| send(format!(": ping\n\ndata: {event}\n\n: ping\n\n"))),
    );
    assert_eq!(rig(acts).await.hear().await, (vec![text("yes"), estimated(Finish::Stop, 1)], None));
}

#[tokio::test]
async fn bytes_are_put_together_wherever_they_were_cut() {
    let whole = format!("{STREAM}data: {}\r\n\r\ndata: {STOPS}\n\ndata:[DONE]\n\n", says("退货吗 é"));
    for size in [1, 2, 3, 7] {
        let rig = rig(whole.as_bytes().chunks(size).map(send).collect()).await;
        assert_eq!(
            rig.hear().await,
            (vec![text("退货吗 é"), estimated(Finish::Stop, 4)], None),
            "cut at {size}"
        );
    }
}

#[tokio::test]
async fn lines_may_end_as_they_do_on_other_systems() {
    let (said, chunked) = (says("yes"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    let body = format!("event: message\r\ndata: {said}\r\n\r\ndata: {STOPS}\r\n\r\ndata: [DONE]\r\n\r\n");
    let acts = vec![send(chunked), send(format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()))];
    assert_eq!(rig(acts).await.hear().await, (vec![text("yes"), estimated(Finish::Stop, 1)], None));
}

#[tokio::test]
async fn an_end_without_a_sign_or_with_nothing_but_one_is_an_end() {
    for events in [[says("yes"), STOPS.to_owned()], [says("yes"), DONE.to_owned()]] {
        let rig = rig(stream_of(&[&events[0], &events[1]])).await;
        assert_eq!(rig.hear().await, (vec![text("yes"), estimated(Finish::Stop, 1)], None));
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_at_its_length_says_so() {
    let cut = r#"{"choices":[{"index":0,"delta":{"content":"and"},"finish_reason":"length"}]}"#;
    let rig = rig(stream_of(&[&says("yes "), cut, DONE])).await;
    assert_eq!(rig.hear().await, (vec![text("yes "), text("and"), estimated(Finish::Length, 2)], None));
}

#[tokio::test]
async fn of_several_choices_the_first_is_taken() {
    let other = r#"{"choices":[{"index":1,"delta":{"content":"no"},"finish_reason":"stop"},{"index":0,"delta":{"content":"yes"}}]}"#;
    let rig =
        rig(stream_of(&[other, r#"{"choices":[{"index":1,"delta":{"content":"no"}}]}"#, STOPS, DONE])).await;
    assert_eq!(rig.hear().await, (vec![text("yes"), estimated(Finish::Stop, 1)], None));
}

#[tokio::test]
async fn calls_of_tools_are_joined_by_index_whatever_is_left_out() {
    let tools = |calls: &str| format!(r#"{{"choices":[{{"index":0,"delta":{{"tool_calls":[{calls}]}}}}]}}"#);
    let events = [
        tools(r#"{"index":1,"id":"b","function":{"name":"stock","arguments":""}}"#),
        tools(r#"{"index":0,"id":"a","function":{"name":"order","arguments":"{\"id\":"}}"#),
        tools(r#"{"index":0,"function":{"arguments":"7}"}},{"index":1,"function":{"arguments":"{}"}}"#),
        tools(r#"{"id":"c","function":{"name":"track","arguments":{"n":1}}}"#),
    ];
    let stops = r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#;
    let rig = rig(stream_of(&[&events[0], &events[1], &events[2], &events[3], stops, USAGE, DONE])).await;
    let call = |id: &str, name: &str, arguments: &str| ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
    };
    let calls =
        vec![call("a", "order", "{\"id\":7}"), call("b", "stock", "{}"), call("c", "track", "{\"n\":1}")];
    assert_eq!(rig.hear().await, (vec![Piece::End(Finish::Tools(calls), COUNTED)], None));
}

#[tokio::test]
async fn a_body_of_json_where_a_stream_was_asked_for_is_an_answer() {
    let body = r#" {"choices":[{"index":0,"message":{"role":"assistant","content":"yes"},"finish_reason":"stop"}],
        "usage":{"prompt_tokens":9,"completion_tokens":3}}"#;
    for kind in ["application/json", "text/event-stream"] {
        let acts = vec![
            send(format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
                body.len()
            )),
            send(body),
        ];
        assert_eq!(
            rig(acts).await.hear().await,
            (vec![text("yes"), Piece::End(Finish::Stop, COUNTED)], None)
        );
    }
}

#[tokio::test]
async fn who_said_all_and_stalls_has_said_all() {
    let mut acts = stream_of(&[&says("yes"), STOPS]);
    acts.push(Act::Stall);
    let rig = rig(acts).await;
    let patience = async {
        rig.server.until(|seen| seen.stalled == 1).await;
        until_read(&rig).await;
        std::future::pending::<()>().await
    };
    let heard =
        tokio::select! { heard = rig.hear() => heard, () = patience => unreachable!("it never ends") };
    assert_eq!(heard, (vec![text("yes"), estimated(Finish::Stop, 1)], None));
}

/// Moves the clock until the client has given the stalled connection up.
pub(super) async fn until_read(rig: &Rig) {
    while rig.server.seen().closed == 0 {
        rig.clock.advance(Duration::from_millis(500));
        tokio::time::timeout(Duration::from_millis(20), rig.server.until(|seen| seen.closed > 0)).await.ok();
    }
}
