-- Puts what was built under other names into its places, in the order of the list, all of it or
-- nothing. Gives 0 if it was done; the number of the first that is behind its place, with both
-- checkpoints; -1 if the lease is lost.
CREATE OR REPLACE FUNCTION {schema}.replace_projections(
    in_built_names text[], in_built_versions bigint[], in_names text[], in_versions bigint[],
    in_lease text, in_token bigint,
    OUT behind integer, OUT built_at bigint, OUT place_at bigint
) LANGUAGE plpgsql AS $function$
DECLARE
    checkpoints bigint[];
BEGIN
    behind := 0;
    IF in_lease IS NOT NULL AND NOT {schema}.holds_lease(in_lease, in_token) THEN
        behind := -1;
        RETURN;
    END IF;
    -- What was done before an exception is undone; the variables keep what they hold.
    BEGIN
        FOR place IN 1..coalesce(cardinality(in_names), 0) LOOP
            checkpoints := {schema}.replace_projection(in_built_names[place],
                in_built_versions[place], in_names[place], in_versions[place]);
            IF checkpoints[1] < checkpoints[2] THEN
                behind := place;
                built_at := checkpoints[1];
                place_at := checkpoints[2];
                RAISE EXCEPTION USING ERRCODE = 'LUC01';
            END IF;
        END LOOP;
    EXCEPTION WHEN SQLSTATE 'LUC01' THEN
        NULL;
    END;
END
$function$;
