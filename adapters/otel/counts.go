package asideotel

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/metrics"
)

// observeCounts has what the caches count read whenever somebody asks.
func observeCounts(meter metric.Meter, r *cache.Registry) error {
	counts := make([]metric.Int64Observable, len(metrics.All))
	for i := range metrics.All {
		m := &metrics.All[i]
		var err error
		if name := "aside." + m.Name; m.Gauge {
			counts[i], err = meter.Int64ObservableGauge(name, metric.WithDescription(m.Help))
		} else {
			counts[i], err = meter.Int64ObservableCounter(name, metric.WithDescription(m.Help))
		}
		if err != nil {
			return err
		}
	}
	h := &metrics.HottestRatio
	hottest, err := meter.Float64ObservableGauge("aside."+h.Name, metric.WithUnit("1"), metric.WithDescription(h.Help))
	if err != nil {
		return err
	}
	read := func(_ context.Context, to metric.Observer) error {
		metrics.Each(r, func(name string, stats []cache.Stats) {
			for i, count := range counts {
				observe(to, count, &metrics.All[i], name, stats)
			}
			to.ObserveFloat64(hottest, metrics.Hottest(stats), metric.WithAttributes(attribute.String("aside.cache", name)))
		})
		return nil
	}
	all := append([]metric.Observable{hottest}, observables(counts)...)
	_, err = meter.RegisterCallback(read, all...)
	return err
}

func observables(counts []metric.Int64Observable) []metric.Observable {
	all := make([]metric.Observable, len(counts))
	for i, c := range counts {
		all[i] = c
	}
	return all
}

// observe tells what the caches of one name have counted.
func observe(to metric.Observer, count metric.Int64Observable, m *metrics.Metric, name string, stats []cache.Stats) {
	for i := range m.Series {
		s := &m.Series[i]
		attrs := []attribute.KeyValue{attribute.String("aside.cache", name)}
		for k, label := range m.Labels {
			attrs = append(attrs, attribute.String("aside."+label, s.Labels[k]))
		}
		to.ObserveInt64(count, int64(m.Of(s, stats)), metric.WithAttributes(attrs...))
	}
}
