-- One table for each kind of record. data is a record in the form of codec.go.

CREATE TABLE clock         (key BLOB PRIMARY KEY, data BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE packages      (key BLOB PRIMARY KEY, data BLOB NOT NULL) STRICT, WITHOUT ROWID; -- family name
CREATE TABLE registrations (key BLOB PRIMARY KEY, data BLOB NOT NULL) STRICT, WITHOUT ROWID; -- TaskID
CREATE TABLE ledgers       (key BLOB PRIMARY KEY, data BLOB NOT NULL) STRICT, WITHOUT ROWID; -- TaskID
CREATE TABLE occurrences   (key BLOB PRIMARY KEY, data BLOB NOT NULL) STRICT, WITHOUT ROWID; -- TaskID, number of the first firing
CREATE TABLE runs          (key BLOB PRIMARY KEY, data BLOB NOT NULL) STRICT, WITHOUT ROWID; -- InstanceID
CREATE TABLE launches      (key BLOB PRIMARY KEY, data BLOB NOT NULL) STRICT, WITHOUT ROWID; -- launch token
CREATE TABLE answers       (key BLOB PRIMARY KEY, data BLOB NOT NULL) STRICT, WITHOUT ROWID; -- request id
CREATE TABLE facts         (key BLOB PRIMARY KEY, data BLOB NOT NULL) STRICT, WITHOUT ROWID; -- name

-- What happened. Rows go from the old end only: of all, or of one task.
CREATE TABLE history (
  seq     INTEGER PRIMARY KEY,
  kind    INTEGER NOT NULL,  -- task.EventKind
  at      INTEGER NOT NULL,  -- wall clock, milliseconds of Unix time
  task    BLOB,              -- TaskID
  n       INTEGER NOT NULL,  -- 1, 2, 3, ... of the task
  package TEXT NOT NULL,
  result  INTEGER NOT NULL,  -- outcome of an ended run, end of an occurrence, cause of a miss
  data    BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX history_task ON history (task, n) WHERE task IS NOT NULL;

-- floor: the highest seq that is no longer kept. After it there is no gap.
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('floor', 0);
