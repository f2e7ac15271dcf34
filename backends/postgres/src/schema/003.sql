-- Who may do something for a while. A row stays, so that its token never goes back.
CREATE TABLE {schema}.leases (
    name    text        COLLATE "C" PRIMARY KEY,
    token   bigint      NOT NULL,
    holder  text        COLLATE "C",                  -- NULL: it was given back
    expires timestamptz NOT NULL
);

-- Asks for a lease. Gives its token and, if somebody else holds it, who and for how many more
-- microseconds.
CREATE FUNCTION {schema}.acquire_lease(
    in_name text, in_holder text, in_micros bigint,
    OUT token bigint, OUT held_by text, OUT remaining bigint
) LANGUAGE plpgsql AS $function$
DECLARE
    standing {schema}.leases;
    present timestamptz;
BEGIN
    INSERT INTO {schema}.leases VALUES (in_name, 0, NULL, '-infinity') ON CONFLICT DO NOTHING;
    SELECT * INTO standing FROM {schema}.leases AS l WHERE l.name = in_name FOR UPDATE;
    present := clock_timestamp();
    token := standing.token;
    IF standing.holder <> in_holder AND standing.expires > present THEN
        held_by := standing.holder;
        remaining := extract(epoch FROM standing.expires - present) * 1000000;
        RETURN;
    END IF;
    IF standing.holder IS DISTINCT FROM in_holder THEN
        token := token + 1;
    END IF;
    UPDATE {schema}.leases AS l SET token = acquire_lease.token, holder = in_holder,
        expires = present + in_micros * interval '1 microsecond' WHERE l.name = in_name;
END
$function$;

-- Has leases last from now on; gives the places of those that are lost, counted from 1. The order
-- of the locks is that of the names.
CREATE FUNCTION {schema}.renew_leases(in_names text[], in_tokens bigint[], in_micros bigint)
RETURNS bigint[] LANGUAGE plpgsql AS $function$
DECLARE
    ours text[];
BEGIN
    ours := ARRAY(SELECT l.name FROM {schema}.leases AS l
        JOIN unnest(in_names, in_tokens) AS n(name, token) ON n.name = l.name AND n.token = l.token
        WHERE l.holder IS NOT NULL ORDER BY l.name FOR UPDATE OF l);
    UPDATE {schema}.leases AS l
        SET expires = clock_timestamp() + in_micros * interval '1 microsecond'
        WHERE l.name = ANY(ours);
    RETURN ARRAY(SELECT n.place FROM unnest(in_names) WITH ORDINALITY AS n(name, place)
        WHERE n.name <> ALL(ours) ORDER BY n.place);
END
$function$;

-- Whether a token is the current one of its lease, which does not change hands before the end of
-- the transaction then.
CREATE FUNCTION {schema}.holds_lease(in_name text, in_token bigint)
RETURNS boolean LANGUAGE plpgsql AS $function$
BEGIN
    PERFORM 1 FROM {schema}.leases AS l
        WHERE l.name = in_name AND l.token = in_token AND l.holder IS NOT NULL FOR SHARE;
    RETURN FOUND;
END
$function$;

-- Writes documents of a read model whose checkpoints are those of its parts.
CREATE FUNCTION {schema}.write_read_model(
    in_name text, in_version bigint, in_keys text[], in_bodies json[], in_deleted text[]
) RETURNS void LANGUAGE plpgsql AS $function$
DECLARE
    model integer;
BEGIN
    SELECT p.id INTO model FROM {schema}.projections AS p
        WHERE p.name = in_name AND p.version = in_version;
    IF NOT FOUND THEN
        INSERT INTO {schema}.projections (name, version, checkpoint)
            VALUES (in_name, in_version, 0) ON CONFLICT DO NOTHING;
        SELECT p.id INTO model FROM {schema}.projections AS p
            WHERE p.name = in_name AND p.version = in_version;
    END IF;
    PERFORM {schema}.write_documents(model, in_keys, in_bodies, in_deleted);
END
$function$;
