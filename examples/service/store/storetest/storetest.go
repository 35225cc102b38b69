// Package storetest gives tests a database: SQLite, and a real PostgreSQL that it starts, where one
// is installed.
package storetest

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver pgx

	"github.com/asidecache/aside/examples/service/store"
)

// Main runs the tests of a package, and ends the PostgreSQL that they have started.
func Main(m *testing.M) {
	code := m.Run()
	if stop != nil {
		stop()
	}
	os.Exit(code)
}

// Each runs a test with an empty database of each kind.
func Each(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Run("SQLite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, open(t, Postgres(t))) })
}

func open(t testing.TB, address string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// SQLite returns an empty database in a file.
func SQLite(t testing.TB) *store.Store {
	t.Helper()
	return open(t, "sqlite:"+filepath.ToSlash(filepath.Join(t.TempDir(), "test.db")))
}

var (
	begin   sync.Once
	address string
	stop    func()
	failed  error
)

// Postgres returns the URL of an empty schema in a PostgreSQL that the tests share. The test is
// skipped where none is installed; with CI set it fails.
func Postgres(t testing.TB) string {
	t.Helper()
	begin.Do(func() { address, stop, failed = startPostgres() })
	if failed != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(failed)
		}
		t.Skip(failed)
	}
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	schema := fmt.Sprintf("%x", t.Name())
	schema = "t" + schema[max(0, len(schema)-60):]
	if _, err := db.ExecContext(t.Context(), "DROP SCHEMA IF EXISTS "+schema+" CASCADE; CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	return address + "&search_path=" + url.QueryEscape(schema)
}
