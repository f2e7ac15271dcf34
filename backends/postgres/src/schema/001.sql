CREATE TABLE {schema}.ledger (
    only_row       boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    schema_version integer     NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now()
);
INSERT INTO {schema}.ledger (schema_version) VALUES (0);

-- The log. Positions are consecutive from 1, versions are consecutive from 1 in each stream.
CREATE TABLE {schema}.events (
    position       bigint      PRIMARY KEY,
    version        bigint      NOT NULL,
    recorded_at    timestamptz NOT NULL,
    schema_version bigint      NOT NULL,
    event_id       uuid        NOT NULL,
    correlation    uuid        NOT NULL,
    causation      uuid        NOT NULL,
    size           integer     NOT NULL,              -- of the payload, in bytes
    stream         text        COLLATE "C" NOT NULL,
    event_type     text        COLLATE "C" NOT NULL,
    content_type   text        COLLATE "C",           -- NULL: application/json
    payload        json,                              -- JSON, as it was written
    bytes          bytea,                             -- any other payload
    tags           text[]      COLLATE "C",           -- NULL: none
    context        json,                              -- NULL: empty
    prehistoric    bigint,                            -- the time in microseconds since 1970, if it
                                                      -- is before 4714 BC, where timestamptz starts
    UNIQUE (stream, version)
);

-- The same tags once more, to be searched.
CREATE TABLE {schema}.event_tags (
    tag      text   COLLATE "C",
    position bigint,
    PRIMARY KEY (tag, position)
);

-- Outcomes of appends that carried a command id.
CREATE TABLE {schema}.commands (
    command_id  uuid        PRIMARY KEY,
    position    bigint      NOT NULL,
    versions    bigint[]    NOT NULL,
    reply       bytea,
    recorded_at timestamptz NOT NULL DEFAULT now()
);

-- The newest state of an aggregate; a cache, safe to empty.
CREATE TABLE {schema}.snapshots (
    stream         text   COLLATE "C",
    aggregate      text   COLLATE "C",
    version        bigint NOT NULL,
    position       bigint NOT NULL,
    schema_version bigint NOT NULL,
    content_type   text   COLLATE "C",
    payload        json,
    bytes          bytea,
    PRIMARY KEY (stream, aggregate)
);

-- Versions of projections, and how far each has come.
CREATE TABLE {schema}.projections (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text    COLLATE "C" NOT NULL,
    version    bigint  NOT NULL,
    checkpoint bigint  NOT NULL,
    UNIQUE (name, version)
);

-- The versions from which queries are answered.
CREATE TABLE {schema}.active_projections (
    name    text   COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL
);

-- The documents of read models.
CREATE TABLE {schema}.documents (
    projection integer,
    key        text COLLATE "C",
    body       json NOT NULL,
    PRIMARY KEY (projection, key)
);

-- Appends a batch that was judged on the log up to a position, provided that the log still ends
-- there and that what was assumed of streams, commands and tags is so; NULL otherwise. Gives the
-- versions that the streams in question had. The lock is taken before anything is read, and each statement
-- of a function sees what was committed before it.
CREATE FUNCTION {schema}.append(
    in_lock integer[], in_head bigint,
    in_asked text[], in_expected bigint[], in_new_commands uuid[],
    in_free_tags text[], in_free_after bigint[],
    in_streams text[], in_versions bigint[], in_bases integer[], in_ids uuid[], in_types text[],
    in_schema_versions bigint[], in_sizes integer[], in_content_types text[], in_payloads json[],
    in_bytes bytea[], in_tags text[], in_correlations uuid[], in_causations uuid[],
    in_contexts json[], in_recorded_at timestamptz[], in_prehistoric bigint[],
    in_tag_names text[], in_tag_positions bigint[],
    in_commands uuid[], in_command_positions bigint[], in_command_versions text[],
    in_replies bytea[]
) RETURNS bigint[] LANGUAGE plpgsql AS $function$
DECLARE
    standing bigint[] := '{}';
