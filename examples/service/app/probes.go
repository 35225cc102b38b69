package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// probeTime is how long a probe may take.
const probeTime = 2 * time.Second

// probes are what Kubernetes asks. Liveness is that the process answers at all: a database that is
// down does not come back by a restart.
type probes struct {
	database func(context.Context) error
	caches   func(context.Context) error
	log      *slog.Logger

	draining atomic.Bool
	started  atomic.Bool // the database and Redis have once done all that is needed, at one time
}

// ready answers whether requests may be sent here. At the start it needs the database, and a Redis
// that does all that the caches need: a deploy with a wrong address or too few rights gets no
// requests, and the answer says what is wrong. After that the failure of one of the two does not
// take the service out of the load balancer, which would take all instances out at once: without
// Redis the caches load, and without the database they serve what they have, by StaleFor also what
// is stale. The answer then says so. An instance that reaches neither is taken out.
func (p *probes) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), probeTime)
	defer cancel()
	if p.draining.Load() {
		http.Error(w, "shutting down", http.StatusServiceUnavailable)
		return
	}
	database, caches := p.ask(ctx)
	switch {
	case database == nil && caches == nil:
		p.started.Store(true)
		fmt.Fprintln(w, "ready")
	case !p.started.Load() || database != nil && caches != nil:
		err := errors.Join(database, caches)
		p.log.WarnContext(ctx, "not ready", "err", err)
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	case database != nil:
		fmt.Fprintf(w, "ready, without the database\n")
	default:
		fmt.Fprintf(w, "ready, without Redis:\n%v\n", caches)
	}
}

// ask asks both at one time, so that one that does not answer leaves time for the other. What the
// database says may be in an answer to anybody, and so is not.
func (p *probes) ask(ctx context.Context) (database, caches error) {
	var asked sync.WaitGroup
	asked.Go(func() { caches = p.caches(ctx) })
	if err := p.database(ctx); err != nil {
		p.log.WarnContext(ctx, "the database does not answer", "err", err)
		database = errors.New("the database does not answer")
	}
	asked.Wait()
	return database, caches
}
