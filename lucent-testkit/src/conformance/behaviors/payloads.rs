//! Payloads, names and tags of every kind come back as they were.

use crate::conformance::vocabulary::*;

/// Appends an event and compares what comes back, from its stream and from the log.
async fn comes_back(store: &Handle, name: &str, new: NewEvent) {
    let appended = store.write(name, vec![new.clone()]).await;
    let expected = new.into_recorded(stream(name), appended.versions[0], appended.position);
    let last = store.stream_page(StreamRead::backward(stream(name))).await.events.remove(0);
    assert_eq!(last, expected);
    let last = store.log_page(LogRead::backward(EventFilter::all())).await.events.remove(0);
    assert_eq!(last, expected);
}

/// A payload may be empty.
pub async fn an_empty_payload(subject: Subject) {
    comes_back(&subject.store(), "a-1", holding(Payload::binary(Vec::new()))).await;
}

/// A payload may have a megabyte.
pub async fn a_payload_of_a_megabyte(subject: Subject) {
    let binary: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    comes_back(&subject.store(), "a-1", holding(Payload::binary(binary))).await;
    let text = Payload::json(&"ü".repeat(1 << 19)).expect("a text encodes");
    comes_back(&subject.store(), "a-1", holding(text)).await;
}

/// A binary payload may hold any bytes.
pub async fn every_byte_comes_back(subject: Subject) {
    for binary in [(0..=255).collect(), vec![0], vec![0xff, 0xfe, 0xc3], b"{}".to_vec()] {
        comes_back(&subject.store(), "a-1", holding(Payload::binary(binary))).await;
    }
}

/// JSON comes back byte by byte: spaces, the order of keys and the digits of numbers included.
pub async fn json_comes_back_as_it_was_written(subject: Subject) {
    for text in [
        r#"{ "b" : 1,"a":  2, "b":3 }"#,
        "[1.50, 1e2, 12345678901234567890123, -0.0]",
        "\"\\u00fc \\/ \\u0000\"",
        "null",
        " \n{}\t",
    ] {
        comes_back(&subject.store(), "a-1", holding(json(text))).await;
    }
}

/// Text of every script comes back.
pub async fn text_of_every_script(subject: Subject) {
    let text = "Ünï-код 漢字 עברית 🦀👩‍👩‍👧 e\u{301} \u{202e}rtl \u{feff}bom ’quotes”";
    let payload = Payload::json(&text).expect("a text encodes");
    comes_back(&subject.store(), "a-1", holding(payload)).await;
}

/// The content type comes back, whatever the bytes look like.
pub async fn content_types_come_back(subject: Subject) {
    let bytes = json("{}").data;
    for content_type in [ContentType::Json, ContentType::Binary] {
        let payload = Payload { content_type, data: bytes.clone() };
        comes_back(&subject.store(), "a-1", holding(payload)).await;
    }
}

/// An event may have many tags; their order stays.
pub async fn many_tags_keep_their_order(subject: Subject) {
    let store = subject.store();
    let texts: Vec<String> = (0..100).rev().map(|number| format!("key:{number}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    comes_back(&store, "a-1", tagged("Tagged", &texts)).await;
    for text in ["key:0", "key:55", "key:99"] {
        assert_eq!(store.find(EventQuery::tags([tag(text)])).await.len(), 1, "`{text}`");
    }
}

/// Tags may be as long as they are allowed to be, and hold any printable text.
pub async fn odd_tags_come_back(subject: Subject) {
    let store = subject.store();
    let long = "x".repeat(Tag::MAX_BYTES);
    for text in [&*long, "a", ":", "a:b:c", " ", "a,b", "\"", "'", "\\", "{}", "ключ:🦀", "%_"]
    {
        comes_back(&store, "a-1", tagged("Tagged", &[text])).await;
        assert_eq!(store.find(EventQuery::tags([tag(text)])).await.len(), 1, "`{text}`");
    }
}

/// Streams may have any printable name of the allowed length.
pub async fn odd_stream_names_come_back(subject: Subject) {
    let store = subject.store();
    let long = "x".repeat(StreamId::MAX_BYTES);
    let wide = "🦀".repeat(StreamId::MAX_BYTES / 4);
    for name in
        [&*long, &wide, "a", "-", "a-", "-a", "конто-42", "a b/c%'\"\\-ü-$", " ", "a--b", "../x"]
    {
        comes_back(&store, name, event("Happened")).await;
        assert_eq!(store.version_of(name).await, 1, "`{name}`");
    }
}

/// Event types may have any text, and versions of shapes any number.
pub async fn odd_types_come_back(subject: Subject) {
    let store = subject.store();
    for event_type in
        ["A", "bank.AccountOpened", "bank/account:opened v2", "Überwiesen", "🦀", "'; --"]
    {
        for schema_version in [0, 1, u32::MAX] {
            comes_back(&store, "a-1", NewEvent { schema_version, ..event(event_type) }).await;
        }
    }
}

/// Correlation, causation and business context come back.
pub async fn metadata_comes_back(subject: Subject) {
    let context = BusinessContext::default()
        .with("user", "Åsa \"the\" O'Neil \\ 🦀")
        .with("", "empty key")
        .with("empty value", "")
        .with("long", "x".repeat(10_000));
    for (correlation, causation, context) in [
        (Uuid::nil(), Uuid::max(), BusinessContext::default()),
        (Uuid::from_u128(1), Uuid::from_u128(2), context),
    ] {
        let metadata = Metadata::from_parts(correlation, causation, context).into();
        comes_back(&subject.store(), "a-1", NewEvent { metadata, ..event("Happened") }).await;
    }
}

/// The identity of an event is the one that it was given.
pub async fn event_ids_come_back(subject: Subject) {
    for id in [EventId::new(), EventId::derived("x"), EventId::from_uuid(Uuid::max())] {
        comes_back(&subject.store(), "a-1", NewEvent { id, ..event("Happened") }).await;
    }
}
