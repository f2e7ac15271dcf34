-- By how many positions the table of events is partitioned.
ALTER TABLE {schema}.ledger ADD COLUMN partition_size bigint;   -- NULL: it is not
