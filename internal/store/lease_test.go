package store_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

const leaseLife = time.Minute

// A leased is what a test of leases works with.
type leased struct {
	env   *redistest.Env
	store *store.Store
	shape codec.Shape
}

// eachLeased runs a test on every server and shape.
func eachLeased(t *testing.T, test func(t *testing.T, b leased)) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		for _, sh := range shapes {
			shape := sh.shape
			t.Run(shape.String(), func(t *testing.T) {
				test(t, leased{env, newStore(t, env.Client, shape), shape})
			})
		}
	})
}

// value is a small value of the shape.
func (b leased) value(v string) content {
	if b.shape == codec.ShapeSortedSet {
		return content{"1.5": v}
	}
	if b.shape == codec.ShapeHash {
		return content{"field": v}
	}
	return elements(v)
}

// large is one that does not go through a script, and takes several commands to stage
// where a value can.
func (b leased) large() content {
	if b.shape == codec.ShapeString {
		return text(strings.Repeat("x", 1<<20))
	}
	return large(b.shape, 2500)
}

// staged is just large enough to be staged.
func (b leased) staged() content {
	if b.shape == codec.ShapeString {
		return text(strings.Repeat("x", 2<<10+1))
	}
	return large(b.shape, 257)
}

func (b leased) acquire(t testing.TB, key string, beside bool) store.Acquired {
	t.Helper()
	c, err := b.store.Acquire(t.Context(), deadline(), key, leaseLife, beside)
	if err != nil {
		t.Fatalf("Acquire: %v", err)
	}
	return c
}

// grant is acquire of a lease that nobody refuses.
func (b leased) grant(t testing.TB, key string, beside bool) *store.Lease {
	t.Helper()
	c := b.acquire(t, key, beside)
	if c.Status != store.Granted {
		t.Fatalf("Acquire: status %d, want Granted", c.Status)
	}
	return c.Lease
}

func (b leased) put(t testing.TB, v content) {
	t.Helper()
	if err := b.store.Put(t.Context(), deadline(), "k", entry("k", v), time.Hour); err != nil {
		t.Fatal(err)
	}
}

// do sends a command as another program would.
func (b leased) do(t testing.TB, args ...any) {
	t.Helper()
	if err := b.env.Client.Do(t.Context(), args...).Err(); err != nil {
		t.Fatalf("%v: %v", args, err)
	}
}

// foreignPut is what another program does to store a value, with a life or 0.
func (b leased) foreignPut(t testing.TB, v string, life time.Duration) {
	t.Helper()
	b.do(t, "DEL", "k")
	switch b.shape {
	case codec.ShapeString:
		b.do(t, "SET", "k", v)
	case codec.ShapeHash:
		b.do(t, "HSET", "k", "field", v)
	case codec.ShapeList:
		b.do(t, "RPUSH", "k", v)
	case codec.ShapeSet:
		b.do(t, "SADD", "k", v)
	case codec.ShapeSortedSet:
		b.do(t, "ZADD", "k", "1.5", v)
	}
	if life != 0 {
		b.do(t, "PEXPIRE", "k", life.Milliseconds())
	}
}

// noted is what the control key of a key holds.
func (b leased) noted(t testing.TB, key string) string {
	t.Helper()
	return b.env.Client.Get(t.Context(), rediskey.ControlKey(key)).Val()
}

func (b leased) wantKeys(t testing.TB, what string, keys ...string) {
	t.Helper()
	if got := b.env.Keys(t); !slices.Equal(got, keys) {
		t.Errorf("%s: there are the keys %q, want %q", what, got, keys)
	}
}

