package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
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
	checked  atomic.Bool // Redis has once done all that the caches need
}

// ready answers whether requests may be sent here. It needs the database, and that Redis has once
// done all that the caches need: a deploy with a wrong address or too few rights gets no requests,
// and the answer says what is wrong. After that a failure of Redis does not take the service out of
// the load balancer: it would take all instances out at once, and the caches work without Redis.
// The answer then says so.
func (p *probes) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), probeTime)
	defer cancel()
	if p.draining.Load() {
		http.Error(w, "shutting down", http.StatusServiceUnavailable)
		return
	}
	if err := p.database(ctx); err != nil {
		p.log.WarnContext(ctx, "not ready", "err", err)
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return
	}
	err := p.caches(ctx)
	if err == nil {
		p.checked.Store(true)
		fmt.Fprintln(w, "ready")
		return
	}
	if !p.checked.Load() {
		p.log.WarnContext(ctx, "not ready", "err", err)
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintf(w, "ready, without Redis:\n%v\n", err)
}
