package client

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// closing is what is known of the closing of connections.
type closing struct {
	mu   sync.Mutex    // guards all below
	last time.Time     // when it began
	next chan struct{} // closed when they are closed once more; nil: that is not due
}

// maxPause is the longest pause between two closings of all connections.
const maxPause = 100 * time.Millisecond

// closeConns has the connections of a client of one server closed, to which others are made where
// its address leads now: the idle ones at NotRetryable, those in use when they are given back.
// go-redis closes only the connection whose first command is refused by a server that must not
// write: the others would go on to serve what that server still holds.
//
// Where new connections lead to a server that must not write either, they are not closed again
// without a pause, for which the caller waits, but not after ctx has ended.
func (c *Client) closeConns(ctx context.Context) {
	rdb, ok := c.rdb.(*redis.Client)
	if !ok {
		return
	}
	select {
	case <-c.closesConns(rdb):
	case <-ctx.Done():
	case <-cancelled(ctx):
	}
}

// closesConns returns a channel that is closed when all connections have been closed which
// there are now.
func (c *Client) closesConns(rdb *redis.Client) <-chan struct{} {
	of, pause := &c.closing, min(c.timeouts.timeout/8, maxPause)
	of.mu.Lock()
	defer of.mu.Unlock()
	if of.next == nil {
		done := make(chan struct{})
		of.next = done
		time.AfterFunc(pause-time.Since(of.last), func() {
			defer close(done)
			of.mu.Lock()
			of.next, of.last = nil, time.Now() // a later caller may have a connection that is missed
			of.mu.Unlock()
			if !retire(rdb) {
				ctx, cancel := context.WithTimeout(context.Background(), pause)
				defer cancel()
				closeIdle(ctx, rdb)
			}
		})
	}
	return of.next
}

// retire has go-redis close all connections of both pools. go-redis does so itself, but not
// for others, so that this looks into the client; where that does not look as expected, it
// reports false.
func retire(rdb *redis.Client) (done bool) {
	defer func() { done = recover() == nil }()
	base := reflect.ValueOf(rdb).Elem().FieldByName("baseClient").Elem()
	retireAll(reachable(base.FieldByName("connPool")).Elem())
	if piped := reachable(base.FieldByName("pipelinePool")); !piped.IsNil() {
		retireAll(reachable(piped.Elem().FieldByName("pool")))
	}
	return true
}

// allowDials has the next command of a client without a connection dial. After as many failures
// as the pool has places, go-redis dials once a second, and fails all commands meanwhile. It is
// like retire in that it looks into the client.
func allowDials(rdb *redis.Client) (done bool) {
	defer func() { done = recover() == nil }()
	base := reflect.ValueOf(rdb).Elem().FieldByName("baseClient").Elem()
	allowDialsOf(reachable(base.FieldByName("connPool")).Elem())
	if piped := reachable(base.FieldByName("pipelinePool")); !piped.IsNil() {
		allowDialsOf(reachable(piped.Elem().FieldByName("pool")))
	}
	return true
}

// allowDialsOf is allowDials for a *pool.ConnPool.
func allowDialsOf(pool reflect.Value) {
	failures := reachable(pool.Elem().FieldByName("dialErrorsNum"))
	failures.Addr().Interface().(*atomic.Uint32).Store(0)
}

// retireAll is retire for a *pool.ConnPool.
func retireAll(pool reflect.Value) {
	filter := pool.MethodByName("Filter") // Filter(fn func(*Conn) bool) error
	is := filter.Type().In(0)
	conns := reflect.MakeSlice(reflect.SliceOf(is.In(0)), 0, 16)
	filter.Call([]reflect.Value{reflect.MakeFunc(is, func(args []reflect.Value) []reflect.Value {
		conns = reflect.Append(conns, args[0])
		return []reflect.Value{reflect.ValueOf(false)}
	})})
	// RetireConns(ctx, conns []*Conn, reason string).
	pool.MethodByName("RetireConns").Call([]reflect.Value{
		reflect.ValueOf(context.Background()), conns, reflect.ValueOf(retired),
	})
}

// reachable is a field of a struct that lies in memory, as if it were exported.
func reachable(field reflect.Value) reflect.Value {
	return reflect.NewAt(field.Type(), field.Addr().UnsafePointer()).Elem()
}

// retired is why connections are closed: of one that somebody holds it is in the error of
// the next command.
const retired = "the server must not write any more"

// closeIdle has go-redis close as many connections of both pools as are idle.
func closeIdle(ctx context.Context, rdb *redis.Client) {
	defer func() { _ = recover() }() // what greets new connections may panic
	clone := cloneOf(rdb)            // no hook has to see this
	clone.Options().ContextTimeoutEnabled = true
	stats := clone.PoolStats()
	for range stats.IdleConns {
		breakOff(ctx, clone)
	}
	if stats.PipelineStats != nil {
		for range stats.PipelineStats.IdleConns {
			_ = pipelineOn(ctx, clone, []redis.Cmder{unsendable(ctx)})
		}
	}
}

// breakOff has go-redis close the connection that a client takes, or holds.
func breakOff(ctx context.Context, to Conn) { _ = processOn(ctx, to, unsendable(ctx)) }

// unsendable is a command that go-redis cannot send, and does not try to send twice, so that it
// closes the connection which it has taken for it.
func unsendable(ctx context.Context) redis.Cmder {
	return NewSmall(ctx, "ping", argument{}).RawWriteToCmd
}

// An argument is one without bytes.
type argument struct{}

var errUnsendable = errors.New("the connection is to be closed")

// MarshalBinary is what go-redis calls when it has a connection.
func (argument) MarshalBinary() ([]byte, error) { return nil, errUnsendable }
