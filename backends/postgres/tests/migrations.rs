//! Schemas of earlier versions.

use lucent_core::{
    Position,
    store::{
        Parked, ParkedChange, ParkedEvent, ProjectionCommit, ProjectionId, ReadModelStore as _,
    },
};

use crate::server::TestSchema;

#[tokio::test]
async fn a_ledger_of_version_1_is_brought_up_to_date_and_keeps_what_it_holds() {
    let schema = TestSchema::new();
    let first = include_str!("../src/schema/001.sql").replace("{schema}", "{s}");
    schema.run(&format!("CREATE SCHEMA {{s}}; {first}")).await;
    schema
        .run(
            "UPDATE {s}.ledger SET schema_version = 1; \
             SELECT {s}.project('accounts', 1, 0, 5, true, '{a}', ARRAY['1']::json[], NULL)",
        )
        .await;
    let stores = [schema.open().await, schema.open().await];
    let id = ProjectionId::new("accounts", 1);
    for store in &stores {
        assert_eq!(store.checkpoint(&id).await.unwrap(), Position::new(5));
        assert_eq!(store.active_version("accounts").await.unwrap(), Some(1));
        assert_eq!(store.document_page(&id, None, 9).await.unwrap().len(), 1);
        assert_eq!(store.parked(&id).await.unwrap(), Parked::default());
    }
    let parked = ParkedEvent {
        key: "a".into(),
        position: Position::new(6),
        stream: lucent_core::StreamId::new("s-1").unwrap(),
        event_type: "Happened".into(),
        reason: Some("it fails".into()),
    };
    let step = ProjectionCommit::new(id.clone(), Position::new(5), Position::new(6));
    let parked = vec![ParkedChange::Park(parked)];
    stores[0].commit_projection(ProjectionCommit { parked, ..step }).await.unwrap();
    assert_eq!(stores[1].parked(&id).await.unwrap().lines.len(), 1);
}
