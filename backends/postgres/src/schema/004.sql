-- By how many positions the table of events is partitioned.
ALTER TABLE {schema}.ledger ADD COLUMN partition_size bigint;   -- NULL: it is not

-- Documents are deleted one by one: with a list of keys, the server reads all documents of the
-- projection if its statistics are from when there were none.
CREATE OR REPLACE FUNCTION {schema}.write_documents(
    in_model integer, in_keys text[], in_bodies json[], in_deleted text[]
) RETURNS void LANGUAGE plpgsql AS $function$
DECLARE
    deleted text;
BEGIN
    IF in_deleted IS NOT NULL THEN
        FOREACH deleted IN ARRAY in_deleted LOOP
            DELETE FROM {schema}.documents AS d
                WHERE d.projection = in_model AND d.key = deleted;
        END LOOP;
    END IF;
    IF in_keys IS NOT NULL THEN
        INSERT INTO {schema}.documents (projection, key, body)
        SELECT in_model, n.key, n.body FROM unnest(in_keys, in_bodies) AS n(key, body)
        ON CONFLICT (projection, key) DO UPDATE SET body = excluded.body;
    END IF;
END
$function$;
