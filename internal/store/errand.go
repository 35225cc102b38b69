package store

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// An errand is a script that is to run for the keys of a slot, alone or together with
// others.
type errand struct {
	script *script
	how    repetition // when it is sent by itself
	keys   []any      // each a string
	args   []any

	answer any // set by who carries it out, as is err
	err    error
}

// carryOut runs the scripts of errands in one round trip, on a cluster one to each master,
// and the commands beside them. What has met a server without its script was not carried
// out, and is sent again; how is for what go-redis repeats.
func (s *Store) carryOut(ctx context.Context, how repetition, due []*errand, beside ...redis.Cmder) error {
	for _, as := range []form{(*script).byHash, (*script).byHash, (*script).whole} {
		p := s.rdb.Pipeline()
		parcels := s.parcels(due)
		cmds := make([]*redis.Cmd, len(parcels))
		for i, parcel := range parcels {
			cmds[i] = parcel.command(ctx, as)
			cmds[i].SetStepCount(1)
			_ = p.Process(ctx, how.of(cmds[i]))
		}
		_ = p.BatchProcess(ctx, beside...) // last: go-redis leaves a server that must not write if the first command says so
		beside = nil
		if err := refused(p.Exec(ctx)); err != nil {
			return err
		}
		due = nil
		for i, parcel := range parcels {
			err := cmds[i].Err()
			if isApart(err) && len(parcel) > 1 {
				s.apart.Store(true)
				due = append(due, parcel...)
				continue
			}
			if isUnknownScript(err) {
				due = append(due, parcel...)
			}
			parcel.take(cmds[i].Val(), err)
		}
		if len(due) == 0 {
			break
		}
		s.teachParcels(ctx, s.parcels(due))
	}
	return nil
}

func pointers(errands []errand) []*errand {
	all := make([]*errand, len(errands))
	for i := range errands {
		all[i] = &errands[i]
	}
	return all
}

// A parcel is errands with one script that are sent as one command.
type parcel []*errand

// perParcel bounds what one command may keep the server busy with.
const perParcel = 100

// parcels puts errands together that one command can run.
func (s *Store) parcels(errands []*errand) (parcels []parcel) {
	joins := s.joins()
	for len(errands) > 0 {
		n := 1
		for n < len(errands) && n < perParcel && joins && errands[n].isLike(errands[0]) {
			n++
		}
		next := parcel(errands[:n:n])
		errands = errands[n:]
		like := func(p parcel) bool { return joins && p[0].isLike(next[0]) && len(p)+n <= perParcel }
		if i := slices.IndexFunc(parcels, like); i >= 0 {
			parcels[i] = append(parcels[i], next...)
		} else {
			parcels = append(parcels, next)
		}
	}
	return parcels
}

// isLike reports whether e is sent in the form of o: the same script, with as many keys
// and arguments.
func (e *errand) isLike(o *errand) bool {
	return e.script == o.script && len(e.keys) == len(o.keys) && len(e.args) == len(o.args)
}

func (p parcel) script() *script {
	if len(p) > 1 {
		return p[0].script.many
	}
	return p[0].script
}

// command is what runs the errands: of one its own script, of more what gather.lua makes of
// that.
func (p parcel) command(ctx context.Context, as form) *redis.Cmd {
	if len(p) == 1 {
		return as(p[0].script, ctx, p[0].keys, p[0].args)
	}
	keys := make([]any, 0, len(p)*len(p[0].keys))
	for k := range p[0].keys {
		for _, e := range p {
			keys = append(keys, e.keys[k])
		}
	}
	args := make([]any, 0, len(p)*len(p[0].args)+1)
	for _, e := range p {
		args = append(args, e.args...)
	}
	return as(p.script(), ctx, keys, append(args, len(p)))
}

// take notes the answers.
func (p parcel) take(answer any, err error) {
	answers := []any{answer}
	if len(p) > 1 && err == nil {
		answers, _ = answer.([]any)
		if len(answers) != len(p) {
			err = errReply
		}
	}
	for i, e := range p {
		e.answer, e.err = nil, err
		if err == nil {
			e.answer = answers[i]
			if failure, ok := answers[i].(error); ok {
				e.err = runError(strings.TrimPrefix(failure.Error(), "RUN "))
			}
		}
	}
}

