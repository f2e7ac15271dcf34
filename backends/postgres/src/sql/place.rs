//! The schemas in which the versions of a projector keep their tables.
//!
//! Invariant: the version that readers are to see stands under the projector's own name. Names change
//! only in a transaction that holds the row of the active version alone, and steps share that row, so
//! no step writes into a schema that changes its name.

use std::sync::Arc;

use lucent_core::store::{ProjectionId, StoreError};

use crate::{
    connect::{Server, Session},
    fault::Fault,
    schema::Schema,
    sql::AnyProjector,
};

/// Where the tables of one version stand, as seen in an open transaction.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    session: &'a Session,
    server: &'a Server,
    name: &'static str,
    active: u32,
}

/// Whether the names of the schemas are to stay or to change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Names {
    Stay,
    Change,
}

impl<'a> Place<'a> {
    /// Finds out which version readers see, and holds on to that until the transaction ends.
    pub(crate) async fn find(
        session: &'a Session,
        server: &'a Server,
        projector: &dyn AnyProjector,
        names: Names,
    ) -> Result<Self, Fault> {
        let name = projector.name();
        let sql = match names {
            Names::Stay => SHARE_ACTIVE,
            Names::Change => HOLD_ACTIVE,
        };
        let active = match session.query(sql, &[&name]).await?.first() {
            Some(row) => row.try_get::<_, i64>(0)?,
            None => {
                // The first version is seen from its first event on.
                session.execute(FIRST_ACTIVE, &[&name, &i64::from(projector.version())]).await?;
                session.query_one(sql, &[&name]).await?.try_get(0)?
            }
        };
        Ok(Self { session, server, name, active: u32::try_from(active).unwrap_or(u32::MAX) })
    }

    /// The schema of a version, or of a rebuild of it.
    pub(crate) fn schema(&self, id: &ProjectionId) -> Result<Schema, StoreError> {
        let base = format!("{}_{}", self.server.schema.name(), self.name);
        Schema::new(&match (id.rebuilds().is_some(), id.version == self.active) {
            (false, true) => base,
            (false, false) => format!("{base}_v{}", id.version),
            (true, _) => format!("{base}_v{}_new", id.version),
        })
    }

    /// The search path for the statements of a version.
    pub(crate) fn path(&self, id: &ProjectionId) -> Result<String, StoreError> {
        Ok(format!("{}, public", self.schema(id)?.quoted()))
    }

    /// Makes the tables of a version that has none.
    pub(crate) async fn ensure(
        &self,
        projector: &dyn AnyProjector,
        id: &ProjectionId,
    ) -> Result<(), Fault> {
        let version = i64::from(id.version);
        let is_new = self.session.execute(BEGIN_VERSION, &[&&*id.name, &version]).await? > 0;
        let schema = self.schema(id)?;
        let row = self.session.query_one(EXISTS, &[&schema.name()]).await?;
        match (is_new, row.try_get::<_, bool>(0)?) {
            (false, true) => Ok(()),
            (true, true) => Err(refused(
                schema.name(),
                "it exists, and is not this projector's: give \
                the projector another NAME",
            )),
            (false, false) => Err(refused(
                schema.name(),
                "it is gone, or the projection was one without \
                SQL: raise the projector's VERSION",
            )),
            (true, false) => {
                let before = self.transaction().await?;
                let make = format!("CREATE SCHEMA {}", schema.quoted());
                self.session.client().batch_execute(&make).await?;
                self.session.query(ENTER, &[&self.path(id)?]).await?;
                let made = self.session.client().batch_execute(projector.tables()).await;
                made.map_err(|error| {
                    refused(
                        schema.name(),
                        &format!(
                            "the TABLES of the projector cannot be made: {}",
                            Fault::from(error).said()
                        ),
                    )
                })?;
                self.session.query(LEAVE, &[]).await?;
                match self.transaction().await? == before {
                    true => Ok(()),
                    false => Err(refused(
                        schema.name(),
                        "the TABLES of the projector end the \
                        transaction: leave that out",
                    )),
                }
            }
        }
    }

    /// Has readers see a version from now on.
    pub(crate) async fn activate(&mut self, id: &ProjectionId) -> Result<(), Fault> {
        if id.version == self.active {
            return Ok(());
        }
        let shown = ProjectionId { name: Arc::clone(&id.name), version: self.active };
        let (before, after) = (self.schema(&shown)?, self.schema(id)?);
        self.active = id.version;
        let aside = self.schema(&shown)?;
        if self.exists(&before).await? {
            self.rename(&before, &aside).await?;
        }
        self.rename(&after, &before).await
    }

    /// Puts a rebuild into the place of what it has rebuilt.
    pub(crate) async fn replace(
        &self,
        built: &ProjectionId,
        place: &ProjectionId,
    ) -> Result<(), Fault> {
        self.remove(place).await?;
        self.rename(&self.schema(built)?, &self.schema(place)?).await
    }

    /// Removes the tables of a version.
    pub(crate) async fn remove(&self, id: &ProjectionId) -> Result<(), Fault> {
        let drop = format!("DROP SCHEMA IF EXISTS {} CASCADE", self.schema(id)?.quoted());
        Ok(self.session.client().batch_execute(&drop).await?)
    }

    async fn exists(&self, schema: &Schema) -> Result<bool, Fault> {
        Ok(self.session.query_one(EXISTS, &[&schema.name()]).await?.try_get(0)?)
    }

    async fn rename(&self, from: &Schema, to: &Schema) -> Result<(), Fault> {
        let rename = format!("ALTER SCHEMA {} RENAME TO {}", from.quoted(), to.quoted());
        Ok(self.session.client().batch_execute(&rename).await?)
    }

    async fn transaction(&self) -> Result<i64, Fault> {
        Ok(self.session.query_one("SELECT txid_current()", &[]).await?.try_get(0)?)
    }
}

fn refused(schema: &str, reason: &str) -> Fault {
    Fault::Store(StoreError::NotAStore {
        location: format!("schema `{schema}`"),
        reason: reason.to_owned(),
    })
}

const SHARE_ACTIVE: &str =
    "SELECT version FROM {schema}.active_projections WHERE name = $1 FOR SHARE";

const HOLD_ACTIVE: &str =
    "SELECT version FROM {schema}.active_projections WHERE name = $1 FOR UPDATE";

const FIRST_ACTIVE: &str = "INSERT INTO {schema}.active_projections (name, version) \
     VALUES ($1, $2) ON CONFLICT DO NOTHING";

const BEGIN_VERSION: &str = "INSERT INTO {schema}.projections (name, version, checkpoint) \
     VALUES ($1, $2, 0) ON CONFLICT DO NOTHING";

const EXISTS: &str = "SELECT to_regnamespace($1) IS NOT NULL";

/// The user's statements are planned as the server plans others.
pub(crate) const ENTER: &str = "SELECT set_config('search_path', $1, true), \
     set_config('enable_seqscan', 'on', true), set_config('enable_bitmapscan', 'on', true), \
     set_config('plan_cache_mode', 'auto', true)";

/// Back to what a session is told at its start.
pub(crate) const LEAVE: &str = "SELECT set_config('search_path', 'pg_catalog', true), \
     set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true), \
     set_config('plan_cache_mode', 'force_generic_plan', true)";
