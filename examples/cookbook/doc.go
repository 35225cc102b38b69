// Package cookbook has the code of docs/cookbook.md and docs/migration.md, one recipe a file. A
// test compares it with the pages.
package cookbook

import "context"

// A User is a row.
type User struct {
	ID   int64
	Name string
}

// A Store is the source of users, such as a database.
type Store interface {
	User(ctx context.Context, id int64) (User, error)
	Users(ctx context.Context, ids []int64) (map[int64]User, error)
}
