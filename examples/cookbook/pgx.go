package cookbook

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/asidecache/aside/cache"
)

// A PGX is a *pgxpool.Pool or a *pgx.Conn.
type PGX interface {
	Begin(ctx context.Context) (pgx.Tx, error)
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
}

// PGXUsers returns a batch loader: a user that is not in the map does not exist.
func PGXUsers(db PGX) func(ctx context.Context, ids []int64) (map[int64]User, error) {
	return func(ctx context.Context, ids []int64) (map[int64]User, error) {
		rows, err := db.Query(ctx, `SELECT id, name FROM users WHERE id = ANY($1)`, ids)
		if err != nil {
			return nil, err
		}
		all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[User])
		users := make(map[int64]User, len(all))
		for _, u := range all {
			users[u.ID] = u
		}
		return users, err
	}
}

// PGXRename changes a row and then invalidates what is cached of it.
func PGXRename(ctx context.Context, db PGX, users *cache.Cache[int64, User], id int64, name string) error {
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error { // it commits, or rolls back
		_, err := tx.Exec(ctx, `UPDATE users SET name = $1 WHERE id = $2`, name, id)
		return err
	})
	return errors.Join(err, Invalidate(ctx, users, id)) // also after an error: it may be committed
}
