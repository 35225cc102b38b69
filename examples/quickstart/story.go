package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/hashmap"
)

// A User is what the database keeps. ReadAt shows when it was read there.
type User struct {
	Name   string    `redis:"name"`
	Email  string    `redis:"email"`
	Logins int       `redis:"logins"`
	ReadAt time.Time `redis:"read_at"`
}

// A database is slow, and counts how often it is asked.
type database struct {
	queries atomic.Int64
}

const queryTime = 150 * time.Millisecond

func (db *database) User(ctx context.Context, id int64) (User, error) {
	db.queries.Add(1)
	select {
	case <-time.After(queryTime):
	case <-ctx.Done():
		return User{}, ctx.Err()
	}
	if id > 1000 {
		return User{}, cache.ErrNotFound
	}
	return User{
		Name: fmt.Sprintf("User %d", id), Email: fmt.Sprintf("user%d@example.com", id), Logins: 7,
		ReadAt: time.Now().UTC().Truncate(time.Microsecond),
	}, nil
}

// A story is a cache, its source, and somebody who listens.
type story struct {
	rdb   *redis.Client
	db    database
	users *cache.Cache[int64, User]
	out   io.Writer
	part  int
}

func newStory(rdb *redis.Client, out io.Writer) (*story, error) {
	mapping, err := hashmap.Of[User]()
	if err != nil {
		return nil, err
	}
	users, err := cache.New(rdb, cache.Config[int64, User]{
		Name:  fmt.Sprintf("quickstart-%d:user", os.Getpid()), // so that it meets nobody's keys
		Codec: mapping,
		TTL:   10 * time.Minute,

		RedisTimeout: time.Minute, // so that the story is the same on a machine that is busy
	})
	if err != nil {
		return nil, err
	}
	return &story{rdb: rdb, users: users, out: out}, nil
}

func (s *story) tell(ctx context.Context) error {
	for _, part := range []func(context.Context) error{s.load, s.hits, s.stampede, s.absent, s.delete} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	st := s.users.Stats()
	s.say("\nIn all: %d lookups found a value, %d found that there is none, and %d loads asked the database.\n",
		st.Hits, st.AbsentHits, st.Loads)
	return nil
}

// end leaves no key behind.
func (s *story) end(ctx context.Context) {
	_ = s.users.Delete(ctx, 42, 7, 5000) // they expire by themselves if this fails
	s.users.Close()
}

func (s *story) load(ctx context.Context) error {
	s.title("The first call loads, and keeps the struct as a Redis hash")
	took, u, err := s.get(ctx, 42)
	if err != nil {
		return err
	}
	s.say("   GetOrSet(42)        %v   %s, read at %s\n", round(took), u.Name, stamp(u))
	s.say("   HGETALL %s\n", s.users.RedisKey(42))
	fields, err := s.rdb.HGetAll(ctx, s.users.RedisKey(42)).Result()
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		s.say("      %-8s %s\n", name, fields[name])
	}
	return nil
}

func (s *story) hits(ctx context.Context) error {
	s.title("Every further call finds it: the same time stamp, and no query")
	const calls = 1000
	queries := s.db.queries.Load()
	times := make([]time.Duration, calls)
	stamps := make(map[string]bool)
	for i := range times {
		took, u, err := s.get(ctx, 42)
		if err != nil {
			return err
		}
		times[i] = took
		stamps[stamp(u)] = true
	}
	slices.Sort(times)
	s.say("   %d calls          %v each (median), %s, read at %s\n",
		calls, round(times[calls/2]), s.since(queries), strings.Join(slices.Sorted(maps.Keys(stamps)), " and "))
	return nil
}

func (s *story) stampede(ctx context.Context) error {
	const callers = 1000
	s.title(fmt.Sprintf("%d callers ask for a cold key at once, and one load serves them", callers))
	queries := s.db.queries.Load()
	var group sync.WaitGroup
	errs := make([]error, callers)
	began := time.Now()
	for i := range callers {
		group.Go(func() { _, _, errs[i] = s.get(ctx, 7) })
	}
	group.Wait()
	s.say("   %d callers        %v for all, %s\n", callers, round(time.Since(began)), s.since(queries))
	return errors.Join(errs...)
}

func (s *story) absent(ctx context.Context) error {
	s.title("\"Does not exist\" is remembered, too")
	for _, call := range []string{"first", "second"} {
		queries := s.db.queries.Load()
		took, _, err := s.get(ctx, 5000)
		if !errors.Is(err, cache.ErrNotFound) {
			return fmt.Errorf("user 5000 should not exist, but: %w", err)
		}
		s.say("   %-6s GetOrSet     %v, %s, %v\n", call, round(took), s.since(queries), err)
	}
	return nil
}

func (s *story) delete(ctx context.Context) error {
	s.title("After a change: Delete, and the next call loads anew")
	if err := s.users.Delete(ctx, 42); err != nil {
		return err
	}
	took, u, err := s.get(ctx, 42)
	if err != nil {
		return err
	}
	s.say("   GetOrSet(42)        %v   read at %s\n", round(took), stamp(u))
	return nil
}

// get asks the cache, and tells how long that took.
func (s *story) get(ctx context.Context, id int64) (time.Duration, User, error) {
	began := time.Now()
	u, err := s.users.GetOrSet(ctx, id, s.db.User)
	return time.Since(began), u, err
}

// since tells how many queries there were beyond those.
func (s *story) since(queries int64) string {
	switch n := s.db.queries.Load() - queries; n {
	case 0:
		return "no query"
	case 1:
		return "1 query"
	default:
		return fmt.Sprintf("%d queries", n)
	}
}

func (s *story) title(text string) {
	s.part++
	s.say("\n%d. %s\n", s.part, text)
}

func (s *story) say(format string, args ...any) { fmt.Fprintf(s.out, format, args...) }

func stamp(u User) string { return u.ReadAt.Format("15:04:05.000000") }

// round cuts a duration to what a reader wants to know of it.
func round(d time.Duration) time.Duration {
	if d > time.Millisecond {
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(100 * time.Nanosecond)
}
