package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/faultnet"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/resp"
)

// A faulty is a client of a server in memory that can be made to fail.
type faulty struct {
	*Client
	network faultnet.Network
	rdb     redis.UniversalClient
	mini    *redistest.Env

	mu      sync.Mutex
	asked   map[string]int // commands that have arrived, by name
	frozen  chan struct{}  // commands wait until it is closed
	answer  string         // what they are answered with instead
	info    string         // what INFO is answered with
	changes []string       // that were told
}

// kindsOfClients are the ways in which a client leaves at a deadline.
var kindsOfClients = map[string]func(*redis.UniversalOptions) redis.UniversalClient{
	"cloned": func(o *redis.UniversalOptions) redis.UniversalClient { return redis.NewClient(o.Simple()) },
	"hooked": func(o *redis.UniversalOptions) redis.UniversalClient {
		rdb := redis.NewClient(o.Simple())
		rdb.AddHook(idleHook{})
		return rdb
	},
	"cluster": func(o *redis.UniversalOptions) redis.UniversalClient {
		return redis.NewClusterClient(o.Cluster())
	},
}

// eachFaulty runs a test with each kind of client, in a bubble.
func eachFaulty(t *testing.T, timeout time.Duration, test func(t *testing.T, f *faulty)) {
	for name, open := range kindsOfClients {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFaulty(t, timeout, open)
				test(t, f)
				f.thaw()
				f.Close()
				time.Sleep(time.Hour) // what was given up ends in its own time
				if left := f.probing(); left > 0 {
					t.Errorf("%d servers are probed after Close", left)
				}
			})
		})
	}
}

func newFaulty(
	t *testing.T, timeout time.Duration, open func(*redis.UniversalOptions) redis.UniversalClient,
) *faulty {
	f := &faulty{mini: redistest.Mini(t), asked: map[string]int{}}
	if err := f.mini.Client.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	f.mini.Mini.Server().SetPreHook(f.arrive)
	t.Cleanup(f.thaw)
	o := &redis.UniversalOptions{
		Addrs: []string{"127.0.0.1:6379"}, PoolSize: 1000, PipelinePoolSize: 100,
		Dialer: f.mini.Client.(*redis.Client).Options().Dialer,
	}
	f.network.Through(o)
	f.rdb = open(o)
	t.Cleanup(func() { _ = f.rdb.Close() })
	if err := f.rdb.Get(t.Context(), "k").Err(); err != nil { // connects
		t.Fatal(err)
	}
	f.Client = mustNewWithin(t, f.rdb, timeout)
	f.Watch(func(c Change) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.changes = append(f.changes, fmt.Sprint(map[bool]string{true: "open", false: "closed"}[c.Open]))
	})
	return f
}

func mustNewWithin(t *testing.T, rdb redis.UniversalClient, timeout time.Duration) *Client {
	t.Helper()
	c, err := New(rdb, timeout)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (f *faulty) arrive(peer *server.Peer, command string, _ ...string) bool {
	f.mu.Lock()
	frozen, answer, info := f.frozen, f.answer, f.info
	f.asked[command]++
	f.mu.Unlock()
	if frozen != nil {
		<-frozen
	}
	if answer != "" && command != "HELLO" && command != "CLIENT" {
		peer.WriteError(answer)
		return true
	}
	if command == "INFO" && info != "" {
		peer.WriteBulk(info)
		return true
	}
	return false
}

func (f *faulty) freeze() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frozen = make(chan struct{})
}

func (f *faulty) thaw() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.frozen != nil {
		close(f.frozen)
		f.frozen = nil
	}
}

// answers has each command answered with an error, with none as usual.
func (f *faulty) answers(err string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = err
}

func (f *faulty) arrived(command string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[command]
}

func (f *faulty) told() string {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.changes, " ")
}

// probing returns how many servers are probed.
func (f *faulty) probing() (n int) {
	f.breakers.mu.Lock()
	defer f.breakers.mu.Unlock()
	for _, br := range f.breakers.of {
		if br.probing && !f.breakers.stopped {
			n++
		}
	}
	return n
}

// read asks for a key that is there.
func (f *faulty) read(ctx context.Context) error {
	_, err := f.ReadReply(f.Context(ctx, time.Now()), "get", "k")
	return err
}

