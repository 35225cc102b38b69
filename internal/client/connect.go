package client

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// go-redis dials several times, with pauses, before it gives up, and in the pool, so that
// a caller that waits for a connection does not learn why there is none. Therefore the executor
// tries to connect, NotRetryable, when a quarter of the timeout has passed and no connection is to
// be had. If that fails as well, those that wait for one have the reason and leave.

// An attempt is the one to connect that is under way, if any, and the buckets that are to hear
// how it ends.
type attempt struct {
	mu      sync.Mutex
	waiting []*bucket // empty: none is under way
}

// join adds a bucket to the attempt, and reports whether that is new.
func (a *attempt) join(w *bucket) (begun bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting = append(a.waiting, w)
	return len(a.waiting) == 1
}

// end returns all that have joined the attempt.
func (a *attempt) end() []*bucket {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := a.waiting
	a.waiting = nil
	return all
}

// connect tries to connect if the commands that began in a bucket are stuck.
func (x *executor) connect(w *bucket) {
	servers, dialing := x.stuck()
	if len(servers) == 0 {
		return
	}
	slot, err := x.detached.enter()
	if err != nil {
		return
	}
	defer x.detached.leave(slot)
	w.dialing.Store(dialing)
	if !x.attempt.join(w) {
		return
	}
	var failed error
	defer func() {
		_ = recover() // of what dials for the client: it does the same to the commands
		x.conclude(servers, failed)
	}()
	ctx, cancel := context.WithDeadline(context.Background(), w.from.Add(w.of.timeout*7/8))
	defer cancel()
	failed = connectToAll(ctx, servers)
}

// conclude ends an attempt to connect to servers. The error is nil unless all of them have
// failed, or one did not answer in time.
func (x *executor) conclude(servers []redis.UniversalClient, err error) {
	all := x.attempt.end()
	if err == nil {
		x.connected.Store(true)
	}
	now, dialing := x.stuck()
	untried := func(server redis.UniversalClient) bool { return !slices.Contains(servers, server) }
	lost := err != nil && !isTimeout(err) && len(now) > 0 && !slices.ContainsFunc(now, untried)
	for _, w := range all {
		switch {
		case lost:
			w.giveUp(&unreachableError{err})
		case err == nil:
			w.dialing.Store(false)
		case !isTimeout(err) || isDial(err):
			w.of.record(err)
		default:
			w.dialing.Store(dialing)
		}
	}
}

// stuck returns the servers that commands wait for a connection to, if none of these has
// one in use; dialing tells that there is none that does not answer, either. A cluster whose
// masters are not known stands for all of its servers.
func (x *executor) stuck() (servers []redis.UniversalClient, dialing bool) {
	switch rdb := x.rdb.(type) {
	case *redis.Client:
		waiting, used, reused := connections(rdb)
		dialing = waiting && !used
		if dialing || x.cloned && !reused && !x.connected.Load() {
			servers = append(servers, rdb)
		}
	case *redis.ClusterClient:
		return stuckMasters(rdb)
	}
	return servers, dialing
}

// connections reports of the pools of a server's client whether commands wait for a
// connection, one is in use, and any has been used again.
func connections(rdb *redis.Client) (waiting, used, reused bool) {
	main := rdb.PoolStats()
	for _, stats := range []*redis.PoolStats{main, (*redis.PoolStats)(main.PipelineStats)} {
		if stats != nil {
			waiting = waiting || stats.PendingRequests > 0
			used = used || stats.TotalConns > stats.IdleConns
			reused = reused || stats.Hits > 0
		}
	}
	return waiting, used, reused
}

// noteConnections makes a clone of a client note that it has connected. The pool refers to
// the clone for as long as the client is there, so that this refers to nothing else.
func noteConnections(clone *redis.Client, connected *atomic.Bool) {
	opt := clone.Options()
	greet := opt.OnConnect
	opt.OnConnect = func(ctx context.Context, cn *redis.Conn) error {
		if greet != nil {
			if err := greet(ctx, cn); err != nil {
				return err
			}
		}
		connected.Store(true)
		return nil
	}
}

// probes is for how many keys a cluster is asked for the master, to find all of them: one
// that has a twentieth of the slots is missed once in half a million times.
const probes = 256

// stuckMasters is stuck for a cluster.
func stuckMasters(cluster *redis.ClusterClient) (servers []redis.UniversalClient, dialing bool) {
	known, cancel := context.WithCancel(context.Background())
	cancel() // the cluster is not to be asked
	var last *redis.Client
	seen := make(map[*redis.Client]bool)
	for i := range probes {
		master, err := cluster.MasterForKey(known, strconv.Itoa(i))
		if err != nil {
			return []redis.UniversalClient{cluster}, false
		}
		if master == last || seen[master] {
			continue
		}
		last, seen[master] = master, true
		waiting, used, _ := connections(master)
		switch {
		case waiting && used: // those that wait there would be ended as well
			return nil, false
		case waiting:
			servers = append(servers, master)
		}
	}
	return servers, len(servers) > 0
}

// connectToAll returns nil when one of the servers can be reached, the first error when none
// can, and a timeout when one leaves that open.
func connectToAll(ctx context.Context, servers []redis.UniversalClient) (failed error) {
	for _, server := range servers {
		err := connectTo(ctx, server)
		if err == nil || isTimeout(err) {
			return err
		}
		if failed == nil {
			failed = err
		}
	}
	return failed
}

// connectTo makes a connection outside the pool, and closes it. All servers that a cluster
// begins with have to fail; which of them is tried is its own choice.
func connectTo(ctx context.Context, server redis.UniversalClient) error {
	times := 1
	switch rdb := server.(type) {
	case *redis.Client:
		clone := cloneOf(rdb)
		o := clone.Options()
		o.ContextTimeoutEnabled = true
		o.MaxRetries = 0 // of the handshake
		// OnConnect may do anything. That a server has no notifications of maintenance would
		// end them for the pool.
		o.OnConnect = nil
		o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
		server = clone
	case *redis.ClusterClient:
		if n := len(rdb.Options().Addrs); n > 1 {
			times = 4 * n
		}
	}
	var err error
	for range times {
		if err = dial(ctx, server); err == nil || isTimeout(err) {
			return err
		}
	}
	return err
}

func dial(ctx context.Context, server redis.UniversalClient) error {
	connection := server.Subscribe(ctx) // to nothing
	defer connection.Close()
	err := connection.Ping(ctx)
	var answer redis.Error
	if errors.As(err, &answer) { // as for commands
		return answer
	}
	return err
}

// An unreachableError ends the wait for a connection: none can be made. An overdueError is
// the end of a wait, and what was lost during it. For go-redis both are the end of a
// context, after which it does not try again. They do not unwrap, as go-redis does that.
type (
	unreachableError struct{ cause error }
	overdueError     struct{ cause error }
)

func (e *unreachableError) Error() string { return e.cause.Error() }
func (e *overdueError) Error() string     { return e.cause.Error() }

func (*unreachableError) Is(target error) bool { return target == context.DeadlineExceeded }
func (*overdueError) Is(target error) bool     { return target == context.DeadlineExceeded }

// errNoConnection is what was lost when the attempt to connect has not come to an end.
var errNoConnection = errors.New("no connection could be made")

func isTimeout(err error) bool {
	var late net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &late) && late.Timeout()
}

func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
