package scenario

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asidecache/aside/bench/contender"
	"github.com/asidecache/aside/bench/subject"
)

const (
	settle           = 50 * time.Millisecond // for a caller to get to where it waits, or a push to arrive
	followerDeadline = 150 * time.Millisecond
	slowLoad         = time.Second
	trialTime        = 20 * time.Second // an experiment that takes longer has failed
)

// A trialBench is where experiments with one contender are made.
type trialBench struct {
	env    contender.Env
	prefix string // of keys
}

// A gate is a source that waits to be opened, and honours contexts. Each load sees
// the state of the source when the load began, whose number is the account's ID.
type gate struct {
	began  chan struct{} // closed when the first load begins
	once   sync.Once
	opened chan struct{}
	state  atomic.Int64
}

func newGate() *gate {
	return &gate{began: make(chan struct{}), opened: make(chan struct{})}
}

func (g *gate) load(ctx context.Context, _ string) (subject.Account, error) {
	seen := g.state.Load()
	g.once.Do(func() { close(g.began) })
	select {
	case <-g.opened:
		return subject.Account{ID: seen}, nil
	case <-ctx.Done():
		return subject.Account{}, ctx.Err()
	}
}

// await waits until a load has begun.
func (g *gate) await(ctx context.Context) error {
	select {
	case <-g.began:
		return nil
	case <-ctx.Done():
		return errors.New("no load begins")
	}
}

// An answer is what a call came back with.
type answer struct {
	account subject.Account
	err     error
	took    time.Duration
}

// ask calls GetOrSet in a goroutine.
func ask(ctx context.Context, c contender.Contender, key string, load contender.Loader) <-chan answer {
	answers := make(chan answer, 1)
	began := time.Now()
	go func() {
		a, err := c.GetOrSet(ctx, key, load)
		answers <- answer{a, err, time.Since(began)}
	}()
	return answers
}

// staleAfterDelete tells whether a value outlives a change of its source and a
// Delete that came while it was loaded. A contender that loads once more by itself
// has the new value.
func (b trialBench) staleAfterDelete(ctx context.Context, spec contender.Spec, byAnother bool) (stale bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, trialTime)
	defer cancel()
	c, err := spec.Open(b.env)
	if err != nil {
		return false, err
	}
	defer c.Close()
	deleter := c
	if byAnother {
		if deleter, err = spec.Open(b.env); err != nil {
			return false, err
		}
		defer deleter.Close()
	}
	key := b.prefix + "stale:" + strconv.FormatBool(byAnother)
	source := newGate()
	loading := ask(ctx, c, key, source.load)
	if err := source.await(ctx); err != nil {
		return false, err
	}
	source.state.Add(1)
	if err := deleter.Delete(ctx, key); err != nil {
		return false, err
	}
	close(source.opened)
	if a := <-loading; a.err != nil {
		return false, fmt.Errorf("the load that was overtaken by a Delete: %w", a.err)
	}
	time.Sleep(settle)
	next, err := c.GetOrSet(ctx, key, source.load)
	return next.ID != source.state.Load(), err
}

// leaderCancelled tells whether a caller gets an error because another one, whose
// load it shares, was cancelled.
func (b trialBench) leaderCancelled(ctx context.Context, spec contender.Spec) (fails bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, trialTime)
	defer cancel()
	c, err := spec.Open(b.env)
	if err != nil {
		return false, err
	}
	defer c.Close()
	g := newGate()
	leading, leave := context.WithCancel(ctx)
	defer leave()
	leader := ask(leading, c, b.prefix+"leader", g.load)
	if err := g.await(ctx); err != nil {
		return false, err
	}
	follower := ask(ctx, c, b.prefix+"leader", g.load)
	time.Sleep(settle)
	leave()
	time.Sleep(settle)
	close(g.opened)
	<-leader
	return (<-follower).err != nil, nil
}

// followerLeaves tells when a caller with a deadline returns that shares a load
// which takes longer.
func (b trialBench) followerLeaves(ctx context.Context, spec contender.Spec) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, trialTime)
	defer cancel()
	c, err := spec.Open(b.env)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	g := newGate()
	leader := ask(ctx, c, b.prefix+"deadline", g.load)
	if err := g.await(ctx); err != nil {
		return 0, err
	}
	time.AfterFunc(slowLoad, func() { close(g.opened) })
	impatient, leave := context.WithTimeout(ctx, followerDeadline)
	defer leave()
	follower := <-ask(impatient, c, b.prefix+"deadline", g.load)
	if a := <-leader; a.err != nil {
		return 0, fmt.Errorf("the leader of a shared load: %w", a.err)
	}
	return follower.took, nil
}

func millis(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
