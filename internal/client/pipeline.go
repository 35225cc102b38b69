package client

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/relay"
	"github.com/asidecache/aside/internal/stack"
)

// A batch is one pipeline that is shared by many callers. They can join it until it is sent.
type batch struct {
	commands []queuedCommand
	bytes    float64 // that the answers are expected to have

	answered chan struct{} // closed when all below is set
	err      error         // of all commands, which may still be in use; nil: each has its own
	crash    *relay.Crash  // by a hook of the client

	ended chan struct{} // closed when no command is in use any more
}

// A queuedCommand is what one caller sends: a command, or the call of a script, which is
// merged with those of others.
type queuedCommand struct {
	client *Client
	cmd    redis.Cmder
	call   *Call
}

func (q queuedCommand) err() error {
	if q.call != nil {
		return q.call.Err
	}
	return q.cmd.Err()
}

// answer returns how many bytes the answer is expected to have, where these may be many.
func (q queuedCommand) answer() float64 {
	if _, ok := q.cmd.(*redis.RawWriteToCmd); ok {
		return q.client.answers.bytes()
	}
	return 0
}

// pipelines are shared by all stores on a client. Each sender is a goroutine that sends one
// batch after the other, for as long as any are waiting; so while a batch is on its way the
// next one gathers. There is one sender, and more when a batch is full or has waited for
// long, be it for a large value or a connection that is dead.
type pipelines struct {
	mu      sync.Mutex // guards all below
	waiting []*batch   // in the order in which they are sent: callers join the last one
	sending []*batch   // with those that were given up and have not ended
	senders int
	delay   *time.Timer // adds a sender, some time after a batch has begun to wait
}

const (
	maxSenders = 4
	minBatch   = 16 // commands, unless answers are large
	maxBatch   = 256
	batchBytes = 256 << 10        // of answers, which those behind them wait for
	maxDelay   = time.Millisecond // that a batch waits for a sender to come back
)

// dispatch calls together, which shares a pipeline, while many commands are in flight.
// Otherwise it calls alone, for what is sent by itself; also when the pipeline was in vain
// and the same may be sent again.
func (c *Client) dispatch(retry Retry, together, alone func() error) error {
	defer c.leave()
	if c.enter() {
		err := together()
		if !retry.mayResend(err) {
			c.RecordLoss(err)
			return err
		}
	}
	return alone()
}

// share sends commands along with others, in the order given, and returns the first error.
// Where that is the context's, or the store's own, they may still be in use. The time now is
// when the wait begins. A batch may be sent with a longer timeout than the store's: the
// caller leaves at its own.
func (c *Client) share(ctx context.Context, now time.Time, all ...queuedCommand) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := c.admitQueued(ctx, all); err != nil {
		return err
	}
	for i := range all {
		all[i].client = c
	}
	p := c.pipelinesFor(all)
	b, err := c.join(p, all)
	if err != nil {
		return err
	}
	w := c.timeouts.bucket(now)
	select {
	case <-b.answered:
	case <-w.given:
		if p.cancel(b, all) { // or else it may have a connection
			return w.err
		}
		select {
		case <-b.answered:
		case <-w.ended:
			return w.err
		case <-ended(ctx):
			return ctx.Err()
		case <-cancelled(ctx):
			return ctx.Err()
		}
	case <-ended(ctx):
		p.cancel(b, all)
		return ctx.Err()
	case <-cancelled(ctx):
		p.cancel(b, all)
		return ctx.Err()
	}
	switch {
	case b.crash.IsPanic():
		b.crash.Repeat() // where it would have been if the command had been sent by itself
		return nil
	case b.err != nil:
		return b.err
	}
	for _, q := range all {
		if err := q.err(); err != nil {
			return err
		}
	}
	return nil
}

// pipelinesFor returns the pipelines for commands, by how large an answer to one of them is.
// A batch of large answers would hold up small ones, which are likely to be of other stores.
func (x *executor) pipelinesFor(all []queuedCommand) *pipelines {
	for _, q := range all {
		if minBatch*q.answer() > batchBytes {
			return &x.large
		}
	}
	return &x.small
}

// join finds a batch for a store's commands.
func (c *Client) join(p *pipelines, all []queuedCommand) (*batch, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.detached.closed.Load() { // see of
		return nil, ErrClosed
	}
	full := len(p.waiting) > 0 && c.isFull(p.waiting[len(p.waiting)-1], all[0].answer())
	if p.senders == 0 || full && p.senders < maxSenders {
		if err := c.addSender(p); err != nil {
			return nil, err
		}
	}
	if full || len(p.waiting) == 0 {
		p.waiting = append(p.waiting, &batch{answered: make(chan struct{}), ended: make(chan struct{})})
		if p.delay == nil {
			p.delay = time.AfterFunc(maxDelay, func() { c.executor.flush(p) })
		} else {
			p.delay.Reset(maxDelay)
		}
	}
	b := p.waiting[len(p.waiting)-1]
	b.commands = append(b.commands, all...)
	for _, q := range all {
		b.bytes += q.answer()
	}
	return b, nil
}

