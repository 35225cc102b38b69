package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/faultnet"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

const (
	lowestLimit = 1 << 20 // of proto-max-bulk-len
	tooLong     = 2 << 20 // bytes of a part
)

// eachLimited runs test on real servers that take parts of 1 MB, with a client that has the
// rights that are given, and its network.
func eachLimited(t *testing.T, rights string, test func(t *testing.T, rdb redis.UniversalClient, n *faultnet.Network)) {
	for _, server := range redistest.Servers(t) {
		for _, topology := range []redistest.Topology{redistest.Standalone, redistest.Cluster} {
			t.Run(server.String()+"/"+string(topology), func(t *testing.T) {
				t.Parallel()
				i := server.StartCalm(t, topology, "--proto-max-bulk-len", "1mb")
				eachMaster(t, i.Client(t), func(ctx context.Context, c *redis.Client) error {
					return c.Do(ctx, "acl", "setuser", "limited", "on", "nopass", "~*", "&*", "+@all", rights).Err()
				})
				n := new(faultnet.Network)
				test(t, i.Client(t, n.Through, func(o *redis.UniversalOptions) { o.Username, o.Password = "limited", "x" }), n)
			})
		}
	}
}

// long is a value of the shape with a part of n bytes.
func long(shape codec.Shape, n int) content {
	part := strings.Repeat("x", n)
	switch shape {
	case codec.ShapeHash:
		return content{"small": "v", "large": part}
	case codec.ShapeSortedSet:
		return content{"1": "v", "2": part}
	case codec.ShapeString:
		return text(part)
	}
	return elements("v", part)
}

// A putting is a way to write a value.
type putting struct {
	name string
	once bool
	put  func(t *testing.T, s *store.Store, key string, c content) error
}

func puttings() []putting {
	steps := func(t *testing.T, s *store.Store, atomic bool, all ...store.Step) error {
		return errors.Join(s.DoAll(t.Context(), time.Now(), all, atomic, s.Replicas())...)
	}
	lease := func(t *testing.T, s *store.Store, key string) *store.Lease {
		t.Helper()
		c, err := s.Acquire(t.Context(), deadline(), key, leaseLife, true)
		if err != nil || c.Status != store.Granted {
			t.Fatalf("the lease of %s: %+v, %v", key, c, err)
		}
		return c.Lease
	}
	fill := func(t *testing.T, s *store.Store, key string, c content, to store.Committer) error {
		commits := []store.Commit{{Committer: to, State: store.Present, Entry: entry(key, c), TTL: time.Hour}}
		s.CommitAll(t.Context(), deadline(), commits)
		return commits[0].Err
	}
	return []putting{
		{"Put", false, func(t *testing.T, s *store.Store, key string, c content) error {
			return s.Put(t.Context(), deadline(), key, entry(key, c), time.Hour)
		}},
		{"PutIfAbsent", true, func(t *testing.T, s *store.Store, key string, c content) error {
			_, err := s.PutIfAbsent(t.Context(), deadline(), key, entry(key, c), time.Hour)
			return err
		}},
		{"Lease.Store", false, func(t *testing.T, s *store.Store, key string, c content) error {
			l := lease(t, s, key)
			_, err := l.Store(t.Context(), deadline(), entry(key, c), time.Hour)
			_, released := l.Release(t.Context(), deadline())
			return errors.Join(err, released)
		}},
		{"CommitAll", false, func(t *testing.T, s *store.Store, key string, c content) error {
			return fill(t, s, key, c, s.Leaseless(key))
		}},
		{"CommitAll with a lease", false, func(t *testing.T, s *store.Store, key string, c content) error {
			l := lease(t, s, key)
			err := fill(t, s, key, c, l)
			_, released := l.Release(t.Context(), deadline())
			return errors.Join(err, released)
		}},
		{"PutStep", false, func(t *testing.T, s *store.Store, key string, c content) error {
			return steps(t, s, false, s.PutStep(key, entry(key, c), time.Hour))
		}},
		{"PutIfAbsentStep", true, func(t *testing.T, s *store.Store, key string, c content) error {
			return steps(t, s, false, s.PutIfAbsentStep(key, entry(key, c), time.Hour))
		}},
		{"PutStep in one step", false, func(t *testing.T, s *store.Store, key string, c content) error {
			return steps(t, s, true, s.PutStep(key, entry(key, c), time.Hour))
		}},
	}
}

// wantTooLarge fails unless err says what was too long, and for what.
func wantTooLarge(t *testing.T, what string, err error) {
	t.Helper()
	if !store.IsTooLarge(err) || !strings.Contains(err.Error(), "2097152") || !strings.Contains(err.Error(), "proto-max-bulk-len") {
		t.Errorf("%s: %v", what, err)
	}
}

