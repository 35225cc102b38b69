package client

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/asidecache/aside/internal/relay"
	"github.com/asidecache/aside/internal/stack"
)

// pipelines are shared by all stores on a client. Each sender is a goroutine that sends one
// batch after the other, for as long as any are waiting; so while a batch is on its way the
// next one gathers. There is one sender, and more when a batch is full or has waited for
// long, be it for a large value or a connection that is dead.
type pipelines struct {
	mu      sync.Mutex // guards all below
	waiting []*batch   // in the order in which they are sent: callers join the last one
	sending []*batch   // with those that were given up and have not ended
	senders int
	recent  int         // commands in flight of late, see batchSize
	delay   *time.Timer // adds a sender, some time after a batch has begun to wait
}

const (
	maxSenders  = 4
	minBatch    = 8 // commands, unless answers are large
	maxBatch    = 256
	batchBytes  = 256 << 10        // of answers, which those behind them wait for
	largeAnswer = batchBytes / 16  // bytes
	maxDelay    = time.Millisecond // that a batch waits for a sender to come back
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
// Where that is the context's, or the store's own, they may still be in use. A batch may be sent
// with a longer timeout than the store's: the caller leaves at its own, when its part of the batch
// is over.
//
// The caller waits for nothing that callers of other batches wait for, which would contend for it.
func (c *Client) share(ctx context.Context, all ...queuedCommand) error {
	if b, ok := ctx.(*deadlineContext); ok && b.bucket.of == c.timeouts {
		return c.shareWithin(ctx, b.Context, b.bucket, all)
	}
	return c.shareSince(ctx, time.Now(), all...)
}

// shareSince is share for a wait that began at a time.
func (c *Client) shareSince(ctx context.Context, began time.Time, all ...queuedCommand) error {
	own := ctx
	if b, ok := ctx.(*deadlineContext); ok { // of another store, whose hook has called this one
		var cancel context.CancelFunc
		own, cancel = context.WithDeadline(b.Context, b.deadline)
		defer cancel()
	}
	return c.shareWithin(ctx, own, c.timeouts.bucket(began), all)
}

// shareWithin is share for a wait that ends with a bucket, or a context of the caller's own.
func (c *Client) shareWithin(
	ctx, own context.Context, w *bucket, all []queuedCommand,
) error {
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
	mine, err := c.join(p, w, all)
	if err != nil {
		return err
	}
	select {
	case <-mine.over:
	case <-own.Done():
		p.cancel(mine, all)
		return own.Err()
	}
	switch {
	case mine.crash.IsPanic():
		mine.crash.Repeat() // where it would have been if the command had been sent by itself
		return nil
	case mine.err != nil:
		return mine.err
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
		if q.answer() > largeAnswer {
			return &x.large
		}
	}
	return &x.small
}

// join finds a batch for a store's commands, and returns the part of it that ends with a bucket.
func (c *Client) join(p *pipelines, w *bucket, all []queuedCommand) (*part, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case c.detached.closed.Load(): // see of
		return nil, ErrClosed
	case w.isGivenUp(): // see expireWaiting
		return nil, w.err
	}
	full := len(p.waiting) > 0 && c.isFull(p, p.waiting[len(p.waiting)-1], all[0].answer())
	if p.senders == 0 || full && p.senders < maxSenders {
		if err := c.addSender(p); err != nil {
			return nil, err
		}
	}
	if full || len(p.waiting) == 0 {
		p.waiting = append(p.waiting, newBatch(c.batchSize(p)))
		if p.delay == nil {
			p.delay = time.AfterFunc(maxDelay, func() { c.executor.flush(p) })
		} else {
			p.delay.Reset(maxDelay)
		}
	}
	return p.waiting[len(p.waiting)-1].add(w, all), nil
}

// isFull reports whether no command joins a batch whose answer is expected to have so many
// bytes: few do when answers are large, and half of those in flight of late, so that one half is
// worked on by the server and the other one here.
func (x *executor) isFull(p *pipelines, b *batch, answer float64) bool {
	return b.size >= x.batchSize(p) || b.bytes+answer > batchBytes && b.bytes > 0
}

// batchSize notes how many commands are in flight, and returns how many a batch may have now. It
// looks back, since just after an answer few are in flight; what was counts a quarter less with
// each batch.
func (x *executor) batchSize(p *pipelines) int {
	p.recent = max(p.recent, int(x.inFlight.count.Load()))
	return min(max(p.recent/2, minBatch), maxBatch)
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

// cancel takes commands off a part of a batch, unless that is being sent.
func (p *pipelines) cancel(from *part, all []queuedCommand) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if slices.Contains(p.waiting, from.batch) {
		from.remove(func(q queuedCommand) bool { return slices.Contains(all, q) })
	}
}

// pipelines returns those of the executor.
func (x *executor) pipelines() [2]*pipelines { return [...]*pipelines{&x.small, &x.large} }

// expireWaiting has the callers leave that wait until a bucket is given up, and whose batches are
// not being sent: those that are may have a connection. No caller joins after it.
func (x *executor) expireWaiting(w *bucket) {
	for _, p := range x.pipelines() {
		p.mu.Lock()
		for _, b := range p.waiting {
			if due := b.partOf(w); due != nil {
				due.remove(func(queuedCommand) bool { return true })
				due.end(w.err, nil)
			}
		}
		p.mu.Unlock()
	}
}

// expireSent has the callers leave that wait until the end of a bucket.
func (x *executor) expireSent(w *bucket) {
	for _, p := range x.pipelines() {
		p.mu.Lock()
		for _, b := range p.sending {
			if due := b.partOf(w); due != nil {
				due.end(w.err, nil)
			}
		}
		p.mu.Unlock()
	}
}

// of returns, for each batch with commands of a store, a channel that is closed when it has
// ended. A store that is closed before has no command in any batch beyond these.
func (p *pipelines) of(c *Client) (ends []<-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range slices.Concat(p.waiting, p.sending) {
		if b.has(c) {
			if b.ended == nil {
				b.ended = make(chan struct{})
			}
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
	p.recent -= p.recent / 4
	p.waiting = slices.Delete(p.waiting, 0, 1)
	p.sending = append(p.sending, b)
	return b
}

// sendBatch sends a batch and waits for the answers, for as long as any of its commands may
// take that is sent now.
func (x *executor) sendBatch(p *pipelines, b *batch) {
	err := errNoAnswer
	relay.Catch(func() { err = x.trySend(p, b) }, func(c *relay.Crash) { b.end(err, c) })
}

func (x *executor) trySend(p *pipelines, b *batch) (err error) {
	if b.size == 0 {
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
	case ErrUnanswered, ErrClosed: // nothing was sent
		p.end(b)
	}
	return err
}

// end says that a batch has ended.
func (p *pipelines) end(b *batch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sending = slices.DeleteFunc(p.sending, func(other *batch) bool { return other == b })
	if b.ended != nil {
		close(b.ended)
	}
}