// A lease is a token in the control key that lives as long as the lease. Its store
// puts value and life in place and ends the lease.
func TestLeaseStores(t *testing.T) {
	eachLeased(t, func(t *testing.T, b leased) {
		for _, key := range []string{"k", "{tag}k", "a}b"} {
			for name, v := range map[string]content{"small": b.value("v"), "large": b.large()} {
				for _, beside := range []bool{false, true} {
					for _, ttl := range []time.Duration{time.Hour, store.Forever} {
						b.env.FlushAll(t)
						what := fmt.Sprintf("%s under %s for %v, beside a value: %v", name, key, ttl, beside)
						if beside {
							foreign(t, b.env.Client, key, "stream")
						}
						l := b.grant(t, key, beside)
						if held := b.noted(t, key); len(held) != 17 || held[0] != 'L' {
							t.Errorf("%s: the control key holds %q, want an L and 16 bytes", what, held)
						}
						if life := b.env.Client.PTTL(t.Context(), rediskey.ControlKey(key)).Val(); life <= 0 || life > leaseLife {
							t.Errorf("%s: the lease lives %v, want %v", what, life, leaseLife)
						}
						if ok, err := l.Store(t.Context(), deadline(), entry(key, v), ttl); !ok || err != nil {
							t.Fatalf("%s: Store = %v, %v", what, ok, err)
						}
						if got := stored(t, b.env.Client, key); !maps.Equal(got, v) {
							t.Errorf("%s: %d parts stored, want %d", what, len(got), len(v))
						}
						life := b.env.Client.PTTL(t.Context(), key).Val()
						if forever := ttl == store.Forever; forever && life != -1 || !forever && (life <= ttl-time.Minute || life > ttl) {
							t.Errorf("%s: the value lives %v", what, life)
						}
						b.wantKeys(t, what, key)
					}
				}
			}
		}
	})
}

// storings are the ways in which a load can end with a result.
func (b leased) storings() map[string]func(context.Context, *store.Lease) (bool, error) {
	put := func(v content) func(context.Context, *store.Lease) (bool, error) {
		return func(ctx context.Context, l *store.Lease) (bool, error) {
			return l.Store(ctx, deadline(), entry("k", v), time.Hour)
		}
	}
	all := map[string]func(context.Context, *store.Lease) (bool, error){
		"Store of a small value": put(b.value("older")),
		"Store of a large value": put(b.staged()),
		"StoreAbsent": func(ctx context.Context, l *store.Lease) (bool, error) {
			return l.StoreAbsent(ctx, deadline(), time.Hour)
		},
		"StoreNothing": func(ctx context.Context, l *store.Lease) (bool, error) { return l.StoreNothing(ctx, deadline()) },
	}
	if b.store.HoldsEmpties() {
		all["Store of an empty value"] = put(nil)
	}
	return all
}

// A revocation is what comes between a lease and its store.
type revocation struct {
	name   string
	beside bool // the lease was granted beside a value, which lives an hour
	do     func(t *testing.T, b leased)
}

