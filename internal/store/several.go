package store

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// A Step is an operation that can be sent along with others: a Request, or what the
// methods of a Store return that are named for it.
type Step interface {
	// Key returns the key that the step is about, or the first of several.
	Key() string
	// Durable reports whether the step is a write that replicas are to have.
	Durable() bool

	keys() []string // the value keys
	writes() bool
	repeats() repetition
	largest() int  // bytes of the longest argument that may be long
	uses() *script // what the last of its commands runs, nil for none
	// commands makes the commands; the script is sent in this form.
	commands(ctx context.Context, as form) []*command
	// answered takes the answers, which are there, to these commands.
	answered(ctx context.Context, s *Store, cmds []*command) error
}

// A form is how a script is sent.
type form func(sc *script, ctx context.Context, keys, args []any) *command

// reading is what all steps have in common that only read.
type reading struct{}

func (reading) Durable() bool { return false }
func (reading) writes() bool  { return false }
func (reading) uses() *script { return nil }
func (reading) largest() int  { return 0 }

func (reading) repeats() repetition { return often }

// DoAll sends steps in their order in one round trip, on a cluster one to each master,
// waits for so many replicas if there are durable writes, and returns an error, or nil,
// for each: an ErrTooLarge for one that was not sent for its size, which keeps the others
// from being sent in one step alone. No Request is carried out twice. In one step, as a
// MULTI, nothing else comes between them. The steps may be of other stores of the same
// client.
func (s *Store) DoAll(ctx context.Context, now time.Time, steps []Step, inOneStep bool, replicas int) []error {
	ctx = s.patience.context(ctx, now)
	errs, err := run(ctx, s, func(ctx context.Context) ([]error, error) {
		return s.doFitting(ctx, steps, inOneStep, replicas)
	})
	if err == nil {
		return errs
	}
	errs = make([]error, len(steps)) // the other ones may still be written to
	for i := range errs {
		errs[i] = err
	}
	return errs
}

// doSteps sends steps, and waits for so many replicas.
func (s *Store) doSteps(ctx context.Context, steps []Step, inOneStep bool, replicas int) ([]error, error) {
	if replicas > 0 {
		return s.doReplicated(ctx, steps, inOneStep, replicas)
	}
	return s.doOn(ctx, s.rdb, steps, inOneStep)
}

// doReplicated sends each master its steps on one connection, and waits there.
func (s *Store) doReplicated(ctx context.Context, steps []Step, inOneStep bool, replicas int) ([]error, error) {
	errs := make([]error, len(steps))
	keys := make([]string, len(steps))
	pending := make([]int, len(steps))
	for i, step := range steps {
		keys[i], pending[i] = step.Key(), i
	}
	for {
		byMaster, err := s.byMaster(ctx, keys, pending)
		if err != nil {
			return nil, err
		}
		var masters sync.WaitGroup
		for master, part := range byMaster {
			masters.Go(func() { s.doAt(ctx, master, replicas, steps, part, errs, inOneStep) })
		}
		masters.Wait()
		pending = slices.DeleteFunc(pending, func(i int) bool { return !isMoved(errs[i]) })
		if len(pending) == 0 || !s.reload(ctx) {
			return errs, nil
		}
	}
}

// doAt sends the steps of the given indexes to one server, and sets their errors.
func (s *Store) doAt(ctx context.Context, master *redis.Client, replicas int, steps []Step, indexes []int, errs []error, inOneStep bool) {
	part := make([]Step, len(indexes))
	durable := ""
	for n, i := range indexes {
		errs[i] = nil
		part[n] = steps[i]
		if part[n].Durable() {
			durable = part[n].Key()
		}
	}
	send := func(ctx context.Context, to link) error {
		found, err := s.doOn(ctx, to, part, inOneStep)
		for n, err := range found {
			errs[indexes[n]] = err
		}
		if err == nil && durable != "" {
			err = leaveTrace(ctx, to, durable)
		}
		return err
	}
	var err error
	if durable == "" {
		err = send(ctx, master)
	} else {
		err = s.onConn(ctx, master, replicas, repeatsOf(part), send)
	}
	for _, i := range indexes {
		if err != nil && (steps[i].Durable() || durable == "") {
			errs[i] = cmp.Or(errs[i], err)
		}
	}
}

func (s *Store) doOn(ctx context.Context, to link, steps []Step, inOneStep bool) ([]error, error) {
	if inOneStep {
		return s.transactAll(ctx, to, steps)
	}
	return s.pipeline(ctx, to, steps)
}

// transactAll brings the scripts along, as a transaction goes on after a command that
// finds none.
func (s *Store) transactAll(ctx context.Context, to link, steps []Step) ([]error, error) {
	cmds := make([][]*command, len(steps))
	err := s.onMaster(ctx, to, steps[0].Key(), func(ctx context.Context, to link) error {
		brought := make(map[*script]bool)
		for i, step := range steps {
			cmds[i] = step.commands(ctx, bring(brought, step.uses()))
		}
		return s.transact(ctx, to, repeatsOf(steps), slices.Concat(cmds...))
	})
	if err != nil {
		return nil, err
	}
	return s.answeredAll(ctx, steps, cmds), nil
}

