CREATE TABLE IF NOT EXISTS users (
    id       INTEGER PRIMARY KEY,
    name     TEXT    NOT NULL CHECK (name <> ''),
    email    TEXT    NOT NULL,
    points   INTEGER NOT NULL DEFAULT 0,
    revision INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX IF NOT EXISTS users_points ON users (points DESC, id);
CREATE TABLE IF NOT EXISTS orders (
    id      INTEGER PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id),
    item    TEXT    NOT NULL,
    cents   INTEGER NOT NULL CHECK (cents > 0),
    placed  TIMESTAMP NOT NULL
);
CREATE INDEX IF NOT EXISTS orders_user ON orders (user_id, id DESC);
