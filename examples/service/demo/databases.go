package demo

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver pgx

	"github.com/asidecache/aside/examples/service/store"
)

// How long a query takes, on average: as over a network, and as in a database that has a bad day.
const (
	normal = 20 * time.Millisecond
	slow   = 300 * time.Millisecond
)

// databases makes two databases, so that a change by one service is none of the other's: two
// schemas in PostgreSQL, or two files.
func (d *Demo) databases(ctx context.Context) error {
	if d.config.Database != "" && !strings.HasPrefix(d.config.Database, "sqlite:") {
		return d.schemas(ctx)
	}
	folder, err := os.MkdirTemp("", "aside-demo-")
	if err != nil {
		return err
	}
	d.closes = append(d.closes, func() { _ = os.RemoveAll(folder) })
	d.shared.Database = "sqlite:" + filepath.ToSlash(filepath.Join(folder, "aside.db"))
	d.shared.Plain = "sqlite:" + filepath.ToSlash(filepath.Join(folder, "plain.db"))
	return nil
}

// schemas makes two schemas of this process alone, and removes them when it ends.
func (d *Demo) schemas(ctx context.Context) error {
	address, err := url.Parse(d.config.Database)
	if err != nil {
		return errors.New("the URL of the database is none") // the error has the password
	}
	db, err := sql.Open("pgx", d.config.Database)
	if err != nil {
		return err
	}
	d.closes = append(d.closes, func() { _ = db.Close() })
	for _, s := range []struct {
		name string
		url  *string
	}{{"aside", &d.shared.Database}, {"plain", &d.shared.Plain}} {
		name := fmt.Sprintf("aside_demo_%d_%s", os.Getpid(), s.name)
		if _, err := db.ExecContext(ctx, "CREATE SCHEMA "+name); err != nil {
			return err
		}
		d.closes = append(d.closes, func() { _, _ = db.Exec("DROP SCHEMA " + name + " CASCADE") })
		query := address.Query()
		query.Set("search_path", name)
		address.RawQuery = query.Encode()
		*s.url = address.String()
	}
	return nil
}

// seed adds the users.
func seed(ctx context.Context, s *store.Store) error {
	_, err := s.DB().ExecContext(ctx, `
		WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < $1)
		INSERT INTO users (name, email, points)
		SELECT 'User ' || n, 'user' || n || '@example.com', n % 97 FROM numbers`, population)
	return err
}

// databaseName is what the page says of the database.
func (d *Demo) databaseName() string {
	if strings.HasPrefix(d.shared.Database, "sqlite:") {
		return "SQLite, embedded"
	}
	return "PostgreSQL"
}

// redisName is what the page says of Redis.
func (d *Demo) redisName() string {
	if d.config.Redis == "" {
		return "embedded"
	}
	return "at " + d.proxy.target
}