var revocations = func() (all []revocation) {
	control := rediskey.ControlKey("k")
	for _, beside := range []bool{false, true} {
		for name, do := range map[string]func(t *testing.T, b leased){
			"Put": func(t *testing.T, b leased) { b.put(t, b.value("newer")) },
			"PutAbsent": func(t *testing.T, b leased) {
				if err := b.store.PutAbsent(t.Context(), deadline(), "k", time.Hour); err != nil {
					t.Fatal(err)
				}
			},
			"Delete": func(t *testing.T, b leased) {
				if errs := b.store.Delete(t.Context(), deadline(), []string{"k"}); errs != nil {
					t.Fatal(errs)
				}
			},
			"DEL of both keys":      func(t *testing.T, b leased) { b.do(t, "DEL", "k", control) },
			"loss of the lease":     func(t *testing.T, b leased) { b.do(t, "DEL", control) },
			"expiry of the lease":   func(t *testing.T, b leased) { b.env.Advance(t, leaseLife) },
			"FLUSHALL":              func(t *testing.T, b leased) { b.env.FlushAll(t) },
			"foreign write":         func(t *testing.T, b leased) { b.foreignPut(t, "newer", 0) },
			"foreign write, 2 h":    func(t *testing.T, b leased) { b.foreignPut(t, "newer", 2*time.Hour) },
			"foreign write, 30 min": func(t *testing.T, b leased) { b.foreignPut(t, "newer", 30*time.Minute) },
			"foreign type": func(t *testing.T, b leased) {
				foreign(t, b.env.Client, "k", "stream")
			},
			"another lease": func(t *testing.T, b leased) {
				b.do(t, "DEL", control)
				b.grant(t, "k", true)
			},
			"control key of another type": func(t *testing.T, b leased) {
				b.do(t, "DEL", control)
				b.do(t, "RPUSH", control, "x")
				b.do(t, "PEXPIRE", control, 60000)
			},
		} {
			all = append(all, revocation{name, beside, do})
		}
	}
	return append(all,
		revocation{"PutIfAbsent", false, func(t *testing.T, b leased) {
			if ok, err := b.store.PutIfAbsent(t.Context(), deadline(), "k", entry("k", b.value("newer")), time.Hour); !ok || err != nil {
				t.Fatal(ok, err)
			}
		}},
		revocation{"foreign write, and a Touch", true, func(t *testing.T, b leased) {
			b.foreignPut(t, "newer", 30*time.Minute)
			if ok, err := b.store.Touch(t.Context(), deadline(), "k", 3*time.Hour); !ok || err != nil {
				t.Fatal(ok, err)
			}
		}},
		revocation{"a Touch, a foreign write, and a Touch", true, func(t *testing.T, b leased) {
			for _, life := range []time.Duration{2 * time.Hour, 3 * time.Hour} {
				if ok, err := b.store.Touch(t.Context(), deadline(), "k", life); !ok || err != nil {
					t.Fatal(ok, err)
				}
				if life == 2*time.Hour {
					b.foreignPut(t, "newer", 30*time.Minute)
				}
			}
		}},
		revocation{"loss of the value", true, func(t *testing.T, b leased) { b.do(t, "DEL", "k") }},
		revocation{"expiry of the value", true, func(t *testing.T, b leased) { b.do(t, "PEXPIRE", "k", 0) }},
	)
}()

// A lease has the TTL that it was asked for with, whatever the one before had.
func TestLeasesOfSeveralTTLs(t *testing.T) {
	eachLeased(t, func(t *testing.T, b leased) {
		b.env.FlushAll(t)
		for i, ttl := range []time.Duration{leaseLife, 3 * leaseLife, leaseLife} {
			one := fmt.Sprint("one", i)
			if c, err := b.store.Acquire(t.Context(), deadline(), one, ttl, false); err != nil || c.Status != store.Granted {
				t.Fatalf("status %v, %v", c.Status, err)
			}
			asks := []store.Ask{{Key: fmt.Sprint("a", i)}, {Key: fmt.Sprint("b", i)}}
			b.store.AcquireAll(t.Context(), deadline(), asks, ttl)
			for _, key := range []string{one, asks[0].Key, asks[1].Key} {
				life := b.env.Client.PTTL(t.Context(), rediskey.ControlKey(key)).Val()
				if life <= ttl-leaseLife || life > ttl {
					t.Errorf("the lease of %s lives %v, want %v", key, life, ttl)
				}
			}
		}
	})
}

