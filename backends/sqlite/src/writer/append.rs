//! Judges appends and writes the winners at the next positions.
//!
//! Invariant: a refused append consumes no position; a known command id gives its first outcome.

use lucent_core::{
    CommandId, Position, StreamId, Timestamp, Version,
    store::{AppendError, Appended},
};
use rusqlite::params;

use crate::{
    fault::Fault,
    reader::command_outcome,
    row::{INSERT_EVENT, to_sql},
    writer::{
        batch::Batch,
        inline::Staged,
        request::{EncodedAppend, EncodedWrite},
    },
};

impl Batch<'_> {
    /// Appends, or says why not; `Err` is for failures of the store.
    pub(crate) fn append(
        &mut self,
        append: &EncodedAppend,
    ) -> Result<Result<Appended, AppendError>, Fault> {
        if let [write] = &append.writes[..]
            && append.is_plain()
        {
            return self.append_plain(write);
        }
        // Projections read and stage documents, so a repeat must be known before them. Without
        // projections, the command id's own index finds the repeat when it is inserted.
        let projects = !append.inline.as_slice().is_empty();
        if let (true, Some(command)) = (projects, append.command)
            && let Some(first) = command_outcome(self.conn, command)?
        {
            return Ok(Ok(first));
        }
        for joined in &append.joined {
            if command_outcome(self.conn, joined.id)?.is_some() {
                return Ok(Err(AppendError::CommandKnown { command: joined.id }));
            }
        }
        let found = match self.judge(append)? {
            Ok(found) => found,
            Err(refusal) => {
                let first = append.command.map(|command| command_outcome(self.conn, command));
                return Ok(first.transpose()?.flatten().ok_or(refusal));
            }
        };
        let staged = match self.project_inline(append, &found)? {
            Ok(staged) => staged,
            Err(error) => return Ok(Err(error.into())),
        };
        let outcome = Appended {
            position: Position::new(self.cache.head).plus(append.event_count()),
            versions: append
                .writes
                .iter()
                .zip(&found)
                .map(|(write, &version)| Version::new(version).plus(write.events.len()))
                .collect(),
            repeated: false,
            reply: append.reply.clone(),
        };
        for joined in &append.joined {
            let before = Version::new(found.first().copied().unwrap_or_default());
            self.remember(joined.id, append, &joined.outcome(outcome.position, before))?;
        }
        if let Some(command) = append.command
            && !self.remember(command, append, &outcome)?
            && let Some(first) = command_outcome(self.conn, command)?
        {
            return Ok(Ok(first));
        }
        self.write(append, &found, staged)?;
        Ok(Ok(outcome))
    }

    /// Appends to one stream, with nothing else to judge or to keep: most appends are like this.
    fn append_plain(
        &mut self,
        write: &EncodedWrite,
    ) -> Result<Result<Appended, AppendError>, Fault> {
        let mut insert = match self.insert.take() {
            Some(insert) => insert,
            None => self.conn.prepare_cached(INSERT_EVENT)?,
        };
        let mut position = self.cache.head;
        let known = self.known_version(&write.stream)?;
        let mut version = *known;
        if let Err(conflict) = write.expected.check(&write.stream, Version::new(version)) {
            self.insert = Some(insert);
            return Ok(Err(conflict.into()));
        }
        // If writing fails, the cache forgets this with all else.
        *known += write.events.len() as u64;
        for event in &write.events {
            position += 1;
            version += 1;
            event.insert(&mut insert, &write.stream, version, position)?;
            self.write_tags(event.event.tags.iter(), position)?;
        }
        self.insert = Some(insert);
        self.cache.head = position;
        Ok(Ok(Appended {
            position: Position::new(position),
            versions: vec![Version::new(version)],
            repeated: false,
            reply: None,
        }))
    }

    /// The versions of the streams, if all expectations and the condition hold.
    fn judge(&mut self, append: &EncodedAppend) -> Result<Result<Vec<u64>, AppendError>, Fault> {
        let mut found = Vec::with_capacity(append.writes.len());
        for write in &append.writes {
            let version = *self.known_version(&write.stream)?;
            if let Err(conflict) = write.expected.check(&write.stream, Version::new(version)) {
                return Ok(Err(conflict.into()));
            }
            found.push(version);
        }
        if let Some(condition) = &append.condition
            && let Some(position) = self.first_match(condition)?
        {
            return Ok(Err(AppendError::ConditionFailed {
                after: condition.after,
                found: Position::new(position),
            }));
        }
        Ok(Ok(found))
    }

    /// The version of a stream, in the place where it is remembered.
    fn known_version(&mut self, stream: &StreamId) -> Result<&mut u64, Fault> {
        let conn = self.conn;
        let find = || Ok(crate::reader::stream_version(conn, stream)?.get());
        self.cache.versions.try_get_or_insert_mut_ref(stream, find)
    }

    fn write(
        &mut self,
        append: &EncodedAppend,
        found: &[u64],
        staged: Staged,
    ) -> Result<(), Fault> {
        let mut insert = match self.insert.take() {
            Some(insert) => insert,
            None => self.conn.prepare_cached(INSERT_EVENT)?,
        };
        let mut position = self.cache.head;
        for (write, &version) in append.writes.iter().zip(found) {
            let mut version = version;
            for event in &write.events {
                position += 1;
                version += 1;
                event.insert(&mut insert, &write.stream, version, position)?;
                self.write_tags(event.event.tags.iter(), position)?;
            }
            if let Some(known) = self.cache.versions.get_mut(&write.stream) {
                *known = version;
            }
        }
        self.insert = Some(insert);
        self.cache.head = position;
        self.stage(staged, position);
        Ok(())
    }

    fn write_tags<'t>(
        &self,
        tags: impl Iterator<Item = &'t lucent_core::Tag>,
        position: u64,
    ) -> Result<(), Fault> {
        for tag in tags {
            // The same tag twice on one event is one row.
            self.conn
                .prepare_cached(
                    "INSERT INTO event_tags (tag, position) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                )?
                .execute(params![tag.as_str(), to_sql(position)])?;
        }
        Ok(())
    }

    /// Keeps the outcome under the command id; false if the id is known already.
    fn remember(
        &self,
        command: CommandId,
        append: &EncodedAppend,
        outcome: &Appended,
    ) -> Result<bool, Fault> {
        let recorded_at = append
            .writes
            .iter()
            .find_map(|write| write.events.first())
            .map_or_else(Timestamp::now, |event| event.event.recorded_at);
        let versions: Vec<u64> = outcome.versions.iter().map(|one| one.get()).collect();
        let inserted = self
            .conn
            .prepare_cached(
                "INSERT INTO commands (command_id, position, versions, reply, recorded_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                command.uuid().as_bytes(),
                to_sql(outcome.position.get()),
                serde_json::to_string(&versions).unwrap_or_default(),
                outcome.reply.as_deref(),
                recorded_at.as_micros(),
            ])?;
        Ok(inserted == 1)
    }
}
