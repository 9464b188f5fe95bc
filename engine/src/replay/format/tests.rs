//! Tables of small rows: what each becomes, and that the engine reads every event as it was meant.

use serde_json::{Value, json};

use super::*;
use crate::replay::row::RowIds;

/// Returns what a row becomes, in one value; checks that the engine decodes what is an event.
fn converted(format: Format, row: &[u8]) -> Value {
    let border = Border::default();
    let mut converter = format.converter(&border);
    let (id, _) = RowIds::new(format).next(row);
    let mut body = b"before".to_vec();
    match converter.convert(row, &id, &mut body) {
        Converted::Rejected(refusal) => json!({ "rejected": refusal.reason.as_str() }),
        Converted::Skipped(why) => json!({ "skipped": why.as_str() }),
        Converted::Event(draft) => {
            let body = body.strip_prefix(b"before").expect("what was there stays");
            let event = schemas::event::decode(draft.customer.as_str(), body, Timestamp(i64::MAX), &border);
            let event = event.expect("an event that the engine takes");
            assert_eq!((&event.customer, event.at), (&draft.customer, draft.at));
            assert_eq!(event.anonymous, draft.anonymous);
            if format != Format::SegmentJsonl {
                assert_eq!(event.message_text.as_bytes(), id.as_bytes());
            }
            let at = draft.at.to_string();
            let call: Value = serde_json::from_slice(body).expect("JSON");
            json!({ "customer": draft.customer, "at": at, "name": event.name, "properties": call["properties"] })
        }
    }
}

#[track_caller]
fn check(format: Format, row: &str, expected: Value) {
    assert_eq!(converted(format, row.as_bytes()), expected, "{row}");
}

#[track_caller]
fn check_event(format: Format, row: &str, expected: (&str, &str, &str, Value)) {
    let (customer, at, name, properties) = expected;
    check(format, row, json!({ "customer": customer, "at": at, "name": name, "properties": properties }));
}

#[test]
fn a_line_of_an_invoice_is_a_line_of_an_order() {
    check_event(
        Format::UciOnlineRetail,
        "489434,79323W, WHITE CHERRY LIGHTS,12,2009-12-01 07:45:00,6.75,13085,United Kingdom",
        (
            "13085",
            "2009-12-01T07:45:00.000Z",
            "Order Item Added",
            json!({"order_id": "489434", "product_id": "79323W", "name": "WHITE CHERRY LIGHTS", "quantity": 12, "price": 6.75, "currency": "GBP", "country": "United Kingdom"}),
        ),
    );
    // In summer the shop's clock is an hour ahead; a description may hold quotes, commas and other scripts.
    check_event(
        Format::UciOnlineRetail,
        r#"501534,84879,"BIRD ""ONE"", é \ ",1,2010-06-01 00:30:00,0,12346.0,EIRE"#,
        (
            "12346",
            "2010-05-31T23:30:00.000Z",
            "Order Item Added",
            json!({"order_id": "501534", "product_id": "84879", "name": "BIRD \"ONE\", é \\", "quantity": 1, "price": 0, "currency": "GBP", "country": "EIRE"}),
        ),
    );
}

#[test]
fn a_line_of_a_credit_note_cancels_under_its_own_number() {
    check_event(
        Format::UciOnlineRetail,
        "C489449,22087,,-12,2009-12-01 10:33:00,2.95,16321,Australia",
        (
            "16321",
            "2009-12-01T10:33:00.000Z",
            "Order Cancelled",
            json!({"cancellation_id": "C489449", "product_id": "22087", "quantity": 12, "price": 2.95, "currency": "GBP", "country": "Australia"}),
        ),
    );
}

