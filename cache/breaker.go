package cache

import (
	"context"
	"time"

	"github.com/asidecache/aside/internal/store"
)

// A BreakerState says whether Redis is asked. The caches and collections on one client have one
// breaker, and on a cluster one for each master. It opens when Redis has left five round trips
// in a row without an answer: refused or lost connections, silence for RedisTimeout, what is no
// answer, and answers such as LOADING, BUSY or NOAUTH that concern no single command. Then
// calls fail at once, as Config.OnRedisError says, and a probe asks Redis several times a
// second, until that answers. What Redis refuses of single commands, such as writes when it is
// full, opens no breaker, and neither do contexts that end while Redis answers others.
//
// A client that is not used for a minute is not probed either. The next call then waits for a
// probe, a tenth of RedisTimeout at most.
type BreakerState uint8

const (
	// BreakerClosed: Redis is asked.
	BreakerClosed BreakerState = iota
	// BreakerOpen: Redis has not answered, and is not asked before it has answered a probe.
	BreakerOpen
)

// String returns the name of the state.
func (s BreakerState) String() string { return name(s, "BreakerClosed", "BreakerOpen") }

// A BreakerEvent is a change of a breaker. Each cache on the client tells its observer of it.
type BreakerEvent struct {
	Cache  string
	Server string // the address of a cluster's master, empty for other clients
	State  BreakerState
	Since  time.Time // when the first command was sent that Redis did not answer
	Err    error     // with BreakerOpen, what has become of the last one
}

// watchBreaker has the observer told of the client's breaker.
func (c *core) watchBreaker() {
	if !c.isObserved(c.observer.own.Breaker != nil) {
		return
	}
	c.store.Watch(func(change store.Change) {
		e := BreakerEvent{Server: change.Err.Server, Since: change.Err.Since}
		if change.Open {
			e.State, e.Err = BreakerOpen, c.store.Explain(change.Err.Cause)
		}
		c.observer.breaker(e)
	})
}

func (o *observer) breaker(e BreakerEvent) {
	f := o.hears().Breaker
	if f == nil {
		return
	}
	ctx := context.Background()
	defer o.contain(ctx)
	e.Cache = o.cache
	f(ctx, e)
}

// breakerState is that of the breaker now, or of any that the client has.
func (c *core) breakerState() BreakerState {
	if c.store.BreakerOpen() {
		return BreakerOpen
	}
	return BreakerClosed
}
