-- The newest event is asked for by its order, not as max(), and commands are looked up one by one: if the
-- tables were empty when their statistics were taken, the server reads a whole index for max(), and for a
-- list. What appends is otherwise left as it is, on ledgers in partitions, too.
DO $step$
DECLARE
    made oid;
    body text;
BEGIN
    FOR made IN SELECT p.oid FROM pg_proc AS p
        WHERE p.pronamespace = '{schema}'::regnamespace
            AND p.proname IN ('append', 'append_partitioned')
    LOOP
        body := pg_get_functiondef(made);
        body := regexp_replace(body, 'SELECT max\(e\.position\)( FROM \S+ AS e)\)',
            'SELECT e.position\1 ORDER BY e.position DESC LIMIT 1)');
        body := regexp_replace(body,
            'SELECT max\(e\.version\)( FROM \S+ AS e\s+WHERE e\.stream = a\.stream)\)',
            'SELECT e.version\1 ORDER BY e.version DESC LIMIT 1)');
        body := regexp_replace(body,
            'EXISTS \(SELECT 1 FROM (\S+) AS c\s+WHERE c\.command_id = ANY\(in_new_commands\)\)',
            '(SELECT count(*) FROM unnest(in_new_commands) AS n(id) WHERE (SELECT c.position '
            'FROM \1 AS c WHERE c.command_id = n.id) IS NOT NULL) > 0');
        IF body ~ 'max\(e|= ANY' THEN
            RAISE EXCEPTION 'the function % is not as earlier steps have made it',
                made::regprocedure;
        END IF;
        EXECUTE body;
    END LOOP;
END
$step$;