#[test]
fn lines_of_invoices_that_no_customer_caused_are_told_apart() {
    for (row, kind, reason) in [
        (
            "A506401,B,Adjust bad debt,1,2010-04-29 13:36:00,-53594.36,,United Kingdom",
            "rejected",
            "no_customer",
        ),
        ("489464,21733,,-96,2009-12-01 10:52:00,0.0,,United Kingdom", "rejected", "no_customer"),
        ("489464,21733,,1,2009-12-01 10:52:00,1.0,null,United Kingdom", "rejected", "no_customer"),
        ("A506401,B,Adjust,1,2010-04-29 13:36:00,5.00,13085,United Kingdom", "skipped", "adjustment"),
        ("506401,B,Adjust,1,2010-04-29 13:36:00,-5.00,13085,United Kingdom", "skipped", "adjustment"),
        ("489464,21733,,-96,2009-12-01 10:52:00,0.0,13085,United Kingdom", "skipped", "stock_movement"),
        ("489464,21733,,0,2009-12-01 10:52:00,1.0,13085,United Kingdom", "skipped", "stock_movement"),
        ("489464,21733,,x,2009-12-01 10:52:00,1.0,13085,United Kingdom", "rejected", "bad_number"),
        ("489464,21733,,1,2009-12-01 10:52:00,1e3,13085,United Kingdom", "rejected", "bad_number"),
        ("489464,21733,,1,2009-13-01 10:52:00,1.0,13085,United Kingdom", "rejected", "bad_time"),
        ("489464,21733,,1,,1.0,13085,United Kingdom", "rejected", "bad_time"),
        (",21733,,1,2009-12-01 10:52:00,1.0,13085,United Kingdom", "rejected", "bad_value"),
        ("489464,21733,1,2009-12-01 10:52:00,1.0,13085,United Kingdom", "rejected", "wrong_columns"),
        ("489464", "rejected", "wrong_columns"),
        ("489464,21733,,1,2009-12-01 10:52:00,1.0,anon:5,United Kingdom", "rejected", "bad_id"),
    ] {
        check(Format::UciOnlineRetail, row, json!({ kind: reason }));
    }
    let not_utf8 =
        converted(Format::UciOnlineRetail, b"489464,21733,\xa3,1,2009-12-01 10:52:00,1.0,13085,UK");
    assert_eq!(not_utf8, json!({ "rejected": "not_utf8" }));
}

#[test]
fn clicks_of_a_session_have_an_invented_time_that_rises_within_their_day() {
    let row = |click: &str| format!("2008;4;1;{click};29;1;1;A13;1;5;1;28;2;1");
    let properties = json!({"product_id": "A13", "category": "trousers", "price": 28, "currency": "USD", "country": "29", "colour": "1", "location": "5", "page": "1"});
    let event = |click, at| {
        check_event(
            Format::UciEshop,
            &row(click),
            ("anon:eshop-1", at, "Product Viewed", properties.clone()),
        );
    };
    event("1", "2008-04-01T17:04:24.000Z");
    event("2", "2008-04-01T17:04:54.000Z");
    event("100000", "2008-04-01T23:59:59.999Z");
    event("9223372036854775807", "2008-04-01T23:59:59.999Z");
    for (row, reason) in [
        ("2008;4;31;1;29;1;1;A13;1;5;1;28;2;1", "bad_time"),
        ("2008;4;1;one;29;1;1;A13;1;5;1;28;2;1", "bad_number"),
        ("2008;4;1;1;29;;1;A13;1;5;1;28;2;1", "no_customer"),
        ("2008;4;1;1;29;1;5;A13;1;5;1;28;2;1", "bad_value"),
        ("2008;4;1;1;29;1;1;A13;1;5;1;28;2", "wrong_columns"),
    ] {
        check(Format::UciEshop, row, json!({ "rejected": reason }));
    }
}

#[test]
fn events_inside_a_session_are_rows_of_their_own() {
    let line = br#"{"session":0,"events":[{"aid":5,"ts":1659304800025,"type":"clicks"},{"aid":6,"ts":1659304800026,"type":"carts"},{"aid":6,"ts":1659304800027,"type":"orders"},{"aid":6,"ts":1,"type":"returns"}]}"#;
    let mut rows = Vec::new();
    let mut sessions = Format::Otto.converter(&Border::default());
    sessions.split(line, &mut |row| rows.push(row.to_vec())).expect("a session");
    let at = |ms: &str| format!("2022-07-31T22:00:00.{ms}Z");
    let order = json!({"order_id": "otto-0-1659304800027", "product_id": "6"});
    for (row, (ms, name, properties)) in rows.iter().zip([
        ("025", "Product Viewed", json!({"product_id": "5"})),
        ("026", "Product Added", json!({"product_id": "6"})),
        ("027", "Order Item Added", order),
    ]) {
        let row = std::str::from_utf8(row).expect("ASCII");
        check_event(Format::Otto, row, ("anon:otto-0", &at(ms), name, properties));
    }
    assert_eq!(converted(Format::Otto, &rows[3]), json!({ "rejected": "bad_value" }));
    for line in [
        r#"{"session":"x","events":[]}"#,
        r#"{"session":1}"#,
        "[]",
        "",
        r#"{"session":1,"events":[{"aid":1,"ts":2}]}"#,
    ] {
        let refused = sessions.split(line.as_bytes(), &mut |_| panic!("no row")).expect_err("no session");
        assert_eq!(refused.reason.as_str(), "malformed_json", "{line}");
    }
}

