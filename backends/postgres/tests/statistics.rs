//! What the server reads when its statistics are of the time before there were events, as after an
//! `ANALYZE` of a new ledger.

use lucent_core::{
    CommandId, Position, Tag,
    store::{
        Append, AppendCondition, Document, DocumentChange, EventFilter, EventQuery,
        EventStore as _, ExpectedVersion, LogRead, PageLimit, ProjectionCommit, ProjectionId,
        QueryItem, ReadModelStore as _, StreamRead,
    },
};
use lucent_postgres::PostgresStore;

use crate::{
    events::{append, event, stream},
    refusals::end_sessions,
    server::{TestSchema, client},
};

const APPENDS: u64 = 250;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_reads_a_whole_table_because_it_was_empty_when_statistics_were_taken() {
    for schema in TestSchema::of_each_layout() {
        drop(schema.open().await);
        schema
            .run(
                "DO $$ DECLARE name regclass; BEGIN FOR name IN SELECT c.oid FROM pg_class AS c \
                 WHERE c.relnamespace = '{s}'::regnamespace AND c.relkind IN ('r', 'p') \
                 LOOP EXECUTE format('ANALYZE %s', name); END LOOP; END $$",
            )
            .await;
        let store = schema.open_as_itself().await;
        let model = ProjectionId::new("accounts", 1);
        append_and_project(&store, &model).await;
        look_up(&store, &model).await;
        end_sessions(&schema.name).await;
        refuse_whole_reads(&schema).await;
    }
}

/// Appends of each kind, and a step of a projection for each.
async fn append_and_project(store: &PostgresStore, model: &ProjectionId) {
    let mut before = Position::ZERO;
    for number in 0..APPENDS {
        let name = format!("a-{number}");
        let tag = Tag::of("account", number).unwrap();
        let mut tagged = event();
        tagged.tags.push(tag.clone());
        let mut with_all = Append::one(stream("b-1"), ExpectedVersion::Any, vec![tagged, event()]);
        with_all.command = Some(CommandId::new());
        with_all.condition =
            Some(AppendCondition { query: EventQuery::tags([tag]), after: Position::ZERO });
        store.append(with_all).await.unwrap();
        let end = store.append(append(&name, ExpectedVersion::NoStream)).await.unwrap().position;
        let change = DocumentChange::Put(Document { key: name.as_str().into(), body: "1".into() });
        let step = ProjectionCommit {
            changes: vec![change],
            ..ProjectionCommit::new(model.clone(), before, end)
        };
        store.commit_projection(step).await.unwrap();
        before = end;
    }
}

/// Everything that finds a few of many.
async fn look_up(store: &PostgresStore, model: &ProjectionId) {
    let few = PageLimit { events: 5, ..PageLimit::default() };
    for number in 0..APPENDS {
        let head = store.head().await.unwrap();
        assert_eq!(head, Position::new(3 * APPENDS));
        store.stream_version(&stream("b-1")).await.unwrap();
        store.read_stream(StreamRead::forward(stream("b-1")).limit(few)).await.unwrap();
        let tag = Tag::of("account", number).unwrap();
        let by_tag = EventQuery::tags([tag.clone()]);
        let by_both =
            EventQuery::AnyOf(vec![QueryItem { types: vec!["Happened".into()], tags: vec![tag] }]);
        let by_type = EventQuery::types(["Happened"]);
        let near_the_end = Position::new(3 * APPENDS - 2);
        for (query, after, found) in
            [(by_tag, Position::ZERO, 1), (by_both, Position::ZERO, 1), (by_type, near_the_end, 2)]
        {
            let read = LogRead::after(EventFilter { query, category: None }, after).limit(few);
            assert_eq!(store.read_log(read).await.unwrap().events.len(), found);
        }
        let key = format!("a-{number}").as_str().into();
        let documents = store.documents(model, &[key]).await.unwrap();
        assert!(documents[0].is_some());
        store.checkpoint(model).await.unwrap();
    }
}

/// Each call may have read some rows, and none may have read a part of what there is.
async fn refuse_whole_reads(schema: &TestSchema) {
    let read = "SELECT relname::text || ' ' || indexrelname, idx_tup_read FROM pg_stat_user_indexes \
         WHERE schemaname = $1 UNION ALL \
         SELECT relname::text || ' as a whole', seq_tup_read FROM pg_stat_user_tables \
         WHERE schemaname = $1 AND relname NOT IN ('ledger', 'projections', 'active_projections')";
    let mut told = Vec::new();
    for row in client().await.query(read, &[&schema.name]).await.unwrap() {
        let (what, rows): (String, i64) = (row.get(0), row.get(1));
        if rows > i64::try_from(APPENDS).unwrap() * MOST_ROWS {
            told.push(format!("{what}: {rows} rows"));
        }
    }
    assert!(told.is_empty(), "partitioned: {}; {told:?}", schema.is_partitioned());
}

/// What the calls of one turn may read of a table that holds hundreds of rows.
const MOST_ROWS: i64 = 60;
