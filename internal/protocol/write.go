package protocol

import (
	"context"
	"time"
)

// Write calls send, which writes the keys, so that no load that began before it returns is
// stored afterwards.
func (e *Engine) Write(ctx context.Context, deadline time.Time, keys []string, send func() error) error {
	end, err := e.Fence(ctx, deadline, keys...)
	defer end()
	if err != nil {
		return err
	}
	return send()
}

// Fence begins a write of the keys. After an error, too, end has to be called.
func (e *Engine) Fence(ctx context.Context, deadline time.Time, keys ...string) (end func(), err error) {
	defer e.failures.forget(keys...) // no flight before this write remembers any more
	e.Store.Written(keys...)
	load, err := e.flights.Fence(ctx, deadline, keys...)
	if err != nil {
		return load.End, err
	}
	degraded, err := e.degraded.Fence(ctx, deadline, keys...)
	return func() {
		e.Store.Written(keys...) // before others may begin
		degraded.End()
		load.End()
	}, err
}
