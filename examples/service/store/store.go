// Package store is the service's database: SQL on PostgreSQL or SQLite, and nothing of caches.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrNotFound says that there is no such row.
var ErrNotFound = errors.New("not found")

// ErrCommit says that a transaction may have been committed or not: the answer to COMMIT was lost.
var ErrCommit = errors.New("the outcome of the commit is not known")

// A User is a row of users. Revision counts its changes.
type User struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	Email    string `json:"email"`
	Points   int64  `json:"points"`
	Revision int64  `json:"revision"`
}

// An Order is a row of orders.
type Order struct {
	ID     int64     `json:"id"`
	UserID int64     `json:"user_id"`
	Item   string    `json:"item"`
	Cents  int64     `json:"cents"`
	Placed time.Time `json:"placed"`
}

// A Leader is a user that has many points.
type Leader struct {
	UserID int64
	Points int64
}

// A Store reads and writes the rows. Each read is one query.
type Store struct{ db *sql.DB }

const userColumns = "id, name, email, points, revision"

func scanUser(row interface{ Scan(dest ...any) error }) (u User, err error) {
	err = row.Scan(&u.ID, &u.Name, &u.Email, &u.Points, &u.Revision)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return u, err
}

// User returns one user.
func (s *Store) User(ctx context.Context, id int64) (User, error) {
	return scanUser(s.db.QueryRowContext(ctx, "SELECT "+userColumns+" FROM users WHERE id = $1", id))
}

// Users returns those of the users that there are, in one query.
func (s *Store) Users(ctx context.Context, ids []int64) (map[int64]User, error) {
	places, args := make([]string, len(ids)), make([]any, len(ids))
	for i, id := range ids {
		places[i], args[i] = "$"+strconv.Itoa(i+1), id
	}
	query := "SELECT " + userColumns + " FROM users WHERE id IN (" + strings.Join(places, ", ") + ")"
	found, err := all(ctx, s.db, query, args, func(rows *sql.Rows) (User, error) {
		return scanUser(rows)
	})
	users := make(map[int64]User, len(found))
	for _, u := range found {
		users[u.ID] = u
	}
	return users, err
}

// Orders returns the orders of a user, the latest first; none of a user that there is not.
func (s *Store) Orders(ctx context.Context, userID int64) ([]Order, error) {
	const query = "SELECT id, user_id, item, cents, placed FROM orders WHERE user_id = $1 " +
		"ORDER BY id DESC LIMIT 50"
	return all(ctx, s.db, query, []any{userID}, func(rows *sql.Rows) (o Order, err error) {
		err = rows.Scan(&o.ID, &o.UserID, &o.Item, &o.Cents, &o.Placed)
		o.Placed = o.Placed.UTC()
		return o, err
	})
}

// Leaders returns the n users that have most points.
func (s *Store) Leaders(ctx context.Context, n int) ([]Leader, error) {
	const query = "SELECT id, points FROM users ORDER BY points DESC, id LIMIT $1"
	return all(ctx, s.db, query, []any{n}, func(rows *sql.Rows) (l Leader, err error) {
		return l, rows.Scan(&l.UserID, &l.Points)
	})
}

func all[T any](
	ctx context.Context, db *sql.DB, query string, args []any, scan func(*sql.Rows) (T, error),
) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []T
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, row)
	}
	return found, rows.Err()
}

// AddUser adds a user and returns it with its id.
func (s *Store) AddUser(ctx context.Context, name, email string) (u User, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		u, err = scanUser(tx.QueryRowContext(ctx,
			"INSERT INTO users (name, email) VALUES ($1, $2) RETURNING "+userColumns, name, email))
		return err
	})
	return u, err
}

// Rename changes the name of a user and returns the user as it is then.
func (s *Store) Rename(ctx context.Context, id int64, name string) (u User, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		u, err = scanUser(tx.QueryRowContext(ctx,
			"UPDATE users SET name = $1, revision = revision + 1 WHERE id = $2 RETURNING "+userColumns,
			name, id))
		return err
	})
	return u, err
}

// PlaceOrder adds an order and gives its user a point for each full unit of money.
func (s *Store) PlaceOrder(
	ctx context.Context, userID int64, item string, cents int64,
) (Order, error) {
	o := Order{
		UserID: userID, Item: item, Cents: cents,
		Placed: time.Now().UTC().Truncate(time.Millisecond), // as precisely as both databases keep it
	}
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		_, err := scanUser(tx.QueryRowContext(ctx,
			"UPDATE users SET points = points + $1, revision = revision + 1 WHERE id = $2 "+
				"RETURNING "+userColumns, cents/100, userID))
		if err != nil {
			return err
		}
		return tx.QueryRowContext(ctx,
			"INSERT INTO orders (user_id, item, cents, placed) VALUES ($1, $2, $3, $4) RETURNING id",
			o.UserID, o.Item, o.Cents, o.Placed).Scan(&o.ID)
	})
	return o, err
}

// inTx runs do in a transaction, which is rolled back if do returns an error. An error that is
// ErrCommit leaves open whether it was committed; after any other it was not.
func (s *Store) inTx(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback() // what has failed is told already
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("%w: %w", ErrCommit, err)
	}
	return nil
}

// DB returns the database, for its metrics.
func (s *Store) DB() *sql.DB { return s.db }

// Ping asks whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.db.PingContext(ctx) }

// Close closes the connections.
func (s *Store) Close() error { return s.db.Close() }