// untilOpen reads until the breaker is open, and returns how many reads that took.
func (f *faulty) untilOpen(t *testing.T) (reads int) {
	t.Helper()
	for reads < 100 {
		if err := f.read(t.Context()); IsOpen(err) {
			return reads
		} else if err == nil {
			t.Fatal("the server answers")
		}
		reads++
	}
	t.Fatal("the breaker does not open")
	return 0
}

// faultsOfServers are ways in which a server is of no use.
var faultsOfServers = map[string]struct{ begin, end func(f *faulty) }{
	"refused": {func(f *faulty) { f.network.Refuse(true) }, func(f *faulty) { f.network.Refuse(false) }},
	"frozen":  {(*faulty).freeze, (*faulty).thaw},
	"loading": {
		func(f *faulty) { f.answers("LOADING Redis is loading the dataset in memory") },
		func(f *faulty) { f.answers("") },
	},
	"busy": {
		func(f *faulty) { f.answers("BUSY Redis is busy running a script.") },
		func(f *faulty) { f.answers("") },
	},
}

// After a run of round trips without an answer the server is not asked, and closes the breaker
// within a second of its return, without a call.
func TestBreaker(t *testing.T) {
	for name, fault := range faultsOfServers {
		t.Run(name, func(t *testing.T) {
			eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
				if f.told() != "" || f.BreakerOpen() {
					t.Fatal("the breaker is not closed")
				}
				fault.begin(f)
				if reads := f.untilOpen(t); reads > maxLost {
					t.Errorf("%d reads were answered late, want at most %d", reads, maxLost)
				}
				if !f.BreakerOpen() || f.BreakerOpened() != 1 || f.told() != "open" {
					t.Errorf("open: %v, %d times, told %q", f.BreakerOpen(), f.BreakerOpened(), f.told())
				}
				for range 1000 {
					began := time.Now()
					if err := f.read(t.Context()); !IsOpen(err) || time.Since(began) > 0 {
						t.Fatalf("%v after %v", err, time.Since(began))
					}
				}
				time.Sleep(20 * time.Second)
				fault.end(f)
				time.Sleep(time.Second)
				if err := f.read(t.Context()); err != nil {
					t.Errorf("a second after its return: %v", err)
				}
				if f.BreakerOpen() || f.BreakerOpened() != 1 || f.told() != "open closed" {
					t.Errorf("open: %v, %d times, told %q", f.BreakerOpen(), f.BreakerOpened(), f.told())
				}
				if f.breakers.troubled.Load() != 0 || f.probing() != 0 {
					t.Error("something is left of the breaker")
				}
			})
		})
	}
}

// The breaker closes as soon where go-redis itself would dial once a second.
func TestBreakerOfASmallPool(t *testing.T) {
	for name, open := range kindsOfClients {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFaulty(t, time.Second, func(o *redis.UniversalOptions) redis.UniversalClient {
					o.PoolSize, o.DialerRetries = 2, 1
					return open(o)
				})
				for range 20 {
					f.network.Refuse(true)
					f.untilOpen(t)
					time.Sleep(10 * time.Second)
					f.network.Refuse(false)
					time.Sleep(600 * time.Millisecond)
					if err := f.read(t.Context()); err != nil {
						t.Errorf("soon after the return: %v", err)
					}
				}
				f.Close()
				time.Sleep(time.Hour)
			})
		})
	}
}

// After connections were lost one probe has to fail before the breaker opens.
func TestBreakerAfterLostConnections(t *testing.T) {
	eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
		f.freeze()
		dials := f.network.Dials()
		for range 2 * maxLost {
			f.breakers.lost(f.executor, f.serverOfKey("k"), miss{
				key: "k", err: io.EOF, began: time.Now(), outcome: broken,
			})
		}
		synctest.Wait()
		n := f.arrived("EXISTS") + f.network.Dials() - dials
		if n != 1 || f.BreakerOpen() {
			t.Errorf("%d probes at once, open: %v", n, f.BreakerOpen())
		}
		time.Sleep(1500 * time.Millisecond)
		if !f.BreakerOpen() || f.told() != "open" {
			t.Errorf("after a probe that was not answered, open: %v, told %q", f.BreakerOpen(), f.told())
		}
		f.thaw()
		time.Sleep(time.Second)
		if f.told() != "open closed" {
			t.Errorf("told %q", f.told())
		}
	})
}

