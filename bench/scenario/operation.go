package scenario

import (
	"context"
	"fmt"

	"github.com/asidecache/aside/bench/harness"
	"github.com/asidecache/aside/bench/report"
	"github.com/asidecache/aside/bench/server"
	"github.com/asidecache/aside/bench/subject"
)

// An operation is what callers do in a table of its own.
type operation struct {
	name  string
	of    func(rival) harness.Op
	pause func() error // between rounds; may be nil
}

// Operations are what programs do with a cache.
type operations struct{ hit, miss, set, del operation }

// operationsOn returns the operations with an account on a server. Hits find what rivals were
// filled with; the pauses of the others remove that.
func operationsOn(ctx context.Context, proc *server.Process, a subject.Account) operations {
	flush := func() error { return proc.Flush(ctx) }
	return operations{
		hit:  operation{"Hit", func(r rival) harness.Op { return r.hits(a) }, nil},
		miss: operation{"Miss", func(r rival) harness.Op { return r.misses(a) }, flush},
		set:  operation{"Set", func(r rival) harness.Op { return r.sets(a) }, flush},
		del:  operation{"Delete", func(r rival) harness.Op { return r.deletes() }, flush},
	}
}

// all returns all operations, hits first.
func (o operations) all() []operation { return []operation{o.hit, o.miss, o.set, o.del} }

// operate measures rivals with one operation after the other, a table each, and the costs.
func (l *Lab) operate(
	ctx context.Context, proc *server.Process, callers []int, rivals []rival, ops ...operation,
) (tables []report.Table, err error) {
	for _, o := range ops {
		t, _, err := l.speeds(ctx, o.name, callers, rivals, o.of, o.pause)
		if err == nil {
			err = l.addBills(ctx, proc, &t, rivals, o.of)
		}
		if err != nil {
			return tables, fmt.Errorf("%s: %w", o.name, err)
		}
		t.Title = o.name
		tables = append(tables, t)
	}
	return tables, nil
}
