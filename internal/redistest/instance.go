package redistest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

// A Topology is how servers are put together.
type Topology string

// The topologies.
const (
	Standalone Topology = "standalone" // one server
	Cluster    Topology = "cluster"    // three masters with a replica each
	Sentinel   Topology = "sentinel"   // a master and a replica, watched by three Sentinels
)

// An Instance is a running group of servers. Options and Client are safe for
// concurrent use, also while servers are harmed.
type Instance struct {
	Server   Server
	Topology Topology

	dir       string
	nodes     []*Node // masters before replicas, as they were at the start
	sentinels []*Node
}

// Start starts servers of one kind for this test alone, which may harm them, and
// stops them when the test ends. It returns when all are ready and know each
// other. args are added to the command line of the data nodes, as in
// "--maxmemory", "10mb".
func (s Server) Start(t testing.TB, topology Topology, args ...string) *Instance {
	t.Helper()
	i, err := launch(s, topology, args)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := i.stop(); err != nil {
			t.Error(err)
		}
	})
	return i
}

// launch starts an instance, on other ports if a program that knows nothing of
// our blocks of ports holds one.
func launch(s Server, topology Topology, args []string) (*Instance, error) {
	for {
		i, err := launchOnce(s, topology, args)
		if err == nil {
			return i, nil
		}
		err = errors.Join(err, i.stop())
		if !errors.Is(err, errPortTaken) {
			return nil, fmt.Errorf("%s %s: %w", s, topology, err)
		}
	}
}

// launchOnce returns what there is to stop with an error, too.
func launchOnce(s Server, topology Topology, args []string) (*Instance, error) {
	i := &Instance{Server: s, Topology: topology}
	var err error
	if i.dir, err = os.MkdirTemp("", "redistest-"); err != nil {
		return i, err
	}
	switch topology {
	case Standalone:
		err = i.prepareStandalone(args)
	case Cluster:
		err = i.prepareCluster(args)
	case Sentinel:
		err = i.prepareSentinel(args)
	default:
		err = fmt.Errorf("redistest: no topology is called %q", topology)
	}
	if err != nil {
		return i, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	// Sentinels look at a replica when they start, and again only after 10 s: it must be ready by
	// then.
	for _, stage := range [][]*Node{i.nodes, i.sentinels} {
		if err := each(stage, func(n *Node) error { return n.start(ctx) }); err != nil {
			return i, err
		}
		if err := each(stage, func(n *Node) error { return i.awaitReady(ctx, n) }); err != nil {
			return i, err
		}
	}
	return i, nil
}

// each calls f for all nodes at once.
func each(nodes []*Node, f func(*Node) error) error {
	var g errgroup.Group
	for _, n := range nodes {
		g.Go(func() error { return f(n) })
	}
	return g.Wait()
}

// newNodes prepares nodes; they are yet to be configured and started.
func (i *Instance) newNodes(count int, args []string) ([]*Node, error) {
	nodes := make([]*Node, count)
	for j := range nodes {
		n, err := newNode(i.Server, i.dir, args)
		if err != nil {
			return nil, err
		}
		nodes[j] = n
	}
	return nodes, nil
}

// stop ends all processes and removes their folders.
func (i *Instance) stop() error {
	var errs []error
	for _, n := range slices.Concat(i.sentinels, i.nodes) {
		errs = append(errs, n.kill())
	}
	errs = append(errs, os.RemoveAll(i.dir))
	return errors.Join(errs...)
}

// AwaitReady waits until all servers run and are well again: each replica
// follows its master, no slot and no Sentinel is missing.
func (i *Instance) AwaitReady(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	for _, stage := range [][]*Node{i.nodes, i.sentinels} {
		if err := each(stage, func(n *Node) error { return i.awaitReady(ctx, n) }); err != nil {
			t.Fatal(err)
		}
	}
}

// Nodes returns the servers that hold data: the masters before their replicas,
// as they were at the start. The replica of a cluster's master j is node j+3.
func (i *Instance) Nodes() []*Node { return slices.Clone(i.nodes) }

// Sentinels returns the Sentinels, if the topology has them.
func (i *Instance) Sentinels() []*Node { return slices.Clone(i.sentinels) }

// Options returns the options of a client of this instance: go-redis's defaults
// and the addresses.
func (i *Instance) Options() *redis.UniversalOptions {
	o := &redis.UniversalOptions{IsClusterMode: i.Topology == Cluster}
	nodes := i.nodes
	if i.Topology == Sentinel {
		nodes, o.MasterName = i.sentinels, masterName
	}
	for _, n := range nodes {
		o.Addrs = append(o.Addrs, n.Addr)
	}
	return o
}

// Env returns the instance as Each gives its own to a test.
func (i *Instance) Env(t testing.TB) *Env {
	t.Helper()
	e := &Env{Topology: i.Topology, options: i.Options}
	e.Client = e.NewClient(t)
	return e
}

// Client returns a new client, which is closed when the test ends. The functions
// may change its options first.
func (i *Instance) Client(t testing.TB, change ...func(*redis.UniversalOptions)) redis.UniversalClient {
	t.Helper()
	return newClient(t, i.Options(), change)
}

func newClient(t testing.TB, o *redis.UniversalOptions, change []func(*redis.UniversalOptions)) redis.UniversalClient {
	t.Helper()
	for _, f := range change {
		f(o)
	}
	c := redis.NewUniversalClient(o)
	t.Cleanup(func() {
		if err := c.Close(); err != nil && !errors.Is(err, redis.ErrClosed) {
			t.Errorf("redistest: close the client: %v", err)
		}
	})
	return c
}
