package store_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/client"
	"github.com/asidecache/aside/internal/faultnet"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

// moreCalls are calls, and those of many keys and of elements.
func moreCalls() map[string]func(ctx context.Context, s *store.Store, deadline time.Time) error {
	all := maps.Clone(calls)
	maps.Copy(all, map[string]func(ctx context.Context, s *store.Store, deadline time.Time) error{
		"Put of a large value": func(ctx context.Context, s *store.Store, deadline time.Time) error {
			return s.Put(ctx, deadline, "k", entry("k", text(strings.Repeat("v", 1<<20))), time.Hour)
		},
		"Put in a shared pipeline": func(ctx context.Context, s *store.Store, deadline time.Time) error {
			s.ForTests().ManyInFlight()
			return s.Put(ctx, deadline, "k", entry("k", text("v")), time.Hour)
		},
		"Delete in a shared pipeline": func(ctx context.Context, s *store.Store, deadline time.Time) error {
			s.ForTests().ManyInFlight()
			return s.Delete(ctx, deadline, []string{"k"})[0]
		},
		"Probe": func(ctx context.Context, s *store.Store, deadline time.Time) error {
			return s.Probe(ctx, deadline, "k", new(store.Entry))
		},
		"Delete of many": func(ctx context.Context, s *store.Store, deadline time.Time) error {
			return s.Delete(ctx, deadline, []string{"k", "l"})[1]
		},
		"AcquireAll": func(ctx context.Context, s *store.Store, deadline time.Time) error {
			asks := []store.Ask{{Key: "k"}, {Key: "l"}}
			s.AcquireAll(ctx, deadline, asks, time.Second)
			return asks[1].Err
		},
		"CommitAll": func(ctx context.Context, s *store.Store, deadline time.Time) error {
			commits := make([]store.Commit, 2)
			for i, key := range []string{"k", "l"} {
				commits[i] = store.Commit{Committer: s.Leaseless(key), State: store.Present, Entry: entry(key, text("v")), TTL: time.Hour}
			}
			s.CommitAll(ctx, deadline, commits)
			return commits[1].Err
		},
		"Do": func(ctx context.Context, s *store.Store, _ time.Time) error {
			r := new(store.Request)
			r.Reset(codec.ShapeString)
			return s.Do(ctx, r.Read("strlen", "k"), time.Now())
		},
		"DoAll": func(ctx context.Context, s *store.Store, _ time.Time) error {
			return s.DoAll(ctx, time.Now(), []store.Step{s.InspectStep("k", new(store.Entry), true, false), s.DeleteStep("l")}, false, 0)[1]
		},
	})
	return all
}

// A refused connection does not cost the whole timeout, and the error says that it was
// refused, though go-redis dials for longer than that.
func TestRefusedConnection(t *testing.T) {
	replicated := map[string]bool{"Put": true, "PutAbsent": true, "PutIfAbsent": true, "Delete": true, "Delete of many": true}
	for _, c := range clients[:len(clients)-1] {
		for name, call := range moreCalls() {
			for _, replicas := range []int{0, 1} {
				if replicas > 0 && !replicated[name] {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%d replicas", c.name, name, replicas), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						var dials atomic.Int32
						rdb := c.open(&redis.UniversalOptions{Addrs: []string{"127.0.0.1:6379"}, DialerRetries: 50, PoolSize: 100,
							Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
								dials.Add(1)
								return faultnet.Refused(ctx, network, addr)
							}})
						defer rdb.Close()
						s := newStoreOf(t, rdb, time.Second)
						if replicas > 0 {
							if err := s.WaitForReplicas(replicas); err != nil {
								t.Fatal(err)
							}
						}
						began := time.Now()
						err := call(t.Context(), s, began.Add(time.Second))
						if took := time.Since(began); err == nil || took > 260*time.Millisecond {
							t.Errorf("it returned after %v, want a quarter of a second: %v", took, err)
						}
						if got, want := fmt.Sprint(s.Explain(err)), "dial tcp 127.0.0.1:6379: connect: connection refused"; got != want {
							t.Errorf("the error is %q, want %q", got, want)
						}
						if op := (*net.OpError)(nil); !errors.As(s.Explain(err), &op) {
							t.Error("the cause cannot be found in the error")
						}
						if n := dials.Load(); n > 5 { // three of the pool, and one by the store, or two when a second window is open
							t.Errorf("%d attempts to connect, want one more than the pool's", n)
						}
						s.Close()
						_ = rdb.Close()
						time.Sleep(time.Minute) // the pool's own attempts end
					})
				})
			}
		}
	}
}