// Whatever takes away the lease, or changes what the lease was granted for, forbids
// the store. That leaves all as it is, and no lease behind.
func TestLeaseIsRevoked(t *testing.T) {
	eachLeased(t, func(t *testing.T, b leased) {
		b.env.FlushAll(t)
		if b.env.Topology == redistest.Cluster && b.shape != codec.ShapeString {
			return // a cluster adds nothing but slots, which all shapes share
		}
		for _, r := range revocations {
			for how, storing := range b.storings() {
				what := fmt.Sprintf("%s after %s, beside a value: %v", how, r.name, r.beside)
				b.do(t, "DEL", "k", rediskey.ControlKey("k"))
				if r.beside {
					b.put(t, b.value("old"))
				}
				l := b.grant(t, "k", r.beside)
				lease := b.noted(t, "k")
				r.do(t, b)
				value, control := stored(t, b.env.Client, "k"), b.noted(t, "k")
				keys := b.env.Keys(t)
				if ok, err := storing(t.Context(), l); ok || err != nil {
					t.Errorf("%s: %v, %v, want a refusal", what, ok, err)
				}
				if after := stored(t, b.env.Client, "k"); !maps.Equal(after, value) {
					t.Errorf("%s: the value was %q and is %q", what, value, after)
				}
				if strings.HasPrefix(control, lease) { // it is of no use to anybody
					control = ""
					keys = slices.DeleteFunc(keys, func(key string) bool { return key == rediskey.ControlKey("k") })
				}
				if after := b.noted(t, "k"); after != control {
					t.Errorf("%s: the control key held %q and holds %q", what, control, after)
				}
				b.wantKeys(t, what, keys...)
			}
		}
	})
}

// A new life is no new value.
func TestLeaseOutlivesATouch(t *testing.T) {
	eachLeased(t, func(t *testing.T, b leased) {
		b.env.FlushAll(t)
		b.put(t, b.value("old"))
		for range 3 {
			l := b.grant(t, "k", true)
			for range 2 {
				if ok, err := b.store.Touch(t.Context(), deadline(), "k", 3*time.Hour); !ok || err != nil {
					t.Fatal(ok, err)
				}
			}
			if held, err := l.Renew(t.Context(), deadline()); !held || err != nil {
				t.Errorf("Renew: %v, %v", held, err)
			}
			if c := b.acquire(t, "k", true); c.Status != store.Busy {
				t.Errorf("Acquire: status %d, want Busy", c.Status)
			}
			if ok, err := l.Store(t.Context(), deadline(), entry("k", b.value("new")), time.Hour); !ok || err != nil {
				t.Errorf("Store: %v, %v", ok, err)
			}
		}
		b.wantKeys(t, "in the end", "k")
	})
}

// What else the key holds decides what Acquire answers.
func TestAcquire(t *testing.T) {
	eachLeased(t, func(t *testing.T, b leased) {
		control := rediskey.ControlKey("k")
		empty := store.Granted
		if b.store.HoldsEmpties() {
			empty = store.HasEmpty
		}
		for _, tt := range []struct {
			name         string
			prepare      func()
			want, beside store.Status
		}{
			{"nothing", func() {}, store.Granted, store.Granted},
			{"a value", func() { b.put(t, b.value("v")) }, store.HasValue, store.Granted},
			{"a value and a marker", func() { b.put(t, b.value("v")); b.do(t, "SET", control, "N", "PX", 60000) }, store.HasValue, store.Granted},
			{"a value and a lease", func() { b.put(t, b.value("v")); b.grant(t, "k", true) }, store.HasValue, store.Busy},
			{"a value of another type", func() { foreign(t, b.env.Client, "k", "stream") }, store.Granted, store.Granted},
			{"absent", func() { b.do(t, "SET", control, "N", "PX", 60000) }, store.HasAbsence, store.Granted},
			{"empty", func() { b.do(t, "SET", control, "E", "PX", 60000) }, empty, store.Granted},
			{"a lease", func() { b.grant(t, "k", false) }, store.Busy, store.Busy},
			{"a lease without an end", func() { b.do(t, "SET", control, "L0123456789abcdef") }, store.Granted, store.Granted},
			{"something else", func() { b.do(t, "SET", control, "L0123", "PX", 60000) }, store.Granted, store.Granted},
			{"a list", func() { b.do(t, "RPUSH", control, "N") }, store.Granted, store.Granted},
		} {
			for beside, want := range map[bool]store.Status{false: tt.want, true: tt.beside} {
				b.env.FlushAll(t)
				tt.prepare()
				c := b.acquire(t, "k", beside)
				if c.Status != want {
					t.Errorf("%s, beside %v: status %d, want %d", tt.name, beside, c.Status, want)
				}
				if (c.Lease != nil) != (want == store.Granted) || (c.Wait > 0 && c.Wait <= leaseLife) != (want == store.Busy) {
					t.Errorf("%s, beside %v: %+v", tt.name, beside, c)
				}
				if life := b.env.Client.PTTL(t.Context(), control).Val(); c.Lease != nil && (life <= 0 || life > leaseLife) {
					t.Errorf("%s, beside %v: the lease lives %v", tt.name, beside, life)
				}
			}
		}
	})
}

