package servertest

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/internal/testcache"
)

// A twofold is a call of a method, and the same in a pipeline.
type twofold[V any] struct {
	direct func(c *cache.Cache[string, V], key string) (any, error)
	queued func(q cache.Queue[string, V], key string) func() (any, error)
}

func result[T any](f *cache.Future[T]) func() (any, error) {
	return func() (any, error) { return f.Result() }
}

// told is the result of a method in the words of a future.
func told[T any](v T, ok bool, err error) (any, error) {
	return cache.Found[T]{Value: v, OK: ok}, err
}

func twofolds[V any](t *testing.T, b *bench[V], over V) map[string]twofold[V] {
	type (
		c = *cache.Cache[string, V]
		q = cache.Queue[string, V]
		r = func() (any, error)
	)
	ctx := t.Context()
	all := map[string]twofold[V]{
		"Get": {
			func(c c, key string) (any, error) { return told(c.Get(ctx, key)) },
			func(q q, key string) r { return result(q.Get(key)) },
		},
		"Entry": {
			func(c c, key string) (any, error) { return c.Entry(ctx, key) },
			func(q q, key string) r { return result(q.Entry(key)) },
		},
		"SetAbsent": {
			func(c c, key string) (any, error) { return struct{}{}, c.SetAbsent(ctx, key) },
			func(q q, key string) r { return result(q.SetAbsent(key)) },
		},
		"SetAbsent without end": {
			func(c c, key string) (any, error) { return struct{}{}, c.SetAbsent(ctx, key, cache.TTL(cache.Forever)) },
			func(q q, key string) r { return result(q.SetAbsent(key, cache.TTL(cache.Forever))) },
		},
		"Delete": {
			func(c c, key string) (any, error) { return struct{}{}, c.Delete(ctx, key) },
			func(q q, key string) r { return result(q.Delete(key)) },
		},
		"Touch": {
			func(c c, key string) (any, error) { return c.Touch(ctx, key) },
			func(q q, key string) r { return result(q.Touch(key)) },
		},
		"Touch without end": {
			func(c c, key string) (any, error) { return c.Touch(ctx, key, cache.TTL(cache.Forever)) },
			func(q q, key string) r { return result(q.Touch(key, cache.TTL(cache.Forever))) },
		},
		"Get with a bad option": {
			func(c c, key string) (any, error) { return told(c.Get(ctx, key, cache.TTL(0))) },
			func(q q, key string) r { return result(q.Get(key, cache.TTL(0))) },
		},
		"Set with a bad option": {
			func(c c, key string) (any, error) { return struct{}{}, c.Set(ctx, key, b.one, cache.TTL(0)) },
			func(q q, key string) r { return result(q.Set(key, b.one, cache.TTL(0))) },
		},
	}
	for name, v := range map[string]V{"one": b.one, "empty": b.empty, "over": over} {
		for life, ttl := range map[string]time.Duration{"": 30 * time.Minute, " without end": cache.Forever} {
			if name == "over" && ttl == cache.Forever {
				continue // it has a life of its own
			}
			all["Set "+name+life] = twofold[V]{
				func(c c, key string) (any, error) { return struct{}{}, c.Set(ctx, key, v, optional(name, ttl)...) },
				func(q q, key string) r { return result(q.Set(key, v, optional(name, ttl)...)) },
			}
			all["SetIfAbsent "+name+life] = twofold[V]{
				func(c c, key string) (any, error) { return c.SetIfAbsent(ctx, key, v, optional(name, ttl)...) },
				func(q q, key string) r { return result(q.SetIfAbsent(key, v, optional(name, ttl)...)) },
			}
		}
	}
	return all
}

// optional is a TTL, but for a value whose own lifetime is to count.
func optional(name string, ttl time.Duration) []cache.Option {
	if name == "over" {
		return nil
	}
	return []cache.Option{cache.TTL(ttl)}
}

// pointed is a value, or what it points at.
func pointed(v any) any {
	if r := reflect.ValueOf(v); r.Kind() == reflect.Pointer && !r.IsNil() {
		return r.Elem().Interface()
	}
	return v
}

// about is a life without the little that has passed.
func about(d time.Duration) time.Duration {
	if d < 0 {
		return d
	}
	return d.Round(time.Minute)
}