// While a breaker is open one probe at a time asks the server, a few times a second.
func TestBreakerProbesAlone(t *testing.T) {
	eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
		f.answers("LOADING Redis is loading the dataset in memory")
		f.untilOpen(t)
		before, reads := f.arrived("EXISTS"), f.arrived("GET")
		for range 1000 {
			_ = f.read(t.Context())
			time.Sleep(10 * time.Millisecond)
		}
		if n := f.arrived("EXISTS") - before; n < 20 || n > 50 {
			t.Errorf("%d probes within 10 s", n)
		}
		if n := f.arrived("GET") - reads; n != 0 {
			t.Errorf("%d reads were sent", n)
		}
		f.answers("")
	})
}

// A probe that is not answered is not followed by others: as many wait as RedisTimeouts pass.
func TestBreakerProbesOfASilentServer(t *testing.T) {
	eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
		f.freeze()
		f.untilOpen(t)
		sent := f.network.Sent()
		for range 100 {
			_ = f.read(t.Context())
			time.Sleep(100 * time.Millisecond)
		}
		if n := (f.network.Sent() - sent) / int64(len("*2\r\n$6\r\nexists\r\n$1\r\nk\r\n")); n > 60 {
			t.Errorf("as many bytes as %d probes were sent within 10 s", n)
		}
	})
}

// What a client says of a server that is only slow, refuses a command, or is left early.
func TestBreakerStaysClosed(t *testing.T) {
	for name, read := range map[string]func(t *testing.T, f *faulty){
		"slow": func(t *testing.T, f *faulty) {
			f.network.Delay(func() time.Duration { return 300 * time.Millisecond })
			for range 20 {
				if err := f.read(t.Context()); err != nil {
					t.Error(err)
				}
			}
			f.network.Delay(nil)
		},
		"READONLY": func(t *testing.T, f *faulty) {
			refuseAll(t, f, "READONLY You can't write against a read only replica.")
		},
		"OOM": func(t *testing.T, f *faulty) {
			refuseAll(t, f, "OOM command not allowed when used memory > 'maxmemory'.")
		},
		"NOPERM": func(t *testing.T, f *faulty) { refuseAll(t, f, "NOPERM this user has no permissions") },
		"WRONGTYPE": func(t *testing.T, f *faulty) {
			refuseAll(t, f, "WRONGTYPE Operation against a key holding the wrong kind of value")
		},
		"connections lost": func(t *testing.T, f *faulty) {
			f.network.Delay(func() time.Duration { return 10 * time.Millisecond })
			var calls sync.WaitGroup
			for range 30 { // on a connection each
				calls.Go(func() { _ = f.read(t.Context()) })
			}
			calls.Wait()
			f.network.Delay(nil)
			f.network.Refuse(true)
			f.network.Refuse(false)
			for range 30 {
				calls.Go(func() { _ = f.Process(t.Context(), f.rdb, NewSmall(t.Context(), "get", "k").RawWriteToCmd) })
			}
			calls.Wait()
		},
		"left early": func(t *testing.T, f *faulty) {
			f.network.Delay(func() time.Duration { return 30 * time.Millisecond })
			for range 20 {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
				if err := f.read(ctx); err == nil || IsOpen(err) {
					t.Errorf("%v, want one of its deadline", err)
				}
				cancel()
			}
			f.network.Delay(nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
				read(t, f)
				if f.told() != "" || f.BreakerOpened() != 0 {
					t.Error("the breaker has opened")
				}
			})
		})
	}
}

func refuseAll(t *testing.T, f *faulty, answer string) {
	f.answers(answer)
	for range 20 {
		if err := f.read(t.Context()); err == nil || IsOpen(err) {
			t.Errorf("%v, want %q", err, answer)
		}
	}
	f.answers("")
}

