package client

import "sync/atomic"

// A gauge counts what is in flight, and so decides how commands are sent: while few are in
// flight each has a connection of the client's pool to itself, which takes the least time
// for one; while many are, they share pipelines, which takes the least time for all.
type gauge struct {
	count      atomic.Int32
	pipelining atomic.Bool
}

// Sharing pays from about ten callers on. The distance keeps traffic that varies from
// changing ways all the time, with connections of both in use.
const (
	pipelineAbove = 12
	pipelineUntil = 5
)

// enter counts a command that is about to be sent, until leave, and reports whether it is
// to share a pipeline.
func (g *gauge) enter() (share bool) {
	n := g.count.Add(1)
	share = g.pipelining.Load()
	switch {
	case share && n <= pipelineUntil:
		share = false
		g.pipelining.Store(false)
	case !share && n > pipelineAbove:
		share = true
		g.pipelining.Store(true)
	}
	return share
}

func (g *gauge) leave() { g.count.Add(-1) }

// SendAlone makes the store send each command by itself. It has to be called before the
// store is used.
func (c *Client) SendAlone() { c.unpipelined = true }

// enter is that of the gauge, where a store that is unpipelined does not count.
func (c *Client) enter() (share bool) { return !c.unpipelined && c.inFlight.enter() }

// SharesPipelines reports whether commands share pipelines now.
func (c *Client) SharesPipelines() bool { return !c.unpipelined && c.inFlight.pipelining.Load() }

func (c *Client) leave() {
	if !c.unpipelined {
		c.inFlight.leave()
	}
}
