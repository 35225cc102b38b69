package cookbook

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/asidecache/aside/cache/cachetest"
)

// fakeDB is a database of one row, by database/sql and by pgx.
type fakeDB struct {
	name   string
	change string // not committed
	commit func() error
}

func (d *fakeDB) Connect(context.Context) (driver.Conn, error) { return fakeConn{d}, nil }
func (d *fakeDB) Driver() driver.Driver                        { return nil }

type fakeConn struct{ db *fakeDB }

func (c fakeConn) Prepare(string) (driver.Stmt, error) { return nil, errors.New("not prepared") }
func (c fakeConn) Close() error                        { return nil }
func (c fakeConn) Begin() (driver.Tx, error)           { return c, nil }
func (c fakeConn) Rollback() error                     { return nil }

func (c fakeConn) Commit() error {
	c.db.name = c.db.change
	return c.db.commit()
}

func (c fakeConn) ExecContext(_ context.Context, _ string, args []driver.NamedValue) (driver.Result, error) {
	c.db.change = args[0].Value.(string)
	return driver.RowsAffected(1), nil
}

func (c fakeConn) QueryContext(_ context.Context, _ string, args []driver.NamedValue) (driver.Rows, error) {
	return &fakeRows{name: c.db.name, over: args[0].Value != int64(1)}, nil
}

type fakeRows struct {
	name string
	over bool
}

func (r *fakeRows) Columns() []string { return []string{"name"} }
func (r *fakeRows) Close() error      { return nil }

func (r *fakeRows) Next(to []driver.Value) error {
	if r.over {
		return io.EOF
	}
	to[0], r.over = r.name, true
	return nil
}

// fakePGX is the same database for pgx.
type fakePGX struct {
	pgx.Tx
	db *fakeDB
}

func (p fakePGX) Begin(context.Context) (pgx.Tx, error) { return p, nil }
func (p fakePGX) Rollback(context.Context) error        { return nil }
func (p fakePGX) Commit(context.Context) error          { return fakeConn{p.db}.Commit() }

func (p fakePGX) Exec(_ context.Context, _ string, args ...any) (pgconn.CommandTag, error) {
	p.db.change = args[0].(string)
	return pgconn.CommandTag{}, nil
}

// What is cached of a row is deleted after the commit, also when the request ends with it, and
// again when Redis fails.
func TestRename(t *testing.T) {
	for _, way := range []string{"database/sql", "pgx"} {
		t.Run(way, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := cachetest.NewServer(t)
				users, db := openUsers(t, server), &fakeDB{name: "Ada"}
				pool := sql.OpenDB(db)
				defer pool.Close()
				store := SQLStore{pool}
				read := func(want string) {
					t.Helper()
					u, err := users.GetOrSet(t.Context(), 1, store.User)
					if u.Name != want || err != nil {
						t.Errorf("the user is %v, %v, want %s", u, err, want)
					}
				}
				read("Ada")
				ctx, cancel := context.WithCancel(t.Context())
				db.commit = func() error {
					_, ok, err := users.Get(t.Context(), 1)
					if !ok || err != nil {
						t.Errorf("before the commit the row is cached: %v, %v", ok, err)
					}
					cancel() // the request ends
					server.Down()
					time.AfterFunc(time.Second, server.Up)
					return nil
				}
				var err error
				if way == "pgx" {
					err = PGXRename(ctx, fakePGX{db: db}, users, 1, "Augusta")
				} else {
					err = store.Rename(ctx, users, 1, "Augusta")
				}
				if err != nil {
					t.Error(err)
				}
				read("Augusta")
				if _, err := users.GetOrSet(t.Context(), 404, store.User); !errors.Is(err, sql.ErrNoRows) && err == nil {
					t.Error("a row that is not there was found")
				}
			})
		})
	}
}