func newStoreOf(t *testing.T, rdb redis.UniversalClient, timeout time.Duration) *store.Store {
	t.Helper()
	client.WithoutBreaker(rdb)
	s, err := store.New(rdb, codec.ShapeString, timeout)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Until a cluster client has found its masters, all of the servers that it begins with have
// to refuse.
func TestRefusedConnectionsOfAnUnknownCluster(t *testing.T) {
	for _, alive := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			rdb := redis.NewClusterClient(&redis.ClusterOptions{
				Addrs: []string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"},
				Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
					if alive && addr == "127.0.0.1:2" { // it takes its time
						return faultnet.Hanging(ctx, network, addr)
					}
					return faultnet.Refused(ctx, network, addr)
				},
			})
			s := newStoreOf(t, rdb, time.Second)
			began := time.Now()
			_, err := s.Read(t.Context(), "k", new(store.Entry), began)
			refused := strings.HasSuffix(fmt.Sprint(s.Explain(err)), "connection refused")
			if took := time.Since(began); refused == alive || took < time.Second != refused {
				t.Errorf("one of three answers: %v; after %v: %v", alive, took, s.Explain(err))
			}
			s.Close()
			_ = rdb.Close()
			time.Sleep(time.Hour)
		})
	}
}

// One master of a cluster that refuses ends the wait for that one alone.
func TestRefusedConnectionOfOneMaster(t *testing.T) {
	const dead, alive = "10.0.0.1:6379", "10.0.0.2:6379"
	synctest.Test(t, func(t *testing.T) {
		env := redistest.Mini(t)
		rdb := redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: []string{alive},
			ClusterSlots: func(context.Context) ([]redis.ClusterSlot, error) {
				return []redis.ClusterSlot{
					{Start: 0, End: 8191, Nodes: []redis.ClusterNode{{Addr: dead}}},
					{Start: 8192, End: 16383, Nodes: []redis.ClusterNode{{Addr: alive}}},
				}, nil
			},
			Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
				if addr == dead {
					return faultnet.Refused(ctx, network, addr)
				}
				return env.Client.(*redis.Client).Options().Dialer(ctx, network, addr)
			},
		})
		defer rdb.Close()
		s := newStoreOf(t, rdb, time.Second)
		for key, want := range map[string]string{"{b}": "connection refused", "{a}": "<nil>"} { // slots 3300 and 15495
			began := time.Now()
			_, err := s.Read(t.Context(), key, new(store.Entry), began)
			if got := fmt.Sprint(s.Explain(err)); !strings.HasSuffix(got, want) || time.Since(began) > 260*time.Millisecond {
				t.Errorf("%s: %s after %v, want %s", key, got, time.Since(began), want)
			}
		}
		s.Close()
		_ = rdb.Close()
		time.Sleep(time.Hour)
	})
}

// occupy has a command wait at the server for its answer, until release is called.
func occupy(env *redistest.Env, rdb redis.UniversalClient) (release func()) {
	held, answer, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	env.Mini.Server().SetPreHook(func(_ *server.Peer, command string, _ ...string) bool {
		if command == "ECHO" {
			close(held)
			<-answer
		}
		return false
	})
	go func() {
		defer close(done)
		_ = rdb.Echo(context.Background(), "").Err()
	}()
	<-held
	return func() {
		close(answer)
		<-done
	}
}

