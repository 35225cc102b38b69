package asideprometheus

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/metrics"
)

// A described is a metric in the words of Prometheus.
type described struct {
	*metrics.Metric
	desc *prometheus.Desc
	kind prometheus.ValueType
}

var (
	all     = describeAll()
	hottest = describe(&metrics.HottestRatio, "").desc // read by itself: it is no count
)

func describeAll() (all []described) {
	for i := range metrics.All {
		m := &metrics.All[i]
		if m.Gauge {
			all = append(all, describe(m, ""))
		} else {
			all = append(all, describe(m, "_total"))
		}
	}
	return all
}

func describe(m *metrics.Metric, ending string) described {
	labels := append([]string{"cache"}, m.Labels...)
	d := described{m, prometheus.NewDesc("aside_"+m.Name+ending, m.Help, labels, nil), prometheus.CounterValue}
	if m.Gauge {
		d.kind = prometheus.GaugeValue
	}
	return d
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range all {
		ch <- d.desc
	}
	ch <- hottest
	m.loads.Describe(ch)
	m.load.Describe(ch)
	if m.lookup != nil {
		m.lookup.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	metrics.Each(m.registry, func(name string, stats []cache.Stats) {
		for _, d := range all {
			d.collect(ch, name, stats)
		}
		ch <- prometheus.MustNewConstMetric(hottest, prometheus.GaugeValue, metrics.Hottest(stats), name)
	})
	m.loads.Collect(ch)
	m.load.Collect(ch)
	if m.lookup != nil {
		m.lookup.Collect(ch)
	}
}

// collect sends what the caches of one name have counted.
func (d *described) collect(ch chan<- prometheus.Metric, name string, stats []cache.Stats) {
	for i := range d.Series {
		s := &d.Series[i]
		labels := append([]string{name}, s.Labels...)
		ch <- prometheus.MustNewConstMetric(d.desc, d.kind, float64(d.Of(s, stats)), labels...)
	}
}
