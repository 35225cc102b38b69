package asideprometheus

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// byName finds the observer of a cache's durations at less cost than a HistogramVec does, which
// hashes its labels and takes a lock.
type byName struct {
	of    *prometheus.HistogramVec
	known sync.Map // of prometheus.Observer, by name
}

func (b *byName) observer(name string) prometheus.Observer {
	known, ok := b.known.Load(name)
	if !ok {
		known, _ = b.known.LoadOrStore(name, b.of.WithLabelValues(name))
	}
	return known.(prometheus.Observer)
}
