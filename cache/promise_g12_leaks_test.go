package cache_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/testcache"
)

// ours returns the stacks of goroutines of this bubble that the cache has started.
func ours() (stacks []string) {
	buf := make([]byte, 4<<20)
	all := strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
	self, _, _ := strings.Cut(all[0], ":\n")
	_, bubble, _ := strings.Cut(self, "synctest bubble")
	for _, g := range all {
		if head, _, _ := strings.Cut(g, ":\n"); !strings.HasSuffix(head, "synctest bubble"+bubble) {
			continue
		}
		_, by, _ := strings.Cut(g, "\ncreated by ")
		if strings.HasPrefix(by, "github.com/asidecache/aside/cache.") ||
			strings.Contains(g, "aside/internal/flight.") || strings.Contains(g, "aside/internal/client.") {
			stacks = append(stacks, g)
		}
	}
	return stacks
}

// Close ends loads and the callers that wait for them, and leaves no goroutine behind.
func TestG12NoGoroutineAfterClose(t *testing.T) {
	for mode, change := range modes {
		t.Run(mode, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				f := newFaults(t, env)
				c := open(t, f.client(t, change), cache.Config[string, string]{MaxLoads: 2})
				var wg sync.WaitGroup
				for i := range 20 {
					wg.Go(func() {
						v, err := c.GetOrSet(t.Context(), fmt.Sprint("k", i%4), func(ctx context.Context, _ string) (string, error) {
							<-ctx.Done()
							return "", ctx.Err()
						})
						wantError(t, "GetOrSet of a cache that is closed", v, err, cache.ErrClosed)
					})
				}
				synctest.Wait()
				if len(ours()) == 0 {
					t.Fatal("no goroutine of the cache is to be seen")
				}
				f.freeze()
				for range 3 { // commands that their callers have given up
					ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
					_, _, _ = c.Get(ctx, "k")
					cancel()
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
				if mode == "cluster client" {
					f.thaw() // a cluster client ends what was given up in its own time, which Close does not wait for
				}
				wg.Wait()
				synctest.Wait()
				if left := ours(); len(left) > 0 {
					t.Errorf("%d goroutines are left after Close:\n%s", len(left), strings.Join(left, "\n\n"))
				}
				f.thaw()
				time.Sleep(time.Minute)
			})
		})
	}
}

// A cache that is not used starts nothing, and one that is idle runs nothing.
func TestG12NoGoroutineWhileIdle(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{})
		runs := 0
		for _, call := range calls(c, value("v", &runs)) {
			if err := call(t.Context()); err != nil && !errors.Is(err, cache.ErrNotFound) { // after SetAbsent
				t.Error(err)
			}
		}
		synctest.Wait()
		if left := ours(); len(left) > 0 {
			t.Errorf("%d goroutines run in an idle cache:\n%s", len(left), strings.Join(left, "\n\n"))
		}
	})
}

const secret = "S3CRET"

// A witness collects all that a cache says and looks for the secret in it.
type witness struct {
	t     *testing.T
	mu    sync.Mutex
	heard int
}

func (w *witness) hear(what any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard++
	for _, text := range []string{fmt.Sprintf("%v", what), fmt.Sprintf("%+v", what), fmt.Sprintf("%#v", what)} {
		if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("% x", secret)) {
			w.t.Errorf("a value was told: %s", text)
			return
		}
	}
	if err, ok := what.(error); ok {
		for _, err := range unwrap(err) {
			if strings.Contains(fmt.Sprintf("%+v", err), secret) {
				w.t.Errorf("an error holds a value: %T %v", err, err)
			}
		}
	}
}

func unwrap(err error) []error {
	switch err := err.(type) {
	case interface{ Unwrap() error }:
		if inner := err.Unwrap(); inner != nil {
			return append(unwrap(inner), inner)
		}
	case interface{ Unwrap() []error }:
		var all []error
		for _, inner := range err.Unwrap() {
			all = append(append(all, inner), unwrap(inner)...)
		}
		return all
	}
	return nil
}

func (w *witness) observer() cache.Observer {
	return cache.Observer{
		Lookup: func(_ context.Context, e cache.LookupEvent) { w.hear(e) },
		Load:   func(_ context.Context, e cache.LoadEvent) { w.hear(e) },
		Write:  func(_ context.Context, e cache.WriteEvent) { w.hear(e) },
		Error:  func(_ context.Context, e *cache.Error) { w.hear(e) },

		Breaker: func(_ context.Context, e cache.BreakerEvent) { w.hear(e) },
	}
}