// A token belongs to one acquisition. If it belonged to the process, the first load
// would be let in by the second one's lease.
func TestLeaseOfTheSameProcess(t *testing.T) {
	eachLeased(t, func(t *testing.T, b leased) {
		b.env.FlushAll(t)
		first := b.grant(t, "k", false)
		if errs := b.store.Delete(t.Context(), deadline(), []string{"k"}); errs != nil {
			t.Fatal(errs)
		}
		second := b.grant(t, "k", false)
		if ok, err := first.Store(t.Context(), deadline(), entry("k", b.value("older")), time.Hour); ok || err != nil {
			t.Errorf("the first load's Store: %v, %v", ok, err)
		}
		if held, err := first.Renew(t.Context(), deadline()); held || err != nil {
			t.Errorf("the first lease's Renew: %v, %v", held, err)
		}
		if held, err := first.Release(t.Context(), deadline()); held || err != nil {
			t.Errorf("the first lease's Release: %v, %v", held, err)
		}
		if ok, err := second.Store(t.Context(), deadline(), entry("k", b.value("newer")), time.Hour); !ok || err != nil {
			t.Errorf("the second load's Store: %v, %v", ok, err)
		}
		if got := stored(t, b.env.Client, "k"); !maps.Equal(got, b.value("newer")) {
			t.Errorf("stored: %q", got)
		}
	})
}

// A lease that comes to nothing gives back what it has replaced, with the life that
// is left of it.
func TestLeaseIsReleased(t *testing.T) {
	eachLeased(t, func(t *testing.T, b leased) {
		control := rediskey.ControlKey("k")
		for _, marker := range []string{"", "N", "E"} {
			if marker == "E" && !b.store.HoldsEmpties() {
				continue
			}
			b.env.FlushAll(t)
			if marker != "" {
				b.do(t, "SET", control, marker, "PX", time.Hour.Milliseconds())
			}
			l := b.grant(t, "k", true)
			b.env.Advance(t, leaseLife-10*time.Second)
			if held, err := l.Renew(t.Context(), deadline()); !held || err != nil {
				t.Errorf("Renew: %v, %v", held, err)
			}
			if life := b.env.Client.PTTL(t.Context(), control).Val(); life <= 10*time.Second || life > leaseLife {
				t.Errorf("after Renew the lease lives %v", life)
			}
			if held, err := l.Release(t.Context(), deadline()); !held || err != nil {
				t.Errorf("Release: %v, %v", held, err)
			}
			if got := b.noted(t, "k"); got != marker {
				t.Errorf("the control key held %q, and holds %q", marker, got)
			}
			if life := b.env.Client.PTTL(t.Context(), control).Val(); marker != "" && (life <= 0 || life > time.Hour) {
				t.Errorf("the marker lives %v", life)
			}
		}
	})
}

