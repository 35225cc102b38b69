package scenario

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/asidecache/aside/bench/contender"
	"github.com/asidecache/aside/bench/report"
)

// correct measures what contenders do when things happen at the wrong moment.
func correct(ctx context.Context, l *Lab) (s report.Section, err error) {
	patience := pick(l, patienceFull, patienceQuick)
	s = report.Section{
		Title: "Correctness",
		Text: fmt.Sprintf("Each cell is one experiment with the contender. *Delete during a load*: the loader has begun, Delete is called and returns, the load ends; is its value what the next call gets? "+
			"Once with Delete by the same cache, once by a second one, as in another process. *Leader cancelled*: two callers ask for a key, the first, whose loader runs, is cancelled; does the second get an error? "+
			"*Follower's deadline*: a second caller with a deadline of %v while the first one's loader takes %v; when does it return? *Loads* are those of the stampede above. *Redis refused* and *hung*: the server is killed, or frozen; "+
			"how long does the next call for a new key wait (at most %v is waited here), with a context without deadline and a loader that has the value at once, and what does it return? "+
			"A contender without shared loads runs the second caller's own loader, and so has nothing to get wrong there.", followerDeadline, slowLoad, patience),
	}
	t := report.Table{Head: []string{
		"contender", "stale after Delete during a load", "stale after Delete by another process", "cancelled leader fails followers",
		"follower's deadline kept", fmt.Sprintf("loads of a stampede over %d processes", fleet), "Redis refused", "Redis hung",
	}}
	specs := append(contender.Coherent(), contender.Sturdyc, contender.Otter)
	l.Progress("correctness of %d contenders at once", len(specs))
	rows, err := l.judgements(ctx, specs)
	if err != nil {
		return s, err
	}
	for i, spec := range specs {
		t.Add(append([]string{spec.Name}, rows[i]...)...)
	}
	s.Tables = append(s.Tables, t)
	return s, nil
}

// judgements returns the cells of all contenders, which are judged at the same
// time: they mostly wait.
func (l *Lab) judgements(ctx context.Context, specs []contender.Spec) (rows [][]string, err error) {
	proc, err := l.Server.Start(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, proc.Kill()) }()
	rows = make([][]string, len(specs))
	errs := make([]error, len(specs))
	var done sync.WaitGroup
	for i, spec := range specs {
		done.Go(func() {
			rows[i], errs[i] = l.judge(ctx, spec, trialBench{contender.Env{Addrs: []string{proc.Addr}}, fmt.Sprintf("judge:%d:", i)})
			if errs[i] != nil {
				errs[i] = fmt.Errorf("%s: %w", spec.Name, errs[i])
			}
		})
	}
	done.Wait()
	return rows, errors.Join(errs...)
}

// judge returns the cells of one contender.
func (l *Lab) judge(ctx context.Context, spec contender.Spec, bench trialBench) (cells []string, err error) {
	own, err := bench.staleAfterDelete(ctx, spec, false)
	if err != nil {
		return nil, err
	}
	cells = append(cells, yesNo(own))
	if spec.Tier == contender.Near {
		cells = append(cells, "not shared")
	} else {
		other, err := bench.staleAfterDelete(ctx, spec, true)
		if err != nil {
			return nil, err
		}
		cells = append(cells, yesNo(other))
	}
	fails, err := bench.leaderCancelled(ctx, spec)
	if err != nil {
		return nil, err
	}
	took, err := bench.followerLeaves(ctx, spec)
	if err != nil {
		return nil, err
	}
	cells = append(cells, yesNo(fails), yesNo(took < 2*followerDeadline)+", "+millis(took), cmp.Or(l.loads[spec.Name], "-"))
	if spec.Tier == contender.Near {
		return append(cells, "no Redis", "no Redis"), nil
	}
	outages, err := l.outages(ctx, spec)
	return append(cells, outages...), err
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
