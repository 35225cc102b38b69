package loader_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/asidecache/aside/loader"
)

type User struct{ Name string }

// A DB is a stand-in for a database.
type DB struct {
	users  map[int64]User
	broken int // so many calls fail
	slow   bool
}

func (db *DB) User(ctx context.Context, id int64) (User, error) {
	if db.slow {
		<-ctx.Done()
		return User{}, ctx.Err()
	}
	if db.broken > 0 {
		db.broken--
		return User{}, errors.New("connection reset")
	}
	u, ok := db.users[id]
	if !ok {
		return User{}, sql.ErrNoRows
	}
	return u, nil
}

func noRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }

func Example() {
	db := &DB{users: map[int64]User{42: {"Ann"}}, broken: 2}

	// Once, where the program is wired up; a cache then takes it as it takes db.User.
	user := loader.NotFoundIf(db.User, noRows)
	user = loader.Timeout(user, time.Second)
	user = loader.Limit(user, 16)
	user = loader.Retry(user, 3, loader.Exponential(time.Millisecond, time.Second))

	u, err := user(context.Background(), 42)
	fmt.Println(u.Name, err)
	_, err = user(context.Background(), 7)
	fmt.Println(errors.Is(err, loader.ErrNotFound))
	// Output:
	// Ann <nil>
	// true
}

func ExampleNotFoundIf() {
	db := &DB{}
	user := loader.NotFoundIf(db.User, func(err error) bool { return errors.Is(err, sql.ErrNoRows) })

	_, err := user(context.Background(), 7)
	fmt.Println(err)
	fmt.Println(errors.Is(err, loader.ErrNotFound), errors.Is(err, sql.ErrNoRows))
	// Output:
	// loader: not found: sql: no rows in result set
	// true true
}

func ExampleTimeout() {
	db := &DB{slow: true}
	user := loader.Timeout(db.User, 5*time.Millisecond)

	_, err := user(context.Background(), 42)
	fmt.Println(err)
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	// Output:
	// loader: timed out after 5ms: context deadline exceeded
	// true
}

func ExampleLimit() {
	began := make(chan struct{})
	report := loader.Limit(func(ctx context.Context, year int) (string, error) {
		began <- struct{}{}
		<-ctx.Done() // an endless report
		return "", ctx.Err()
	}, 1)

	ctx, cancel := context.WithCancel(context.Background())
	var first sync.WaitGroup
	first.Go(func() { report(ctx, 2025) })
	<-began

	impatient, leave := context.WithTimeout(ctx, time.Millisecond)
	_, err := report(impatient, 2026)
	fmt.Println(err)

	leave()
	cancel()
	first.Wait()
	// Output:
	// loader: waited for one of 1 running loads to end: context deadline exceeded
}

func ExampleRetry() {
	db := &DB{users: map[int64]User{42: {"Ann"}}, broken: 2}
	user := loader.Retry(db.User, 3, func(retry int) time.Duration {
		fmt.Println("pause", retry)
		return time.Millisecond
	})

	u, err := user(context.Background(), 42)
	fmt.Println(u.Name, err)
	// Output:
	// pause 1
	// pause 2
	// Ann <nil>
}

func ExampleExponential() {
	backoff := loader.Exponential(20*time.Millisecond, time.Second)
	for _, retry := range []int{1, 2, 10} {
		pause := backoff(retry)
		fmt.Println(retry, pause >= 10*time.Millisecond, pause <= time.Second)
	}
	// Output:
	// 1 true true
	// 2 true true
	// 10 true true
}

// The replica lags behind the primary. What it does not have, it cannot call
// absent: another error than ErrNotFound sends the question on.
func ExampleFallback() {
	replica := &DB{}
	primary := &DB{users: map[int64]User{42: {"Ann"}}}
	user := loader.Fallback(
		loader.Timeout(replica.User, time.Second), // sql.ErrNoRows is just a failure here
		loader.NotFoundIf(primary.User, noRows),
	)

	u, err := user(context.Background(), 42)
	fmt.Println(u.Name, err)
	_, err = user(context.Background(), 7)
	fmt.Println(err)
	// Output:
	// Ann <nil>
	// loader: not found: sql: no rows in result set
}

func ExampleEach() {
	db := &DB{users: map[int64]User{1: {"Ann"}, 2: {"Bob"}}}
	users := loader.Each(loader.NotFoundIf(db.User, noRows), 8)

	found, err := users(context.Background(), []int64{1, 2, 3})
	fmt.Println(found, err)
	// Output:
	// map[1:{Ann} 2:{Bob}] <nil>
}

// Three requests come at about the same time, and the database is asked once. The
// batch is full with the third, so nobody waits for the window.
func ExampleCoalesce() {
	users := func(_ context.Context, ids []int64) (map[int64]User, error) {
		fmt.Println("one query for", len(ids), "users")
		return map[int64]User{1: {"Ann"}, 2: {"Bob"}}, nil
	}
	user := loader.Coalesce(users, time.Minute, 3)

	var requests sync.WaitGroup
	names := make([]string, 3)
	for id := range int64(3) {
		requests.Go(func() {
			u, err := user(context.Background(), id+1)
			names[id] = fmt.Sprint(u.Name, " ", err)
		})
	}
	requests.Wait()
	for _, name := range names {
		fmt.Println(name)
	}
	// Output:
	// one query for 3 users
	// Ann <nil>
	// Bob <nil>
	//  loader: not found
}

func ExampleBatchError() {
	age := func(_ context.Context, name string) (int, error) {
		if name == "Bob" {
			return 0, errors.New("connection reset")
		}
		return len(name), nil
	}

	ages, err := loader.Each(age, 8)(context.Background(), []string{"Ann", "Bob"})
	fmt.Println(ages)
	if failed, ok := errors.AsType[*loader.BatchError[string]](err); ok {
		for name, err := range failed.Errs {
			fmt.Println(name, err)
		}
	}
	// Output:
	// map[Ann:3]
	// Bob connection reset
}

// A token says itself how long it lasts, and one of a guest is not worth keeping.
func ExampleEntryFunc() {
	guests := []string{"eve"}
	var token loader.EntryFunc[string, string] = func(_ context.Context, user string) (loader.Entry[string], error) {
		return loader.Entry[string]{
			Value:   "token of " + user,
			TTL:     5 * time.Minute,
			NoStore: slices.Contains(guests, user),
		}, nil
	}

	fmt.Println(token(context.Background(), "ann"))
	fmt.Println(token(context.Background(), "eve"))
	// Output:
	// {token of ann 5m0s false} <nil>
	// {token of eve 5m0s true} <nil>
}