// What a value is staged under lies in its slot, and is no control key of anything.
func TestStagingKeys(t *testing.T) {
	eachLeased(t, func(t *testing.T, b leased) {
		if b.env.Mini != nil {
			return // it knows no slots
		}
		for _, key := range []string{"k", "{tag}k", "a}b", "{}", "x{"} {
			b.env.FlushAll(t)
			l := b.grant(t, key, false)
			if ok, err := l.Store(t.Context(), deadline(), entry(key, b.large()), time.Hour); !ok || err != nil {
				t.Errorf("%q: Store = %v, %v", key, ok, err)
			}
		}
	})
}

// Servers forget scripts: all at once, or those that came by EVAL when many others
// follow. Neither may harm, nor last.
func TestScriptsAreForgotten(t *testing.T) {
	eachLeased(t, func(t *testing.T, b leased) {
		for name, v := range map[string]content{"small": b.value("v"), "large": b.large()} {
			b.env.FlushAll(t)
			flushScripts(t, b.env.Client)
			l := b.grant(t, "k", false)
			flushScripts(t, b.env.Client)
			if ok, err := l.Store(t.Context(), deadline(), entry("k", v), time.Hour); !ok || err != nil {
				t.Errorf("%s: Store = %v, %v", name, ok, err)
			}
			if got := stored(t, b.env.Client, "k"); !maps.Equal(got, v) {
				t.Errorf("%s: %d parts stored, want %d", name, len(got), len(v))
			}
			b.wantKeys(t, name, "k")
		}
		if b.env.Mini != nil {
			return // it forgets none
		}
		if _, err := b.grant(t, "k", true).Release(t.Context(), deadline()); err != nil { // the server learns the script
			t.Error(err)
		}
		for i := range 600 { // servers keep the last 500
			b.do(t, "EVAL", fmt.Sprintf("return %d", i), 1, "k")
		}
		eachMaster(t, b.env.Client, func(ctx context.Context, c *redis.Client) error { return c.ConfigResetStat(ctx).Err() })
		l := b.grant(t, "k", true)
		if got, want := counted(t, b.env.Client), []string{"evalsha", "get", "pexpiretime", "pttl", "set", "type"}; !slices.Equal(got, want) {
			t.Errorf("a lease after many other scripts is %v, want %v", got, want)
		}
		if _, err := l.Release(t.Context(), deadline()); err != nil {
			t.Error(err)
		}
	})
}

// Full memory refuses leases and stores, changes nothing, and lets a lease that was
// granted before be given back.
func TestLeaseInFullMemory(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		rdb := server.Start(t, redistest.Standalone, "--maxmemory-policy", "noeviction").Client(t)
		limit := func(bytes string) {
			if err := rdb.ConfigSet(t.Context(), "maxmemory", bytes).Err(); err != nil {
				t.Fatal(err)
			}
		}
		for _, sh := range shapes {
			shape := sh.shape
			b := leased{&redistest.Env{Client: rdb, Topology: redistest.Standalone}, newStore(t, rdb, shape), shape}
			limit("0")
			b.env.FlushAll(t)
			b.put(t, b.value("old"))
			learn := b.grant(t, "learn", false)
			if ok, err := learn.Store(t.Context(), deadline(), entry("learn", b.large()), time.Hour); !ok || err != nil {
				t.Fatal(ok, err)
			}
			for how, storing := range b.storings() {
				limit("0")
				l := b.grant(t, "k", true)
				limit("1")
				ok, err := storing(t.Context(), l)
				// Small values may take the place of what is removed for them.
				if !ok && !redis.IsOOMError(err) || ok && how == "Store of a large value" {
					t.Errorf("%s %v: %s: %v, %v", server, shape, how, ok, err)
				}
				if _, err := l.Release(t.Context(), deadline()); err != nil {
					t.Errorf("%s %v: Release: %v", server, shape, err)
				}
				limit("0")
				if !ok && !maps.Equal(stored(t, rdb, "k"), b.value("old")) {
					t.Errorf("%s %v: %s has failed, and left %q", server, shape, how, stored(t, rdb, "k"))
				}
				if ok {
					b.put(t, b.value("old"))
				}
				b.wantKeys(t, how, "k", "learn")
			}
			limit("1")
			if c := b.acquire(t, "new", false); c.Status != store.Full {
				t.Errorf("%s %v: Acquire of a missing key: %v", server, shape, c)
			}
			if c := b.acquire(t, "k", false); c.Status != store.HasValue {
				t.Errorf("%s %v: Acquire of a key with a value: %v", server, shape, c)
			}
		}
	}
}

