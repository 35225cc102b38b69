package cookbook

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/asidecache/aside/cache"
)

// SQLStore reads users from a database.
type SQLStore struct{ DB *sql.DB }

// User is a loader. For a row that does not exist it returns cache.ErrNotFound, which is cached.
func (s SQLStore) User(ctx context.Context, id int64) (User, error) {
	u := User{ID: id}
	err := s.DB.QueryRowContext(ctx, `SELECT name FROM users WHERE id = $1`, id).Scan(&u.Name)
	if errors.Is(err, sql.ErrNoRows) {
		err = cache.ErrNotFound
	}
	return u, err
}

// FindUser is for callers that know what database/sql says of a row that does not exist.
func FindUser(ctx context.Context, users *cache.Cache[int64, User], db SQLStore, id int64) (User, error) {
	u, err := users.GetOrSet(ctx, id, db.User)
	if errors.Is(err, cache.ErrNotFound) {
		err = sql.ErrNoRows
	}
	return u, err
}

// Rename changes a row and then invalidates what is cached of it.
func (s SQLStore) Rename(ctx context.Context, users *cache.Cache[int64, User], id int64, name string) error {
	tx, err := s.DB.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after the commit
	if _, err := tx.ExecContext(ctx, `UPDATE users SET name = $1 WHERE id = $2`, name, id); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return errors.Join(err, Invalidate(ctx, users, id)) // it may be committed nevertheless
	}
	return Invalidate(ctx, users, id)
}

// Invalidate deletes what is cached of rows that have changed. They have changed whether or not the
// request goes on, so the delete has a deadline of its own and is retried.
func Invalidate[K comparable, V any](ctx context.Context, c *cache.Cache[K, V], keys ...K) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	for wait := 50 * time.Millisecond; ; wait *= 2 {
		if err = c.Delete(ctx, keys...); err == nil || errors.Is(err, cache.ErrClosed) {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err // the cache keeps trying, see Stats.Undelivered
		}
	}
}