// repeatsOf says whether steps may be repeated together.
func repeatsOf(steps []Step) repetition {
	return repetition(!slices.ContainsFunc(steps, func(step Step) bool { return step.repeats() == once }))
}

// bring returns the form in which a script is sent that all servers concerned know, if
// it has been brought.
func bring[K comparable](brought map[K]bool, id K) form {
	if brought[id] {
		return (*script).byHash
	}
	brought[id] = true
	return (*script).whole
}

func (s *Store) answeredAll(ctx context.Context, steps []Step, cmds [][]*command) []error {
	errs := make([]error, len(steps))
	for i, step := range steps {
		errs[i] = causeOf(step.answered(ctx, s, cmds[i]), cmds[i])
	}
	return errs
}

// pipeline sends again what has met a server without the script, or one that must not
// write, and so has not been carried out.
func (s *Store) pipeline(ctx context.Context, to link, steps []Step) ([]error, error) {
	cmds := make([][]*command, len(steps))
	due := make([]int, len(steps)) // the steps to send, by index
	for i := range due {
		due[i] = i
	}
	forms, how := s.forms(ctx, steps), repeatsOf(steps)
	for try := range 3 {
		var all []redis.Cmder
		for _, i := range due {
			as := forms[i]
			if try == 2 { // the server may not be allowed to keep scripts
				as = (*script).whole
			}
			cmds[i] = steps[i].commands(ctx, as)
			all = append(all, cmders(cmds[i])...)
		}
		if err := refused(all, s.execWrites(ctx, to, how, all)); err != nil {
			return nil, err
		}
		if err := demoted(steps, cmds); err != nil && isHeld(to) {
			return nil, err
		} else if err != nil && how == once && try == 0 {
			continue
		}
		if due = unsent(steps, cmds); len(due) == 0 {
			break
		}
		s.teachAll(ctx, to, steps, due)
	}
	return s.answeredAll(ctx, steps, cmds), nil
}

// demoted returns the error of a server that must not write, if it has carried out
// nothing: what it said to those that read may be out of date as well.
func demoted(steps []Step, cmds [][]*command) error {
	var refusal error
	for i, step := range steps {
		all := cmders(cmds[i])
		if step.writes() && wasCarriedOut(all[len(all)-1]) {
			return nil
		}
		refusal = cmp.Or(refusal, readOnlyError(all))
	}
	return refusal
}

// forms says how the script of each step is sent. What is sent again comes behind all
// that has been carried out: so a write that another one of its key follows must not meet
// a server without its script, which is brought along.
func (s *Store) forms(ctx context.Context, steps []Step) []form {
	forms := make([]form, len(steps))
	last := make(map[string]int) // the last write of each key
	for i, step := range steps {
		forms[i] = (*script).byHash
		if step.writes() {
			last[step.Key()] = i
		}
	}
	type place struct {
		server *redis.Client
		sc     *script
	}
	brought := make(map[place]bool)
	for i, step := range steps {
		sc := step.uses()
		if sc == nil || last[step.Key()] == i {
			continue
		}
		server, err := s.server(ctx, step.Key())
		if err != nil {
			forms[i] = (*script).whole
			continue
		}
		forms[i] = bring(brought, place{server, sc})
	}
	return forms
}

// server tells the servers of a cluster apart.
func (s *Store) server(ctx context.Context, key string) (*redis.Client, error) {
	if cluster, ok := s.rdb.(*redis.ClusterClient); ok {
		return cluster.MasterForKey(ctx, key)
	}
	return nil, nil
}

// unsent returns the writes that have found no script, and the reads behind them that
// were to see what they do. No write of the same key stands behind one of these.
func unsent(steps []Step, cmds [][]*command) (due []int) {
	unwritten := make(map[string]bool)
	for i, step := range steps {
		switch {
		case step.uses() != nil && isUnknownScript(cmds[i][len(cmds[i])-1].Err()):
			unwritten[step.Key()] = true
			due = append(due, i)
		case !step.writes() && slices.ContainsFunc(step.keys(), func(key string) bool { return unwritten[key] }):
			due = append(due, i)
		}
	}
	return due
}

// teachAll loads the scripts into the servers of the steps. Where one may not keep them,
// the last try brings them along.
func (s *Store) teachAll(ctx context.Context, to link, steps []Step, due []int) {
	type lesson struct {
		key     string // one of the server's
		scripts []*script
	}
	lessons := make(map[*redis.Client]*lesson)
	for _, i := range due {
		sc := steps[i].uses()
		server, err := s.server(ctx, steps[i].Key())
		if sc == nil || err != nil {
			continue
		}
		if lessons[server] == nil {
			lessons[server] = &lesson{key: steps[i].Key()}
		}
		if l := lessons[server]; !slices.Contains(l.scripts, sc) {
			l.scripts = append(l.scripts, sc)
		}
	}
	for _, l := range lessons {
		_ = s.teach(ctx, to, l.key, l.scripts...)
	}
}
