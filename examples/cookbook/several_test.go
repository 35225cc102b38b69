package cookbook

import (
	"database/sql"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/codec"
)

func TestInvalidateAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := cachetest.NewServer(t)
		users := openUsers(t, server)
		pages := cachetest.NewOn(t, server, cache.Config[int, []int64]{
			Name: "page", TTL: time.Minute, Codec: codec.List(codec.Text[int64]()),
		})
		if err := errors.Join(users.Set(t.Context(), 1, User{1, "Ada"}), pages.Set(t.Context(), 7, []int64{1})); err != nil {
			t.Fatal(err)
		}
		server.Down()
		time.AfterFunc(time.Second, server.Up)
		if err := InvalidateAll(t.Context(), Of(users, 1), Of(pages, 7)); err != nil {
			t.Error(err)
		}
		_, user, err := users.Get(t.Context(), 1)
		_, page, failed := pages.Get(t.Context(), 7)
		if user || page || err != nil || failed != nil {
			t.Errorf("cached: %t, %t; %v, %v", user, page, err, failed)
		}
	})
}

func TestFindUser(t *testing.T) {
	users := users(t)
	if err := users.SetAbsent(t.Context(), 404); err != nil {
		t.Fatal(err)
	}
	if _, err := FindUser(t.Context(), users, SQLStore{}, 404); err != sql.ErrNoRows {
		t.Errorf("FindUser: %v", err)
	}
}