// A runError is what Redis has answered in one run of many, see gather.lua.
type runError string

func (e runError) Error() string { return string(e) }

// RedisError makes it a redis.Error.
func (runError) RedisError() {}

// teachParcels loads the scripts of parcels into their servers. Where one may not keep
// them, carryOut's last try brings them along.
func (s *Store) teachParcels(ctx context.Context, parcels []parcel) {
	type lesson struct {
		server *redis.Client
		script *script
	}
	taught := make(map[lesson]bool)
	cluster, _ := s.rdb.(*redis.ClusterClient)
	for _, p := range parcels {
		key := p[0].keys[0].(string)
		l := lesson{script: p.script()}
		if cluster != nil {
			var err error
			if l.server, err = cluster.MasterForKey(ctx, key); err != nil {
				continue
			}
		}
		if !taught[l] {
			taught[l] = true
			_ = s.teach(ctx, key, l.script)
		}
	}
}

// A verdict is what a script says that answers yes or no.
type verdict struct {
	yes bool
	err error
}

func (e *errand) verdict() (v verdict) {
	if e.err != nil {
		return verdict{err: withoutValue(e.err)}
	}
	n, ok := e.answer.(int64)
	if !ok {
		return verdict{err: errReply}
	}
	return verdict{yes: n == 1}
}

// do carries out one errand, along with other commands or by itself.
func (s *Store) do(ctx context.Context, e *errand) error {
	return s.shared(e.how, func() error {
		return s.share(ctx, time.Now(), passenger{errand: e})
	}, func() error {
		e.answer, e.err = run(ctx, s, func(ctx context.Context) (any, error) {
			cmd, err := s.eval(ctx, s.rdb, e.script, e.how, e.keys, e.args)
			return cmd.Val(), err
		})
		return e.err
	})
}

// judge carries out an errand that is answered by yes or no.
func (s *Store) judge(ctx context.Context, deadline time.Time, e errand) (yes bool, err error) {
	ctx, cancel := s.patience.until(ctx, deadline)
	defer cancel()
	if err := s.do(ctx, &e); err != nil {
		return false, withoutValue(err)
	}
	v := e.verdict()
	return v.yes, v.err
}

// judgeAll is judge for many errands, a thousand a round trip.
func (s *Store) judgeAll(ctx context.Context, deadline time.Time, n int, nth func(i int) errand) []verdict {
	verdicts := make([]verdict, n)
	for from := 0; from < n; from += keysPerTrip {
		part := verdicts[from:min(from+keysPerTrip, n)]
		errands := make([]errand, len(part))
		for i := range errands {
			errands[i] = nth(from + i)
		}
		judged, err := until(ctx, s, deadline, func(ctx context.Context) ([]verdict, error) {
			if err := s.carryOut(ctx, often, pointers(errands)); err != nil {
				return nil, err
			}
			judged := make([]verdict, len(errands))
			for i := range errands {
				s.sawLoss(errands[i].err)
				judged[i] = errands[i].verdict()
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

// forEach calls do for the numbers below n, several at a time. What a client's hook does to
// one of the goroutines, a panic or runtime.Goexit, it does to the caller's.
func forEach(n int, do func(i int)) {
	var workers sync.WaitGroup
	var mu sync.Mutex
	var panicked any
	ended := false // by a hook
	next := 0
	take := func() (i int, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		i = next
		next++
		return i, i < n && !ended
	}
	for range min(n, inParallel) {
		workers.Go(func() {
			returned := false
			defer func() {
				if returned {
					return
				}
				r := recover()
				mu.Lock()
				defer mu.Unlock()
				ended = true
				if r != nil {
					panicked = r
				}
			}()
			for i, ok := take(); ok; i, ok = take() {
				do(i)
			}
			returned = true
		})
	}
	workers.Wait()
	switch {
	case panicked != nil:
		panic(panicked)
	case ended:
		runtime.Goexit()
	}
}
