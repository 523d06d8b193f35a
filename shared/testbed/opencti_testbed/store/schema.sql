-- Everything the platform remembers. `object.data` is the STIX object with standard ids in every reference.
CREATE TABLE IF NOT EXISTS meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Keys grow and are never used twice: what was created in one stretch is found by them.
CREATE TABLE IF NOT EXISTS object (
    pk INTEGER PRIMARY KEY AUTOINCREMENT,
    standard_id TEXT NOT NULL UNIQUE,
    internal_id TEXT NOT NULL UNIQUE,
    family TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    name TEXT NOT NULL,
    data TEXT NOT NULL,
    input_hash BLOB,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS object_type ON object (entity_type, pk);
CREATE INDEX IF NOT EXISTS object_family ON object (family, pk, updated_at);
CREATE INDEX IF NOT EXISTS object_name ON object (entity_type, name COLLATE NOCASE);
CREATE INDEX IF NOT EXISTS object_created ON object (created_at);

-- What objects are found by: one row per value of an attribute.
CREATE TABLE IF NOT EXISTS attribute (
    key TEXT NOT NULL,
    value NOT NULL COLLATE NOCASE,
    pk INTEGER NOT NULL,
    PRIMARY KEY (key, value, pk)
) WITHOUT ROWID;

-- The words of names, aliases and descriptions; the texts themselves stay with the objects.
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (name, description, content = '', tokenize = 'unicode61');

-- Every id an object is known by, besides its standard and internal id.
CREATE TABLE IF NOT EXISTS alias (
    stix_id TEXT PRIMARY KEY,
    pk INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS alias_object ON alias (pk);

CREATE TABLE IF NOT EXISTS ref (
    pk INTEGER NOT NULL,
    key TEXT NOT NULL,
    target INTEGER NOT NULL,
    PRIMARY KEY (pk, key, target)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ref_target ON ref (target, key, pk);

-- Counts kept as objects come and go, so that no page has to count.
CREATE TABLE IF NOT EXISTS type_count (
    entity_type TEXT PRIMARY KEY,
    family TEXT NOT NULL,
    n INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS object_by_change ON object (updated_at);

-- One row per change of an object, in the transaction of the change; the live stream is read from it.
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    data TEXT NOT NULL,
    context TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_of_object ON events (object_id);
CREATE INDEX IF NOT EXISTS events_of_kind ON events (kind, id) WHERE kind <> 'create';

-- Which work made which changes: all from one event of the journal to another, and all objects that were created then.
CREATE TABLE IF NOT EXISTS work_change (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    work_id TEXT NOT NULL,
    first_object INTEGER NOT NULL,
    last_object INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS work_change_work ON work_change (work_id, first, last);

CREATE TABLE IF NOT EXISTS connector (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    scope TEXT NOT NULL,
    options TEXT NOT NULL,
    state TEXT,
    state_reset INTEGER NOT NULL DEFAULT 0,
    info TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) WITHOUT ROWID;

-- Users, groups, roles, tokens, settings: what is administered and is no knowledge.
CREATE TABLE IF NOT EXISTS administered (
    id TEXT PRIMARY KEY,
    entity_type TEXT NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS administered_type ON administered (entity_type);

-- What connectors are asked for, until it is delivered.
CREATE TABLE IF NOT EXISTS request (
    pk INTEGER PRIMARY KEY AUTOINCREMENT,
    connector_id TEXT NOT NULL,
    work_id TEXT NOT NULL,
    body TEXT NOT NULL,
    at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS request_by_connector ON request (connector_id, pk);

-- What is known of uploaded files; `place` is the name of the content's file in the folder of contents.
CREATE TABLE IF NOT EXISTS file (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    mime_type TEXT NOT NULL,
    entity_id TEXT,
    markings TEXT NOT NULL,
    user_id TEXT NOT NULL,
    version TEXT NOT NULL,
    uploaded_at TEXT NOT NULL,
    place TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS file_entity ON file (entity_id);

-- What connectors were given as a step of a playbook, and what they gave back.
CREATE TABLE IF NOT EXISTS playbook_step (
    execution_id TEXT PRIMARY KEY,
    connector_id TEXT NOT NULL,
    work_id TEXT NOT NULL,
    sent TEXT NOT NULL,
    answer TEXT
) WITHOUT ROWID;

-- Which works read or make a file.
CREATE TABLE IF NOT EXISTS file_work (
    file_id TEXT NOT NULL,
    work_id TEXT NOT NULL,
    PRIMARY KEY (file_id, work_id)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS work (
    id TEXT PRIMARY KEY,
    connector_id TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    received_time TEXT,
    processed_time TEXT,
    completed_time TEXT,
    multipart INTEGER NOT NULL DEFAULT 0,
    closed INTEGER NOT NULL DEFAULT 0,
    in_error INTEGER NOT NULL DEFAULT 0,
    draft_id TEXT,
    user_id TEXT,
    expected INTEGER NOT NULL DEFAULT 0,
    processed INTEGER NOT NULL DEFAULT 0,
    errors INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS work_connector ON work (connector_id, timestamp);
CREATE INDEX IF NOT EXISTS work_time ON work (timestamp);

CREATE TABLE IF NOT EXISTS work_message (
    pk INTEGER PRIMARY KEY,
    work_id TEXT NOT NULL,
    is_error INTEGER NOT NULL,
    timestamp TEXT NOT NULL,
    message TEXT NOT NULL,
    source TEXT
);
CREATE INDEX IF NOT EXISTS work_message_work ON work_message (work_id, is_error, pk);

CREATE TABLE IF NOT EXISTS work_count (
    work_id TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    outcome TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (work_id, entity_type, outcome)
) WITHOUT ROWID;

-- Bundles that were accepted and not yet ingested; `done` objects of each were.
CREATE TABLE IF NOT EXISTS bundle (
    pk INTEGER PRIMARY KEY,
    connector_id TEXT NOT NULL,
    work_id TEXT NOT NULL,
    body TEXT NOT NULL,
    objects INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    done INTEGER NOT NULL DEFAULT 0
);
-- Objects that refer to something that is not there yet: tried again when more has come, rejected in the end.
CREATE TABLE IF NOT EXISTS set_aside (
    pk INTEGER PRIMARY KEY,
    connector_id TEXT NOT NULL,
    work_id TEXT NOT NULL,
    body TEXT NOT NULL,
    error TEXT NOT NULL,
    since REAL NOT NULL
);

CREATE INDEX IF NOT EXISTS bundle_connector ON bundle (connector_id);

-- Who made a change, and who created an object, when it was not the platform's own user.
CREATE TABLE IF NOT EXISTS event_user (
    event_id INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS creator (
    pk INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL
);
-- Which reports are in the count of a sighting: the same report again is no further observation.
CREATE TABLE IF NOT EXISTS counted (
    pk INTEGER NOT NULL,
    report BLOB NOT NULL,
    PRIMARY KEY (pk, report)
) WITHOUT ROWID;