// A pool whose connections are in use says nothing of the server.
func TestBusyPool(t *testing.T) {
	env := redistest.Mini(t)
	var dials atomic.Int32
	rdb := redis.NewClient(&redis.Options{
		PoolSize: 1, PipelinePoolSize: -1, PoolTimeout: time.Hour, ReadTimeout: time.Hour,
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			dials.Add(1)
			return env.Client.(*redis.Client).Options().Dialer(ctx, network, addr)
		},
	})
	defer rdb.Close()
	s := newStoreOf(t, rdb, 40*time.Millisecond)
	if err := rdb.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	release := occupy(env, rdb)
	for name, call := range moreCalls() {
		err := call(t.Context(), s, time.Now().Add(40*time.Millisecond))
		if got, want := fmt.Sprint(s.Explain(err)), "no answer within RedisTimeout, 40ms"; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if n := dials.Load(); n != 1 {
		t.Errorf("%d attempts to connect, want that of the connection in use", n)
	}
	release()
	s.Close()
}

// However many wait, and in however many caches, there is one attempt at a time.
func TestOneAttemptToConnect(t *testing.T) {
	var mu sync.Mutex
	now, most := 0, 0
	rdb := redis.NewClient(&redis.Options{
		PoolSize: 1, PipelinePoolSize: -1, PoolTimeout: time.Hour, DialTimeout: time.Hour,
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			defer func() {
				mu.Lock()
				defer mu.Unlock()
				now--
			}()
			<-ctx.Done()
			return nil, ctx.Err()
		},
	})
	var callers sync.WaitGroup
	for range 5 {
		s := newStoreOf(t, rdb, 200*time.Millisecond)
		for range 10 {
			callers.Go(func() {
				_, err := s.Read(t.Context(), "k", new(store.Entry), time.Now())
				if got := fmt.Sprint(s.Explain(err)); !strings.HasPrefix(got, "no answer within RedisTimeout, 200ms") {
					t.Error(got)
				}
			})
		}
		defer s.Close()
	}
	callers.Wait()
	_ = rdb.Close()
	if most != 2 {
		t.Errorf("%d attempts to connect at a time, want the pool's and one more", most)
	}
}

// A handshake that fails is told of as well: of TLS, and in plain words to a caller that expects
// TLS. go-redis repeats both for longer than the timeout.
func TestFailedHandshake(t *testing.T) {
	quiet := httptest.NewUnstartedServer(nil)
	quiet.Config.ErrorLog = log.New(io.Discard, "", 0)
	quiet.StartTLS()
	t.Cleanup(quiet.Close)
	addr := quiet.Listener.Addr().String()
	for name, want := range map[string]struct {
		tls  *tls.Config
		text string
	}{
		"a wrong certificate": {&tls.Config{}, "x509: "},
		"no TLS":              {nil, "EOF"},
	} {
		for _, kind := range clients[:len(clients)-1] {
			if strings.HasPrefix(kind.name, "cluster") || want.tls == nil && kind.name != "client" {
				continue // a cluster client hears of it at once, a client that is not cloned after its own retries
			}
			t.Run(name+"/"+kind.name, func(t *testing.T) {
				t.Parallel()
				rdb := kind.open(&redis.UniversalOptions{Addrs: []string{addr}, TLSConfig: want.tls, DialerRetries: 1000, MaxRetries: 1000})
				s := newStoreOf(t, rdb, 4*time.Second)
				_, err := s.Read(t.Context(), "k", new(store.Entry), time.Now())
				if got := fmt.Sprint(s.Explain(err)); !strings.Contains(got, want.text) {
					t.Errorf("%s, want %s", got, want.text)
				}
				s.Close()
				_ = rdb.Close()
			})
		}
	}
}