// isFull reports whether no command joins a batch whose answer is expected to have so many
// bytes: few do when answers are large, and half of those in flight, so that one half is
// worked on by the server and the other one here.
func (x *executor) isFull(b *batch, answer float64) bool {
	half := max(int(x.inFlight.count.Load())/2, minBatch)
	return len(b.commands) >= min(half, maxBatch) || b.bytes+answer > batchBytes && b.bytes > 0
}

// addSender starts a sender; the caller holds the lock.
func (x *executor) addSender(p *pipelines) error {
	if x.abandoned.Load() >= maxAbandoned {
		return ErrUnanswered
	}
	p.senders++
	go x.send(p)
	return nil
}

// flush adds a sender when a batch is still waiting.
func (x *executor) flush(p *pipelines) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) > 0 && p.senders < maxSenders && x.addSender(p) == nil {
		p.delay.Reset(maxDelay)
	}
}

// cancel takes commands off a batch, and reports whether that is not being sent.
func (p *pipelines) cancel(b *batch, all []queuedCommand) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.waiting, b) {
		return false
	}
	b.commands = slices.DeleteFunc(b.commands, func(q queuedCommand) bool {
		return slices.Contains(all, q)
	})
	return true
}

// of returns, for each batch with commands of a store, a channel that is closed when it has
// ended. A store that is closed before has no command in any batch beyond these.
func (p *pipelines) of(c *Client) (ends []<-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range slices.Concat(p.waiting, p.sending) {
		if slices.ContainsFunc(b.commands, func(q queuedCommand) bool { return q.client == c }) {
			ends = append(ends, b.ended)
		}
	}
	return ends
}

// send is what a sender does.
func (x *executor) send(p *pipelines) {
	stack.Grow()
	ended := false
	defer func() {
		if !ended { // what greets new connections may call runtime.Goexit
			go x.send(p)
		}
	}()
	for !ended {
		runtime.Gosched() // callers that have just been answered are likely to ask again
		if b := p.next(); b != nil {
			x.sendBatch(p, b)
		} else {
			ended = true
		}
	}
}

// next returns the batch that is to be sent, or nil when the sender ends.
func (p *pipelines) next() *batch {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) == 0 {
		p.senders--
		return nil
	}
	b := p.waiting[0]
	p.waiting = slices.Delete(p.waiting, 0, 1)
	p.sending = append(p.sending, b)
	return b
}

// sendBatch sends a batch and waits for the answers, for as long as any of its commands may
// take that is sent now.
func (x *executor) sendBatch(p *pipelines, b *batch) {
	b.err = errNoAnswer
	relay.Catch(func() { b.err = x.trySend(p, b) }, func(c *relay.Crash) {
		b.crash = c
		close(b.answered)
	})
}

func (x *executor) trySend(p *pipelines, b *batch) (err error) {
	if len(b.commands) == 0 {
		p.end(b)
		return nil
	}
	c := b.mostPatient()
	cmds, calls := b.split()
	send := func(ctx context.Context) (struct{}, error) {
		defer p.end(b)
		// Not retryable: a caller that has left must not leave behind what is sent again, after
		// writes that came later.
		return struct{}{}, c.ExecAll(ctx, NotRetryable, calls, cmds...)
	}
	ctx := c.timeouts.context(context.Background(), time.Now())
	if x.cloned {
		_, err = send(ctx)
	} else { // a hook may do to a goroutine what it likes
		_, err = detach(ctx, &x.detached, send)
	}
	switch err {
	case nil:
		b.learn()
	case ErrUnanswered: // nothing was sent
		p.end(b)
	}
	return err
}

// end says that a batch has ended.
func (p *pipelines) end(b *batch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sending = slices.DeleteFunc(p.sending, func(other *batch) bool { return other == b })
	close(b.ended)
}

// mostPatient returns the client of a batch's commands whose timeout is the longest.
func (b *batch) mostPatient() *Client {
	c := b.commands[0].client
	for _, q := range b.commands {
		if q.client.timeouts.timeout > c.timeouts.timeout {
			c = q.client
		}
	}
	return c
}

func (b *batch) split() (cmds []redis.Cmder, calls []*Call) {
	for _, q := range b.commands {
		if q.call != nil {
			calls = append(calls, q.call)
			continue
		}
		q.cmd.SetStepCount(1) // as in processOn
		cmds = append(cmds, q.cmd)
	}
	return cmds, calls
}

// learn notes how large the answers were.
func (b *batch) learn() {
	const weight = 1. / 64 // for many commands at NotRetryable, some of which are not alike
	for _, q := range b.commands {
		if raw, ok := q.cmd.(*redis.RawWriteToCmd); ok {
			q.client.answers.add(float64(raw.Val()), weight)
		}
	}
}
