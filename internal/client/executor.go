package client

import (
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"weak"

	"github.com/redis/go-redis/v9"
)

// An executor sends the commands of all stores on one redis.UniversalClient: they share
// what is in flight, the pipelines, and what is known of the servers. What differs between
// them, such as the timeout, is in the Store.
//
// It must not refer to a Store, but for one whose command is under way: a store that nobody
// uses any more ends without Close.
type executor struct {
	client redis.UniversalClient // that was passed to New
	rdb    redis.UniversalClient // what commands are sent with
	// Rdb honours a context's deadline: call it on the caller's goroutine.
	synchronous bool
	cloned      bool        // rdb is a clone without hooks: nobody looks at its commands
	standalone  bool        // a command may name keys that a cluster keeps apart for a while
	crossSlot   atomic.Bool // but not keys of different slots
	transacts   atomic.Bool // MULTI is permitted
	scripts     Refusal     // of all scripts
	hashes      Refusal     // of scripts that are sent as their hash

	inFlight    gauge
	small       pipelines // of small answers
	large       pipelines // of large answers, which small ones do not wait for
	byTimeout   byTimeout
	abandoned   atomic.Int32
	detached    detached // batches of clients with hooks, and attempts to connect
	masters     masters
	closing     closing
	limits      limits
	attempt     attempt
	connected   *atomic.Bool // the clone has made a connection
	breakers    breakers
	undelivered undelivered
	journal     journal
	reloads     reloads
	writes      *writes // those of the client, whatever executors it has

	place place
}

func newExecutor(client redis.UniversalClient) *executor {
	x := &executor{client: client, rdb: client, connected: new(atomic.Bool), writes: allWrites.Of(client)}
	x.detached.abandoned = &x.abandoned
	if key, ok := Key(client); ok {
		_, x.breakers.stopped = unbroken.Load(key)
	}
	switch rdb := client.(type) {
	case *redis.Client:
		x.standalone = true
		x.rdb, x.synchronous, x.cloned = honouring(rdb)
		if x.cloned {
			noteConnections(x.rdb.(*redis.Client), x.connected)
		}
	case *redis.ClusterClient:
		x.synchronous = rdb.Options().ContextTimeoutEnabled
		if !x.synchronous && !hooked(rdb) {
			x.masters.cluster = rdb
		}
	}
	return x
}

// honouring returns a client on the same connection pool that honours a context's deadline,
// as the default client does not, if that can be had. cloned tells that it is a clone, which
// has the hooks of the connections but not those of the commands, so that a client with such
// hooks is taken as it is.
func honouring(rdb *redis.Client) (honours redis.UniversalClient, synchronous, cloned bool) {
	opt := rdb.Options()
	if opt.ContextTimeoutEnabled || hooked(rdb) {
		return rdb, opt.ContextTimeoutEnabled, false
	}
	clone := cloneOf(rdb)
	clone.Options().ContextTimeoutEnabled = true
	return clone, true, true
}

// cloneOf returns a client on the same connection pool with options of its own, and
// without the hooks of commands.
func cloneOf(rdb *redis.Client) *redis.Client {
	opt := rdb.Options()
	clone := rdb.WithTimeout(opt.ReadTimeout)
	clone.Options().WriteTimeout = opt.WriteTimeout
	return clone
}

// executors are those of clients that open stores use. They are held weakly: what leads from
// a client to a store, such as a hook, would else keep both for ever.
var executors = struct {
	sync.Mutex
	of map[executorKey]*executorUse
}{of: make(map[executorKey]*executorUse)}

// An executorKey tells executors apart. A client gets another one when it has got its first
// hook, which the stores that are made from then on have to pass.
type executorKey struct {
	client any // see Key
	hooked bool
}

// An executorUse is an executor, and how many open stores use it.
type executorUse struct {
	executor weak.Pointer[executor]
	stores   int // guarded by executors
}

// A place is where an executor is found; without a use it is not.
type place struct {
	key executorKey
	use *executorUse
}

// executorOf returns the executor of a client, for one store more, until release. A client
// that cannot be compared has one for each store.
func executorOf(client redis.UniversalClient) *executor {
	key, ok := Key(client)
	if !ok {
		return newExecutor(client)
	}
	at := place{key: executorKey{client: key}}
	switch client.(type) {
	case *redis.Client, *redis.ClusterClient:
		at.key.hooked = hooked(client)
	}
	executors.Lock()
	defer executors.Unlock()
	if at.use = executors.of[at.key]; at.use != nil {
		if x := at.use.executor.Value(); x != nil {
			at.use.stores++
			x.masters.forget()
			return x
		}
	}
	x := newExecutor(client)
	at.use = &executorUse{executor: weak.Make(x), stores: 1}
	x.place = at
	executors.of[at.key] = at.use
	runtime.AddCleanup(x, place.forget, at)
	return x
}

// release ends the use by one store, and reports whether it was the last one.
func (x *executor) release() (last bool) {
	use := x.place.use
	if use == nil {
		return true
	}
	executors.Lock()
	defer executors.Unlock()
	if use.stores--; use.stores == 0 {
		x.place.remove()
	}
	return use.stores == 0
}

// forget removes an executor that is no more.
func (p place) forget() {
	executors.Lock()
	defer executors.Unlock()
	p.remove()
}

// remove is called with the lock of executors held.
func (p place) remove() {
	if executors.of[p.key] == p.use {
		delete(executors.of, p.key)
	}
}

// Key returns what a client is known by. It does not keep go-redis's own clients in
// memory, which may lead by their hooks to those that use the key.
func Key(client redis.UniversalClient) (key any, ok bool) {
	switch c := client.(type) {
	case *redis.Client:
		return weak.Make(c), true
	case *redis.ClusterClient:
		return weak.Make(c), true
	}
	return client, reflect.ValueOf(client).Comparable()
}
