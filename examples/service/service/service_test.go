package service_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/examples/service/service"
	"github.com/asidecache/aside/examples/service/store"
	"github.com/asidecache/aside/examples/service/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// A fixture is a service on a database, and a Redis that can be made to fail.
type fixture struct {
	*service.Service
	rows  *rows
	redis *cachetest.Server
	saw   *cachetest.Recorder
	ada   store.User
}

// rows count the reads of a database. A test may act between a read or a commit and its return.
type rows struct {
	*store.Store
	reads int
	then  func() // nil: nothing
	err   error  // of changes
}

func (r *rows) done() {
	if then := r.then; then != nil {
		r.then = nil
		then()
	}
}

func (r *rows) User(ctx context.Context, id int64) (store.User, error) {
	r.reads++
	u, err := r.Store.User(ctx, id)
	r.done()
	return u, err
}

func (r *rows) Users(ctx context.Context, ids []int64) (map[int64]store.User, error) {
	r.reads++
	return r.Store.Users(ctx, ids)
}

func (r *rows) Orders(ctx context.Context, id int64) ([]store.Order, error) {
	r.reads++
	return r.Store.Orders(ctx, id)
}

func (r *rows) Rename(ctx context.Context, id int64, name string) (store.User, error) {
	u, err := r.Store.Rename(ctx, id, name)
	r.done()
	return u, errors.Join(err, r.err)
}

func each(t *testing.T, test func(t *testing.T, f *fixture)) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := &fixture{rows: &rows{Store: s}, redis: cachetest.NewServer(t), saw: cachetest.Record()}
		f.redis.DecodeLoaded() // so that what a codec loses is missing at once
		f.Service = f.instance(t, f.redis.Client(), f.rows)
		var err error
		if f.ada, err = f.AddUser(t.Context(), "Ada", "ada@example.com"); err != nil {
			t.Fatal(err)
		}
		f.saw.Reset()
		test(t, f)
	})
}

// instance makes a service, as one more process would have it if the client is another.
func (f *fixture) instance(t *testing.T, rdb *redis.Client, rows service.Store) *service.Service {
	t.Helper()
	caches := &cache.Registry{Defaults: cache.Defaults{Observer: f.saw.Observer()}}
	s, err := service.New(rdb, rows, caches, "test:", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caches.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// wantName checks the name of the user as the service returns it.
func wantName(t *testing.T, s *service.Service, id int64, want string) {
	t.Helper()
	if u, err := s.User(t.Context(), id); err != nil || u.Name != want {
		t.Errorf("the service returns %+v, %v; want %s", u, err, want)
	}
}

func TestUserIsReadOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for range 3 {
			wantName(t, f.Service, f.ada.ID, "Ada")
			if _, err := f.User(t.Context(), 12345); !errors.Is(err, service.ErrNotFound) {
				t.Errorf("of a user that there is not: %v", err)
			}
		}
		if f.rows.reads != 2 {
			t.Errorf("the database was read %d times, want once for each user", f.rows.reads)
		}
	})
}

// That a user does not exist is no longer cached when it has been added.
func TestAddUser(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		next := f.ada.ID + 1
		if _, err := f.User(t.Context(), next); !errors.Is(err, service.ErrNotFound) {
			t.Fatal(err)
		}
		u, err := f.AddUser(t.Context(), "Bob", "")
		if err != nil || u.ID != next {
			t.Fatalf("%+v, %v", u, err)
		}
		wantName(t, f.Service, next, "Bob")
	})
}

func TestRename(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		rdb := redis.NewClient(f.redis.Options())
		defer rdb.Close()
		other := f.instance(t, rdb, f.rows)
		wantName(t, f.Service, f.ada.ID, "Ada")
		wantName(t, f.Service, f.ada.ID, "Ada") // from Redis, and then in memory
		if _, err := other.Rename(t.Context(), f.ada.ID, "Ada L."); err != nil {
			t.Fatal(err)
		}
		wantName(t, other, f.ada.ID, "Ada L.")
		// The first instance hears of it in its own time, as its caches say.
		if err := f.saw.Wait(t.Context(), func() bool {
			u, err := f.User(t.Context(), f.ada.ID)
			return err == nil && u.Name == "Ada L."
		}); err != nil {
			t.Error(err)
		}
	})
}

