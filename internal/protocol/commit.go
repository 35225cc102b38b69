package protocol

import (
	"context"
	"errors"
	"slices"

	"github.com/asidecache/aside/internal/store"
)

// errNoAnswer is the error of a commit whose sending did not return.
var errNoAnswer = errors.New("the commit was not answered")

// commit stores what the jobs have loaded, in one round trip, unless a write of the key came
// after the load began. It ends the flights, and returns the jobs that have to load again.
//
// The observer may write: it is told of nothing while a store is announced that a write has to
// wait for.
func (e *Engine) commit(ctx context.Context, r *Run, all jobs) (again jobs) {
	all, unsent := all.partition(func(j *Job) bool { return e.commitOf(r, j).Committer != nil })
	for _, j := range unsent {
		e.finishUnsent(ctx, r, j)
	}
	commits := make([]store.Commit, 0, len(all))
	var fenced jobs
	sent, _ := all.partition(func(j *Job) bool {
		switch lease := j.grant.lease; {
		case !j.flight.SealStore():
			fenced = append(fenced, j)
			return false
		case lease != nil:
			j.flight.Settled() // Redis itself refuses the store after a write
			if !lease.end() {
				e.reportCommit(ctx, r, j, Fenced, nil)
				again = e.refused(ctx, r, j, again)
				return false
			}
		}
		commits = append(commits, e.commitOf(r, j))
		return true
	})
	e.releaseSoon(fenced)
	unleased := slices.ContainsFunc(sent, func(j *Job) bool { return j.grant.lease == nil })
	if !unleased {
		e.finishFenced(ctx, r, fenced)
		fenced = nil
	}
	if len(sent) == 0 {
		return again
	}
	defer e.ended(sent, commits)
	// A call that leaves from here on must not leave a store behind that a write does not know
	// to have ended.
	ctx = sent[0].flight.Detached()
	began, deadline := sent.start()
	e.written(sent)
	e.Store.CommitAll(ctx, deadline, commits)
	e.written(sent)
	sent.spent(began)
	for _, j := range sent {
		j.flight.Settled()
	}
	e.finishFenced(ctx, r, fenced)
	for i, j := range sent {
		if e.committed(ctx, r, j, &commits[i]) {
			e.finishCommitted(j, true)
		} else {
			again = e.refused(ctx, r, j, again)
		}
	}
	return again
}

// written tells that what the jobs have loaded is about to be stored, or was.
func (e *Engine) written(all jobs) {
	if e.Store.WritesWatched() {
		e.Store.Written(all.keys()...)
	}
}

// finishUnsent ends the flight of a job that has nothing to store, or nowhere.
func (e *Engine) finishUnsent(ctx context.Context, r *Run, j *Job) {
	if !j.flight.SealStore() {
		e.finishFenced(ctx, r, jobs{j})
		return
	}
	j.flight.Settled() // before the observer is told, which may write
	e.reportCommit(ctx, r, j, j.grant.why, nil)
	e.finishCommitted(j, !j.grant.unproven)
}

// finishFenced ends the flights of jobs that must not be stored, as Flight.SealStore has said:
// they know that their results are refused. The leases are to be released: the write may fail
// to end them, but nobody has to wait for that.
func (e *Engine) finishFenced(ctx context.Context, r *Run, fenced jobs) {
	for _, j := range fenced {
		why := Cancelled
		if j.flight.Wanted() {
			why = Fenced
		}
		e.reportCommit(ctx, r, j, why, nil)
		j.finish(&j.result, nil)
	}
}

// commitOf returns what is to be stored for a job, without a committer if that is nothing.
// Where a load has nothing to store, a refresh removes what it was to replace; and a lease
// proves by its end that the result is no older than a write.
func (e *Engine) commitOf(r *Run, j *Job) store.Commit {
	c := store.Commit{Committer: j.grant.committer, TTL: j.loaded.TTL, Err: errNoAnswer}
	switch {
	case j.loaded.Skip != Stored:
		if j.grant.lease == nil && !r.Refresh && !j.Broken {
			c.Committer = nil
		}
	case j.loaded.State == Present:
		c.State, c.Entry = store.Present, &j.Entry
	default:
		c.State = store.Absent
	}
	return c
}

// committed tells what has become of a commit that was sent, and reports whether the result
// is proven to be no older than a write. That Redis has failed to store it only a refresh
// minds: it is asked for its effect, all others have their value.
func (e *Engine) committed(ctx context.Context, r *Run, j *Job, c *store.Commit) (proven bool) {
	switch {
	case c.Err != nil:
		err, _ := e.Reporter.RedisError(ctx, r.Op, j.Key, store.Sized(c.Err, j.loaded.Bytes))
		e.reportCommit(ctx, r, j, OutcomeOf(c.Err), err)
		j.result.commitErr = err
		if j.grant.lease == nil {
			e.Reporter.Unleased(j.Key, c.Err)
		}
		return j.grant.lease == nil
	case !c.Stored:
		e.reportCommit(ctx, r, j, Fenced, nil)
		return false
	}
	e.reportCommit(ctx, r, j, Stored, nil)
	return true
}

// refused ends the flight of a job whose result may be older than a write; or, if what a
// refresh is asked for is still to be done, it adds the job to those that load again.
func (e *Engine) refused(ctx context.Context, r *Run, j *Job, again jobs) jobs {
	if r.Refresh && !r.background && j.result.commitErr == nil {
		if j.loads < maxAttempts {
			j.flight.Restart()
			return append(again, j)
		}
		// Nobody can say whether what is there now is newer.
		e.Store.Written(j.Key)
		defer e.Store.Written(j.Key)
		if _, err := e.Store.Unconditional(j.Key).StoreNothing(ctx, jobs{j}.deadline()); err != nil {
			j.result.commitErr, _ = e.Reporter.RedisError(ctx, r.Op, j.Key, err)
		}
	}
	e.finishCommitted(j, false)
	return again
}

// finishCommitted ends the flight of a job with what its load has found. Unless that is proven
// to be no older than a write, it is for those alone that came before the load.
func (e *Engine) finishCommitted(j *Job, proven bool) {
	if !proven {
		j.flight.Refuse()
	}
	j.finish(&j.result, nil)
}

// reportCommit tells, once for each result of a loader, what has become of it: o, unless there
// was nothing to store from the start.
func (e *Engine) reportCommit(ctx context.Context, r *Run, j *Job, o Outcome, err error) {
	if j.loaded.Skip != Stored {
		o, err = j.loaded.Skip, nil
	}
	e.Reporter.Commit(ctx, r.Op, j.Key, j.loaded, o, err)
}
