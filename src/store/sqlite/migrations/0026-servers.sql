-- The servers of a cluster: the one that works, and those that stand by.
CREATE TABLE servers (
  -- AUTOINCREMENT: one that was away for long must not be taken for another one.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  workers INTEGER NOT NULL,
  -- Where the others reach it, and by which certificate (PEM) they know it; empty without TLS.
  url TEXT NOT NULL,
  certificate TEXT NOT NULL,
  -- Under which it works; null for one that stands by.
  term TEXT,
  started INTEGER NOT NULL,
  -- Grows with each sign of life.
  beat INTEGER NOT NULL DEFAULT 0,
  seen INTEGER NOT NULL
) STRICT;
