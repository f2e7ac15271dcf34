-- What a ledger has that is partitioned by position, in place of the table `events` and of the
-- function `append` of others.
DROP TABLE {schema}.events;
DROP FUNCTION {schema}.append;
ALTER TABLE {schema}.ledger ADD COLUMN partitions_reach bigint NOT NULL DEFAULT 0;

-- The log, as in other ledgers. A unique index over all partitions would have to hold the position,
-- so that it could not keep the versions of a stream apart: see `streams`.
CREATE TABLE {schema}.events (
    position       bigint      PRIMARY KEY,
    version        bigint      NOT NULL,
    recorded_at    timestamptz NOT NULL,
    schema_version bigint      NOT NULL,
    event_id       uuid        NOT NULL,
    correlation    uuid        NOT NULL,
    causation      uuid        NOT NULL,
    size           integer     NOT NULL,
    stream         text        COLLATE "C" NOT NULL,
    event_type     text        COLLATE "C" NOT NULL,
    content_type   text        COLLATE "C",
    payload        json,
    bytes          bytea,
    tags           text[]      COLLATE "C",
    context        json,
    prehistoric    bigint
) PARTITION BY RANGE (position);

-- Where each stream stands. Whoever appends moves a stream's version in the same statement, from the
-- one on which the append was judged, or fails; so no two events of a stream have one version. The
-- positions say which partitions hold its events. Rows change often, so pages keep room for that.
CREATE TABLE {schema}.streams (
    stream         text   COLLATE "C" PRIMARY KEY,
    version        bigint NOT NULL,
    previous       bigint NOT NULL,                   -- its version before the last append
    first_position bigint NOT NULL,
    last_position  bigint NOT NULL
) WITH (fillfactor = 70);

-- How far the partitions reach; NULL if one is missing. Those behind the last one may be missing if they
-- are empty, as `streams` tells; it is asked only then, since all of it is looked through.
CREATE FUNCTION {schema}.partitions_reach() RETURNS bigint LANGUAGE sql STABLE AS $function$
    SELECT CASE WHEN r.covered = r.reach AND (r.reach >= l.partitions_reach
        OR NOT EXISTS (SELECT 1 FROM {schema}.streams AS s WHERE s.last_position > r.reach))
        THEN r.reach END
    FROM {schema}.ledger AS l, (
        SELECT coalesce(sum(b.bounds[2]::bigint - b.bounds[1]::bigint), 0)::bigint AS covered,
            coalesce(max(b.bounds[2]::bigint) - 1, 0) AS reach
        FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid,
            LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid),
                'FROM \(''?(\d+)''?\) TO \(''?(\d+)''?\)') AS b(bounds)
        WHERE i.inhparent = '{schema}.events'::regclass
    ) AS r
$function$;

-- Makes the partitions that are missing up to a position; gives how far they reach then, or NULL as
-- `partitions_reach` does. Reads and appends go on meanwhile: a partition is made apart, and attached
-- when it is complete. Who calls this at the same time waits and finds the work done.
CREATE FUNCTION {schema}.make_partitions(in_through bigint)
RETURNS bigint LANGUAGE plpgsql AS $function$
DECLARE
    reach bigint := {schema}.partitions_reach();
    step bigint;
    name text;
BEGIN
    IF reach IS NULL OR reach >= in_through THEN
        RETURN reach;
    END IF;
    PERFORM pg_advisory_xact_lock(1282764897,
        '{schema}'::regnamespace::oid::bigint::bit(32)::integer);
    reach := {schema}.partitions_reach();
    SELECT l.partition_size INTO step FROM {schema}.ledger AS l;
    WHILE reach < in_through LOOP
        name := 'events_' || reach / step + 1;
        EXECUTE format('CREATE TABLE {schema}.%I (LIKE {schema}.events INCLUDING ALL, '
            'UNIQUE (stream, version))', name);
        EXECUTE format('ALTER TABLE {schema}.events ATTACH PARTITION {schema}.%I '
            'FOR VALUES FROM (%s) TO (%s)', name, reach + 1, reach + step + 1);
        reach := reach + step;
    END LOOP;
    UPDATE {schema}.ledger AS l SET partitions_reach = reach;
    RETURN reach;