func TestWrongPassword(t *testing.T) {
	check := func(t *testing.T, o *redis.UniversalOptions) {
		o.Username, o.Password = "default", "wrong"
		rdb := redis.NewUniversalClient(o)
		defer rdb.Close()
		s := newStoreOf(t, rdb, time.Hour)
		defer s.Close()
		for name, call := range moreCalls() {
			err := call(t.Context(), s, time.Now().Add(time.Hour))
			if got := fmt.Sprint(s.Explain(err)); !strings.HasPrefix(got, "WRONGPASS ") {
				t.Errorf("%s: %s", name, got)
			}
		}
	}
	t.Run("miniredis", func(t *testing.T) {
		env := redistest.Mini(t)
		if err := env.Client.Ping(t.Context()).Err(); err != nil { // starts the server
			t.Fatal(err)
		}
		env.Mini.RequireUserAuth("default", "right")
		check(t, &redis.UniversalOptions{Addrs: []string{"127.0.0.1:6379"}, Dialer: env.Client.(*redis.Client).Options().Dialer})
	})
	for _, server := range redistest.Servers(t) {
		for _, topology := range []redistest.Topology{redistest.Standalone, redistest.Cluster} {
			t.Run(fmt.Sprintf("%s/%v", server, topology), func(t *testing.T) {
				t.Parallel()
				i := server.StartCalm(t, topology)
				for _, n := range i.Nodes() {
					c := redis.NewClient(&redis.Options{Addr: n.Addr})
					if err := c.ConfigSet(t.Context(), "requirepass", "right").Err(); err != nil {
						t.Fatal(err)
					}
					_ = c.Close()
				}
				check(t, i.Options())
			})
		}
	}
}

// A server that accepts connections and never answers takes the whole timeout.
func TestServerThatAcceptsAndIsSilent(t *testing.T) {
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rdb := c.open(&redis.UniversalOptions{Addrs: []string{"127.0.0.1:6379"}, Dialer: faults[1].dial})
				s := newStoreOf(t, rdb, time.Second)
				began := time.Now()
				_, err := s.Read(t.Context(), "k", new(store.Entry), began)
				if got := fmt.Sprint(s.Explain(err)); got != "no answer within RedisTimeout, 1s" || time.Since(began) != time.Second {
					t.Errorf("%s after %v", got, time.Since(began))
				}
				_ = rdb.Close()
				time.Sleep(time.Hour)
			})
		})
	}
}

// Of a server that never accepts the error says that, too.
func TestServerThatDoesNotAccept(t *testing.T) {
	for _, c := range clients[:2] {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rdb := c.open(&redis.UniversalOptions{Addrs: []string{"127.0.0.1:6379"}, Dialer: faults[0].dial})
				s := newStoreOf(t, rdb, time.Second)
				_, err := s.Read(t.Context(), "k", new(store.Entry), time.Now())
				if got := fmt.Sprint(s.Explain(err)); got != "no answer within RedisTimeout, 1s: no connection could be made" {
					t.Error(got)
				}
				_ = rdb.Close()
				time.Sleep(time.Hour)
			})
		})
	}
}

// Whatever the client, the last loss during a wait is told of.
func TestLastLossIsTold(t *testing.T) {
	for _, early := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			env := redistest.Mini(t)
			rdb := redis.NewClient(env.Client.(*redis.Client).Options())
			defer rdb.Close()
			rdb.AddHook(hook{process: func(_ context.Context, cmd redis.Cmder) error {
				if cmd.Args()[1] == "lost" {
					return io.ErrUnexpectedEOF
				}
				time.Sleep(time.Hour)
				return nil
			}})
			s := newStoreOf(t, wrapped{rdb}, time.Second)
			lose := func() { _, _ = s.Read(t.Context(), "lost", new(store.Entry), time.Now()) }
			want := "no answer within RedisTimeout, 1s"
			if early {
				lose()
				time.Sleep(time.Second)
			} else {
				time.AfterFunc(time.Second/2, lose)
				want += ": unexpected EOF"
			}
			_, err := s.Read(t.Context(), "k", new(store.Entry), time.Now())
			if got := fmt.Sprint(s.Explain(err)); got != want {
				t.Errorf("%q, want %q", got, want)
			}
			time.Sleep(2 * time.Hour)
		})
	}
}
