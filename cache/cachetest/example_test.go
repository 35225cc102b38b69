package cachetest_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/codec"
)

// example stands for the *testing.T that a test has and an example has not. In a
// test neither this nor its end is needed.
type example struct{ tb }

func (*example) Context() context.Context { return context.Background() }
func (*example) Name() string             { return "TestUserSchema" }

type User struct{ Name string }

func loadUser(_ context.Context, id int) (User, error) {
	fmt.Println("asked the database for user", id)
	return User{Name: "Ada"}, nil
}

func ExampleNew() {
	t := new(example) // t *testing.T
	defer t.end()

	users := cachetest.New(t, cache.Config[int, User]{Name: "user", TTL: time.Minute})
	for range 2 {
		u, err := users.GetOrSet(t.Context(), 42, loadUser)
		fmt.Println(u.Name, err)
	}
	// Output:
	// asked the database for user 42
	// Ada <nil>
	// Ada <nil>
}

// Two caches on one server are like two processes of an application.
func ExampleNewOn() {
	t := new(example) // t *testing.T
	defer t.end()

	cfg := cache.Config[int, User]{Name: "user", TTL: time.Minute}
	srv := cachetest.NewServer(t)
	here, there := cachetest.NewOn(t, srv, cfg), cachetest.NewOn(t, srv, cfg)

	_ = here.Set(t.Context(), 42, User{Name: "Ada"})
	u, ok, err := there.Get(t.Context(), 42)
	fmt.Println(u.Name, ok, err)

	_ = there.Delete(t.Context(), 42)
	u, ok, err = here.Get(t.Context(), 42)
	fmt.Println(u.Name, ok, err)
	// Output:
	// Ada true <nil>
	//  false <nil>
}

// An application that goes on while Redis is down.
func ExampleServer_Down() {
	t := new(example) // t *testing.T
	defer t.end()

	srv := cachetest.NewServer(t)
	users := cachetest.NewOn(t, srv, cache.Config[int, User]{Name: "user", TTL: time.Minute})

	srv.Down()
	u, err := users.GetOrSet(t.Context(), 42, loadUser)
	fmt.Println(u.Name, err)

	_, _, err = users.Get(t.Context(), 42) // cannot load
	fmt.Println(errors.Is(err, cache.ErrRedis))

	srv.Up()
	_, ok, err := users.Get(t.Context(), 42)
	fmt.Println(ok, err)
	// Output:
	// asked the database for user 42
	// Ada <nil>
	// true
	// false <nil>
}

// A command that was carried out although its answer was lost.
func ExampleServer_DropAnswer() {
	t := new(example) // t *testing.T
	defer t.end()

	srv := cachetest.NewServer(t)
	users := cachetest.NewOn(t, srv, cache.Config[int, User]{Name: "user", TTL: time.Minute})

	_ = users.Set(t.Context(), 42, User{Name: "Ada"})
	srv.DropAnswer(3) // Set is repeated twice
	err := users.Set(t.Context(), 42, User{Name: "Bob"})
	fmt.Println(err)

	// Redis may have either value: the key counts as not cached until a delete is delivered.
	_, ok, err := users.Get(t.Context(), 42)
	fmt.Println(ok, err)
	// Output:
	// aside: Set user "user:42": redis failed: EOF
	// false <nil>
}

// Outside of a bubble a TTL is tested by making entries older.
func ExampleServer_Advance() {
	t := new(example) // t *testing.T
	defer t.end()

	srv := cachetest.NewServer(t)
	users := cachetest.NewOn(t, srv, cache.Config[int, User]{Name: "user", TTL: time.Minute})

	_ = users.Set(t.Context(), 42, User{Name: "Ada"})
	srv.Advance(time.Minute)
	_, ok, err := users.Get(t.Context(), 42)
	fmt.Println(ok, err)
	// Output: false <nil>
}

func ExampleRecorder() {
	t := new(example) // t *testing.T
	defer t.end()

	rec := cachetest.Record()
	users := cachetest.New(t, cache.Config[int, User]{
		Name: "user", TTL: time.Minute, Observer: rec.Observer(),
	})
	for range 2 {
		_, _ = users.GetOrSet(t.Context(), 42, loadUser)
	}

	fmt.Println(len(rec.Loads()), "load,", len(rec.Lookups(cache.Present)), "hit")
	for _, line := range rec.Lines() {
		fmt.Println(line)
	}
	// Output:
	// asked the database for user 42
	// 1 load, 1 hit
	// lookup user:42 Missing
	// load user:42 LoadOK
	// write user:42
	// lookup user:42 Present from Redis
}

// The file is written by go test -run TestUserSchema -update. When a field is added to User, the
// test says what becomes of the entries that are stored without it.
func ExampleSchema() {
	t := new(example) // t *testing.T
	defer t.end()

	cachetest.Schema(t, codec.Msgpack[User](), "testdata/user.schema")
	// Output:
}