// A server that answers later than any store waits counts as one that does not answer.
func TestBreakerOfASlowServer(t *testing.T) {
	eachFaulty(t, 100*time.Millisecond, func(t *testing.T, f *faulty) {
		f.network.Delay(func() time.Duration { return 300 * time.Millisecond })
		f.untilOpen(t)
		for range 100 {
			if err := f.read(t.Context()); !IsOpen(err) {
				t.Errorf("%v, want the breaker's", err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		f.network.Delay(nil)
		time.Sleep(time.Second)
		if err := f.read(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Callers with deadlines of their own find out as well that a server is silent, once it has been
// for as long as RedisTimeout.
func TestBreakerWithEarlyDeadlines(t *testing.T) {
	eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
		f.freeze()
		began := time.Now()
		for err := error(nil); !IsOpen(err); {
			if time.Since(began) > 2*time.Second {
				t.Fatal("the breaker does not open")
			}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			err = f.read(ctx)
			cancel()
		}
		if d := time.Since(began); d < 750*time.Millisecond {
			t.Errorf("it is open after %v", d)
		}
	})
}

// A store that waits longer than others keeps the breaker from opening for an answer that it
// would get.
func TestBreakerOfTwoStores(t *testing.T) {
	eachFaulty(t, 100*time.Millisecond, func(t *testing.T, f *faulty) {
		patient := mustNewWithin(t, f.rdb, time.Second)
		defer patient.Close()
		f.network.Delay(func() time.Duration { return 300 * time.Millisecond })
		for range 10 {
			for range 2 {
				if err := f.read(t.Context()); err == nil || IsOpen(err) {
					t.Errorf("%v, want a timeout", err)
				}
			}
			if _, err := patient.ReadReply(patient.Context(t.Context(), time.Now()), "get", "k"); err != nil {
				t.Error(err)
			}
		}
		if f.BreakerOpened() != 0 {
			t.Error("the breaker has opened")
		}
		f.network.Delay(nil)
	})
}

// Probes rest when nobody uses the client, and the first caller after that is answered by a
// server that is back.
func TestBreakerRests(t *testing.T) {
	eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
		f.network.Refuse(true)
		f.untilOpen(t)
		time.Sleep(2 * restAfter)
		synctest.Wait()
		dials := f.network.Dials()
		time.Sleep(time.Hour)
		if f.probing() != 0 || f.network.Dials() != dials {
			t.Errorf("%d servers are probed, %d dials in an hour", f.probing(), f.network.Dials()-dials)
		}
		began := time.Now()
		if err := f.read(t.Context()); !IsOpen(err) || time.Since(began) > 100*time.Millisecond {
			t.Errorf("of a server that is not back: %v after %v", err, time.Since(began))
		}
		time.Sleep(2 * restAfter)
		f.network.Refuse(false)
		if err := f.read(t.Context()); err != nil {
			t.Errorf("of a server that is back: %v", err)
		}
	})
}

// Close ends the probes.
func TestBreakerEndsWithTheLastStore(t *testing.T) {
	eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
		other := mustNewWithin(t, f.rdb, time.Second)
		f.network.Refuse(true)
		f.untilOpen(t)
		f.Close()
		if f.probing() == 0 {
			t.Error("the server is not probed, which a store needs")
		}
		other.Close()
		time.Sleep(10 * time.Second) // a cluster client looks for its masters in its own time
		dials := f.network.Dials()
		time.Sleep(time.Hour)
		if f.network.Dials() != dials {
			t.Error("the server is probed after Close")
		}
	})
}

// Commands that share a pipeline are not sent either.
func TestBreakerOfSharedPipelines(t *testing.T) {
	eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
		f.ForTests().ManyInFlight()
		f.freeze()
		var calls sync.WaitGroup
		for range 24 { // some wait when the breaker opens, and long after
			for range 20 {
				calls.Go(func() { _ = f.read(t.Context()) })
			}
			time.Sleep(50 * time.Millisecond)
		}
		began := time.Now()
		var late sync.WaitGroup
		for range 200 {
			late.Go(func() {
				if err := f.read(t.Context()); !IsOpen(err) {
					t.Errorf("%v, want the breaker's", err)
				}
			})
		}
		late.Wait()
		if time.Since(began) > 0 {
			t.Errorf("calls were not sent within %v", time.Since(began))
		}
		calls.Wait()
	})
}

