package store

import (
	"context"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/resp"
)

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
func (p parcel) command(ctx context.Context, as form) *command {
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

// take notes the answers to a command, unless sending it gave an error.
func (p parcel) take(cmd *command, err error) {
	var answer any
	if err == nil {
		answer, err = cmd.decoded()
	}
	answers := []any{answer}
	if len(p) > 1 && err == nil {
		answers, _ = answer.([]any)
		if len(answers) != len(p) {
			err = resp.ErrBroken
		}
	}
	for i, e := range p {
		e.answer, e.err = nil, err
		if err == nil {
			e.answer = answers[i]
			if failure, ok := answers[i].(error); ok {
				e.err = resp.AnswerError(strings.TrimPrefix(failure.Error(), "RUN "))
			}
		}
	}
}

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
			_ = s.teach(ctx, s.rdb, key, l.script)
		}
	}
}
