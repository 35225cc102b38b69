package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"
)

//go:embed postgres.sql
var postgresSchema string

//go:embed sqlite.sql
var sqliteSchema string

// Connections is how many connections there are to the database, at most. It is also a good
// limit of the loads that run at one time: more of them would wait here.
const Connections = 20

// A Wrap stands between database/sql and a driver, for traces or metrics of each query.
type Wrap func(driver.Connector) driver.Connector

// Open opens the database of a URL, such as postgres://user@host/name or sqlite:file.db, and
// creates the tables that it lacks. The queries are the same for both.
func Open(ctx context.Context, address string, wrap ...Wrap) (*Store, error) {
	connector, schema, err := parse(address)
	if err != nil {
		return nil, err
	}
	for _, w := range wrap {
		connector = w(connector)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(Connections)
	db.SetMaxIdleConns(Connections) // the default of 2 would connect anew under load
	db.SetConnMaxIdleTime(5 * time.Minute)
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(fmt.Errorf("the tables cannot be created: %w", err), db.Close())
	}
	return &Store{db: db}, nil
}

func parse(address string) (c driver.Connector, schema string, err error) {
	scheme, file, _ := strings.Cut(address, ":")
	switch scheme {
	case "postgres", "postgresql":
		config, err := pgx.ParseConfig(address)
		if err != nil {
			return nil, "", err // it has no password
		}
		return stdlib.GetConnector(*config), postgresSchema, nil
	case "sqlite":
		c, err := sqlite.NewConnector(sqliteName(file))
		return c, sqliteSchema, err
	}
	return nil, "", errors.New("the URL of the database begins neither with sqlite: nor postgres://")
}

// sqliteName names a file with its settings. Several processes may use the file: readers do not
// wait, and writers wait for each other.
func sqliteName(file string) string {
	options := url.Values{
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)"},
		"_txlock": {"immediate"}, "_time_format": {"sqlite"},
	}
	return "file:" + file + "?" + options.Encode()
}
