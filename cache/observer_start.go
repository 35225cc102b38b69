package cache

import (
	"cmp"
	"context"
	"time"
)

// A LoadStart is a run of a loader that is about to begin.
type LoadStart struct {
	Cache      string
	Keys       []string // the Redis keys
	Background bool     // as in LoadEvent
}

// A WaitEvent is the wait of a call for a loader that it has not started.
type WaitEvent struct {
	Cache string
	Keys  []string // the Redis keys of the call that the loader runs for
	// Load is the context of the loader, for the values that StartLoad has put there. It may have
	// ended.
	Load     context.Context
	Duration time.Duration
}

type startLoad = func(context.Context, LoadStart) context.Context

// startBoth has the second function add to the context that the first returns, also after a panic
// of the first.
func startBoth(first, second startLoad) startLoad {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	}
	return func(ctx context.Context, e LoadStart) context.Context {
		ctx, panicked := start(ctx, first, e)
		ctx, again := start(ctx, second, e)
		if panicked = cmp.Or(panicked, again); panicked != nil {
			return afterPanic{ctx, panicked}
		}
		return ctx
	}
}

// afterPanic is a context that functions have returned one of which has panicked.
type afterPanic struct {
	context.Context
	panicked *any
}

// start returns the context of f, or ctx if it returns none, and what it has panicked with.
func start(ctx context.Context, f startLoad, e LoadStart) (started context.Context, panicked *any) {
	started = ctx
	defer func() {
		if r := recover(); r != nil {
			panicked = &r
		}
	}()
	switch own := f(ctx, e).(type) {
	case nil:
	case afterPanic:
		return own.Context, own.panicked
	default:
		started = own
	}
	return started, nil
}

func (o *observer) startLoad(ctx context.Context, e LoadStart) context.Context {
	e.Cache = o.cache
	started, panicked := start(ctx, o.hears().StartLoad, e)
	if panicked != nil {
		o.panicked(ctx, *panicked)
	}
	return started
}

func (o *observer) wait(ctx context.Context, e WaitEvent) {
	if f := o.hears().Wait; f != nil {
		defer o.contain(ctx)
		e.Cache = o.cache
		f(ctx, e)
	}
}