// caseQueue checks that an operation in a pipeline finds, does and tells what the method
// does, whatever there is of the key.
func caseQueue[V any](t *testing.T, b *bench[V]) {
	if !b.is("text") && !b.is("hash") && !b.is("list") {
		return // the others are stored like one of these
	}
	var r cachetest.Recorder
	c := b.open(t, func(cfg *cache.Config[string, V]) {
		cfg.Observer = r.Observer()
		cfg.TTLFor = func(_ string, v *V) time.Duration {
			if reflect.DeepEqual(*v, b.two) {
				return -time.Hour
			}
			return 0
		}
	})
	const half = 30 * 60 * 1000
	lease := "L0123456789abcdef"
	states := map[string]func(key string){
		"nothing": func(string) {},
		"a value": func(key string) { b.foreignWrite(t, key, b.one); b.do(t, "PEXPIRE", key, half) },
		"a value without end": func(key string) {
			b.foreignWrite(t, key, b.one)
		},
		"a refresh": func(key string) {
			b.foreignWrite(t, key, b.one)
			b.do(t, "SET", testcache.Control(key), lease, "PX", half)
		},
		"a mark alone": func(key string) {
			b.foreignWrite(t, key, b.one)
			b.do(t, "SET", testcache.Control(key), "N", "PX", half)
		},
		"absent":             func(key string) { b.do(t, "SET", testcache.Control(key), "N", "PX", half) },
		"empty":              func(key string) { b.do(t, "SET", testcache.Control(key), "E", "PX", half) },
		"a load":             func(key string) { b.do(t, "SET", testcache.Control(key), lease, "PX", half) },
		"a refresh of empty": func(key string) { b.do(t, "SET", testcache.Control(key), lease+"E", "PX", half) },
		"a foreign control":  func(key string) { b.do(t, "RPUSH", testcache.Control(key), "x") },
	}
	for i, other := range b.otherTypes(t) {
		states[fmt.Sprint("another type ", i)] = func(key string) {
			other(key)
			b.do(t, "SET", testcache.Control(key), lease, "PX", half)
		}
	}
	if b.unreadable != nil {
		states["unreadable"] = func(key string) { b.store(t, append([]any{key}, b.unreadable...)...) }
	}
	tell := func(key string, v any, err error) string {
		text := fmt.Sprintf("%+v", v)
		switch v := v.(type) {
		case cache.Found[V]:
			text = fmt.Sprint(pointed(v.Value), v.OK)
		case cache.Entry[V]:
			text = fmt.Sprint(pointed(v.Value), v.State, v.Source, about(v.TTL))
		}
		var failed *cache.Error
		if errors.As(err, &failed) {
			text += fmt.Sprint(" ", failed.Op, failed.Cache, failed.Kind, failed.Err)
		}
		for _, l := range r.Lookups() {
			text += fmt.Sprint(" looked up ", l.State, l.Source, l.Key == key)
		}
		for _, w := range r.WritesBy() {
			text += fmt.Sprint(" wrote ", w.Op, w.State, w.TTL, w.Outcome, w.Err != nil, w.Key == key)
		}
		for _, e := range r.Errors() {
			text += fmt.Sprint(" told ", e.Op, e.Kind, e.Key == key)
		}
		kind, _ := b.rdb.Type(t.Context(), key).Result()
		noted, err := b.rdb.Get(t.Context(), testcache.Control(key)).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			noted = err.Error()
		}
		entry, _ := c.Entry(t.Context(), key[len(b.name)+1:])
		r.Reset()
		// A lease that a Touch was told to holds expiries.
		return fmt.Sprintf("%s; then a %s for %v beside %.18q for %v: %+v %v", text, kind, about(b.life(t, key)),
			noted, about(b.life(t, testcache.Control(key))), pointed(entry.Value), entry.State)
	}
	for name, call := range twofolds(t, b, b.two) {
		for state, make := range states {
			direct, queued, atomic := c.RedisKey("direct"), c.RedisKey("queued"), c.RedisKey("atomic")
			for _, key := range []string{direct, queued, atomic} {
				b.do(t, "DEL", key, testcache.Control(key))
				make(key)
			}
			r.Reset()
			v, err := call.direct(c, "direct")
			want := tell(direct, v, err)
			for key, exec := range map[string]func(p *collection.Pipeline) error{
				"queued": func(p *collection.Pipeline) error { return p.Exec(t.Context()) },
				"atomic": func(p *collection.Pipeline) error { return p.ExecAtomic(t.Context()) },
			} {
				var p collection.Pipeline
				take := call.queued(c.In(&p), key)
				execErr := exec(&p)
				v, err := take()
				if execErr != err {
					t.Errorf("%s of %s, %s: Exec says %v, the future %v", name, state, key, execErr, err)
				}
				if got := tell(c.RedisKey(key), v, err); got != want {
					t.Errorf("%s of %s, %s:\n%s, want\n%s", name, state, key, got, want)
				}
			}
		}
	}
}
