package store

import (
	"context"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// DoAll sends requests in their order in one round trip, on a cluster one to each
// master, and returns an error, or nil, for each. None is carried out twice. In one
// step, as a MULTI, nothing else comes between them. The requests may be about keys of
// other shapes than the store's.
func (s *Store) DoAll(ctx context.Context, now time.Time, requests []*Request, inOneStep bool) []error {
	ctx = s.patience.context(ctx, now)
	errs, err := run(ctx, s, func(ctx context.Context) ([]error, error) {
		if inOneStep {
			return s.transactAll(ctx, requests)
		}
		return s.pipeline(ctx, requests)
	})
	if err == nil {
		return errs
	}
	errs = make([]error, len(requests)) // the other ones may still be written to
	for i := range errs {
		errs[i] = err
	}
	return errs
}

// A form is how a request's script is sent.
type form func(sc script, ctx context.Context, keys []string, args []any) *redis.Cmd

// queue adds a request to a pipeline.
func (r *Request) queue(ctx context.Context, p redis.Pipeliner, as form) *redis.Cmd {
	if !r.write {
		cmd := redis.NewCmd(ctx, r.args...)
		cmd.SetStepCount(1)
		_ = p.Process(ctx, cmd)
		return cmd
	}
	cmd := as(mutate, ctx, r.keys, r.args)
	cmd.SetStepCount(1)
	_ = p.Process(ctx, unrepeated{cmd})
	return cmd
}

// transactAll brings the script along, as a transaction goes on after a command that
// finds none.
func (s *Store) transactAll(ctx context.Context, requests []*Request) ([]error, error) {
	p := s.rdb.TxPipeline()
	cmds := make([]*redis.Cmd, len(requests))
	as := script.whole
	for i, r := range requests {
		cmds[i] = r.queue(ctx, p, as)
		if r.write {
			as = script.byHash
		}
	}
	all, err := p.Exec(ctx)
	if redis.HasErrorPrefix(err, "EXECABORT") {
		return nil, withoutValue(reason(all, err))
	}
	if err := refused(all, err); err != nil {
		return nil, err
	}
	errs := make([]error, len(requests))
	for i, r := range requests {
		errs[i] = s.answered(ctx, r, cmds[i], cmds[i].Err())
	}
	return errs, nil
}

// pipeline sends again what has met a server without the script, and so has not been
// carried out.
func (s *Store) pipeline(ctx context.Context, requests []*Request) ([]error, error) {
	cmds := make([]*redis.Cmd, len(requests))
	due := make([]int, len(requests)) // the requests to send, by index
	for i := range due {
		due[i] = i
	}
	for _, as := range []form{script.byHash, script.byHash, script.whole} {
		p := s.rdb.Pipeline()
		for _, i := range due {
			cmds[i] = requests[i].queue(ctx, p, as)
		}
		if err := refused(p.Exec(ctx)); err != nil {
			return nil, err
		}
		if due = unsent(requests, cmds); len(due) == 0 {
			break
		}
		s.teachAll(ctx, requests, due)
	}
	errs := make([]error, len(requests))
	for i, r := range requests {
		errs[i] = s.answered(ctx, r, cmds[i], cmds[i].Err())
	}
	return errs, nil
}

// unsent returns the writes that have found no script, and the reads behind them that
// were to see what they do. No write behind such a read was carried out: it is of the
// same server.
func unsent(requests []*Request, cmds []*redis.Cmd) (due []int) {
	var unwritten []string
	for i, r := range requests {
		switch {
		case r.write && isUnknownScript(cmds[i].Err()):
			unwritten = append(unwritten, r.keys[0])
			due = append(due, i)
		case !r.write && slices.ContainsFunc(r.keys, func(key string) bool { return slices.Contains(unwritten, key) }):
			due = append(due, i)
		}
	}
	return due
}

// teachAll loads the script into the servers of the requests. Where one may not keep it,
// the last try brings it along.
func (s *Store) teachAll(ctx context.Context, requests []*Request, due []int) {
	cluster, ok := s.rdb.(*redis.ClusterClient)
	taught := make(map[*redis.Client]bool)
	for _, i := range due {
		key := requests[i].keys[0]
		var master *redis.Client
		if ok {
			var err error
			if master, err = cluster.MasterForKey(ctx, key); err != nil {
				continue
			}
		}
		if !taught[master] {
			taught[master] = true
			_ = s.teach(ctx, key, mutate)
		}
	}
}
