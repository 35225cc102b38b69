package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/examples/service/store"
	"github.com/asidecache/aside/examples/service/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func TestUsers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		ada, err := s.AddUser(ctx, "Ada", "ada@example.com")
		if err != nil || ada.ID == 0 || ada.Revision != 1 {
			t.Fatalf("added %+v, %v", ada, err)
		}
		if got, err := s.User(ctx, ada.ID); err != nil || got != ada {
			t.Errorf("read %+v, %v; want %+v", got, err, ada)
		}
		bob, err := s.AddUser(ctx, "Bob", "bob@example.com")
		if err != nil {
			t.Fatal(err)
		}
		if bob, err = s.Rename(ctx, bob.ID, "Robert"); err != nil || bob.Name != "Robert" || bob.Revision != 2 {
			t.Errorf("renamed %+v, %v", bob, err)
		}
		users, err := s.Users(ctx, []int64{ada.ID, bob.ID, 12345})
		if err != nil || len(users) != 2 || users[ada.ID] != ada || users[bob.ID] != bob {
			t.Errorf("of three, one of which is none: %+v, %v", users, err)
		}
		_, err = s.User(ctx, 12345)
		_, err2 := s.Rename(ctx, 12345, "Nobody")
		if !errors.Is(err, store.ErrNotFound) || !errors.Is(err2, store.ErrNotFound) {
			t.Errorf("of a user that there is not: %v, %v", err, err2)
		}
	})
}

func TestOrders(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		u, err := s.AddUser(ctx, "Ada", "")
		if err != nil {
			t.Fatal(err)
		}
		first, err := s.PlaceOrder(ctx, u.ID, "a book", 1990)
		if err != nil {
			t.Fatal(err)
		}
		second, err := s.PlaceOrder(ctx, u.ID, "a pen", 250)
		if err != nil {
			t.Fatal(err)
		}
		orders, err := s.Orders(ctx, u.ID)
		if err != nil || len(orders) != 2 || orders[0] != second || orders[1] != first {
			t.Errorf("orders %+v, %v; want %+v, %+v", orders, err, second, first)
		}
		if since := time.Since(first.Placed); since < 0 || since > time.Hour || first.Placed.Location() != time.UTC {
			t.Errorf("placed at %v", first.Placed)
		}
		if u, err = s.User(ctx, u.ID); err != nil || u.Points != 19+2 || u.Revision != 3 {
			t.Errorf("the user has not all points: %+v, %v", u, err)
		}
		leaders, err := s.Leaders(ctx, 5)
		if err != nil || len(leaders) != 1 || leaders[0] != (store.Leader{UserID: u.ID, Points: 21}) {
			t.Errorf("leaders %+v, %v", leaders, err)
		}
	})
}

// What fails in a transaction leaves nothing of it, and is no commit whose outcome is unknown.
func TestRollback(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		u, err := s.AddUser(ctx, "Ada", "")
		if err != nil {
			t.Fatal(err)
		}
		for name, fail := range map[string]func() error{
			"no price": func() error { _, err := s.PlaceOrder(ctx, u.ID, "a book", 0); return err },
			"no user":  func() error { _, err := s.PlaceOrder(ctx, 12345, "a book", 100); return err },
			"no name":  func() error { _, err := s.Rename(ctx, u.ID, ""); return err },
			"too late": func() error {
				ended, cancel := context.WithCancel(ctx)
				cancel()
				_, err := s.Rename(ended, u.ID, "Eve")
				return err
			},
		} {
			if err := fail(); err == nil || errors.Is(err, store.ErrCommit) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got, err := s.User(ctx, u.ID); err != nil || got != u {
			t.Errorf("the user has changed: %+v, %v; want %+v", got, err, u)
		}
	})
}

func TestURL(t *testing.T) {
	for address, want := range map[string]string{
		"":                                   "begins neither",
		"mysql://localhost":                  "begins neither",
		"postgres://u:secret@localhost:port": "invalid port",
		"sqlite:/no/such/folder/file.db":     "tables cannot be created",
	} {
		_, err := store.Open(t.Context(), address)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