#[test]
fn what_people_do_in_the_shop_is_an_event_and_what_machines_do_is_not() {
    let at = "2019-01-26T16:15:34.000Z";
    let person = "anon:zanbil-2904";
    let row = |rest: &str| format!("385,2019-01-26T16:15:34Z,2904,{rest}");
    for (rest, name, properties) in [
        (
            "desktop,GET,product,28450/57288,200,43049",
            "Product Viewed",
            json!({"product_id": "57288", "model": "28450"}),
        ),
        ("mobile,GET,product,3573,200,20415", "Product Viewed", json!({"product_id": "3573"})),
        ("app,GET,browse,iron,200,1", "Product List Viewed", json!({"category": "iron"})),
        ("app,GET,filter,b1,b2,p5,200,1", "Product List Filtered", json!({"filters": "b1,b2,p5"})),
        ("app,GET,search,,200,1", "Products Searched", json!({})),
        ("app,GET,basket/add,57288,302,0", "Product Added", json!({"product_id": "57288"})),
        ("app,POST,basket/remove,57288,200,35", "Product Removed", json!({"product_id": "57288"})),
        ("app,GET,basket/changeCount,57288,302,0", "Cart Quantity Changed", json!({"product_id": "57288"})),
        ("app,GET,basket/view,,200,1", "Cart Viewed", json!({})),
        ("app,GET,basket/checkout,,200,1", "Checkout Started", json!({})),
        ("app,POST,order/create,,302,0", "Checkout Step Completed", json!({})),
        ("app,GET,order/create,,200,1", "Checkout Step Viewed", json!({})),
        ("app,GET,order/complete,,200,1", "Order Completed", json!({})),
        ("app,POST,product/variation,,200,1", "Product Variation Chosen", json!({})),
        ("app,GET,home,,200,1", "Page Viewed", json!({})),
        ("app,GET,article,616,200,1", "Page Viewed", json!({"item": "616"})),
    ] {
        check_event(Format::Zanbil, &row(rest), (person, at, name, properties));
    }
    for (rest, kind, reason) in [
        ("bot,GET,asset,,200,1", "skipped", "asset"),
        ("desktop,GET,backoffice,,200,1", "skipped", "back_office"),
        ("bot,GET,product,5,200,1", "skipped", "bot"),
        ("other,GET,product,5,200,1", "skipped", "other_agent"),
        ("app,GET,other,,200,1", "skipped", "other_route"),
        ("app,GET,not/known,,200,1", "skipped", "other_route"),
        ("app,GET,product,5,301,1", "skipped", "redirect"),
        ("app,GET,order/create,,302,0", "skipped", "redirect"),
        ("app,GET,basket/add,57288,499,0", "skipped", "failed"),
        ("app,GET,product,5,404,1", "skipped", "failed"),
        ("app,GET,product,5,99,1", "rejected", "bad_value"),
        ("app,GET,product,5,ok,1", "rejected", "bad_number"),
        ("toaster,GET,product,5,200,1", "rejected", "bad_value"),
        ("app,GET,product,5,200", "rejected", "wrong_columns"),
        ("app", "rejected", "wrong_columns"),
    ] {
        check(Format::Zanbil, &row(rest), json!({ kind: reason }));
    }
    check(Format::Zanbil, "1,yesterday,5,app,GET,product,5,200,1", json!({ "rejected": "bad_time" }));
    check(
        Format::Zanbil,
        "1,2019-01-26T16:15:34Z,,app,GET,product,5,200,1",
        json!({ "rejected": "no_customer" }),
    );
}

/// Returns the body that a call becomes.
fn body_of(row: &str) -> (Draft, String, RowId) {
    let (id, _) = RowIds::new(Format::SegmentJsonl).next(row.as_bytes());
    let mut body = Vec::new();
    match Format::SegmentJsonl.converter(&Border::default()).convert(row.as_bytes(), &id, &mut body) {
        Converted::Event(draft) => (draft, String::from_utf8(body).expect("UTF-8"), id),
        other => panic!("{row}: {other:?}"),
    }
}