// wantHeld is wantStored for a value that is too long to be printed.
func wantHeld(t *testing.T, rdb redis.UniversalClient, key string, want content) {
	t.Helper()
	if got := stored(t, rdb, key); !maps.Equal(got, want) {
		t.Errorf("%s holds %d bytes, want %d", key, bytesOf(got), bytesOf(want))
	}
}

func bytesOf(c content) (n int) {
	for _, part := range c {
		n += len(part)
	}
	return n
}

// What a server does not take for its size is not sent, and what it takes is.
func TestTooLargeForTheServer(t *testing.T) {
	eachLimited(t, "+config", func(t *testing.T, rdb redis.UniversalClient, network *faultnet.Network) {
		replicas := []int{0}
		if _, ok := rdb.(*redis.ClusterClient); ok {
			replicas = append(replicas, 1)
		}
		for _, n := range replicas {
			for _, sh := range shapes {
				s := newStore(t, rdb, sh.shape)
				if err := s.WaitForReplicas(n); err != nil {
					t.Fatal(err)
				}
				for _, p := range puttings() {
					what := fmt.Sprint(sh.shape, ", ", p.name, ", ", n, " replicas")
					before := network.Sent()
					wantTooLarge(t, what, p.put(t, s, "{k}"+what, long(sh.shape, tooLong)))
					if sent := network.Sent() - before; sent > 100<<10 {
						t.Errorf("%s: %d bytes were sent", what, sent)
					}
					wantHeld(t, rdb, "{k}"+what, nil)
					if err := p.put(t, s, "{k}"+what, long(sh.shape, lowestLimit)); err != nil {
						t.Errorf("%s of just what is taken: %v", what, err)
					}
					wantHeld(t, rdb, "{k}"+what, long(sh.shape, lowestLimit))
				}
			}
		}
	})
}

// A client that may not ask for the limit learns it.
func TestTooLargeForAServerThatDoesNotSay(t *testing.T) {
	eachLimited(t, "-config", func(t *testing.T, rdb redis.UniversalClient, network *faultnet.Network) {
		for _, sh := range shapes {
			for _, p := range puttings() {
				what := sh.shape.String() + ", " + p.name
				s := newStore(t, rdb, sh.shape)
				s.ForTests().KeepLimits()
				tries := 1
				if p.once {
					tries = 2
				}
				for range tries {
					if err := p.put(t, s, "{k}"+what, long(sh.shape, tooLong)); err == nil {
						t.Errorf("%s: no error", what)
					}
				}
				before := network.Sent()
				for range 3 {
					wantTooLarge(t, what, p.put(t, s, "{k}"+what, long(sh.shape, tooLong)))
				}
				if sent := network.Sent() - before; sent > 100<<10 {
					t.Errorf("%s: %d bytes were sent, though it is known", what, sent)
				}
				if err := p.put(t, s, "{k}"+what, long(sh.shape, lowestLimit)); err != nil {
					t.Errorf("%s of just what is taken: %v", what, err)
				}
				wantHeld(t, rdb, "{k}"+what, long(sh.shape, lowestLimit))
			}
		}
	})
}

// Elements, and what is asked of them, are parts as well.
func TestTooLargeElements(t *testing.T) {
	for _, rights := range []string{"+config", "-config"} {
		t.Run(rights, func(t *testing.T) {
			eachLimited(t, rights, func(t *testing.T, rdb redis.UniversalClient, network *faultnet.Network) {
				part := strings.Repeat("x", tooLong)
				for _, tt := range []struct {
					name  string
					shape codec.Shape
					make  func(s *store.Store, r *store.Request)
				}{
					{"an element", codec.ShapeList, func(s *store.Store, r *store.Request) {
						r.Write(s, "list", store.Rules{Life: time.Hour}).Command("rpush", 0, 1).Arg(part)
					}},
					{"one of many", codec.ShapeList, func(s *store.Store, r *store.Request) {
						r.Write(s, "list", store.Rules{Life: time.Hour}).Command("rpush", 0, 1)
						for range 10_001 {
							r.Arg("v")
						}
						if err := r.Take([]byte(part)); err != nil {
							t.Fatal(err)
						}
					}},
					{"a field", codec.ShapeHash, func(s *store.Store, r *store.Request) {
						r.Write(s, "hash", store.Rules{Life: time.Hour}).Command("hset", 0, 2).Arg("f").Arg(part)
					}},
					{"a question", codec.ShapeSet, func(s *store.Store, r *store.Request) { r.Read("sismember", "set").Arg(part) }},
				} {
					s := newStore(t, rdb, tt.shape)
					do := func(name string, send func(r *store.Request) error) {
						if rights == "-config" {
							for range 2 { // a write of elements is never repeated
								r := new(store.Request)
								r.Reset(tt.shape)
								tt.make(s, r)
								_ = send(r)
							}
						}
						before := network.Sent()
						r := new(store.Request)
						r.Reset(tt.shape)
						tt.make(s, r)
						wantTooLarge(t, tt.name+", "+name, send(r))
						if sent := network.Sent() - before; sent > 100<<10 {
							t.Errorf("%s, %s: %d bytes were sent", tt.name, name, sent)
						}
					}
					do("alone", func(r *store.Request) error { return s.Do(t.Context(), r, time.Now()) })
					do("as a step", func(r *store.Request) error {
						return s.DoAll(t.Context(), time.Now(), []store.Step{r}, false, 0)[0]
					})
				}
			})
		})
	}
}