// No value, nor a part of one, is in any error or event: neither when all goes
// well, nor when codecs fail or panic, when the key holds what it should not, and
// when Redis says no.
func TestG12NoValueIsTold(t *testing.T) {
	type nested struct{ Name, Text string }
	foreign := []string{secret, `{"Name":"` + secret + `"`, `{"Name":{"` + secret + `":1}}`, "\xa6" + secret, "\x81\xa4Name\xa6" + secret + "\xff", "\x81\xa6" + secret + "\x91"}
	tellNothing(t, "text", codec.Text[string](), secret, foreign)
	tellNothing(t, "number", codec.Text[int](), 1, foreign)
	tellNothing(t, "time", codec.Text[time.Time](), time.Time{}, foreign)
	tellNothing(t, "duration", codec.Text[time.Duration](), 1, foreign)
	tellNothing(t, "json", codec.JSON[nested](), nested{secret, secret}, foreign)
	tellNothing(t, "json of what cannot be written", codec.JSON[map[string]any](), map[string]any{secret: func() {}}, foreign)
	tellNothing(t, "msgpack", codec.Msgpack[nested](), nested{secret, secret}, foreign)
	tellNothing(t, "compressed", codec.Compress(codec.JSON[nested](), codec.S2, 1), nested{secret, secret}, foreign)
	tellNothing(t, "sealed", codec.Encrypt(codec.JSON[nested](), testcache.Keyring(1)), nested{secret, secret}, foreign)
	tellNothing(t, "hash", hashmap.MustOf[person](), person{ID: 1, Name: secret}, foreign)
	tellNothing(t, "codec that panics", codec.String(panicking{}), secret, foreign)
	tellNothing(t, "codec with text methods that panic", codec.Text[shouting](), shouting{secret}, foreign)
}

func tellNothing[V any](t *testing.T, name string, codec codec.Codec[V], v V, foreign []string) {
	t.Run(name, func(t *testing.T) {
		bubble(t, func(t *testing.T, env *redistest.Env) {
			w := &witness{t: t}
			cfg := cache.Config[string, V]{Codec: codec, Observer: w.observer()}
			c := open(t, env.Client, cfg)
			tell := func(err error) {
				if err != nil {
					w.hear(err)
				}
			}
			everything := func() {
				_, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (V, error) { return v, nil })
				tell(err)
				_, err = c.Refresh(t.Context(), "k", func(context.Context, string) (V, error) { return v, errors.New("no source") })
				tell(err)
				_, err = c.Refresh(t.Context(), "k", func(context.Context, string) (V, error) { return v, nil })
				tell(err)
				_, _, err = c.Get(t.Context(), "k")
				tell(err)
				_, err = c.Entry(t.Context(), "k")
				tell(err)
				tell(c.Set(t.Context(), "k", v))
				_, err = c.SetIfAbsent(t.Context(), "k", v)
				tell(err)
				_, err = c.Touch(t.Context(), "k", cache.TTL(1))
				tell(err)
			}
			everything()
			for _, bytes := range foreign {
				for _, write := range []func(){
					func() { _ = env.Mini.Set(c.RedisKey("k"), bytes) },
					func() { env.Mini.HSet(c.RedisKey("k"), "id", bytes, "rank", bytes, bytes, bytes) },
					func() { _, _ = env.Mini.Lpush(c.RedisKey("k"), bytes) },
				} {
					env.Mini.Del(c.RedisKey("k"))
					write()
					_, _, err := c.Get(t.Context(), "k")
					tell(err)
					everything()
				}
			}
			env.Mini.SetError("OOM command not allowed")
			everything()
			env.Mini.SetError("")
			if w.heard < 20 {
				t.Errorf("only %d events and errors were heard", w.heard)
			}
		})
	})
}

// panicking is a codec that says what it holds when it panics.
type panicking struct{}

func (panicking) AppendValue(dst []byte, v string) ([]byte, error) { panic("cannot write " + v) }

func (panicking) ParseValue(src []byte, _ *string) error { panic("cannot read " + string(src)) }

// shouting is a type whose own methods panic with what it holds.
type shouting struct{ Text string }

func (s shouting) MarshalText() ([]byte, error)    { panic("cannot write " + s.Text) }
func (s *shouting) UnmarshalText(src []byte) error { panic("cannot read " + string(src)) }

// The client is the user's: Close leaves it open.
func TestG12ClientStaysOpen(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		rdb := env.NewClient(t, func(o *redis.UniversalOptions) { o.ClientName = "ours" })
		c := open(t, rdb, cache.Config[string, string]{})
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := rdb.Ping(t.Context()).Err(); err != nil {
			t.Errorf("the client after Close: %v", err)
		}
	})
}
