package protocol

import (
	"context"
	"errors"

	"github.com/asidecache/aside/internal/store"
)

// errNoAnswer is the error of a commit whose sending did not return.
var errNoAnswer = errors.New("the commit was not answered")

// commit stores what the jobs have loaded, in one round trip, unless a write of the key came
// after the load began. It ends the flights, and returns the jobs that have to load again.
func (e *Engine) commit(ctx context.Context, r *Run, all jobs) (again jobs) {
	commits := make([]store.Commit, 0, len(all))
	var fenced jobs
	sent, _ := all.partition(func(j *Job) bool {
		c := e.commitOf(r, j)
		switch {
		case !e.canCommit(ctx, r, j):
			fenced = append(fenced, j)
			j.finish(&j.result, nil)
			return false
		case c.Committer == nil:
			e.reportCommit(ctx, r, j, j.grant.why, nil)
			e.finishCommitted(j, !j.grant.unproven)
			return false
		case j.grant.lease != nil:
			j.flight.Settled() // Redis itself refuses the store after a write
			if !j.grant.lease.end() {
				e.reportCommit(ctx, r, j, Fenced, nil)
				again = e.refused(ctx, r, j, again)
				return false
			}
		}
		commits = append(commits, c)
		return true
	})
	e.releaseSoon(fenced)
	if len(sent) == 0 {
		return again
	}
	defer e.ended(sent, commits)
	// A call that leaves from here on must not leave a store behind that a write does not know
	// to have ended.
	ctx = context.WithoutCancel(ctx)
	began := sent.start()
	e.Store.CommitAll(ctx, sent.deadline(), commits)
	sent.spent(began)
	for _, j := range sent {
		j.flight.Settled() // before the observer is told, which may write
	}
	for i, j := range sent {
		if e.committed(ctx, r, j, &commits[i]) {
			e.finishCommitted(j, true)
		} else {
			again = e.refused(ctx, r, j, again)
		}
	}
	return again
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

// canCommit announces the commit of a job. Where that is not to be, the flight knows that its
// result is refused, and the lease is to be released: the write may fail to end it, but
// nobody has to wait for that.
func (e *Engine) canCommit(ctx context.Context, r *Run, j *Job) bool {
	if j.flight.SealStore() {
		return true
	}
	why := Cancelled
	if j.flight.Wanted() {
		why = Fenced
	}
	e.reportCommit(ctx, r, j, why, nil)
	return false
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
	if r.Refresh && j.result.commitErr == nil {
		if j.loads < maxAttempts {
			j.flight.Restart()
			return append(again, j)
		}
		// Nobody can say whether what is there now is newer.
		if _, err := e.Store.Leaseless(j.Key).StoreNothing(ctx, jobs{j}.deadline()); err != nil {
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