BEGIN
    PERFORM pg_advisory_xact_lock(in_lock[1], in_lock[2]);
    IF coalesce((SELECT max(e.position) FROM {schema}.events AS e), 0) <> in_head THEN
        RETURN NULL;
    END IF;
    IF in_asked IS NOT NULL THEN
        standing := ARRAY(
            SELECT coalesce((SELECT max(e.version) FROM {schema}.events AS e
                WHERE e.stream = a.stream), 0)
            FROM unnest(in_asked) AS a(stream));
        -- -1: any version; -2: any but none.
        IF EXISTS (SELECT 1 FROM unnest(standing, in_expected) AS a(found, expected)
            WHERE CASE a.expected WHEN -1 THEN false WHEN -2 THEN a.found = 0
                ELSE a.found <> a.expected END) THEN
            RETURN NULL;
        END IF;
    END IF;
    IF in_new_commands IS NOT NULL AND EXISTS (SELECT 1 FROM {schema}.commands AS c
        WHERE c.command_id = ANY(in_new_commands)) THEN
        RETURN NULL;
    END IF;
    -- A scalar subquery, since EXISTS may become a join over the whole table.
    IF in_free_tags IS NOT NULL AND (SELECT count(*)
        FROM unnest(in_free_tags, in_free_after) AS f(tag, after)
        WHERE (SELECT t.position FROM {schema}.event_tags AS t
            WHERE t.tag = f.tag AND t.position > f.after
            ORDER BY t.position LIMIT 1) IS NOT NULL) > 0 THEN
        RETURN NULL;
    END IF;
    IF cardinality(in_streams) = 1 THEN
        -- Setting up the arrays' join takes longer than the insertion of one row.
        INSERT INTO {schema}.events (position, version, recorded_at, schema_version, event_id,
            correlation, causation, size, stream, event_type, content_type, payload, bytes, tags,
            context, prehistoric)
        VALUES (in_head + 1, in_versions[1] + coalesce(standing[in_bases[1]], 0),
            in_recorded_at[1], in_schema_versions[1], in_ids[1], in_correlations[1],
            in_causations[1], in_sizes[1], in_streams[1], in_types[1], in_content_types[1],
            in_payloads[1], in_bytes[1], string_to_array(in_tags[1], E'\n'), in_contexts[1],
            in_prehistoric[1]);
    ELSIF in_streams IS NOT NULL THEN
        INSERT INTO {schema}.events (position, version, recorded_at, schema_version, event_id,
            correlation, causation, size, stream, event_type, content_type, payload, bytes, tags,
            context, prehistoric)
        SELECT in_head + n.number, n.version + coalesce(standing[n.base], 0), n.recorded_at,
            n.schema_version, n.event_id, n.correlation, n.causation, n.size, n.stream,
            n.event_type, n.content_type, n.payload, n.bytes, string_to_array(n.tags, E'\n'),
            n.context, n.prehistoric
        FROM unnest(in_streams, in_versions, in_bases, in_ids, in_types, in_schema_versions,
            in_sizes, in_content_types, in_payloads, in_bytes, in_tags, in_correlations,
            in_causations, in_contexts, in_recorded_at, in_prehistoric) WITH ORDINALITY
            AS n(stream, version, base, event_id, event_type, schema_version, size, content_type,
                payload, bytes, tags, correlation, causation, context, recorded_at,
                prehistoric, number);
    END IF;
    IF in_tag_names IS NOT NULL THEN
        INSERT INTO {schema}.event_tags (tag, position)
        SELECT * FROM unnest(in_tag_names, in_tag_positions);
    END IF;
    IF in_commands IS NOT NULL THEN
        INSERT INTO {schema}.commands (command_id, position, versions, reply)
        SELECT c.command_id, c.position, c.versions::bigint[], c.reply
        FROM unnest(in_commands, in_command_positions, in_command_versions, in_replies)
            AS c(command_id, position, versions, reply);
    END IF;
    RETURN standing;
END
$function$;

-- Takes a step of a projection from a checkpoint; gives the checkpoint that was found, and has
-- written nothing if it is another one.
CREATE FUNCTION {schema}.project(
    in_name text, in_version bigint, in_from bigint, in_to bigint, in_activate boolean,
    in_keys text[], in_bodies json[], in_deleted text[]
) RETURNS bigint LANGUAGE plpgsql AS $function$
DECLARE
    model integer;
    standing bigint;
BEGIN
    SELECT p.id, p.checkpoint INTO model, standing FROM {schema}.projections AS p
        WHERE p.name = in_name AND p.version = in_version FOR UPDATE;
    IF NOT FOUND THEN
        IF in_from <> 0 THEN
            RETURN 0;
        END IF;
        INSERT INTO {schema}.projections (name, version, checkpoint)
            VALUES (in_name, in_version, 0) ON CONFLICT DO NOTHING;
        SELECT p.id, p.checkpoint INTO model, standing FROM {schema}.projections AS p
            WHERE p.name = in_name AND p.version = in_version FOR UPDATE;
    END IF;
    IF standing <> in_from THEN
        RETURN standing;
    END IF;
    UPDATE {schema}.projections AS p SET checkpoint = in_to WHERE p.id = model;
    PERFORM {schema}.write_documents(model, in_keys, in_bodies, in_deleted);
    IF in_activate THEN
        INSERT INTO {schema}.active_projections (name, version) VALUES (in_name, in_version)
            ON CONFLICT (name) DO UPDATE SET version = excluded.version;
    END IF;
    RETURN standing;
END
$function$;

CREATE FUNCTION {schema}.write_documents(
    in_model integer, in_keys text[], in_bodies json[], in_deleted text[]
) RETURNS void LANGUAGE plpgsql AS $function$
BEGIN
    IF in_deleted IS NOT NULL THEN
        DELETE FROM {schema}.documents AS d
            WHERE d.projection = in_model AND d.key = ANY(in_deleted);
    END IF;
    IF in_keys IS NOT NULL THEN
        INSERT INTO {schema}.documents (projection, key, body)
        SELECT in_model, n.key, n.body FROM unnest(in_keys, in_bodies) AS n(key, body)
        ON CONFLICT (projection, key) DO UPDATE SET body = excluded.body;
    END IF;
END
$function$;

CREATE FUNCTION {schema}.drop_projection(in_name text, in_version bigint)
RETURNS void LANGUAGE plpgsql AS $function$
DECLARE
    model integer;
BEGIN
    DELETE FROM {schema}.projections AS p WHERE p.name = in_name AND p.version = in_version
        RETURNING p.id INTO model;
    DELETE FROM {schema}.documents AS d WHERE d.projection = model;
END
$function$;
