package client

import (
	"runtime"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/redistest"
)

// listed is a client that cannot be compared.
type listed struct {
	redis.UniversalClient
	_ []int
}

// boxed is a client that only its own interface tells from another.
type boxed struct{ redis.UniversalClient }

func mustNew(t *testing.T, rdb redis.UniversalClient) *Client {
	t.Helper()
	s, err := New(rdb, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// known reports whether a client has an executor that a further store would share.
func known(rdb redis.UniversalClient) bool {
	key, _ := Key(rdb)
	executors.Lock()
	defer executors.Unlock()
	return executors.of[executorKey{client: key}] != nil
}

// Stores share the executor of their client until the last one is closed.
func TestExecutorOfAClient(t *testing.T) {
	one, another := redistest.Mini(t).NewClient(t), redistest.Mini(t).NewClient(t)
	cluster := redis.NewClusterClient(&redis.ClusterOptions{})
	defer cluster.Close()
	for name, rdb := range map[string]redis.UniversalClient{
		"client": one, "cluster client": cluster, "wrapped": boxed{one}, "pointer to wrapped": &boxed{one},
	} {
		a, b, c := mustNew(t, rdb), mustNew(t, rdb), mustNew(t, another)
		if a.executor != b.executor || a.executor == c.executor {
			t.Errorf("%s: stores of one client share an executor: %v; of two: %v", name, a.executor == b.executor, a.executor == c.executor)
		}
		for range 2 {
			a.Close()
			if !known(rdb) {
				t.Errorf("%s: the executor is forgotten while a store is open", name)
			}
		}
		b.Close()
		if known(rdb) {
			t.Errorf("%s: the executor of closed stores is known", name)
		}
		if d := mustNew(t, rdb); d.executor == a.executor || !known(rdb) {
			t.Errorf("%s: a store shares the executor of closed ones", name)
		} else {
			a.Close()
			d.Close()
		}
		c.Close()
	}
	odd := listed{UniversalClient: one}
	if a, b := mustNew(t, odd), mustNew(t, odd); a.executor == b.executor {
		t.Error("clients that cannot be compared share an executor")
	}
}

// leading is a hook that leads from a redis.Client to a store.
type leading struct {
	idleHook
	client *Client
}

// The executor of stores that nobody uses any more is forgotten, and so is its client, though
// nobody closes them.
func TestExecutorIsForgotten(t *testing.T) {
	env := redistest.Mini(t)
	for name, open := range map[string]func() redis.UniversalClient{
		"client":  func() redis.UniversalClient { return env.NewClient(t) },
		"cluster": func() redis.UniversalClient { return redis.NewClusterClient(&redis.ClusterOptions{}) },
	} {
		rdb := open()
		executors := func() bool { return known(rdb) }
		func() {
			for range 3 {
				c := mustNew(t, rdb)
				if name == "client" {
					c.ForTests().ManyInFlight() // one of the ways to send, and the other one
					_, _ = c.ReadReply(t.Context(), "mget", "k")
					_, _, _ = c.ReadStrings(t.Context(), []any{"mget", "k"})
				}
			}
		}()
		for executors() { // a cleanup runs some time after the collection
			runtime.GC()
		}
		_ = rdb.Close()

		collected := make(chan struct{})
		func() {
			rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
			s := mustNew(t, rdb)
			rdb.AddHook(leading{client: s})
			mustNew(t, rdb)
			runtime.AddCleanup(s, func(done chan struct{}) { close(done) }, collected)
		}()
		for alive := true; alive; {
			runtime.GC()
			select {
			case <-collected:
				alive = false
			default:
			}
		}
	}
}
