package store

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// An errand is one of many scripts that are sent together, each for the keys of a slot.
type errand struct {
	script script
	keys   []string
	args   []any
	cmd    *redis.Cmd // the last one sent for it
}

// evalAll runs the scripts of errands in one round trip, on a cluster one to each master,
// and tells by their commands how that ended. What has met a server without its script was
// not carried out, and is sent again.
func (s *Store) evalAll(ctx context.Context, how repetition, errands []*errand) error {
	due := errands
	for _, as := range []form{script.byHash, script.byHash, script.whole} {
		p := s.rdb.Pipeline()
		for _, e := range due {
			e.cmd = as(e.script, ctx, e.keys, e.args)
			e.cmd.SetStepCount(1)
			if how == once {
				_ = p.Process(ctx, unrepeated{e.cmd})
			} else {
				_ = p.Process(ctx, e.cmd)
			}
		}
		if err := refused(p.Exec(ctx)); err != nil {
			return err
		}
		var untaught []*errand
		for _, e := range due {
			if isUnknownScript(e.cmd.Err()) {
				untaught = append(untaught, e)
			}
		}
		if due = untaught; len(due) == 0 {
			break
		}
		s.teachErrands(ctx, due)
	}
	return nil
}

// teachErrands loads the scripts of errands into their servers. Where one may not keep
// them, evalAll's last try brings them along.
func (s *Store) teachErrands(ctx context.Context, errands []*errand) {
	type lesson struct {
		server *redis.Client
		hash   string
	}
	taught := make(map[lesson]bool)
	cluster, _ := s.rdb.(*redis.ClusterClient)
	for _, e := range errands {
		l := lesson{hash: e.script.hash}
		if cluster != nil {
			var err error
			if l.server, err = cluster.MasterForKey(ctx, e.keys[0]); err != nil {
				continue
			}
		}
		if !taught[l] {
			taught[l] = true
			_ = s.teach(ctx, e.keys[0], e.script)
		}
	}
}

// A verdict is what a script says that answers yes or no.
type verdict struct {
	yes bool
	err error
}

// judgeAll is evalAll for scripts that answer yes or no, a thousand a round trip.
func (s *Store) judgeAll(ctx context.Context, deadline time.Time, n int, nth func(i int) *errand) []verdict {
	verdicts := make([]verdict, n)
	for from := 0; from < n; from += keysPerTrip {
		part := verdicts[from:min(from+keysPerTrip, n)]
		errands := make([]*errand, len(part))
		for i := range errands {
			errands[i] = nth(from + i)
		}
		judged, err := until(ctx, s, deadline, func(ctx context.Context) ([]verdict, error) {
			if err := s.evalAll(ctx, often, errands); err != nil {
				return nil, err
			}
			judged := make([]verdict, len(errands))
			for i, e := range errands {
				judged[i].yes, judged[i].err = e.cmd.Bool()
				s.sawLoss(judged[i].err)
				judged[i].err = withoutValue(judged[i].err)
			}
			return judged, nil
		})
		for i := range part {
			part[i].err = err
		}
		copy(part, judged)
	}
	return verdicts
}

// inParallel is how many commands of one call that need a connection each are sent at
// once.
const inParallel = 16

// forEach calls do for the numbers below n, several at a time. A panic of a client's hook
// comes out here.
func forEach(n int, do func(i int)) {
	var workers sync.WaitGroup
	var mu sync.Mutex
	var panicked any
	next := 0
	take := func() (i int, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		i = next
		next++
		return i, i < n && panicked == nil
	}
	for range min(n, inParallel) {
		workers.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					mu.Lock()
					defer mu.Unlock()
					panicked = r
				}
			}()
			for i, ok := take(); ok; i, ok = take() {
				do(i)
			}
		})
	}
	workers.Wait()
	if panicked != nil {
		panic(panicked)
	}
}
