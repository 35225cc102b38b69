package redistest

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
)

// An Env is what a test of behaviour runs on: a server without keys and scripts
// that no other test uses at the same time, and a client of it.
type Env struct {
	Client   redis.UniversalClient // with go-redis's default options; in real time, it waits for as long as it takes
	Topology Topology

	// Mini is the miniredis behind the client, nil for a real server.
	Mini *miniredis.Miniredis

	options func() *redis.UniversalOptions
}

// Each runs a test of behaviour as a subtest on miniredis, and on each real
// server alone and as a cluster. The subtests are parallel: they begin when the
// test that called Each returns, and test must not write to what they share. The
// real servers are started once a process and shared by all its tests, one at a
// time: a test that harms its server must start its own. Main must be running
// the tests.
func Each(t *testing.T, test func(t *testing.T, env *Env)) {
	t.Helper()
	t.Run("miniredis", func(t *testing.T) {
		t.Parallel()
		test(t, Mini(t))
	})
	for _, s := range sharedServers(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			test(t, s.env(t))
		})
	}
}

// Mini returns a miniredis and a client of it that is connected in memory, so
// that both work in a testing/synctest bubble, where its keys expire by the
// bubble's clock. They end with the test. The client's pool is large: go-redis
// waits for a connection with timers that all bubbles share, and the second bubble
// to use one ends the process.
func Mini(t testing.TB) *Env {
	t.Helper()
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	t.Cleanup(m.Close)
	e := &Env{Topology: Standalone, Mini: m, options: func() *redis.UniversalOptions {
		return &redis.UniversalOptions{
			Addrs:    []string{"127.0.0.1:6379"}, // never dialled; go-redis would look a name up
			PoolSize: 5000,
			Dialer: func(context.Context, string, string) (net.Conn, error) {
				c, err := m.Dial()
				if err != nil {
					return nil, err
				}
				return newBuffered(c), nil
			},
		}
	}}
	e.Client = e.NewClient(t)
	return e
}

// NewClient returns one more client of the same server, which is closed when the
// test ends. The functions may change its options first.
func (e *Env) NewClient(t testing.TB, change ...func(*redis.UniversalOptions)) redis.UniversalClient {
	t.Helper()
	o := e.options()
	if !InBubble() {
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = startTimeout, startTimeout, startTimeout, startTimeout
	}
	return newClient(t, o, change)
}

// InBubble reports whether this is a goroutine of a testing/synctest bubble, whose
// clock begins in the year 2000, and stands still while anything works.
func InBubble() bool { return time.Now().Year() < 2020 }

// FlushAll removes all keys, of all masters.
func (e *Env) FlushAll(t testing.TB) {
	t.Helper()
	e.forEachMaster(t, func(ctx context.Context, c *redis.Client) error { return c.FlushAll(ctx).Err() })
}

// Keys returns the names of all keys, of all masters, in order.
func (e *Env) Keys(t testing.TB) []string {
	t.Helper()
	var mu sync.Mutex
	var keys []string
	e.forEachMaster(t, func(ctx context.Context, c *redis.Client) error {
		some, err := c.Keys(ctx, "*").Result()
		mu.Lock()
		defer mu.Unlock()
		keys = append(keys, some...)
		return err
	})
	slices.Sort(keys)
	return keys
}

// Advance brings all keys of database 0 closer to their expiry, as if time had
// passed. It leaves the TTLs of hash fields alone, and every clock.
func (e *Env) Advance(t testing.TB, d time.Duration) {
	t.Helper()
	if e.Mini != nil {
		e.Mini.FastForward(d)
		return
	}
	e.forEachMaster(t, func(ctx context.Context, c *redis.Client) error {
		return age.Run(ctx, c, nil, d.Milliseconds()).Err()
	})
}