// The error says since when, and why, in one text for one outage, and what it was is found in it.
func TestOpenError(t *testing.T) {
	eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
		f.network.Refuse(true)
		f.untilOpen(t)
		texts := map[string]bool{}
		for range 10 {
			err := f.Explain(f.read(t.Context()))
			texts[err.Error()] = true
			if !IsOpen(err) || !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("%v tells neither", err)
			}
			time.Sleep(time.Second)
		}
		for text := range texts {
			if len(texts) > 1 || !strings.Contains(text, " has failed since 2000-01-01T00:00:0") ||
				!strings.Contains(text, "connection refused") {
				t.Errorf("%q", text)
			}
		}
	})
}

func TestOutcomes(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	for _, c := range []struct {
		err  error
		want outcome
	}{
		{nil, serves},
		{redis.Nil, serves},
		{resp.AnswerError("ERR unknown command"), serves},
		{resp.AnswerError("MOVED 1 10.0.0.1:6379"), serves},
		{resp.AnswerError("NOSCRIPT No matching script"), serves},
		{resp.AnswerError("BUSYKEY Target key name already exists."), serves},
		{resp.AnswerError("CLUSTERDOWN Hash slot not served"), serves},
		{resp.AnswerError("MISCONF Redis is configured to save RDB snapshots"), serves},
		{resp.AnswerError("NOREPLICAS Not enough good replicas to write."), serves},
		{resp.AnswerError("CLUSTERDOWN The cluster is down"), fails},
		{resp.AnswerError("MASTERDOWN Link with MASTER is down"), fails},
		{resp.AnswerError("NOAUTH Authentication required."), fails},
		{resp.AnswerError("WRONGPASS invalid username-password pair"), fails},
		{resp.AnswerError("DENIED Redis is running in protected mode"), fails},
		{resp.AnswerError("ERR max number of clients reached"), fails},
		{resp.ErrBroken, broken},
		{io.EOF, broken},
		{refused, fails},
		{&unreachableError{refused}, fails},
		{&overdueError{refused}, silent},
		{context.DeadlineExceeded, silent},
		{context.Canceled, silent},
		{&OpenError{Cause: refused}, unasked},
		{redis.ErrClosed, unasked},
		{redis.ErrPoolTimeout, unasked},
		{ErrUnanswered, unasked},
		{errors.New(badConn + ": EOF"), unasked},
	} {
		if got := outcomeOf(c.err); got != c.want {
			t.Errorf("outcomeOf(%v) = %d, want %d", c.err, got, c.want)
		}
	}
}

// A twoMasters is a cluster whose halves are one server, as far as it is not made to fail.
type twoMasters struct {
	faulty
	slots atomic.Pointer[[]redis.ClusterSlot]
	dead  atomic.Pointer[string] // the address that does not answer
}

const first, second = "10.0.0.1:6379", "10.0.0.2:6379"

// halves are slots of two masters.
func halves(a, b string) *[]redis.ClusterSlot {
	return &[]redis.ClusterSlot{
		{Start: 0, End: 8191, Nodes: []redis.ClusterNode{{Addr: a}}},
		{Start: 8192, End: 16383, Nodes: []redis.ClusterNode{{Addr: b}}},
	}
}

// In a cluster each master has a breaker: the keys of the others are served, alone and in
// batches, and those of the dead one when another master has them.
func TestBreakerOfOneMaster(t *testing.T) {
	for name, fault := range map[string]faultnet.Dialer{"refused": faultnet.Refused, "silent": faultnet.Silent} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { oneMasterDies(t, fault) })
		})
	}
}

