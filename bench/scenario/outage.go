package scenario

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/asidecache/aside/bench/contender"
	"github.com/asidecache/aside/bench/server"
	"github.com/asidecache/aside/bench/subject"
)

const (
	patienceFull  = 10 * time.Second
	patienceQuick = 2 * time.Second
)

// outages tells what a call does while Redis is refused, and while it hangs.
func (l *Lab) outages(ctx context.Context, spec contender.Spec) (cells []string, err error) {
	cells = make([]string, 2)
	errs := make([]error, len(cells))
	var done sync.WaitGroup
	for i, fail := range []func(*server.Process) error{(*server.Process).Kill, (*server.Process).Freeze} {
		done.Go(func() { cells[i], errs[i] = l.outage(ctx, spec, fail) })
	}
	done.Wait()
	return cells, errors.Join(errs...)
}

// outage asks a contender for a new key after its server has failed.
func (l *Lab) outage(ctx context.Context, spec contender.Spec, fail func(*server.Process) error) (cell string, err error) {
	proc, err := l.Server.Start(ctx)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, proc.Kill()) }()
	c, err := spec.Open(contender.Env{Addrs: []string{proc.Addr}})
	if err != nil {
		return "", err
	}
	// A client whose server is gone may take long to close, or fail to: it is left to
	// itself.
	defer func() { go c.Close() }()
	load := always(subject.Sized(subject.Small))
	if _, err := c.GetOrSet(ctx, "before", load); err != nil {
		return "", err
	}
	if err := fail(proc); err != nil {
		return "", err
	}
	patience := pick(l, patienceFull, patienceQuick)
	select {
	case a := <-ask(ctx, c, "after", load):
		if a.err != nil {
			return millis(a.took) + ", error", nil
		}
		return millis(a.took) + ", value", nil
	case <-time.After(patience):
		return "waits over " + patience.String(), nil
	}
}