var age = redis.NewScript(`
	for _, key in ipairs(redis.call('KEYS', '*')) do
		local left = redis.call('PTTL', key)
		if left >= 0 then
			redis.call('PEXPIRE', key, left - ARGV[1])
		end
	end
	return 0
`)

// EachMaster calls f with a client of each master, one after another.
func (e *Env) EachMaster(t testing.TB, f func(*redis.Client) error) {
	t.Helper()
	var turn sync.Mutex
	e.forEachMaster(t, func(_ context.Context, c *redis.Client) error {
		turn.Lock()
		defer turn.Unlock()
		return f(c)
	})
}

func (e *Env) forEachMaster(t testing.TB, f func(context.Context, *redis.Client) error) {
	t.Helper()
	var err error
	switch c := e.Client.(type) {
	case *redis.ClusterClient:
		err = c.ForEachMaster(t.Context(), f)
	case *redis.Client:
		err = f(t.Context(), c)
	}
	if err != nil {
		t.Fatalf("redistest: %v", err)
	}
}

// Main runs the tests of a package and stops the servers they shared. It is all
// that TestMain does:
//
//	func TestMain(m *testing.M) { redistest.Main(m) }
//
// It switches go-redis's log off, where each connection that a test breaks would
// be a line, and runs more tests at once than there are processors, unless the
// flag -parallel says how many. A fuzzer has as many workers as processors.
func Main(m *testing.M) {
	logging.Disable()
	raiseParallel()
	shared.running = true
	code := m.Run()
	for _, s := range shared.instances {
		if err := s.stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// raiseParallel sets the flag -parallel to 8 at least: a test on a real server
// waits most of its time, for answers, for a timeout or for a failover, and Each has seven
// subtests. To a fuzzer, the flag says how many of its workers compute.
func raiseParallel() {
	flag.Parse()
	isSet := false
	flag.Visit(func(f *flag.Flag) { isSet = isSet || f.Name == "test.parallel" || f.Name == "test.fuzz" })
	if !isSet {
		_ = flag.Set("test.parallel", strconv.Itoa(max(8, runtime.GOMAXPROCS(0)))) // a flag of every test program
	}
}

// shared is what all tests of the process share.
var shared struct {
	running   bool // set by Main before the first test
	once      sync.Once
	instances []*sharedInstance // set by the once
}

// A sharedInstance is started with all others when the first test asks for one.
type sharedInstance struct {
	name     string
	inUse    sync.Mutex // held by the test that uses the instance
	started  chan struct{}
	instance *Instance // these two are set when started is closed
	err      error
}

// sharedServers returns the shared instances, which may still be starting.
func sharedServers(t *testing.T) []*sharedInstance {
	t.Helper()
	if !shared.running {
		t.Fatal("redistest: the package has no func TestMain(m *testing.M) { redistest.Main(m) }")
	}
	servers := Servers(t)
	shared.once.Do(func() {
		for _, topology := range []Topology{Standalone, Cluster} {
			for _, server := range servers {
				s := &sharedInstance{name: fmt.Sprintf("%s-%s", server, topology), started: make(chan struct{})}
				shared.instances = append(shared.instances, s)
				go func() {
					defer close(s.started)
					s.instance, s.err = launch(server, topology, withoutFailover(topology))
				}()
			}
		}
	})
	return slices.Clone(shared.instances)
}

// env gives the instance to a test until that ends.
func (s *sharedInstance) env(t *testing.T) *Env {
	t.Helper()
	<-s.started
	if s.err != nil {
		t.Fatal(s.err)
	}
	s.inUse.Lock()
	t.Cleanup(s.inUse.Unlock)
	e := s.instance.Env(t)
	e.forEachMaster(t, func(ctx context.Context, c *redis.Client) error { return c.ScriptFlush(ctx).Err() })
	e.FlushAll(t)
	return e
}

func (s *sharedInstance) stop() error {
	<-s.started
	if s.err != nil {
		return nil // launch has stopped it, and a test has failed with it
	}
	return s.instance.stop()
}
