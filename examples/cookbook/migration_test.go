package cookbook

import (
	"context"
	"errors"
	"strings"
	"testing"

	oldcache "github.com/go-redis/cache/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/codec/codectest"
)

// A program of before and one of after read each other's entries, small and large ones, and each
// sees what the other has deleted.
func TestSharedWithGoRedisCache(t *testing.T) {
	server := cachetest.NewServer(t)
	rdb := server.Client()
	old := oldcache.New(&oldcache.Options{Redis: rdb})
	users := must[int64, User](t)(NewUsersFromGoRedisCache(rdb))
	db := people()
	db.rows[2] = User{2, strings.Repeat("Grace ", 100)}
	for id := int64(1); id <= 2; id++ {
		if _, err := UserBefore(t.Context(), old, db, id); err != nil {
			t.Fatal(err)
		}
		if u, err := UserAfter(t.Context(), users, db, id); u != db.rows[id] || err != nil {
			t.Errorf("after: %v, %v", u, err)
		}
	}
	equal(t, "the number of queries", db.queries, 2)
	db.rows[1] = User{1, "Augusta"}
	if err := ForgetBefore(t.Context(), old, 1); err != nil {
		t.Error(err)
	}
	if u, err := UserAfter(t.Context(), users, db, 1); u != db.rows[1] || err != nil {
		t.Errorf("after the old program's delete: %v, %v", u, err)
	}
	if u, err := UserBefore(t.Context(), old, db, 1); u != db.rows[1] || err != nil {
		t.Errorf("before: %v, %v", u, err)
	}
	equal(t, "the number of queries", db.queries, 3)
	db.rows[1] = User{1, "Ada King"}
	if err := users.Delete(t.Context(), 1); err != nil {
		t.Error(err)
	}
	if u, err := UserBefore(t.Context(), old, db, 1); u != db.rows[1] || err != nil {
		t.Errorf("after the new program's delete: %v, %v", u, err)
	}
}

// An old program's delete ends a value that a new one has, but not that it knows of none, and not
// a load of it: ForgetAlso does.
func TestForgetAlso(t *testing.T) {
	server := cachetest.NewServer(t)
	rdb := server.Client()
	old := oldcache.New(&oldcache.Options{Redis: rdb})
	users := must[int64, User](t)(NewUsersFromGoRedisCache(rdb))
	db := people()
	_, _ = UserAfter(t.Context(), users, db, 4)
	db.rows[4] = User{4, "Barbara"}
	if err := ForgetBefore(t.Context(), old, 4); err != nil {
		t.Error(err)
	}
	if _, err := UserAfter(t.Context(), users, db, 4); !errors.Is(err, cache.ErrNotFound) {
		t.Errorf("after a delete of the value alone: %v", err)
	}
	if err := ForgetAlso(t.Context(), rdb, 4); err != nil {
		t.Error(err)
	}
	if u, err := UserAfter(t.Context(), users, db, 4); u.Name != "Barbara" || err != nil {
		t.Errorf("after a delete of both: %v, %v", u, err)
	}
	_, err := users.GetOrSet(t.Context(), 5, func(ctx context.Context, id int64) (User, error) {
		return User{5, "old"}, ForgetAlso(ctx, rdb, id)
	})
	if _, ok, _ := users.Get(t.Context(), 5); ok || err != nil {
		t.Errorf("a load that a delete of both has overtaken is stored: %v, %v", ok, err)
	}
}

// A program of before and one of after read each other's entries.
func TestSharedWithGetAndSet(t *testing.T) {
	server := cachetest.NewServer(t)
	rdb := server.Client()
	users := must[int64, User](t)(NewUsersFromGetAndSet(rdb))
	db := people()
	_, _ = UserByGet(t.Context(), rdb, db, 1)
	u, err := UserAfter(t.Context(), users, db, 1)
	if u.Name != "Ada" || err != nil {
		t.Errorf("after: %v, %v", u, err)
	}
	_, _ = UserAfter(t.Context(), users, db, 2)
	u, err = UserByGet(t.Context(), rdb, db, 2)
	if u.Name != "Grace" || err != nil {
		t.Errorf("before: %v, %v", u, err)
	}
	equal(t, "the number of queries", db.queries, 2)
}

// Without the codec an entry of go-redis/cache is loaded again, once, and no error.
func TestEntriesOfAnotherFormatAreReplaced(t *testing.T) {
	server := cachetest.NewServer(t)
	old := oldcache.New(&oldcache.Options{Redis: server.Client()})
	users, db := openUsers(t, server), people()
	_, _ = UserBefore(t.Context(), old, db, 1)
	for range 2 {
		u, err := UserAfter(t.Context(), users, db, 1)
		if u.Name != "Ada" || err != nil {
			t.Errorf("after: %v, %v", u, err)
		}
	}
	equal(t, "the number of queries", db.queries, 2)
	equal(t, "the number of broken entries", users.Stats().Broken, 1)
}

func TestGoRedisCacheIsACodec(t *testing.T) {
	codectest.Run(t, GoRedisCache[User](), User{1, "Ada"}, User{2, strings.Repeat("Grace ", 100)}, User{})
}