END
$function$;

-- Fails as a unique index over streams and versions would.
CREATE FUNCTION {schema}.refuse_version(in_stream text) RETURNS bigint LANGUAGE plpgsql AS $function$
BEGIN
    RAISE EXCEPTION 'the stream "%" does not stand where the append was judged', in_stream
        USING ERRCODE = 'unique_violation';
END
$function$;

-- Appends a batch, as the function `append` does it on other ledgers, and moves the versions of its
-- streams. An older program looks for `append` and does not find it.
CREATE FUNCTION {schema}.append_partitioned(
    in_lock integer[], in_head bigint,
    in_asked text[], in_expected bigint[], in_new_commands uuid[],
    in_free_tags text[], in_free_after bigint[],
    in_streams text[], in_versions bigint[], in_bases integer[], in_ids uuid[], in_types text[],
    in_schema_versions bigint[], in_sizes integer[], in_content_types text[], in_payloads json[],
    in_bytes bytea[], in_tags text[], in_correlations uuid[], in_causations uuid[],
    in_contexts json[], in_recorded_at timestamptz[], in_prehistoric bigint[],
    in_tag_names text[], in_tag_positions bigint[],
    in_commands uuid[], in_command_positions bigint[], in_command_versions text[],
    in_replies bytea[],
    in_grown text[], in_grown_bases integer[], in_grown_versions bigint[], in_grown_previous bigint[],
    in_grown_firsts bigint[], in_grown_lasts bigint[]
) RETURNS bigint[] LANGUAGE plpgsql AS $function$
DECLARE
    standing bigint[] := '{}';
BEGIN
    PERFORM pg_advisory_xact_lock(in_lock[1], in_lock[2]);
    -- Only the partitions from the head on are looked at.
    IF coalesce((SELECT e.position FROM {schema}.events AS e WHERE e.position >= in_head
        ORDER BY e.position DESC LIMIT 1), 0) <> in_head THEN
        RETURN NULL;
    END IF;
    IF in_asked IS NOT NULL THEN
        standing := ARRAY(
            SELECT coalesce((SELECT s.version FROM {schema}.streams AS s
                WHERE s.stream = a.stream), 0)
            FROM unnest(in_asked) AS a(stream));
        -- -1: any version; -2: any but none.
        IF EXISTS (SELECT 1 FROM unnest(standing, in_expected) AS a(found, expected)
            WHERE CASE a.expected WHEN -1 THEN false WHEN -2 THEN a.found = 0
                ELSE a.found <> a.expected END) THEN
            RETURN NULL;
        END IF;
    END IF;
    -- Scalar subqueries, since EXISTS may become a join over the whole table.
    IF in_new_commands IS NOT NULL AND (SELECT count(*) FROM unnest(in_new_commands) AS n(id)
        WHERE (SELECT c.position FROM {schema}.commands AS c
            WHERE c.command_id = n.id) IS NOT NULL) > 0 THEN
        RETURN NULL;
    END IF;
    IF in_free_tags IS NOT NULL AND (SELECT count(*)
        FROM unnest(in_free_tags, in_free_after) AS f(tag, after)
        WHERE (SELECT t.position FROM {schema}.event_tags AS t
            WHERE t.tag = f.tag AND t.position > f.after
            ORDER BY t.position LIMIT 1) IS NOT NULL) > 0 THEN
        RETURN NULL;
    END IF;
    IF cardinality(in_grown) > 0 THEN
        INSERT INTO {schema}.streams AS s (stream, version, previous, first_position, last_position)
        SELECT g.stream, g.version + coalesce(standing[g.base], 0),
            g.previous + coalesce(standing[g.base], 0), g.first, g.last
        FROM unnest(in_grown, in_grown_bases, in_grown_versions, in_grown_previous,
            in_grown_firsts, in_grown_lasts) AS g(stream, base, version, previous, first, last)
        ON CONFLICT (stream) DO UPDATE SET
            version = CASE WHEN s.version = excluded.previous THEN excluded.version
                ELSE {schema}.refuse_version(s.stream) END,
            previous = excluded.previous, last_position = excluded.last_position;
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
