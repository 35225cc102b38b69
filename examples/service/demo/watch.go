package demo

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

const (
	every   = 500 * time.Millisecond // a sample is taken
	history = 240                    // samples are kept: two minutes
)

// A sample is a point of the charts.
type sample struct {
	N     int         `json:"n"`
	Aside measurement `json:"aside"`
	Plain measurement `json:"plain"`
}

// A measurement is what was seen of one service since the sample before; hits and percentiles are
// those of the last seconds. What there is none of is -1.
type measurement struct {
	Requests float64 `json:"requests"` // answered, a second
	Queries  float64 `json:"queries"`  // a second
	Hits     float64 `json:"hits"`     // of the lookups, from 0 to 1
	P50      float64 `json:"p50"`      // ms
	P99      float64 `json:"p99"`      // ms
	Waiting  int     `json:"waiting"`
}

// totals are the counts at a time.
type totals struct {
	at           time.Time
	counts       counts
	aside, plain seen
}

// watch takes samples until the demo ends.
func (p *page) watch() {
	clock := time.NewTicker(every)
	defer clock.Stop()
	var past []totals // of a window
	for {
		select {
		case <-p.ctx.Done():
			return
		case <-clock.C:
		}
		now := totals{at: time.Now(), counts: p.counts(""), aside: p.aside.look(), plain: p.plain.look()}
		if len(past) > 0 {
			p.add(past[0], past[len(past)-1], now)
		}
		past = append(past, now)
		if len(past) > int(window/every) {
			past = past[1:]
		}
	}
}

// counts are those of all instances. Of one that does not answer in time they are the last known
// ones, and so they are of one that has ended.
func (p *page) counts(run string) counts {
	c, i := p.demo.counts(run), p.instance()
	var other counts
	var err error
	if i != nil {
		ctx, cancel := context.WithTimeout(p.ctx, every)
		defer cancel()
		other, err = i.counts(ctx, p.client, run)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i == nil || i != p.second || err != nil {
		other = p.other
	}
	c.add(other)
	c.add(p.gone)
	other.Aside.OfRun, other.Plain.OfRun = 0, 0
	p.other = other
	return c
}

func (c *counts) add(o counts) {
	c.Aside.add(o.Aside)
	c.Plain.add(o.Plain)
	c.Undelivered += o.Undelivered
}

func (c *armCounts) add(o armCounts) {
	c.Hits += o.Hits
	c.Lookups += o.Lookups
	c.NearHits += o.NearHits
	c.Queries += o.Queries
	c.OfRun += o.OfRun
}

func (p *page) add(first, before, now totals) {
	span := now.at.Sub(before.at).Seconds()
	p.mu.Lock()
	defer p.mu.Unlock()
	s := sample{
		N:     1,
		Aside: measure(first.counts.Aside, before.counts.Aside, now.counts.Aside, before.aside, now.aside, span),
		Plain: measure(first.counts.Plain, before.counts.Plain, now.counts.Plain, before.plain, now.plain, span),
	}
	if len(p.samples) > 0 {
		s.N = p.samples[len(p.samples)-1].N + 1
	}
	p.samples = append(p.samples, s)
	p.samples = p.samples[max(0, len(p.samples)-history):]
	p.last = now
}

func measure(first, before, now armCounts, seenBefore, seenNow seen, span float64) measurement {
	answered := func(s seen) int { return s.Requests - s.Failed - s.Waiting }
	m := measurement{
		Requests: float64(answered(seenNow)-answered(seenBefore)) / span,
		Queries:  float64(now.Queries-before.Queries) / span,
		Hits:     -1,
		P50:      seenNow.P50.Seconds() * 1000, P99: seenNow.P99.Seconds() * 1000,
		Waiting: seenNow.Waiting,
	}
	if now.Lookups > first.Lookups {
		m.Hits = float64(now.Hits-first.Hits) / float64(now.Lookups-first.Lookups)
	}
	return m
}

// A state is what the page shows.
type state struct {
	Samples   []sample `json:"samples"` // those that the page has not
	Events    []event  `json:"events"`  // likewise
	Aside     total    `json:"aside"`
	Plain     total    `json:"plain"`
	Redis     string   `json:"redis"`
	Delay     int64    `json:"delay"` // ms
	Slow      bool     `json:"slow"`
	Instances int      `json:"instances"`
	Rate      int64    `json:"rate"`
	Breaker   string   `json:"breaker"`
	Near      string   `json:"near"`
	Late      uint64   `json:"late"` // invalidations that Redis has not acknowledged
	Database  string   `json:"database"`
	Server    string   `json:"server"`
}

// A total is counted since the start.
type total struct {
	Requests int     `json:"requests"`
	Failed   int     `json:"failed"`
	Queries  int64   `json:"queries"`
	Reads    reads   `json:"reads"`
	Worst    float64 `json:"worst"` // ms for which a stale read was late
	Near     uint64  `json:"near"`  // hits in memory
}

func totalOf(s seen, c armCounts) total {
	return total{
		Requests: s.Requests, Failed: s.Failed, Queries: c.Queries, Reads: s.Reads,
		Worst: s.Reads.Worst.Seconds() * 1000, Near: c.NearHits,
	}
}

func (p *page) serveState(w http.ResponseWriter, r *http.Request) {
	samples, _ := strconv.Atoi(r.FormValue("samples")) // none: all
	events, _ := strconv.Atoi(r.FormValue("events"))
	p.mu.Lock()
	defer p.mu.Unlock()
	s := state{
		Samples: []sample{}, Events: []event{},
		Aside: totalOf(p.last.aside, p.last.counts.Aside), Plain: totalOf(p.last.plain, p.last.counts.Plain),
		Redis: p.demo.proxy.now(), Delay: p.delay.Milliseconds(), Slow: p.delay == slow,
		Instances: 1, Rate: p.load.rate.Load(),
		Breaker: p.last.counts.Breaker, Near: p.last.counts.Near, Late: p.last.counts.Undelivered,
		Database: p.demo.databaseName(), Server: p.demo.redisName(),
	}
	if p.second != nil {
		s.Instances = 2
	}
	for _, one := range p.samples {
		if one.N > samples {
			s.Samples = append(s.Samples, one)
		}
	}
	for _, one := range p.events {
		if one.N > events {
			s.Events = append(s.Events, one)
		}
	}
	writeJSON(w, s)
}
