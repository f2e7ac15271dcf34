-- The log. Positions are consecutive from 1, versions are consecutive from 1 in each stream.
CREATE TABLE events (
    position       INTEGER PRIMARY KEY,
    stream         TEXT    NOT NULL,
    version        INTEGER NOT NULL,
    event_id       BLOB    NOT NULL,  -- UUID, 16 bytes
    event_type     TEXT    NOT NULL,
    schema_version INTEGER NOT NULL,
    content_type   INTEGER,           -- NULL: JSON (text); 1: bytes (blob)
    data           ANY     NOT NULL,
    correlation    BLOB    NOT NULL,  -- UUID, 16 bytes
    causation      BLOB    NOT NULL,  -- UUID, 16 bytes
    context        TEXT,              -- JSON object; NULL: empty
    recorded_at    INTEGER NOT NULL,  -- microseconds since 1970, UTC
    tags           TEXT,              -- JSON array; NULL: none
    UNIQUE (stream, version)
) STRICT;

-- The same tags once more, to be searched.
CREATE TABLE event_tags (
    tag      TEXT    NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (tag, position)
) STRICT, WITHOUT ROWID;

-- Outcomes of appends that carried a command id.
CREATE TABLE commands (
    command_id  BLOB    PRIMARY KEY,  -- UUID, 16 bytes
    position    INTEGER NOT NULL,
    versions    TEXT    NOT NULL,     -- JSON array of numbers
    reply       BLOB,
    recorded_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The newest state of an aggregate; a cache, safe to empty.
CREATE TABLE snapshots (
    stream         TEXT    NOT NULL,
    aggregate      TEXT    NOT NULL,
    version        INTEGER NOT NULL,
    position       INTEGER NOT NULL,
    schema_version INTEGER NOT NULL,
    content_type   INTEGER,
    data           ANY     NOT NULL,
    PRIMARY KEY (stream, aggregate)
) STRICT;

-- Versions of projections, and how far each has come.
CREATE TABLE projections (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    checkpoint INTEGER NOT NULL,
    active     INTEGER NOT NULL,      -- 1: queries are answered from this version
    UNIQUE (name, version)
) STRICT;

-- Documents of read models.
CREATE TABLE documents (
    projection INTEGER NOT NULL,
    key        TEXT    NOT NULL,
    body       ANY     NOT NULL,      -- JSON (text)
    PRIMARY KEY (projection, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE lucent_meta (
    key   TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO lucent_meta (key, value) VALUES
    ('format', 'https://docs.rs/lucent-sqlite'),
    ('created_at', strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    ('repairs', 0);

-- The log for human eyes.
CREATE VIEW events_readable AS
SELECT
    position,
    stream,
    version,
    event_type,
    schema_version,
    CASE WHEN content_type IS NULL THEN data END AS data,
    CASE WHEN content_type IS NOT NULL THEN hex(data) END AS bytes,
    tags,
    strftime('%Y-%m-%dT%H:%M:%S', (recorded_at - (recorded_at % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || printf('.%06dZ', (recorded_at % 1000000 + 1000000) % 1000000) AS recorded_at,
    lower(printf('%s-%s-%s-%s-%s', substr(hex(event_id), 1, 8), substr(hex(event_id), 9, 4),
        substr(hex(event_id), 13, 4), substr(hex(event_id), 17, 4), substr(hex(event_id), 21))) AS event_id,
    lower(printf('%s-%s-%s-%s-%s', substr(hex(correlation), 1, 8), substr(hex(correlation), 9, 4),
        substr(hex(correlation), 13, 4), substr(hex(correlation), 17, 4), substr(hex(correlation), 21))) AS correlation,
    lower(printf('%s-%s-%s-%s-%s', substr(hex(causation), 1, 8), substr(hex(causation), 9, 4),
        substr(hex(causation), 13, 4), substr(hex(causation), 17, 4), substr(hex(causation), 21))) AS causation,
    context
FROM events;

-- The documents of read models for human eyes.
CREATE VIEW documents_readable AS
SELECT p.name AS projection, p.version, p.active, p.checkpoint, d.key, d.body
FROM documents AS d JOIN projections AS p ON p.id = d.projection;