// A load that has read the old row does not store it once the change is told.
func TestRenameWhileItIsRead(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.rows.then = func() {
			if _, err := f.Rename(t.Context(), f.ada.ID, "Ada L."); err != nil {
				t.Error(err)
			}
		}
		wantName(t, f.Service, f.ada.ID, "Ada") // its read came before the change
		wantName(t, f.Service, f.ada.ID, "Ada L.")
	})
}

func TestRollbackDoesNotInvalidate(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		wantName(t, f.Service, f.ada.ID, "Ada")
		if _, err := f.Orders(t.Context(), f.ada.ID); err != nil {
			t.Fatal(err)
		}
		reads := f.rows.reads
		if _, err := f.PlaceOrder(t.Context(), f.ada.ID, "a book", 0); err == nil {
			t.Fatal("an order without a price was placed")
		}
		if _, err := f.Rename(t.Context(), 12345, "Nobody"); !errors.Is(err, service.ErrNotFound) {
			t.Fatal(err)
		}
		if deletes := f.saw.WritesBy(cache.OpDelete); len(deletes) > 0 {
			t.Errorf("what was rolled back has deleted %+v", deletes)
		}
		wantName(t, f.Service, f.ada.ID, "Ada")
		if f.rows.reads != reads {
			t.Errorf("the database was read %d times more", f.rows.reads-reads)
		}
	})
}

// A client that leaves when its change is committed leaves no old value behind.
func TestInvalidatesAfterTheClientHasLeft(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		wantName(t, f.Service, f.ada.ID, "Ada")
		ctx, leave := context.WithCancel(t.Context())
		f.rows.then = leave
		if _, err := f.Rename(ctx, f.ada.ID, "Ada L."); err != nil {
			t.Fatal(err)
		}
		if ctx.Err() == nil {
			t.Fatal("the client has not left")
		}
		wantName(t, f.Service, f.ada.ID, "Ada L.")
	})
}

// A commit whose answer is lost may have changed the row.
func TestInvalidatesAfterAnUnknownCommit(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		wantName(t, f.Service, f.ada.ID, "Ada")
		f.rows.err = store.ErrCommit
		if _, err := f.Rename(t.Context(), f.ada.ID, "Ada L."); !errors.Is(err, store.ErrCommit) {
			t.Fatal(err)
		}
		wantName(t, f.Service, f.ada.ID, "Ada L.")
	})
}

// While Redis is down a change is a change, and this process returns it; so it does when Redis is
// back with the old value.
func TestRenameWithoutRedis(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		wantName(t, f.Service, f.ada.ID, "Ada")
		f.redis.Down()
		if _, err := f.Rename(t.Context(), f.ada.ID, "Ada L."); err != nil {
			t.Error(err)
		}
		wantName(t, f.Service, f.ada.ID, "Ada L.")
		f.redis.Up()
		wantName(t, f.Service, f.ada.ID, "Ada L.")
	})
}

func TestOrders(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for range 2 {
			if orders, err := f.Orders(t.Context(), f.ada.ID); err != nil || len(orders) != 0 {
				t.Fatalf("%+v, %v", orders, err)
			}
		}
		if f.rows.reads != 1 {
			t.Errorf("that there are no orders was read %d times", f.rows.reads)
		}
		wantName(t, f.Service, f.ada.ID, "Ada")
		o, err := f.PlaceOrder(t.Context(), f.ada.ID, "a book", 1990)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // as it was loaded, and as Redis has it
			if orders, err := f.Orders(t.Context(), f.ada.ID); err != nil || len(orders) != 1 || orders[0] != o {
				t.Errorf("%+v, %v; want %+v", orders, err, o)
			}
		}
		if u, err := f.User(t.Context(), f.ada.ID); err != nil || u.Points != 19 {
			t.Errorf("%+v, %v, want 19 points", u, err)
		}
	})
}

func TestLeaderboard(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		bob, err := f.AddUser(t.Context(), "Bob", "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.PlaceOrder(t.Context(), bob.ID, "a book", 1990); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			board, err := f.Leaderboard(t.Context())
			if err != nil || len(board) != 2 || board[0] != (service.Place{UserID: bob.ID, Name: "Bob", Points: 19}) ||
				board[1] != (service.Place{UserID: f.ada.ID, Name: "Ada"}) {
				t.Errorf("%+v, %v", board, err)
			}
		}
		if f.rows.reads != 1 {
			t.Errorf("the names were read by %d queries, want 1", f.rows.reads)
		}
	})
}