func oneMasterDies(t *testing.T, fault faultnet.Dialer) {
	m := &twoMasters{faulty: faulty{mini: redistest.Mini(t), asked: map[string]int{}}}
	m.slots.Store(halves(first, second))
	rdb := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: []string{first}, PoolSize: 1000,
		ClusterSlots: func(context.Context) ([]redis.ClusterSlot, error) { return *m.slots.Load(), nil },
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if dead := m.dead.Load(); dead != nil && *dead == addr {
				return fault(ctx, network, addr)
			}
			return m.mini.Client.(*redis.Client).Options().Dialer(ctx, network, addr)
		},
	})
	defer time.Sleep(time.Hour)
	defer rdb.Close()
	dead := second
	m.dead.Store(&dead)
	c := mustNewWithin(t, rdb, time.Second)
	defer c.Close()
	low, high := keysOf(rdb, t)
	batch := func() []error {
		cmds := []redis.Cmder{NewSmall(t.Context(), "get", low), NewSmall(t.Context(), "get", high)}
		_, err := RunUntil(t.Context(), c, time.Now().Add(time.Second), func(ctx context.Context) (struct{}, error) {
			_ = c.Pipeline(ctx, rdb, cmds)
			return struct{}{}, nil
		})
		if err != nil { // the commands may still be in use
			return []error{err, err}
		}
		return []error{cmds[0].Err(), cmds[1].Err()}
	}
	for range 20 {
		_ = batch()
	}
	for range 100 {
		began := time.Now()
		errs := batch()
		if _, err := c.ReadReply(t.Context(), "get", low); err != nil || errs[0] != nil || !IsOpen(errs[1]) {
			t.Fatalf("of the master that is there: %v and %v; of the other one: %v", err, errs[0], errs[1])
		}
		if time.Since(began) > 0 {
			t.Fatalf("it took %v", time.Since(began))
		}
		time.Sleep(10 * time.Millisecond)
	}
	if c.BreakerOpened() != 1 {
		t.Errorf("%d breakers have opened", c.BreakerOpened())
	}

	m.slots.Store(halves(first, first)) // by a failover
	time.Sleep(2 * time.Second)
	if errs := batch(); errs[0] != nil || errs[1] != nil {
		t.Errorf("after the failover: %v", errs)
	}
	time.Sleep(time.Second)
	if c.BreakerOpen() {
		t.Error("the breaker of a server that is no master is open")
	}
}

// keysOf returns a key of each of two masters.
func keysOf(cluster *redis.ClusterClient, t *testing.T) (low, high string) {
	t.Helper()
	for i := 0; low == "" || high == ""; i++ {
		key := fmt.Sprint("k", i)
		master, err := cluster.MasterForKey(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if master.Options().Addr == first {
			low = key
		} else {
			high = key
		}
	}
	return low, high
}

// A watcher that does not return keeps nobody from being answered.
func TestBreakerWithASlowWatcher(t *testing.T) {
	eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
		returns := make(chan struct{})
		other := mustNewWithin(t, f.rdb, time.Second)
		other.Watch(func(Change) { <-returns })
		defer other.Close()
		defer close(returns)
		for range 3 {
			f.answers("LOADING Redis is loading the dataset in memory")
			f.untilOpen(t)
			f.answers("")
			time.Sleep(time.Second)
			if err := f.read(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// The keys of commands are found where Redis has them.
func TestKeyOf(t *testing.T) {
	key := "k"
	for _, args := range [][]any{
		{"get", "k"}, {"get", &key}, {"mget", "k", "l"}, {"evalsha", "hash", 1, "k", "arg"}, {"eval", "return 1", 2, "k", "l"},
	} {
		if got, ok := keyOf(NewCommand(t.Context(), args...)); got != "k" || !ok {
			t.Errorf("keyOf(%v) = %q, %v", args, got, ok)
		}
	}
	for _, args := range [][]any{{"multi"}, {"exec"}, {"wait", 1, 100}, {"script", "load", "return 1"}, {"config", "get", "x"}} {
		if got, ok := keyOf(NewCommand(t.Context(), args...)); ok {
			t.Errorf("keyOf(%v) = %q", args, got)
		}
	}
}

// Of the causes none is taken for one that is to be repeated.
func TestOpenErrorIsFinal(t *testing.T) {
	for _, cause := range []error{io.EOF, errors.New(retired), resp.AnswerError("READONLY You can't write"), context.DeadlineExceeded} {
		err := error(&OpenError{Cause: cause})
		if IsConnectionLost(err) || IsReadOnly(err) || MayRepeat(err) || Retryable.mayResend(err) || isTimeout(err) || !IsRefused(err) {
			t.Errorf("%v is repeated", err)
		}
	}
	if !slices.ContainsFunc(local, func(err error) bool { return err == errUnsendable }) {
		t.Error("a connection that is closed on purpose counts")
	}
}
