-- Who may do something for a while. A row stays, so that its token never goes back.
CREATE TABLE leases (
    name    TEXT    PRIMARY KEY,
    token   INTEGER NOT NULL,
    holder  TEXT,                     -- NULL: it was given back
    expires INTEGER NOT NULL          -- microseconds since 1970, UTC, by this machine's clock
) STRICT, WITHOUT ROWID;
