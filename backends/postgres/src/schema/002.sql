-- How often what a projection has parked was changed.
ALTER TABLE {schema}.projections ADD COLUMN revision bigint NOT NULL DEFAULT 0;

-- Events that projections have set aside, in lines by document or stream.
CREATE TABLE {schema}.parked (
    projection integer,
    kind       smallint,                              -- what the key is: 0: a document; 1: a stream
    key        text   COLLATE "C",
    position   bigint,
    stream     text   COLLATE "C" NOT NULL,
    event_type text   COLLATE "C" NOT NULL,
    reason     text,                                  -- NULL: it waits behind one that failed
    PRIMARY KEY (projection, kind, key, position)
);

-- A program that does not know of parked events must not move past them.
DROP FUNCTION {schema}.project(text, bigint, bigint, bigint, boolean, text[], json[], text[]);

-- Takes a step of a projection from a checkpoint; gives the checkpoint that was found, and has
-- written nothing if it is another one. NULL if what is parked was changed since the step was
-- planned; nothing was written then either.
CREATE FUNCTION {schema}.project(
    in_name text, in_version bigint, in_from bigint, in_to bigint, in_revision bigint,
    in_activate boolean, in_keys text[], in_bodies json[], in_deleted text[],
    in_kinds smallint[], in_parked_keys text[], in_positions bigint[], in_streams text[],
    in_types text[], in_reasons text[]
) RETURNS bigint LANGUAGE plpgsql AS $function$
DECLARE
    model integer;
    standing bigint;
    changes bigint;
BEGIN
    SELECT p.id, p.checkpoint, p.revision INTO model, standing, changes
        FROM {schema}.projections AS p
        WHERE p.name = in_name AND p.version = in_version FOR UPDATE;
    IF NOT FOUND THEN
        IF in_from <> 0 THEN
            RETURN 0;
        END IF;
        INSERT INTO {schema}.projections (name, version, checkpoint)
            VALUES (in_name, in_version, 0) ON CONFLICT DO NOTHING;
        SELECT p.id, p.checkpoint, p.revision INTO model, standing, changes
            FROM {schema}.projections AS p
            WHERE p.name = in_name AND p.version = in_version FOR UPDATE;
    END IF;
    IF standing <> in_from THEN
        RETURN standing;
    END IF;
    IF changes <> in_revision THEN
        RETURN NULL;
    END IF;
    UPDATE {schema}.projections AS p SET checkpoint = in_to WHERE p.id = model;
    PERFORM {schema}.write_documents(model, in_keys, in_bodies, in_deleted);
    IF in_kinds IS NOT NULL THEN
        -- An event without a stream is taken out of its line.
        DELETE FROM {schema}.parked AS k
            USING unnest(in_kinds, in_parked_keys, in_positions, in_streams)
                AS n(kind, key, position, stream)
            WHERE n.stream IS NULL AND k.projection = model AND k.kind = n.kind
                AND k.key = n.key AND k.position = n.position;
        INSERT INTO {schema}.parked (projection, kind, key, position, stream, event_type, reason)
        SELECT model, n.kind, n.key, n.position, n.stream, n.event_type, n.reason
        FROM unnest(in_kinds, in_parked_keys, in_positions, in_streams, in_types, in_reasons)
            AS n(kind, key, position, stream, event_type, reason)
        WHERE n.stream IS NOT NULL
        ON CONFLICT (projection, kind, key, position) DO UPDATE SET reason = excluded.reason;
        UPDATE {schema}.projections AS p SET revision = p.revision + 1 WHERE p.id = model;
    END IF;
    IF in_activate THEN
        INSERT INTO {schema}.active_projections (name, version) VALUES (in_name, in_version)
            ON CONFLICT (name) DO UPDATE SET version = excluded.version;
    END IF;
    RETURN standing;
END
$function$;

CREATE OR REPLACE FUNCTION {schema}.drop_projection(in_name text, in_version bigint)
RETURNS void LANGUAGE plpgsql AS $function$
DECLARE
    model integer;
BEGIN
    DELETE FROM {schema}.projections AS p WHERE p.name = in_name AND p.version = in_version
        RETURNING p.id INTO model;
    DELETE FROM {schema}.documents AS d WHERE d.projection = model;
    DELETE FROM {schema}.parked AS k WHERE k.projection = model;
END
$function$;

-- Puts what was built under one name and version into the place of another; gives both checkpoints,
-- and has done nothing if what was built is behind.
CREATE FUNCTION {schema}.replace_projection(
    in_built_name text, in_built_version bigint, in_name text, in_version bigint
) RETURNS bigint[] LANGUAGE plpgsql AS $function$
DECLARE
    built integer;
    built_at bigint;
    built_changes bigint;
    place_at bigint;
    place_changes bigint;
BEGIN
    INSERT INTO {schema}.projections (name, version, checkpoint)
        VALUES (in_built_name, in_built_version, 0) ON CONFLICT DO NOTHING;
    SELECT p.id, p.checkpoint, p.revision INTO built, built_at, built_changes
        FROM {schema}.projections AS p
        WHERE p.name = in_built_name AND p.version = in_built_version FOR UPDATE;
    SELECT p.checkpoint, p.revision INTO place_at, place_changes
        FROM {schema}.projections AS p
        WHERE p.name = in_name AND p.version = in_version FOR UPDATE;
    place_at := coalesce(place_at, 0);
    IF built_at >= place_at THEN
        PERFORM {schema}.drop_projection(in_name, in_version);
        UPDATE {schema}.projections AS p SET name = in_name, version = in_version,
            revision = greatest(built_changes, coalesce(place_changes, 0)) + 1
            WHERE p.id = built;
    END IF;
    RETURN ARRAY[built_at, place_at];
END
$function$;