#[test]
fn a_segment_call_is_its_body_as_it_is() {
    let row = r#" {"messageId":"m-1", "userId":7,"anonymousId":"a","event":"purchase","timestamp":1000} "#;
    let (draft, body, _) = body_of(row);
    assert_eq!(body, row);
    assert_eq!((draft.customer.as_str(), draft.at), ("7", Timestamp(1_000)));
    assert_eq!(draft.anonymous, Some(CustomerId::anonymous("a")));
}

#[test]
fn a_segment_call_without_a_message_id_is_given_that_of_its_row() {
    for row in [
        r#"{"userId":"u","event":"x"} "#,
        r#"{"userId":"u","messageId":null,"event":"x"}"#,
        r#"{"messageId":"undefined","userId":"u","event":"x","properties":{"a":"}"}}"#,
    ] {
        let (draft, body, id) = body_of(row);
        let event =
            schemas::event::decode("u", body.as_bytes(), Timestamp(5), &Border::default()).expect("good");
        assert_eq!(event.message_text.as_bytes(), id.as_bytes(), "{row}");
        assert!(draft.at > Timestamp(i64::MAX / 2), "without a time it lies ahead of every clock");
    }
    let long = format!(r#"{{"userId":"u","event":"x","properties":{{"a":"{}"}}}}"#, "x".repeat(32_710));
    assert!(long.len() <= 32_768 && long.len() > 32_768 - 30);
    assert_eq!(body_of(&long).1, long, "where there is no room for one, none is added");
}

#[test]
fn a_segment_line_that_is_no_event_is_rejected_for_the_reason_that_the_engine_has() {
    for (row, reason) in [
        ("{", "malformed_json"),
        ("[]", "malformed_json"),
        (r#"{"event":"x"}"#, "no_customer"),
        (r#"{"userId":"null","event":"x"}"#, "no_customer"),
        (r#"{"userId":"u"}"#, "no_name"),
        (r#"{"userId":"u","event":"x","timestamp":"soon"}"#, "bad_time"),
        (r#"{"userId":"u","event":"x","properties":[]}"#, "wrong_type"),
        (r#"{"userId":"u","type":"tracks","event":"x"}"#, "unknown_call"),
    ] {
        check(Format::SegmentJsonl, row, json!({ "rejected": reason }));
    }
    let large = format!(r#"{{"userId":"u","event":"{}"}}"#, "x".repeat(1 << 20));
    check(Format::SegmentJsonl, &large, json!({ "rejected": "too_large" }));
    assert_eq!(
        converted(Format::SegmentJsonl, b"{\"userId\":\"\xff\"}"),
        json!({ "rejected": "malformed_json" })
    );
}

#[test]
fn files_are_known_by_their_first_lines() {
    let retail = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";
    let retail_ii = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country";
    let zanbil = "seq,ts_utc,visitor,agent,method,route,item,status,bytes";
    let otto = r#"{"session":0,"events":[]}"#;
    let head = |format: Format, lines: &[&str]| {
        let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        format.converter(&Border::default()).head(&lines)
    };
    for (format, first, expected) in [
        (Format::UciOnlineRetail, retail, Head::Header),
        (Format::UciOnlineRetail, retail_ii, Head::Header),
        (Format::Zanbil, zanbil, Head::Header),
        (Format::Otto, otto, Head::Row),
        (Format::SegmentJsonl, r#" {"userId""#, Head::Row),
    ] {
        assert_eq!(head(format, &[first]), Ok(expected), "{first}");
    }
    assert_eq!(head(Format::SegmentJsonl, &["rubbish", "{}"]), Ok(Head::Row), "one bad line is a bad line");
    for (format, lines) in [
        (Format::UciOnlineRetail, [zanbil].as_slice()),
        (Format::Zanbil, &[retail]),
        (Format::UciEshop, &[retail]),
        (Format::UciEshop, &[]),
        (Format::Otto, &[retail, zanbil]),
        (Format::SegmentJsonl, &[retail]),
    ] {
        let found = head(format, lines).expect_err("another format");
        assert!(found.contains("expected") || found.contains("e.g."), "{found}");
    }
}