// What Redis is asked to do for a load, as it counts commands itself, those of
// scripts included.
func TestCommandsOfALease(t *testing.T) {
	eachLeased(t, func(t *testing.T, b leased) {
		if b.env.Mini != nil || b.shape != codec.ShapeString && b.shape != codec.ShapeHash {
			return // miniredis does not count, and the other shapes differ from a hash by their words alone
		}
		b.env.FlushAll(t)
		var l *store.Lease
		claim := func() error { l = b.grant(t, "k", false); return nil }
		storing := func(v content) func() error {
			return func() error {
				_, err := l.Store(t.Context(), deadline(), entry("k", v), time.Hour)
				return err
			}
		}
		words := map[string]string{
			"small": "del evalsha get set", "staged": "del evalsha get pexpire pexpiretime rename set strlen", "poll": "mget",
			"there": "evalsha get pttl strlen type type",
		}
		if b.env.Topology == redistest.Cluster {
			words["poll"] = "get get"
		}
		if b.shape == codec.ShapeHash {
			words = map[string]string{
				"small": "del evalsha get hset pexpire pexpiretime", "poll": "get hgetall", "there": "evalsha type type",
				"staged": "del eval evalsha get hlen hset pexpire pexpire pexpiretime rename unlink",
			}
		}
		for _, learn := range []func() error{storing(b.value("v")), storing(b.staged()), func() error {
			_, err := l.StoreNothing(t.Context(), deadline())
			return err
		}} {
			if err := cmp.Or(claim(), learn()); err != nil {
				t.Fatal(err)
			}
			b.env.FlushAll(t)
		}
		renew := func() error { _, err := l.Renew(t.Context(), deadline()); return err }
		_ = claim()
		giveBack := func() error { _, err := l.Release(t.Context(), deadline()); return err }
		if err := cmp.Or(renew(), giveBack()); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			name string
			call func() error
			want string
		}{
			{"Acquire", claim, "evalsha set type"},
			{"Acquire of what another has", func() error { b.acquire(t, "k", false); return nil }, "evalsha pttl set set type type"},
			{"Probe", func() error { return b.store.Probe(t.Context(), deadline(), "k", new(store.Entry)) }, words["poll"]},
			{"Renew", renew, "evalsha get pexpire"},
			{"Store", storing(b.value("v")), words["small"]},
			{"Acquire of what is there", func() error { b.acquire(t, "k", false); return nil }, words["there"]},
			{"Acquire beside it", func() error { l = b.grant(t, "k", true); return nil }, "evalsha get pexpiretime pttl set type"},
			{"Release", giveBack, "del evalsha get"},
			{"Acquire beside it again", func() error { l = b.grant(t, "k", true); return nil }, "evalsha get pexpiretime pttl set type"},
			{"StoreNothing", func() error { _, err := l.StoreNothing(t.Context(), deadline()); return err }, "del evalsha get pexpiretime unlink"},
			{"Acquire again", claim, "evalsha set type"},
			{"Store of a large value", storing(b.staged()), words["staged"]},
		} {
			eachMaster(t, b.env.Client, func(ctx context.Context, c *redis.Client) error { return c.ConfigResetStat(ctx).Err() })
			if err := step.call(); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			want := slices.Sorted(strings.FieldsSeq(step.want))
			if got := counted(t, b.env.Client); !slices.Equal(got, want) {
				t.Errorf("%s is %v, want %v", step.name, got, want)
			}
		}
	})
}