// Replace one that is too large all others are carried out; in one step, none.
func TestTooLargeAmongOthers(t *testing.T) {
	eachLimited(t, "+config", func(t *testing.T, rdb redis.UniversalClient, _ *faultnet.Network) {
		s := newStore(t, rdb, codec.ShapeString)
		value := func(key string) content {
			if strings.HasPrefix(key, "{k}large") {
				return text(strings.Repeat("x", tooLong))
			}
			return text("of " + key)
		}
		keys := []string{"{k}a", "{k}large1", "{k}b", "{k}large2"}
		check := func(what string, errs []error, others bool) {
			t.Helper()
			for i, key := range keys {
				switch large := strings.HasPrefix(key, "{k}large"); {
				case large || !others:
					wantTooLarge(t, what+" of "+key, errs[i])
					wantHeld(t, rdb, key, nil)
				default:
					if errs[i] != nil {
						t.Errorf("%s of %s: %v", what, key, errs[i])
					}
					wantHeld(t, rdb, key, value(key))
				}
			}
			if err := rdb.Del(t.Context(), keys...).Err(); err != nil {
				t.Fatal(err)
			}
		}
		var errs []error
		for _, f := range fillAll(t, s, acquireAll(t, s, keys), func(i int) content { return value(keys[i]) }) {
			errs = append(errs, f.Err)
		}
		check("fills", errs, true)
		for _, inOneStep := range []bool{true, false} {
			var steps []store.Step
			for _, key := range keys {
				steps = append(steps, s.PutStep(key, entry(key, value(key)), time.Hour))
			}
			check("steps", s.DoAll(t.Context(), time.Now(), steps, inOneStep, 0), !inOneStep)
		}
	})
}

// What is learnt is forgotten after a minute, and what arrives meanwhile counts.
func TestTooLargeIsLearntForAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := redistest.Mini(t)
		network := new(faultnet.Network)
		network.CutWritesAbove(3 << 20)
		rdb := env.NewClient(t, network.Through)
		s := newStore(t, rdb, codec.ShapeString)
		put := func(megabytes int) error {
			_, err := s.PutIfAbsent(t.Context(), deadline(), "k", entry("k", text(strings.Repeat("x", megabytes<<20))), time.Hour)
			return err
		}
		want := func(megabytes int, refused bool, closed int) {
			t.Helper()
			err := put(megabytes)
			if n := network.Cut(); store.IsTooLarge(err) != refused || n != closed || (err == nil) != (!refused && closed == 0) {
				t.Errorf("%d MB: %v, after %d connections were closed", megabytes, err, n)
			}
		}
		want(5, false, 1)
		want(2, false, 0) // tells nothing of 5 MB
		want(4, false, 1)
		want(5, true, 0)
		want(6, true, 0)
		want(4, false, 1) // one alone tells nothing
		want(4, false, 1)
		want(4, true, 0)
		want(2, false, 0)
		time.Sleep(time.Minute)
		want(4, false, 1)
		network.CutWritesAbove(100 << 20)
		want(4, false, 0)
		network.CutWritesAbove(3 << 20)
		want(4, false, 1)
		want(4, false, 1)
		want(4, true, 0)
	})
}

// A limit that was raised, or lowered, is noticed.
func TestLimitThatChanges(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		t.Run(server.String(), func(t *testing.T) {
			t.Parallel()
			rdb := server.Start(t, redistest.Standalone).Client(t)
			s := newStore(t, rdb, codec.ShapeString)
			put := func() error {
				return s.Put(t.Context(), deadline(), "k", entry("k", text(strings.Repeat("x", tooLong))), time.Hour)
			}
			if err := put(); err != nil {
				t.Fatal(err)
			}
			if err := rdb.ConfigSet(t.Context(), "proto-max-bulk-len", "1mb").Err(); err != nil {
				t.Fatal(err)
			}
			if err := put(); err == nil {
				t.Error("no error of what the server does not take")
			}
			wantTooLarge(t, "once the limit was lowered", put())
		})
	}
}
