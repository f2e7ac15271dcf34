-- How often what a projection has parked was changed.
ALTER TABLE projections ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;

-- Events that projections have set aside, in lines by document or stream.
CREATE TABLE parked (
    projection INTEGER NOT NULL,
    kind       INTEGER NOT NULL,      -- what the key is: 0: a document; 1: a stream
    key        TEXT    NOT NULL,
    position   INTEGER NOT NULL,
    stream     TEXT    NOT NULL,
    event_type TEXT    NOT NULL,
    reason     TEXT,                  -- NULL: it waits behind one that failed
    PRIMARY KEY (projection, kind, key, position)
) STRICT, WITHOUT ROWID;

-- Parked events for human eyes.
CREATE VIEW parked_readable AS
SELECT p.name AS projection, p.version, iif(k.kind = 1, 'stream', 'document') AS kind, k.key,
    k.position, k.stream, k.event_type, k.reason
FROM parked AS k JOIN projections AS p ON p.id = k.projection;
